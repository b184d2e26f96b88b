"""Whole patients as different record systems send them, each with what a clinician writes down from it.

The bundles lie in ``tests/whole_patients``. Source: terminology 2 to 8, 10 to 13.
"""

from datetime import date
from pathlib import Path

import pytest

from cdshooks.ehr.patient_file import read_patient_file
from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record

FOLDER = Path(__file__).parents[1] / "whole_patients"
KNOWLEDGE = load_knowledge()


def drawn(name):
    """The record of one patient, a line for each drug over its doses and for each thing that counts."""
    record = read_patient_record(
        read_patient_file((FOLDER / f"{name}.json").read_bytes()), KNOWLEDGE, as_of=date(2025, 12, 1)
    )
    doses, lines = {}, []
    for it in record.exposures:
        if it.is_single_dose:
            doses.setdefault((it.agent, it.proof.value), []).append(str(it.start))
        else:
            end = "" if it.is_open else f" {it.end}"
            stop = f", {it.stopped_for.value}" if it.stopped_for else ""
            lines.append(f"{it.agent}: {it.start} to{end}, {it.proof.value}{stop}")
    lines += [f"{agent}: {' '.join(days)}, {proof}" for (agent, proof), days in doses.items()]
    lines += [f"planned: {it.agent}" for it in record.planned]
    lines += [f"other use: {it.agent}" for it in record.other_cancer_drugs]
    lines += [f"suggested: {it.told}" for it in record.suggested]
    lines += [
        f"{it.marker} {it.status}{f' {it.laterality}' if it.laterality else ''} {it.date}" for it in record.receptors
    ]
    lines += [f"gene {it.marker} {it.value}" for it in record.biomarkers]
    lines += [f"spread: {it.site} {it.date}" for it in record.metastases]
    lines += [f"status: {it.trend} {it.date}" for it in record.statuses]
    lines += [f"brain: {record.cns.state}"] if record.cns else []
    lines += [f"harm: {it.kind} {it.grade or '?'} {it.agent or '?'}" for it in record.toxicities]
    newest = {it.fact: it for it in record.measurements}
    lines += [f"{fact}: {it.value:g} {it.date}" for fact, it in newest.items()]
    lines += [f"beside: {it}" for it in dict.fromkeys(it.name for it in record.comedications)]
    lines += [f"said: {it}" for it in dict.fromkeys(f"{it.about} {it.value}" for it in record.statements)]
    lines += [f"unknown: {it.text}" for it in record.unmapped]
    lines += [f"conflict: {it.about}" for it in record.conflicts]
    return lines


PATIENTS = {
    "a-man-with-equivocal-then-amplified-her2": """
        tamoxifen: 2020-03-01 to 2021-01-05, ordered, progression
        goserelin: 2021-01-10 to, ordered
        trastuzumab deruxtecan: 2021-02-01 to, ordered
        her2 equivocal 2021-01-12
        her2 positive 2021-01-20
        spread: lung 2021-01-01
    """,
    "claims-with-codes-only": """
        docetaxel: 2021-03-01 2021-03-22, given
        pertuzumab: 2021-03-01 2021-03-22 2023-08-01, given
        trastuzumab: 2021-03-01 2021-03-22 2023-05-01 2023-08-01, given
        trastuzumab emtansine: 2022-02-01 2022-02-22, given
        trastuzumab deruxtecan: 2022-09-06 2022-09-27, given
        nab-paclitaxel: 2023-05-01, given
        er negative 2021-02-10
        spread: bone 2021-02-10
        spread: brain 2022-08-20
        brain: unknown
        beside: denosumab
        beside: fosaprepitant
        beside: palonosetron
    """,
    "doses-only": """
        docetaxel: 2022-01-04 2022-01-25, given
        pertuzumab: 2022-01-04 2022-01-25, given
        trastuzumab: 2022-01-04 2022-01-25, given
        trastuzumab emtansine: 2023-01-10 2023-01-31, given
        trastuzumab deruxtecan: 2023-06-06 2023-06-27, given
        eribulin: 2024-02-06, given
        margetuximab: 2024-02-06, given
        planned: vinorelbine
        beside: dexamethasone
    """,
    "dpd-deficiency": """
        capecitabine: 2025-02-01 to, ordered
        gene dpyd intermediate
        gene dpyd intermediate
        harm: mucositis 3 fluorouracil
        harm: neutropenia 3 fluorouracil
        harm: dpd_deficiency ? ?
    """,
    "drugs-for-a-second-cancer": """
        bevacizumab: 2023-07-01 to 2023-12-01, ordered
        trastuzumab: 2024-01-10 to, ordered
        other use: capecitabine
        her2 positive 2020-01-05
        spread: liver 2023-06-01
        unknown: oxaliplatin
    """,
    "exported-from-omop": """
        nab-paclitaxel: 2020-01-05 to 2020-05-01, stated
        pertuzumab: 2020-01-05 to 2020-12-01, stated
        trastuzumab: 2020-01-05 to 2020-12-01, stated
        trastuzumab emtansine: 2021-01-05 to 2021-11-30, stated
        eribulin: 2022-01-03 to 2022-08-01, stated
        gemcitabine: 2022-09-01 to 2022-12-20, stated
        her2 positive 2018-06-01
        spread: bone 2019-12-20
        anc: 2.5 2025-11-01
        lvef_percent: 58 2025-11-01
    """,
    "french-statements-in-words": """
        docetaxel: 2020-03-02 to 2020-07-15, stated
        pertuzumab: 2020-03-02 to 2021-05-10, stated, progression
        trastuzumab: 2020-03-02 to 2021-05-10, stated, progression
        trastuzumab emtansine: 2021-06-01 to 2022-04-01, stated, toxicity
        trastuzumab deruxtecan: 2022-05-02 to, stated
        her2 positive 2020-02-01
        er negative 2020-02-05
        her2 positive 2020-02-05
        spread: liver 2020-02-01
        spread: unspecified 2020-02-01
        lvef_percent: 52 2025-10-15
        beside: denosumab
    """,
    "german-procedures-and-statements": """
        docetaxel: 2022-01-10 to 2022-06-20, stated
        pertuzumab: 2022-01-10 to 2023-03, stated, progression
        trastuzumab: 2022-01-10 to 2023-03, stated, progression
        trastuzumab deruxtecan: 2023-04 to 2025-01, stated, progression
        capecitabine: 2025-02 to, stated
        trastuzumab: 2025-02 to, stated
        tucatinib: 2025-02 to, stated
        er negative 2021-12-10
        her2 positive 2021-12-10
        pr negative 2021-12-10
        spread: liver 2021-12-15
        spread: brain 2025-01-20
        spread: brain 2025-01-20
        status: progression 2025-01-20
        brain: treated_stable
        ecog: 1 2025-10-01
        lvef_percent: 62 2025-10-02
        beside: pantoprazol
    """,
    "mcode-requests-with-intent-and-reason": """
        paclitaxel: 2019-02-01 to 2019-06-01, ordered
        pertuzumab: 2019-02-01 to 2020-05-01, ordered, progression
        trastuzumab: 2019-02-01 to 2020-05-01, ordered, progression
        trastuzumab deruxtecan: 2020-06-01 to 2022-07-10, ordered, toxicity
        er positive 2019-01-12
        her2 positive 2019-01-12
        pr negative 2019-01-12
        gene pik3ca mutated
        spread: unspecified 2019-01-10
        spread: lung 2019-01-20
        status: progression 2020-04-28
        harm: ild ? ?
        ecog: 1 2022-08-01
        beside: dexamethasone
        said: stage IV
    """,
    "mixtures-doses-not-given-and-reported-plans": """
        lapatinib: None to None, reported
        docetaxel: 2023-05-02 2023-05-23, given
        pertuzumab: 2023-05-02 2023-05-23, given
        trastuzumab: 2023-05-02 2023-05-23, given
        planned: trastuzumab deruxtecan
        er positive 2023-04-10
        her2 positive 2023-04-10
        spread: bone 2023-04-15
        lvef_percent: 44 2023-06-12
    """,
    "oncology-notes-as-drug-names": """
        pertuzumab: 2021-02-01 to 2022-02-20, stated
        trastuzumab: 2021-02-01 to 2022-02-20, stated
        trastuzumab deruxtecan: 2022-03 to 2022-12, stated, toxicity
        capecitabine: 2023-01-09 to, stated
        trastuzumab: 2023-01-09 to, stated
        tucatinib: 2023-01-09 to, stated
        investigational: 2024-01 to None, stated
        planned: eribulin
        suggested: paclitaxel or docetaxel, doxorubicin, cyclophosphamide
        suggested: docetaxel or paclitaxel, trastuzumab, pertuzumab
        harm: ild 2 trastuzumab deruxtecan
        unknown: AC-T adjuvant 2018
    """,
    "orders-with-many-codes-and-dates-in-words": """
        trastuzumab emtansine: 2021-03-01 to 2022-08-30, ordered, progression
        trastuzumab deruxtecan: 2022-09-12 to 2024-05-20, ordered, progression
        capecitabine: 2024-06-03 to, ordered
        trastuzumab: 2024-06-03 to, ordered
        tucatinib: 2024-06-03 to, ordered
        er negative 2021-02-12
        her2 positive 2021-02-12
        pr negative 2021-02-12
        spread: liver 2021-02-10
        lvef_percent: 58 2025-10-10
        ecog: 1 2025-10-12
        beside: ondansetron
    """,
    "pregnant": """
        trastuzumab: 2025-01-01 to 2025-09-02, ordered, other
        said: pregnancy pregnant
    """,
    "two-tumours-of-different-receptors": """
        er positive left 2022-01-05
        er negative right 2022-01-05
        her2 low left 2022-01-05
        her2 positive right 2022-01-05
        er negative right 2022-01-06
        er positive left 2022-01-06
        her2 positive right 2022-01-06
        her2 low left 2022-01-06
        spread: liver 2024-01-01
        conflict: er
        conflict: her2
    """,
}


@pytest.mark.parametrize("name", sorted(it.stem for it in FOLDER.glob("*.json")))
def test_a_whole_patient_is_read_as_a_clinician_reads_it(name):
    assert sorted(drawn(name)) == sorted(it.strip() for it in PATIENTS[name].strip().splitlines())
