"""Where a clause ends for each reader, and what a colon does in it. Each row that two readers take apart differently has its reason."""

from __future__ import annotations

import pytest

from cdshooks.knowledge.clauses import FIGURE_END, STATEMENT_END, wish_end
from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record, vocabulary_of
from tests.fhir import condition, observation, resources_of

KNOWLEDGE = load_knowledge()
TERMS = vocabulary_of(KNOWLEDGE).terms
WISH_END = wish_end(TERMS.meanings("wish-joining").whole("between").pattern)


def record(*resources):
    return read_patient_record(resources_of(*resources), KNOWLEDGE)


def report(text, name="CT chest"):
    made = {"resourceType": "DiagnosticReport", "id": "r", "status": "final", "code": {"text": name}}
    return {**made, "effectiveDateTime": "2024-06-01", "conclusion": text}


@pytest.mark.parametrize(
    ("text", "statement", "figure", "wish"),
    [
        # every reader
        ("a; b", "a| b", "a| b", "a| b"),
        ("a\nb", "a|b", "a|b", "a|b"),
        ("a\n2 b", "a|2 b", "a|2 b", "a|2 b"),
        ("a;2 b", "a|2 b", "a|2 b", "a|2 b"),
        ("a. b", "a| b", "a| b", "a| b"),
        ("1.5 a", "1.5 a", "1.5 a", "1.5 a"),
        ("a: b", "a: b", "a: b", "a: b"),
        # a figure stands behind abbreviations: "LVEF ca. 55 %"
        ("a. 2 b", "a| 2 b", "a. 2 b", "a| 2 b"),
        # a wish ends where the next is joined: "no hair loss, oral only", "no drips but tablets"
        ("a, b", "a, b", "a, b", "a| b"),
        ("a but b", "a but b", "a but b", "a | b"),
    ],
)
def test_where_a_clause_ends(text, statement, figure, wish):
    ends = (STATEMENT_END, FIGURE_END, WISH_END)
    assert ["|".join(it.split(text)) for it in ends] == [statement, figure, wish]


def test_a_denial_ends_before_a_number_and_a_figure_does_not():
    """Why the full stop is read in two ways: each reader with the other's end would lose the spread, or the ejection fraction."""
    denied = record(report("No pleural effusion. 2 liver metastases."))
    assert [it.site for it in denied.metastases] == ["liver"]
    told = record(report("LVEF ca. 55 %", name="Echocardiogram"))
    assert [it.value for it in told.measurements] == [55]


@pytest.mark.parametrize("between", ["\n", "; ", ";", "."])
@pytest.mark.parametrize("number", ["", "3 "])
def test_a_list_of_places_is_denied_only_in_its_own_clause(between, number):
    """A line or semicolon before a number ended no clause for lists and lungs: the denial before it hid three metastases."""
    if between == "." and number:
        between = ". "
    found = record(report(f"No bone lesions{between}{number}liver and lung metastases"))
    assert sorted(it.site for it in found.metastases) == ["liver", "lung"]


def test_lungs_found_ill_in_a_line_that_begins_with_a_number_are_found():
    assert [it.kind for it in record(report("No effusion\n2 areas of pneumonitis")).toxicities] == ["ild"]
    assert [it.kind for it in record(report("No effusion;2 areas of pneumonitis")).toxicities] == ["ild"]


def test_an_acceptance_of_one_line_leaves_the_wish_of_the_next():
    wish = {**observation("x"), "code": {"text": "Patient preference"}}
    found = record({**wish, "valueString": "hair loss is acceptable\ntablets preferred"}).wishes
    assert [it.wish for it in found] == ["prefer-oral"]


@pytest.mark.parametrize(
    ("text", "found", "denied"),
    [
        # what a form answers behind the name
        ("Pneumonitis: none", "", "ild"),
        ("Pneumonitis: no. Heart failure: yes", "heart_failure", "ild"),
        ("Pneumonitis? No", "", "ild"),
        ("Pneumonitis - absent", "", "ild"),
        ("Evidence of pneumonitis: none", "", "ild"),
        ("Pneumonitis not seen", "", "ild"),
        ("Interstitielle Lungenerkrankung: nein", "", "ild"),
        ("Brain metastases: none", "", "met-brain"),
        ("Liver and lung metastases: none", "", "met-liver met-lung"),
        # an answer that says more, or that answers more than the name, denies nothing
        ("Pneumonitis: no change", "ild", ""),
        ("Pneumonitis: not resolved", "ild", ""),
        ("Pneumonitis not excluded", "ild", ""),
        ("Pneumonitis not seen before", "ild", ""),
        ("Progression of brain metastases: no", "met-brain", ""),
        ("Brain metastases: none new", "met-brain", ""),
        ("Diarrhoea, pneumonitis: none", "diarrhoea", "ild"),
        # a denial that opens a list goes over the colon, one of something else does not
        ("Negative for: pneumonitis", "", "ild"),
        ("No evidence of: lung, liver and bone metastases", "", "met-bone met-liver met-lung"),
        ("Not seen: pneumonitis", "", "ild"),
        ("CT without contrast: pneumonitis", "ild", ""),
        ("MRI without contrast: brain metastases", "met-brain", ""),
        ("No new findings: liver and bone metastases", "met-bone met-liver", ""),
        ("No liver metastases: bone metastases present", "met-bone", "met-liver"),
        # a list begins behind a colon
        ("Metastatic to: liver, bone", "met-bone met-liver", ""),
    ],
)
def test_what_a_colon_denies(text, found, denied):
    assert sorted(it.concept for it in TERMS.worded_conditions((text,))) == found.split()
    assert sorted(it.concept for it in TERMS.denied_conditions((text,))) == denied.split()


@pytest.mark.parametrize(
    ("text", "trend"), [("Progression: none", None), ("Progression: yes", "progression"), ("Progression: no", None)]
)
def test_a_trend_that_a_form_denies_is_none(text, trend):
    assert TERMS.worded_trend((text,)) == trend


@pytest.mark.parametrize(
    ("text", "has_brain"),
    [
        ("Metastases: none", False),
        ("No evidence of: metastases", False),
        ("Frage nach: Metastasen", False),
        ("Findings: metastases", True),
        ("Metastases: 2, no haemorrhage", True),
        ("Without contrast: metastases", True),
    ],
)
def test_metastases_that_a_report_on_the_head_denies_behind_a_colon_are_none_of_the_brain(text, has_brain):
    assert [it.site for it in record(report(text, name="MRI brain")).metastases] == ["brain"] * has_brain


def test_an_adverse_effect_that_a_form_denies_is_none():
    assert record(report("Pleural effusion: none. Pneumonitis: none.")).toxicities == ()
    assert record(condition(text="Heart failure: no")).diagnoses == ()


ENGLISH = {
    "pneumonitis": "ild",
    "brain metastases": "met-brain",
    "liver and bone metastases": "met-bone met-liver",
    "heart failure": "heart_failure",
}
IN_FIVE_LANGUAGES = {
    "en": ENGLISH,
    "de": {**ENGLISH, "Pneumonitis": "ild", "Hirnmetastasen": "met-brain"},
    "fr": {"pneumopathie interstitielle": "ild", "métastases cérébrales": "met-brain"},
    "es": {"neumonitis": "ild", "metástasis hepáticas": "met-liver"},
    "it": {"polmonite interstiziale": "ild", "metastasi cerebrali": "met-brain"},
    "sure": {**ENGLISH, "Hirnmetastasen": "met-brain", "métastases cérébrales": "met-brain"},
    "worse": {**ENGLISH, "Hirnmetastasen": "met-brain", "métastases cérébrales": "met-brain"},
}
CHANGES = {
    "en": ("No improvement of", "No change in", "No resolution of", "No progression of", "Without improvement of"),
    "de": ("Keine Besserung der", "Kein Ansprechen der", "Keine Änderung der", "Keine Größenzunahme der"),
    "fr": ("Pas d'amélioration de la", "Pas de réponse des", "Pas de progression des", "Sans modification des"),
    "es": ("Sin mejoría de la", "Sin cambios en las", "Sin progresión de las", "Ninguna mejoría de la"),
    "it": (
        "Nessun miglioramento della",
        "Nessuna variazione delle",
        "Senza progressione delle",
        "Nessuna risposta delle",
    ),
    "sure": ("No doubt about", "Not only", "Not all", "Nicht nur", "Pas seulement", "No solo", "Non solo"),
    "worse": ("No longer stable", "No longer controlled", "Nicht mehr stabile", "Nicht rückläufige"),
}
SIGNS = {
    "en": ("No", "No evidence of", "No CT evidence of", "No features of", "Nothing else and no signs of", "Absence of"),
    "de": ("Keine", "Kein Hinweis auf", "Kein Nachweis von", "Keine Zeichen der", "Ohne Anhalt für"),
    "fr": ("Pas de", "Pas de signe de", "Aucun argument en faveur de", "Absence de", "Aucune trace de"),
    "es": ("Sin", "Sin evidencia de", "No hay signos de", "Ausencia de"),
    "it": ("Nessuna", "Non segni di", "Senza evidenza di", "Assenza di", "Nessun segno di"),
}


def drawn(table):
    """Each opening of a language before each name in it."""
    return [
        (it, name, to) for lang, rows in table.items() for it in rows for name, to in IN_FIVE_LANGUAGES[lang].items()
    ]


@pytest.mark.parametrize(("before", "named", "found"), drawn(CHANGES))
def test_what_does_not_change_is_there(before, named, found):
    """ "No improvement of pneumonitis" was read as pneumonitis that is gone: it denies the improvement alone."""
    text = f"{before} {named}"
    assert sorted(it.concept for it in TERMS.worded_conditions((text,))) == found.split()
    assert TERMS.denied_conditions((text,)) == ()


@pytest.mark.parametrize(("before", "named", "denied"), drawn(SIGNS))
def test_what_shows_no_sign_is_denied(before, named, denied):
    text = f"{before} {named}"
    assert TERMS.worded_conditions((text,)) == ()
    assert sorted(it.concept for it in TERMS.denied_conditions((text,))) == denied.split()


@pytest.mark.parametrize(
    "but", ["other than the known one", "besides the known one", "außer der bekannten", "hormis la connue"]
)
def test_what_is_excepted_from_a_denial_is_there(but):
    assert [it.concept for it in TERMS.worded_conditions((f"No brain metastases {but}",))] == ["met-brain"]


def test_a_denial_does_not_go_over_a_but_to_the_signs_of_something_else():
    assert [it.concept for it in TERMS.worded_conditions(("No embolism but signs of pneumonitis",))] == ["ild"]


@pytest.mark.parametrize(
    "text",
    [
        "Pneumonitis nicht abgeklungen",
        "Pneumonitis noch nicht abgeklungen",
        "No resolution of pneumonitis",
        "No signs of resolution of pneumonitis",
        "Pneumonitis with no signs of resolution",
        "Pneumonitis nicht vollständig rückgebildet",
        "Previously resolved pneumonitis has recurred",
    ],
)
def test_a_pneumonitis_that_did_not_clear_goes_on(text):
    assert [it.is_resolved for it in record(report(text)).toxicities] == [False]
    on_record = record(condition(text="Pneumonitis", onsetDateTime="2024-01-01"), report(text))
    assert [it.is_resolved for it in on_record.toxicities if it.kind == "ild"] != [True]


@pytest.mark.parametrize(
    "text",
    [
        "No ILD in 2024. ILD now.",
        "No pneumonitis on the prior CT; pneumonitis now.",
        "No embolism, ground-glass opacities in keeping with pneumonitis.",
    ],
)
def test_a_report_that_ends_in_pneumonitis_clears_no_lungs(text):
    """A denial of an earlier time, or of something else in the same sentence, ended the pneumonitis on record."""
    found = record(condition(text="Pneumonitis", onsetDateTime="2024-01-01"), report(text)).toxicities
    assert [it for it in found if it.kind == "ild" and it.is_resolved is not True]


def test_a_report_that_names_the_old_pneumonitis_and_then_clear_lungs_clears_them():
    text = "Known pneumonitis of January. The lungs are clear, no pneumonitis."
    found = record(condition(text="Pneumonitis", onsetDateTime="2024-01-01"), report(text)).toxicities
    assert [it.is_resolved for it in found if it.kind == "ild"] == [True]


@pytest.mark.parametrize("subject", ["The liver metastases", "Known lesions", "The disease"])
@pytest.mark.parametrize(
    ("verb", "trend"),
    [("have progressed", "progression"), ("have not progressed", None), ("have enlarged", "progression")],
)
def test_what_has_progressed_is_progression(subject, verb, trend):
    """Reports tell it by a verb as well, which was not read: a progression stood in silence."""
    found = record(report(f"No new lesions; {subject} {verb}.")).statuses
    assert [it.trend for it in found] == ([trend] if trend else [])


@pytest.mark.parametrize("behind", ["are not seen", "is absent", "are not demonstrated", "nicht erkennbar"])
def test_what_is_not_seen_is_denied(behind):
    assert [it.concept for it in TERMS.denied_conditions((f"Brain metastases {behind}.",))] == ["met-brain"]
    assert TERMS.worded_conditions((f"Brain metastases {behind}.",)) == ()


@pytest.mark.parametrize(
    ("text", "found", "denied"),
    [
        # surely a list
        ("No ILD, pneumonitis", "", "ild"),
        ("No cough, dyspnoea, pneumonitis", "", "ild"),
        ("No effusion, pneumonitis or consolidation", "", "ild"),
        ("Keine Embolie, Pneumonitis oder Stauung", "", "ild"),
        # it may as well be what is found instead
        ("No embolism, pneumonitis", "ild", ""),
        ("Keine Embolie, Pneumonitis", "ild", ""),
        ("Pas d'embolie, pneumopathie interstitielle", "ild", ""),
        ("Sin embolia, neumonitis", "ild", ""),
        ("No ascites, liver metastases", "met-liver", ""),
        ("No effusion, no embolism, pneumonitis", "ild", ""),
    ],
)
def test_what_a_comma_carries_on(text, found, denied):
    """Two words behind a "no" may be two statements: a pneumonitis found beside no embolism was read as denied."""
    assert sorted(it.concept for it in TERMS.worded_conditions((text,))) == found.split()
    assert sorted(it.concept for it in TERMS.denied_conditions((text,))) == denied.split()


@pytest.mark.parametrize(
    "text",
    [
        "No effusion, progressive disease",
        "Without response, progressive disease",
        "Disease no longer stable, progression",
        "Nicht mehr stabil, Progression",
        "Pas de réponse, progression",
        "Nessuna risposta, progressione di malattia",
    ],
)
def test_a_progression_beside_what_is_denied_is_one(text):
    assert TERMS.worded_trend((text,)) == "progression"
    assert TERMS.worded_trend(("No progression, new lesions",)) is None


@pytest.mark.parametrize(
    "text",
    [
        "New brain metastasis in the pons, no haemorrhage.",
        "No oedema, new brain metastasis in the pons.",
        "Neue Hirnmetastase, keine Blutung.",
        "Nouvelle métastase cérébrale, pas d'hémorragie.",
    ],
)
def test_a_new_brain_metastasis_is_one_beside_what_is_denied(text):
    cns = record(report(text, name="MRI brain")).cns
    assert cns is not None
    assert cns.state == "active_not_urgent"


@pytest.mark.parametrize("text", ["No enlargement of the brain metastases.", "Brain metastases, no new lesion."])
def test_a_denied_growth_of_brain_metastases_is_none(text):
    found = record(report(text, name="MRI brain"))
    assert [it.site for it in found.metastases] == ["brain"]
    assert found.statuses == ()
