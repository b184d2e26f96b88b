"""Dates that instructions hold, in the order of day and month that their writers use. Source: terminology 10.2."""

import pytest

from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record
from tests.fhir import drug, resources_of

KNOWLEDGE = load_knowledge()


def dates(text):
    order = drug("MedicationRequest", "lapatinib", intent="order", dosageInstruction=[{"text": text}])
    (it,) = read_patient_record(resources_of(order), KNOWLEDGE).exposures
    return [f"{day.first}..{day.last}" if day and not day.is_exact else str(day) for day in (it.start, it.end)]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("Starting Mon 11/4/2024, Until Fri 2/28/2025", "2024-11-04", "2025-02-28"),
        ("until 28/02/2025", "None", "2025-02-28"),  # there is no month 28
        ("until 2/28/2025", "None", "2025-02-28"),
        ("jusqu'au 28/02/2025", "None", "2025-02-28"),
        ("hasta el 28/02/2025", "None", "2025-02-28"),
        ("dal 06.02.2024 fino al 28.02.2025", "2024-02-06", "2025-02-28"),
        ("ab 06.02.2024 bis 28.02.2025", "2024-02-06", "2025-02-28"),
        ("until 2025-02-28", "None", "2025-02-28"),
        # the weekday tells which figure is the month
        ("until Tue 6/2/2024", "None", "2024-02-06"),
        ("until Sun 6/2/2024", "None", "2024-06-02"),
        ("jusqu'au mardi 06/02/2024", "None", "2024-02-06"),
        # no one else does: one of the days between both readings, never an invented one
        ("until 6/2/2024", "None", "2024-02-06..2024-06-02"),
        ("desde 03/04/2024", "2024-03-04..2024-04-03", "None"),
        ("until Wed 6/2/2024", "None", "2024-02-06..2024-06-02"),  # neither day was one
        ("until 5/5/2024", "None", "2024-05-05"),
        # the end of a pause is no end of the drug
        ("hold until 2/28/2025", "None", "None"),
        ("do not take until 2/28/2025", "None", "None"),
        ("do not start until 2/28/2025", "2025-02-28", "None"),
        ("pausiert bis 28.02.2025", "None", "None"),
        ("suspendre jusqu'au 28/02/2025", "None", "None"),
        ("suspender hasta el 28/02/2025", "None", "None"),
        ("sospendere fino al 28/02/2025", "None", "None"),
        ("hold until 2/28/2025, then until 3/31/2025", "None", "2025-03-31"),
        ("Do not crush, until 2/28/2025", "None", "2025-02-28"),
        ("Hold if ANC < 1.0; until 2/28/2025", "None", "2025-02-28"),
        # a day belongs to the nearer words
        ("Until PD, from 2/28/2025", "2025-02-28", "None"),
        ("bis PD, ab 28.02.2025", "2025-02-28", "None"),
        ("ab sofort bis 28.02.2025", "None", "2025-02-28"),
        ("from now until 2/28/2025", "None", "2025-02-28"),
        # what systems write for no date
        ("until 12/31/9999", "None", "None"),
        ("bis 31.12.9999", "None", "None"),
        ("Starting 01/01/1900, until 2/28/2025", "None", "2025-02-28"),
        ("starting 2/28/1025", "None", "None"),
        # no date
        ("until 31/31/2024", "None", "None"),
        ("until 2/28/25", "None", "None"),  # no century
        ("until 6 weeks", "None", "None"),
    ],
)
def test_a_date_in_an_instruction(text, start, end):
    assert dates(text) == [start, end]


@pytest.mark.parametrize(
    ("note", "start"),
    [
        ("outside hospital, 2021", "2021"),
        ("since 2021-06", "2021-06"),
        # only that it was not in that year is told
        ("before 2021", "None"),
        ("prior to 2021-06", "None"),
        ("vor 2021", "None"),
        ("avant 2021", "None"),
        ("antes de 2021", "None"),
        ("prima del 2021", "None"),
        ("2020, before 2021", "2020"),
        ("before surgery, 2021", "2021"),
    ],
)
def test_a_year_in_a_note(note, start):
    told = drug("MedicationStatement", "lapatinib", note=[{"text": note}])
    (it,) = read_patient_record(resources_of(told), KNOWLEDGE).exposures
    assert str(it.start) == start
