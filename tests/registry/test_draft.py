"""What a draft proposes for the common sentences of registries; the rest stays TODO, and every proposal is one that can be coded."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from cdshooks.knowledge.load import load_knowledge
from cdshooks.knowledge.strict_yaml import read_yaml
from cdshooks.knowledge.trial_check import criterion_faults
from cdshooks.knowledge.trial_criteria import AnyCriterion
from cdshooks.registry.draft import draft_trial
from cdshooks.registry.proposals import proposals
from cdshooks.registry.study import Study, read_studies
from tests.registry.test_import import SHARED
from tests.registry_samples import study

INCLUSION = [
    ("18 years of age or older at the time of informed consent.", {"kind": "age", "min": 18}),
    ("ECOG performance status ≤ 2", {"kind": "ecog", "max": 2}),
    ("LVEF ≥ 50% by echocardiogram", {"kind": "lvef", "min": 50}),
    ("Absolute neutrophil count (ANC) ≥ 1500/uL", {"analyte": "anc", "op": ">=", "value": 1.5, "unit": "10*9/L"}),
    ("ANC >1,000/mm3", {"analyte": "anc", "op": ">", "value": 1}),
    ("Neutrophils at least 1.5 x 10^9/L", {"analyte": "anc", "value": 1.5}),
    ("Platelet count ≥ 100,000/µL", {"analyte": "platelets", "value": 100}),
    ("Platelets ≥75 x 10^9/L", {"analyte": "platelets", "value": 75}),
    ("Hgb ≥ 9 g/dL", {"analyte": "hemoglobin", "value": 9, "unit": "g/dL"}),
    ("eGFR ≥ 60 mL/min by CKD-EPI", {"analyte": "egfr", "value": 60}),
    ("Creatinine clearance ≥ 50 mL/min or creatinine ≤ 1.5 x ULN", None),
    ("Total bilirubin ≤ 1.5 \u00d7 ULN", {"analyte": "bilirubin_xuln", "op": "<=", "value": 1.5}),
    (
        "Total bilirubin ≤ 1.5 \u00d7 ULN [or ≤ 3-times ULN with Gilbert's disease or hepatic tumor involvement]",
        {"value": 1.5, "alt": {"if": "liver_mets", "value": 3, "also": "gilbert"}},
    ),
    ("Total bilirubin ≤ 1.5 x ULN, or direct bilirubin ≤ ULN with liver metastases", None),
    ("ALT and AST ≤ 3 \u00d7 ULN [or ≤ 5-times ULN with hepatic involvement]", {"value": 3, "alt": {"if": "liver_mets", "value": 5}}),
    ("At least one measurable lesion", {"kind": "measurable_disease"}),
    ("Palliative radiation completed two weeks before, to a measurable lesion", None),
    ("Aged between 1 and 25 years", None),
    ("Bilirubin ≤ 1.5 mg/dL, AST/ALT ≤ 3.0 x ULN (≤ 5.0 x ULN if liver metastases are present)", {"analyte": "ast_alt_xuln", "value": 3}),
    ("GFR >= 51 mL/min unless data support a lower one; glomerular filtration rate", None),
    ("A tumor board recommends the treatment", None),
]  # fmt: skip
EXCLUSION = [
    ("QTcF > 470 msec", {"kind": "qtc", "max_ms": 470}),
    ("QTcF > 470 ms (women) or > 450 ms (men)", None),
    ("ILD that required steroids, or suspected ILD that cannot be ruled out", {"forbid": ["current", "steroid_treated_history", "suspected_unresolved"]}),
    ("Current pneumonitis", {"forbid": ["current"]}),
    ("Known leptomeningeal disease", {"kind": "leptomeningeal", "accept": ["none"]}),
    ("Leptomeningeal disease that requires immediate treatment", None),
    ("HIV infection", {"forbid": ["hiv"]}),
    ("HIV infection unless CD4 count is above 350", {"forbid": ["hiv_uncontrolled"]}),
    ("Active hepatitis B or hepatitis C", {"forbid": ["hbv_active", "hcv_active"]}),
    ("Residual toxicities > Grade 1 with the exception of alopecia", {"kind": "residual_toxicity", "max_grade": 1, "except": {"alopecia": "any"}}),
    ("Toxicities above grade 1, neuropathy above grade 2", None),
    ("Major surgery within 4 weeks", {"surgery_days": 28}),
    ("Any anticancer therapy within 14 days prior to the first dose", {"any_systemic_days": 14}),
    ("Concurrent anti-cancer treatment, or investigational therapy within 28 days", {"investigational_days": 28}),
    ("Brain metastases that in the opinion of the investigator need treatment", None),
    ("Anticancer therapy within 21 days or 5 half-lives", None),
    ("Use of any investigational drug within 14 days", {"investigational_days": 14}),
    ("Another malignancy within 3 years", {"within_years": 3}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("section", "text", "expected"),
    [*(("inclusion", *row) for row in INCLUSION), *(("exclusion", *row) for row in EXCLUSION)],
)
def test_the_common_sentences_of_registries(section, text, expected):
    found = list(proposals(section, text))
    if expected is None:
        assert found == []
        return
    assert len(found) == 1
    assert found[0] | expected == found[0]


def test_of_a_sentence_that_says_two_things_each_is_proposed_and_what_is_left_is_to_do(tmp_path):
    text = "Inclusion Criteria:\n\n* HER2-positive disease with a measurable lesion, ECOG 0 or 1"
    read = next(read_studies(msgspec.json.encode(study(text=text)), "study"))
    rows = [it for it in drafted(read, tmp_path) if it["at"] == ["inclusion 1"]]
    assert [(it["id"], it["kind"]) for it in rows] == [
        ("I1a", "ecog"), ("I1b", "her2_status"), ("I1c", "measurable_disease"), ("I1d", "site_judgement"),
    ]  # fmt: skip
    assert rows[-1]["says"].startswith("TODO")


def test_a_draft_asks_for_what_the_trial_tests_and_takes_it_for_a_trial_of_several_tumors_unless_all_are_of_the_breast():
    record = study()
    text = draft_trial(next(read_studies(msgspec.json.encode(record), "study")), date(2026, 11, 24))
    assert 'tests: "TODO' in text
    assert "population: breast" in text
    record["protocolSection"]["conditionsModule"]["conditions"] = ["Breast Cancer", "Gastric Cancer"]
    text = draft_trial(next(read_studies(msgspec.json.encode(record), "study")), date(2026, 11, 24))
    assert "population: basket" in text


@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder of real records is not beside this checkout")
def test_every_proposal_for_a_real_record_is_one_that_the_check_takes(tmp_path):
    knowledge = load_knowledge()
    faults = []
    for file in sorted(SHARED.glob("NCT*.json")):
        for read in read_studies(file.read_bytes(), file.name):
            assert isinstance(read, Study)
            for row in drafted(read, tmp_path):
                criterion = msgspec.convert(row, AnyCriterion, strict=False)
                found = criterion_faults(
                    criterion,
                    knowledge.facts,
                    knowledge.drugs.by_agent,
                    knowledge.codes.comed_classes,
                    knowledge.trials.terms,
                )
                faults += [f"{read.nct_id} {criterion.id}: {it}" for it in found if "TODO" not in it]
    assert not faults


def drafted(read, folder):
    path = folder / "draft.yaml"
    path.write_text(draft_trial(read, date(2026, 11, 24)), encoding="utf-8")
    return read_yaml(path)[0]["criteria"]
