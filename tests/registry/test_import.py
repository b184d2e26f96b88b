"""Importing study records: what is new, changed, the same, older or refused; a changed eligibility text suspends the coding."""

import json
import re
from pathlib import Path

import pytest

from cdshooks.registry.study import Refused, eligibility_hash, read_studies
from tests.registry_samples import TEXT, study

SHARED = Path(__file__).parents[3] / "shared" / "trials" / "ctgov"
CODED = "NCT06435429"


def test_what_became_of_each_record_is_told(desk):
    assert "1 new, 0 changed, 0 same" in desk.say("trials", "import", desk.write(study()))
    assert "0 new, 0 changed, 1 same" in desk.say("trials", "import", desk.write(study()))
    closed = desk.write(study(status="COMPLETED", updated="2026-11-20"))
    assert "1 changed" in desk.say("trials", "import", closed)
    told = desk.say("trials", "import", desk.write(study()))
    assert "1 older" in told
    assert "NCT99900001" in told
    assert json.loads(desk.say("trials", "list", "--format", "json"))[-1]["status"] == "COMPLETED"


def test_a_dry_run_keeps_nothing(desk):
    assert "would import: 1 new" in desk.say("trials", "import", "--dry-run", desk.write(study()))
    assert "1 new" in desk.say("trials", "import", desk.write(study()))


def test_a_directory_a_page_and_lines_are_read_alike(desk):
    folder = desk.folder / "studies"
    folder.mkdir()
    (folder / "one.json").write_text(json.dumps(study("NCT99900001")))
    (folder / "page.json").write_text(json.dumps({"studies": [study("NCT99900002"), study("NCT99900003")]}))
    (folder / "lines.ndjson").write_text("\n".join(json.dumps(study(f"NCT9990000{it}")) for it in (4, 5)))
    assert "5 new" in desk.say("trials", "import", folder)


def broken(change):
    record = study("NCT99900009")
    change(record["protocolSection"])
    return json.dumps(record)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"protocolSection": ', "is not JSON"),
        ("", "is empty"),
        ("[1]", "is no study record"),
        (broken(lambda it: it.pop("eligibilityModule")), "is no study record"),
        (broken(lambda it: it["eligibilityModule"].update(eligibilityCriteria=" ")), "has no eligibility text"),
        (broken(lambda it: it["statusModule"].update(overallStatus="OPEN")), "status that the registry does not know"),
        (broken(lambda it: it["identificationModule"].update(nctId="99900009")), "has no NCT number"),
        (broken(lambda it: it["contactsLocationsModule"].update(locations=[{"city": 7}])), "is no study record"),
        (broken(lambda it: it.update(statusModule={"overallStatus": "RECRUITING"})), "how current it is"),
    ],
)
def test_a_faulty_file_is_refused_by_name_while_the_others_are_kept(desk, content, reason):
    sound = desk.write(study(), "sound.json")
    told = desk.say("trials", "import", desk.write(content, "faulty.json"), sound, status=1)
    assert "1 new, 0 changed, 0 same, 0 older, 1 refused" in told
    assert "faulty.json" in desk.messages
    assert reason in desk.messages


def test_the_hash_of_a_text_ignores_markup_and_tells_a_changed_number():
    same = TEXT.replace("\\>=", "&gt;=").replace("HER2-positive", "her2-positive").replace("\n\n", "\n")
    assert eligibility_hash(same, "ALL") == eligibility_hash(TEXT, "all")
    assert eligibility_hash(TEXT.replace("50%", "55%"), "ALL") != eligibility_hash(TEXT, "ALL")
    assert eligibility_hash(TEXT, "FEMALE") != eligibility_hash(TEXT, "ALL")


def test_another_text_than_the_coded_one_suspends_a_trial_until_two_people_sign(desk):
    told = desk.say("trials", "import", desk.write(study(CODED)))
    assert f"SUSPENDED: {CODED}" in told
    assert "SUSPENDED" in desk.say("trials", "list")
    assert "SUSPENDED, offered to nobody" in desk.say("trials", "show", CODED)
    desk.say("trials", "sign", CODED, "--coder", "A. Coder", "--reviewer", "A. Coder", status=2)
    desk.say("trials", "sign", CODED, "--coder", "A. Coder", "--reviewer", "B. Reviewer")
    assert "SUSPENDED" not in desk.say("trials", "list")
    again = study(CODED, text=TEXT.replace("50%", "55%"), updated="2026-11-12")
    assert f"SUSPENDED: {CODED}" in desk.say("trials", "import", desk.write(again))
    assert "SUSPENDED" in desk.say("trials", "list")


def test_an_old_status_is_told_as_of_its_day(desk):
    desk.say("trials", "import", desk.write(study(updated="2026-08-20")), desk.write(study("NCT99900002"), "b.json"))
    rows = {it["nct_id"]: it for it in json.loads(desk.say("trials", "list", "--format", "json"))}
    assert rows["NCT99900001"]["status_is_old"]
    assert not rows["NCT99900002"]["status_is_old"]
    assert "status as of 2026-08-20" in desk.say("trials", "show", "NCT99900001")


def test_only_recruiting_trials_of_this_disease_and_stage_may_be_worth_a_look(desk):
    others = [
        study("NCT99900001"),
        study("NCT99900002", status="COMPLETED"),
        study("NCT99900003", text=TEXT.replace("HER2-positive", "HER2-negative"), title="A Drug in Breast Cancer"),
        study(
            "NCT99900004",
            text=TEXT.replace("Metastatic disease", "Stage I disease"),
            title="HER2-positive Early Breast Cancer",
        ),
        study("NCT99900005", title="Neoadjuvant Drugs in HER2-positive Breast Cancer"),
        study("NCT99900006", title="A Drug in HER2-low Breast Cancer"),
        study("NCT99900007", title="A Tracer in Low HER2-expressing Breast Cancer"),
        study("NCT99900008", title="A Drug in HER2-positive Gastric Cancer"),
        study(
            "NCT99900009",
            title="A Drug in Triple-negative Breast Cancer",
            text=TEXT.replace("HER2-positive", "HER2-negative"),
        ),
    ]
    for it in others[3:]:
        it["protocolSection"]["conditionsModule"]["conditions"] = ["Breast Cancer"]
    others.append(study("NCT99900010", title="Measuring HER2 in HER2-low Metastatic Breast Cancer"))
    others[-1]["protocolSection"]["conditionsModule"]["conditions"] = ["HER2-positive Metastatic Breast Cancer"]
    others[7]["protocolSection"]["conditionsModule"]["conditions"] = ["Gastric Cancer"]
    desk.say("trials", "import", desk.write({"studies": others}))
    rows = json.loads(desk.say("trials", "list", "--format", "json"))
    assert [it["nct_id"] for it in rows if it["may_be_worth_a_look"]] == ["NCT99900001"]
    assert "never matched to a patient" in " ".join(desk.say("trials", "list").split())


@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder of real records is not beside this checkout")
def test_all_real_records_are_imported_and_none_suspends_its_coding(desk):
    assert "imported: 149 new, 0 changed, 0 same, 0 older, 0 refused" in desk.say("trials", "import", SHARED)
    rows = json.loads(desk.say("trials", "list", "--format", "json"))
    assert len(rows) == 149
    assert not [it for it in rows if it["suspended_because"]]
    decoys = [it["title"] for it in rows if it["may_be_worth_a_look"]]
    assert len(decoys) < 12
    assert not [it for it in decoys if re.search(r"adjuvant|early|triple|HER2-negative|HER2-low", it, re.IGNORECASE)]
    assert sum(it["is_structured"] for it in rows) == 28


def test_a_record_that_is_refused_says_why():
    assert isinstance(next(read_studies(b"3", "three")), Refused)
