"""No name, and no slip in it, is read as the drug that looks like it; the pairs stand in ``codes/look_alikes.csv``."""

import pytest

from cdshooks.ehr.resources import CodeableConcept
from cdshooks.knowledge.drugs import load_drugs, rows_of
from cdshooks.record.drug_names import DrugNames

NAMES = DrugNames(load_drugs())
PAIRS = [(row["one"], row["other"]) for _, row in rows_of("look_alikes", None)]


def agents(text):
    return set(NAMES.identify_concept(CodeableConcept(text=text)).agents)


def slips(name):
    """The name with one letter left out, doubled, or swapped with the next one."""
    for at in range(1, len(name) - 1):
        yield name[:at] + name[at + 1 :]
        yield name[:at] + name[at] + name[at:]
        yield name[:at] + name[at + 1] + name[at] + name[at + 2 :]


@pytest.mark.parametrize(("one", "other"), [*PAIRS, *((other, one) for one, other in PAIRS)])
def test_a_name_is_never_read_as_the_one_that_looks_like_it(one, other):
    assert other not in agents(one)
    assert other not in agents(one.upper())
    assert [slip for slip in slips(one) if other in agents(slip)] == []


@pytest.mark.parametrize(
    ("written", "agent"),
    [
        ("Eribulinmesilat", "eribulin"),
        ("Doxorubicinhydrochlorid", "doxorubicin"),
        ("Tamoxifencitrat 20 mg", "tamoxifen"),
        ("Goserelinacetat", "goserelin"),
        ("Neratinibmaleat", "neratinib"),
    ],
)
def test_a_salt_in_one_word_with_its_drug(written, agent):
    assert agents(written) == {agent}


@pytest.mark.parametrize(
    ("written", "agents_named"),
    [
        ("doxetaxel", set()),  # begins as doxorubicin, ends as docetaxel
        ("docitaxel", {"docetaxel"}),
        ("dicetaxel", {"docetaxel"}),  # no drug begins so
        ("corboplatin", set()),  # no cancer drug, but one that is known (Cortef) begins so
        ("carbaplatin", {"carboplatin"}),
        ("palcitaxel", {"paclitaxel"}),  # two letters in each other's place, though palbociclib begins so
        ("nertinib", {"neratinib"}),
        ("tastuzumab", {"trastuzumab"}),  # a letter left out, though taselisib begins so
        ("gecitabine", {"gemcitabine"}),  # as near to decitabine, but nobody mistypes the first letter
        ("noladex", {"tamoxifen"}),  # Nolvadex without a letter, and not Zoladex
        ("hecitabine", set()),  # a first letter that neither of them has
    ],
)
def test_a_word_that_begins_as_one_drug_and_ends_as_another_is_neither(written, agents_named):
    assert agents(written) == agents_named


@pytest.mark.parametrize(
    ("written", "agents_named"),
    [
        ("Taxtere 80 mg", {"docetaxel"}),  # seven letters as written, though its ending is not compared
        ("Kadycla", {"trastuzumab emtansine"}),
        ("Perjtea", {"pertuzumab"}),
        ("peptide", set()),  # another letter in so short a name (Pepcid) is no slip of the hand
        ("Tukisa", set()),
    ],
)
def test_a_name_has_as_many_letters_as_are_written(written, agents_named):
    assert agents(written) == agents_named


@pytest.mark.parametrize(
    ("written", "agents_named"),
    [
        ("fa-mtrastuzumab deruxtecan-nxki", {"trastuzumab deruxtecan"}),
        ("fam-tastuzumab deruxtecan-nxki", {"trastuzumab deruxtecan"}),
        ("tastuzuamb emtansine", {"trastuzumab emtansine"}),
        ("dtopotamab deruxtecan", {"datopotamab deruxtecan"}),
        ("ifinatamab deruxtecan", set()),  # another antibody with that payload
        ("raludotatug deruxtecan", set()),
        ("mtrastuzumab imbotecan", set()),  # a payload that we do not know
        ("tmab deruxtecan", set()),  # too short to be read
    ],
)
def test_an_unclear_antibody_is_read_by_the_payload_behind_it(written, agents_named):
    assert agents(written) == agents_named


@pytest.mark.parametrize("name", ["satraplatin", "sapacitabine", "pirarubicin", "cabazitaxel", "dalpiciclib"])
def test_a_drug_of_its_own_is_none_of_ours(name):
    assert agents(name) == set()


@pytest.mark.parametrize(("written", "agent"), [("capcitabine", "capecitabine"), ("epirrubicina", "epirubicin")])
def test_a_rare_drug_two_slips_away_hides_none_of_ours(written, agent):
    assert agents(written) == {agent}
