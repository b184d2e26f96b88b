"""What may happen to the patients of the bench: situations that a clinician decides or meets.

A situation ("the taxane is swapped after a reaction") can be seen in the record that follows, except for the ``AMBIGUOUS`` ones:
there clinicians themselves would not agree on the count.
"""

from __future__ import annotations

SITUATIONS: dict[str, str] = {
    "taxane swap": "docetaxel changed to a weekly taxane after a reaction",
    "endocrine maintenance": "an aromatase inhibitor joins the antibodies after the taxane",
    "cdk4/6 maintenance": "palbociclib and an aromatase inhibitor join the antibodies (PATINA)",
    "tucatinib maintenance": "tucatinib joins the antibodies after the taxane (HER2CLIMB-05)",
    "late pertuzumab": "pertuzumab comes weeks after the others, for want of approval by the payer",
    "planned sequence": "anthracycline first, then taxane and antibodies, decided as one treatment",
    "adjuvant T-DM1": "residual disease got T-DM1; relapse more than a year later",
    "adjuvant HP": "both antibodies to a year after surgery",
    "adjuvant neratinib": "a year of neratinib after trastuzumab",
    "early relapse": "distant relapse within six months of adjuvant T-DM1 or trastuzumab",
    "locoregional recurrence": "a chest-wall recurrence, resected and treated for a limited time before distant relapse",
    "relapse during adjuvant trastuzumab": "distant relapse in the adjuvant year; the antibody goes on beside new drugs",
    "primary refractory": "progression at the first scan of the first line",
    "aromatase inhibitor swapped": "joint pain on one endocrine drug of the maintenance, another one instead",
    "endocrine drug changed at progression": "progression on maintenance; the antibodies stay, fulvestrant is new",
    "treatment-free interval": "antibodies stopped in complete remission; at progression much later the same drugs again",
    "brain progression, other drugs": "brain progression is irradiated and the systemic treatment changed for it",
    "ILD hold": "T-DXd held for grade 1 pneumonitis and resumed",
    "isolated brain progression": "radiosurgery, the same systemic treatment goes on",
    "treatment beyond progression": "one growing lesion is irradiated, the same systemic treatment goes on",
    "rechallenge": "a regimen is given again after another line",
    "taxane put back": "progression on antibody maintenance; a taxane is added to them again",
    "holiday 60-90 d": "a break the patient wished for; days between two doses",
    "holiday 120-180 d": "a long break the patient wished for; days between two doses",
    "cardiac hold": "the antibodies are held for the ejection fraction and resumed",
    "toxicity switch": "a drug class is given up for toxicity without progression",
    "partner dropped": "capecitabine leaves the triplet for hand-foot syndrome, the rest goes on",
    "antibody stopped, endocrine goes on": "the antibodies stop for the heart, the endocrine drug of the line goes on",
    "new partner on trastuzumab": "progression; trastuzumab is kept and its chemotherapy changed",
    "trial drug named": "a line inside a trial of a known drug",
    "trial drug unnamed": "a line inside a blinded trial",
    "oral drug listed late": "the oral drug of the old line stays on the list weeks into the next",
    "spurious progression flag": "a report said progression, the next one said stable, nothing changed",
    "missing progression flags": "nobody coded the progressions",
    "second cancer": "a colon cancer gets capecitabine, coded so, while the antibodies go on",
    "stage IV treated to cure": "oligometastatic disease, chemotherapy, surgery and a year of antibodies",
    "endocrine maintenance, months later": "the aromatase inhibitor is added to running antibodies months after the taxane",
    "cdk4/6 maintenance, months later": "the same with palbociclib",
    "pertuzumab in the third month": "approval by the payer took that long",
    "taxane weeks after the antibodies": "a wound had to heal first",
    "holiday 190-300 d": "a break the patient wished for, longer than any rule allows",
    "second cancer, no reason": "the same, but no record says why capecitabine was given",
    "one dose": "one dose, a reaction, another class at once",
    "HER2 found late": "endocrine therapy with CDK4/6 first; antibodies join when a biopsy shows HER2",
}
AMBIGUOUS = frozenset(
    {
        "cdk4/6 maintenance, months later",
        "pertuzumab in the third month",
        "taxane weeks after the antibodies",
        "holiday 190-300 d",
        "second cancer, no reason",
        "one dose",
        "HER2 found late",
    }
)
"""Situations whose count no record can settle, because clinicians would count them differently."""

FIRST_LINE_ENDOCRINE = {
    "endocrine maintenance",
    "cdk4/6 maintenance",
    "endocrine maintenance, months later",
    "cdk4/6 maintenance, months later",
    "HER2 found late",
    "aromatase inhibitor swapped",
    "endocrine drug changed at progression",
    "antibody stopped, endocrine goes on",
}
EARLY = {
    "adjuvant T-DM1",
    "adjuvant HP",
    "adjuvant neratinib",
    "early relapse",
    "relapse during adjuvant trastuzumab",
    "locoregional recurrence",
}
DE_NOVO = {"planned sequence", "stage IV treated to cure"}
_FIRST_LINE_ENDS = {"taxane put back", "stage IV treated to cure", "primary refractory", "treatment-free interval"}
RIVALS: tuple[frozenset[str], ...] = (
    frozenset({*EARLY, *DE_NOVO}) - {"locoregional recurrence"},
    frozenset({"locoregional recurrence", *DE_NOVO, "early relapse", "relapse during adjuvant trastuzumab"}),
    frozenset({*FIRST_LINE_ENDOCRINE, *_FIRST_LINE_ENDS, "tucatinib maintenance", "one dose"}),
    frozenset({"taxane swap", "planned sequence", "HER2 found late", "stage IV treated to cure", "primary refractory"}),
    frozenset(
        {"late pertuzumab", "planned sequence", "HER2 found late", "stage IV treated to cure", "primary refractory"}
    ),
    frozenset({"holiday 60-90 d", "holiday 120-180 d", "holiday 190-300 d", "cardiac hold"}),
    frozenset({"second cancer", "second cancer, no reason", "oral drug listed late", "partner dropped"}),
    frozenset({"isolated brain progression", "treatment beyond progression", "spurious progression flag"}),
    frozenset({"taxane swap", "late pertuzumab", "taxane weeks after the antibodies", "pertuzumab in the third month"}),
    frozenset({"trial drug named", "trial drug unnamed"}),
)
"""Situations that cannot meet in one patient."""
