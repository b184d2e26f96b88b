"""Disease, brain and lungs in the running text of a report, in its conclusion and in its attached form alike.

A question and an earlier examination are no finding of now; what was once found stays told. Source: terminology 10.5, 10.6.
"""

from base64 import b64encode

import pytest

from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record
from tests.fhir import resources_of

KNOWLEDGE = load_knowledge()


def report(text, name, where, kind="text/plain"):
    made = {"resourceType": "DiagnosticReport", "id": "r", "status": "final", "code": {"text": name}}
    form = [{"contentType": kind, "data": b64encode(text.encode()).decode()}]
    told = {"conclusion": text} if where == "conclusion" else {"presentedForm": form}
    return {**made, "effectiveDateTime": "2024-01-10", **told}


def record(*resources):
    return read_patient_record(resources_of(*resources), KNOWLEDGE)


def told(text, name, where):
    read = record(report(text, name, where))
    found = [f"{it.site}" for it in read.metastases]
    found += [f"{it.focus} {it.trend}" for it in read.statuses]
    found += [f"{it.kind}" for it in read.toxicities]
    return sorted(found)


CASES = [
    ("CT", "Progression of liver metastases.", ["liver", "liver progression"]),
    ("CT", "No new lesions. Stable disease.", ["overall stable"]),
    ("CT", "Metastatic to liver and bone.", ["bone", "liver"]),
    ("CT", "No liver metastases.", []),
    ("CT", "Ground glass opacities, consistent with pneumonitis.", ["ild"]),
    ("CT", "No evidence of pneumonitis.", []),
    ("CT", "ILD? no", []),
    ("MRI brain", "Two new brain metastases.", ["brain", "brain progression"]),
    ("MRI brain", "Brain metastases have progressed. Progression.", ["brain", "brain progression"]),
    ("TC", "Progressione di malattia.", ["overall progression"]),
    ("TC", "Non evidenza di progressione. Malattia stabile.", ["overall stable"]),
    ("RM encefalo", "Non metastasi cerebrali.", []),
    ("CT", "Größenprogrediente Lebermetastasen.", ["liver", "liver progression"]),
    # earlier examinations
    ("CT", "Comparison: CT of 2023 showed progression.\nImpression: stable disease.", ["overall stable"]),
    ("CT", "Comparison:\nCT of 2023 showed progression.\nFindings: stable disease.", ["overall stable"]),
    ("CT", "Comparison: CT of 2023. Progression.", ["overall progression"]),
    ("CT", "Voruntersuchung: Progress 2022, progredient.\nBeurteilung: Stabile Erkrankung.", ["overall stable"]),
    ("CT", "Previously progressive disease, now stable.", ["overall stable"]),
    ("CT", "Progression compared to prior CT.", ["overall progression"]),
    (
        "CT",
        "Previously seen liver metastases have progressed. Progression.",
        ["liver", "liver progression", "overall progression"],
    ),
    # what was once found is not lost
    ("CT", "History: brain metastases, pneumonitis.\nFindings: lungs not shown.", ["brain", "ild"]),
    # questions
    ("CT", "Indication: progression? Rule out ILD.\nFindings: nothing of note.", []),
    ("CT", "Reason for exam:\nprogression, pneumonitis\nFindings: nothing of note.", []),
    ("CT", "Indikation: Ausschluss Progression, Pneumonitis", []),
    ("CT", "Clinical information: rule out brain metastases, ILD", []),
    ("CT", "Progression, pneumonitis?", ["overall progression"]),
    # only the summary tells how the disease is, where there is one
    ("CT", "Findings: heart size stable.\nImpression: progression.", ["overall progression"]),
    (
        "CT",
        "Findings: degenerative changes stable.\nImpression: new liver metastases.",
        ["liver"],
    ),
]


@pytest.mark.parametrize("where", ["conclusion", "attached form"])
@pytest.mark.parametrize(("name", "text", "expected"), CASES)
def test_what_a_report_tells(name, text, expected, where):
    assert told(text, name, where) == expected


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("No brain metastases.", "none"),
        ("Comparison: no brain metastases.\nFindings: motion.", None),
        ("Indication: rule out brain metastases.", None),
        ("Treated brain metastases.\nImpression: stable disease.", "treated_stable"),
        ("Two brain metastases.", "unknown"),
    ],
)
def test_the_brain_in_an_attached_report(text, state):
    cns = record(report(text, "MRI brain", "attached form")).cns
    assert (cns.state if cns is not None else None) == state


def test_lungs_that_an_attached_report_shows_clear_end_the_pneumonitis_before():
    ill = {**report("Pneumonitis.", "CT chest", "conclusion"), "id": "a", "effectiveDateTime": "2023-10-01"}
    clear = report("Pneumonitis has resolved.", "CT chest", "attached form")
    assert [it.is_resolved for it in record(ill, clear).toxicities] == [True]
    earlier = report("Comparison: lungs clear.", "CT chest", "attached form")
    assert [it.is_resolved for it in record(ill, earlier).toxicities] == [None]


@pytest.mark.parametrize("kind", ["application/pdf", "text/html", None])
def test_what_is_no_plain_text_is_not_read(kind):
    assert record(report("Progression of liver metastases.", "CT", "attached form", kind)).metastases == ()


def test_a_report_that_says_the_same_twice_says_it_once():
    both = {
        **report("Progression of liver metastases.", "CT", "conclusion"),
        "presentedForm": report("Progression of liver metastases.", "CT", "form")["presentedForm"],
    }
    read = record(both)
    assert (len(read.metastases), len(read.statuses)) == (1, 1)
