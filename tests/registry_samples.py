"""Study records of our own, in the layout of the ClinicalTrials.gov API v2; no such study exists."""

import copy

TEXT = """Inclusion Criteria:

1. Age \\>= 18 years
2. HER2-positive breast cancer by local testing
3. Metastatic disease
4. ECOG performance status 0-1
5. Ejection fraction of at least 50%
6. Willing to keep a diary of the study drug

Exclusion Criteria:

1. Pregnant or breastfeeding
2. Leptomeningeal disease
"""
BOSTON = {"lat": 42.35843, "lon": -71.05977}
_SITES = [
    {"facility": "Example Hospital", "city": "Boston", "state": "Massachusetts", "country": "United States", "status": "RECRUITING", "geoPoint": BOSTON},
    {"facility": "Closed Hospital", "city": "Worcester", "state": "Massachusetts", "country": "United States", "status": "WITHDRAWN", "geoPoint": {"lat": 42.26, "lon": -71.8}},
    {"facility": "Klinik Beispiel", "city": "Berlin", "country": "Germany", "status": "RECRUITING", "geoPoint": {"lat": 52.52, "lon": 13.41}},
]  # fmt: skip


def study(number="NCT99900001", *, status="RECRUITING", updated="2026-11-10", text=TEXT, sites=None, title=None):
    """One study record."""
    return {
        "protocolSection": {
            "identificationModule": {"nctId": number, "briefTitle": title or "A Made-up Drug in HER2-positive Metastatic Breast Cancer"},
            "statusModule": {"overallStatus": status, "statusVerifiedDate": updated[:7], "lastUpdatePostDateStruct": {"date": updated, "type": "ACTUAL"}},
            "sponsorCollaboratorsModule": {"leadSponsor": {"name": "Example Sponsor", "class": "OTHER"}},
            "conditionsModule": {"conditions": ["Metastatic Breast Cancer"]},
            "designModule": {"studyType": "INTERVENTIONAL", "phases": ["PHASE2"]},
            "armsInterventionsModule": {"interventions": [{"type": "DRUG", "name": "madeupumab"}]},
            "eligibilityModule": {"eligibilityCriteria": text, "sex": "ALL", "minimumAge": "18 Years"},
            "contactsLocationsModule": {"locations": copy.deepcopy(_SITES if sites is None else sites)},
        },
        "hasResults": False,
    }  # fmt: skip
