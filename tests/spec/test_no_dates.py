"""What systems write where there is no date is no date: the day is unknown, and a remark names what is written.

Source: terminology 10.2.
"""

from datetime import date

import pytest

from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record
from tests.fhir import condition, drug, observation, resources_of
from tests.histories.drawn import history_of

KNOWLEDGE = load_knowledge()
PLACEHOLDERS = (
    *("YYYY-MM-DD", "0000-00-00", "0001-01-01", "1900-01-01", "1900", "9999-12-31", "9999-12-31T23:59:59Z", "9999"),
    *("unknown", "UNK", "1753-01-01", "2999-12-31", "31.12.2024", "2024-02-30"),
)
READABLE = ("1901-01-01", "1901", "2199-12-31", "2024-02-29", "2024")


def record(*resources, as_of=None):
    return read_patient_record(resources_of(*resources), KNOWLEDGE, as_of=as_of)


def remarks(read):
    return [it.because for it in read.doubts if it.code == "date"]


def dose(written):
    return drug("MedicationAdministration", "trastuzumab", effectiveDateTime=written)


@pytest.mark.parametrize("written", PLACEHOLDERS)
@pytest.mark.parametrize(
    ("resource", "told"),
    [
        (dose, "A drug that was given is dated"),
        (
            lambda it: drug("MedicationStatement", "lapatinib", effectivePeriod={"start": it}),
            "A drug that was given is dated",
        ),
        (
            lambda it: drug("MedicationRequest", "lapatinib", authoredOn=it),
            "A drug that was ordered is dated",
        ),
        (
            lambda it: drug("MedicationDispense", "lapatinib", whenHandedOver=it),
            "A drug that was given is dated",
        ),
        (lambda it: condition("C79.31", recordedDate=it), "A diagnosis is dated"),
        (lambda it: condition("C79.31", onsetDateTime=it), "A metastasis is dated"),
        (
            lambda it: observation("10230-1", day=it, valueQuantity={"value": 55, "unit": "%"}),
            "A measurement is dated",
        ),
        (lambda it: observation("48676-1", day=it, valueString="positive"), "A result for HER2 is dated"),
    ],
)
def test_a_placeholder_is_no_date_and_is_named(resource, told, written):
    read = record(resource(written))
    days = [it.start for it in read.exposures] + [it.date for it in (*read.metastases, *read.measurements)]
    assert not any(days)
    assert f'{told} "{written}", which is no date, so its day is unknown.' in remarks(read)


@pytest.mark.parametrize("written", READABLE)
def test_a_day_of_a_living_patient_is_one(written):
    read = record(dose(written))
    assert [str(it.start) for it in read.exposures] == [written]
    assert remarks(read) == []


@pytest.mark.parametrize("end", PLACEHOLDERS)
def test_a_placeholder_as_end_leaves_the_end_open_and_is_named(end):
    period = {"start": "2024-01-05", "end": end}
    read = record(drug("MedicationStatement", "lapatinib", status="active", effectivePeriod=period))
    assert [(str(it.start), it.end, it.is_open) for it in read.exposures] == [("2024-01-05", None, True)]
    assert remarks(read) == [f'The end of a drug is written "{end}", which is no date, so its day is unknown.']


@pytest.mark.parametrize("written", PLACEHOLDERS)
def test_no_line_begins_or_ends_in_a_year_that_nobody_lives_in(written):
    history = history_of(record(dose(written), condition("C79.31", id="m", onsetDateTime="2020-01-01")))
    assert [
        line for line in history.lines if line.start is not None and line.start.first.year in {1900, 9999, 2999}
    ] == []


def test_what_is_dated_by_another_member_needs_no_remark():
    read = record(condition("C78.7", onsetDateTime="9999-12-31", recordedDate="2024-05-02"))
    assert [str(it.date) for it in read.metastases] == ["2024-05-02"]
    assert remarks(read) == []


def test_what_no_date_is_written_for_needs_no_remark():
    assert remarks(record(drug("MedicationStatement", "lapatinib"), condition("C78.7"))) == []


@pytest.mark.parametrize(
    ("born", "is_told"), [("1900-01-01", True), ("unknown", True), ("1970-01-01", False), (None, False)]
)
def test_a_placeholder_as_birth_is_no_age(born, is_told):
    read = record({"resourceType": "Patient", "id": "p", **({"birthDate": born} if born else {})})
    assert (read.person.birth is None) == (born != "1970-01-01")
    assert [f'"{born}"' in it for it in remarks(read)] == [True] * is_told


def test_words_that_a_card_could_be_made_of_are_not_repeated():
    (told,) = remarks(record(dose("[see](http://example.org) **now**")))
    assert "example" not in told


def test_a_day_to_come_is_still_told_as_one():
    (told,) = remarks(record(dose("2030-01-01"), as_of=date(2026, 1, 1)))
    assert "after the day of this answer" in told
