"""What a label asks of liver, kidney, heart, nerves, QT and blood count, in every regimen that holds the drug."""

from __future__ import annotations

import msgspec
import pytest

from cdshooks.knowledge.ids import AgentId
from cdshooks.options.assess import judge_options
from cdshooks.options.verdicts import judge_drug
from cdshooks.record.model import Statement
from tests.criteria_mutants import case_with
from tests.option_cases import advice_of, day, patient, ref, shipped, verdicts_of

# what is given | the drug | what may come of a regimen that cannot do without it
RULES = """
bilirubin_xuln=5; bilirubin_mg_dl=6 | docetaxel                      | exclude
bilirubin_xuln=5; bilirubin_mg_dl=6 | paclitaxel                     | warning
bilirubin_xuln=5.5; bilirubin_mg_dl=6.6 | paclitaxel                 | exclude
bilirubin_xuln=5.5; bilirubin_mg_dl=6.6 | nab-paclitaxel             | exclude
bilirubin_xuln=5; bilirubin_mg_dl=6 | nab-paclitaxel                 | warning
bilirubin_xuln=5; bilirubin_mg_dl=6 | vinorelbine                    | warning
bilirubin_xuln=5; bilirubin_mg_dl=6 | gemcitabine                    | warning
bilirubin_xuln=5; bilirubin_mg_dl=6 | pegylated liposomal doxorubicin | warning
bilirubin_xuln=5; bilirubin_mg_dl=6 | eribulin                       | hold
bilirubin_xuln=2; bilirubin_mg_dl=2.4 | eribulin                     | warning
bilirubin_xuln=5; bilirubin_mg_dl=6 | capecitabine                   | hold
bilirubin_xuln=5; bilirubin_mg_dl=6 | tucatinib                      | hold
bilirubin_xuln=5; bilirubin_mg_dl=6 | neratinib                      | hold
bilirubin_xuln=5; bilirubin_mg_dl=6 | lapatinib                      | hold
bilirubin_xuln=5; bilirubin_mg_dl=6 | pyrotinib                      | hold
bilirubin_xuln=5; bilirubin_mg_dl=6 | abemaciclib                    | hold
bilirubin_xuln=5; bilirubin_mg_dl=6 | trastuzumab deruxtecan         | hold
bilirubin_xuln=5; bilirubin_mg_dl=6 | trastuzumab emtansine          | hold
bilirubin_xuln=2; bilirubin_mg_dl=2.4 | trastuzumab emtansine        | warning
bilirubin_xuln=2; bilirubin_mg_dl=2.4 | trastuzumab deruxtecan       | warning
bilirubin_xuln=2; bilirubin_mg_dl=2.4 | tucatinib                    | warning
ast_alt_xuln=6                      | trastuzumab emtansine          | hold
child_pugh=C                        | tucatinib                      | warning
child_pugh=C                        | neratinib                      | warning
child_pugh=C                        | lapatinib                      | warning
child_pugh=C                        | abemaciclib                    | warning
child_pugh=C                        | fulvestrant                    | hold
child_pugh=C                        | cyclophosphamide               | warning
bilirubin_xuln=5; bilirubin_mg_dl=6 | cyclophosphamide               | warning
child_pugh=C                        | eribulin                       | exclude
child_pugh=B                        | eribulin                       | warning
child_pugh=A                        | eribulin                       | warning
crcl=40                             | capecitabine                   | warning
crcl=25                             | capecitabine                   | exclude
crcl=20                             | eribulin                       | warning
crcl=10                             | eribulin                       | hold
crcl=20                             | carboplatin                    | warning
crcl=10                             | carboplatin                    | exclude
crcl=25                             | gemcitabine                    | warning
crcl=50                             | trastuzumab deruxtecan         | warning
lvef_percent=38; lvef_below_normal=yes; lvef_drop_points=? | trastuzumab  | hold
lvef_percent=38; lvef_below_normal=yes; lvef_drop_points=? | margetuximab | hold
lvef_percent=38; lvef_below_normal=yes; lvef_drop_points=? | trastuzumab deruxtecan | exclude
lvef_percent=38; lvef_below_normal=yes; lvef_drop_points=? | trastuzumab emtansine | exclude
lvef_percent=45; lvef_below_normal=yes; lvef_drop_points=? | trastuzumab | warning
lvef_percent=45; lvef_below_normal=yes; lvef_drop_points=12 | trastuzumab | hold
lvef_percent=45; lvef_below_normal=yes; lvef_drop_points=12 | trastuzumab deruxtecan | hold
lvef_percent=45; lvef_below_normal=yes; lvef_drop_points=12 | lapatinib | exclude
neuropathy_grade=2                  | vinorelbine                    | warning
neuropathy_grade=2                  | eribulin                       | warning
neuropathy_grade=3                  | trastuzumab emtansine          | exclude
neuropathy_grade=3                  | eribulin                       | exclude
qtc_ms=490                          | lapatinib                      | warning
qtc_ms=520                          | lapatinib                      | hold
qtc_ms=520                          | eribulin                       | hold
anc=0.9                             | trastuzumab deruxtecan         | hold
anc=0.9                             | eribulin                       | hold
anc=0.9                             | vinorelbine                    | hold
anc=1.4                             | capecitabine                   | hold
anc=1.4                             | gemcitabine                    | hold
anc=1.4                             | docetaxel                      | exclude
platelets=90                        | trastuzumab emtansine          | hold
platelets=90                        | capecitabine                   | hold
platelets=70                        | eribulin                       | hold
dpyd=intermediate                   | capecitabine                   | warning
dpyd=?                              | capecitabine                   | warning
comeds=h2_blocker                   | neratinib                      | warning
hypersensitivity_agents=paclitaxel  | docetaxel                      | warning
hypersensitivity_agents=nab-paclitaxel | docetaxel                   | warning
hypersensitivity_agents=docetaxel   | paclitaxel                     | warning
hypersensitivity_agents=docetaxel   | nab-paclitaxel                 | warning
hypersensitivity_agents=paclitaxel  | nab-paclitaxel                 | warning
hypersensitivity_agents=paclitaxel  | paclitaxel                     | exclude
breastfeeding=yes                   | trastuzumab deruxtecan         | warning
breastfeeding=yes                   | capecitabine                   | warning
"""
AT_LEAST = {
    "warning": {"offer_with_warning", "hold", "exclude", "not_applicable"},
    "hold": {"hold", "exclude", "not_applicable"},
    "exclude": {"exclude", "not_applicable"},
}
TABLE = [tuple(cell.strip() for cell in line.split("|")) for line in RULES.strip().splitlines()]


@pytest.mark.parametrize(("given", "drug", "at_least"), TABLE)
def test_a_rule_holds_in_every_regimen_that_takes_the_drug(given: str, drug: str, at_least: str) -> None:
    taking = [it for it in judge_options(case_with(given)) if drug in it.agents]
    choices = {
        part.one_of[0].agent
        for regimen in shipped().regimens.values()
        for part in regimen.components
        if len(part.one_of) == 1
    }
    assert taking or drug not in choices
    assert {it.id: it.verdict.value for it in taking if it.verdict.value not in AT_LEAST[at_least]} == {}


@pytest.mark.parametrize(("given", "drug", "at_least"), TABLE)
def test_a_rule_speaks_of_the_drug_wherever_it_may_be_a_partner(given: str, drug: str, at_least: str) -> None:
    case = case_with(given)
    effects = {"warning": {"warn", "hold", "exclude"}, "hold": {"hold", "exclude"}, "exclude": {"exclude"}}[at_least]

    assert any(it.effect is not None and it.effect.value in effects for it in judge_drug(AgentId(drug), case))


@pytest.mark.parametrize(
    ("tested_on", "asks"),
    [(None, True), ("2026-10-24", True), ("2026-10-25", False), ("2026-11-20", False)],
)
def test_pregnancy_is_asked_for_where_it_is_possible_unless_a_test_is_28_days_old_at_most(
    tested_on: str | None, asks: object
) -> None:
    young = msgspec.structs.replace(patient().person, birth=day("1985-04-02"))
    said = (
        (Statement(about="pregnancy", value="not-pregnant", date=day(tested_on), evidence=ref("pregnancy")),)
        if tested_on
        else ()
    )
    advice = advice_of(patient(person=young, statements=said))
    offered = [it for it in advice.options if it.rank is not None and it.agents]
    assert offered
    assert {any(ask.fact == "pregnancy" for ask in it.asks) for it in offered} == {asks}
    assert any(gap.fact == "pregnancy" for gap in advice.gaps) is asks


def test_her2_wholly_unknown_offers_no_her2_directed_drug_and_asks() -> None:
    found = verdicts_of(patient(receptors=()))
    directed = [key for key, it in shipped().regimens.items() if it.her2 == "positive" and it.role == "option"]
    assert {key: found[key] for key in directed if found[key] in {"offer", "offer_with_warning"}} == {}
