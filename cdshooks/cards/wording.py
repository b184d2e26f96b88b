"""The sentences of the cards that nobody may word another way; the others stand in ``knowledge/data/wording.yaml``.

They offer and never order. Names in braces are filled from our own knowledge, from numbers and dates, or with escaped text.
"""

from __future__ import annotations

UNSIGNED = "NOT FOR CLINICAL USE"
UNSIGNED_LONG = "**NOT FOR CLINICAL USE.** No clinician has signed the knowledge behind this card."
EXPIRED = "The knowledge behind this card expired on {expires}; no option is suggested."
EXPIRED_SUMMARY = "The knowledge of this service expired on {expires}: no option is suggested"
DUE = "The knowledge was last reviewed on {reviewed}; a review was due on {due}."
PAGE_LINK = "The whole course, all options and trials on one page"
FIXED_DATE = "The date of this service is fixed to {today}."

INCOMPLETE_SUMMARY = "Treatment history incomplete: lines of therapy cannot be counted"
VIEW_SUMMARY_EXPIRED = "{lines} of metastatic therapy on record; the knowledge of this service expired"
REVIEW_REASON = "{agents}: {reason}"

FOUND = "**Found for this patient** (as of {as_of})"
FOUND_LINE = "Line {number}: {agents} ({reason}{end})"
LINE_HEAD = "| line | drugs | from | to | ended for |\n|---|---|---|---|---|"
LINE_ROW = "| {number} | {agents} | {start} | {end} | {reason} |"
EARLY_ROW = "| early | {agents} | {start} | {end} | {reason} |"
COUNTED = "Counted: {count} metastatic {lines} (confidence {confidence}); {basis}."
COUNTED_RANGE = "Counted: {count} metastatic {lines} (could be {least} to {most}, confidence {confidence}); {basis}."
COUNTED_AT_LEAST = "Counted: at least {count} metastatic {lines} (confidence {confidence}); {basis}."
METASTATIC = "metastatic since {date} ({how})"
OTHER_COUNT = "Could also be counted otherwise: {because}"
RECEPTORS = "Receptors in force: {receptors}."
ONE_OF_TWO = "ER or PR (which is not told)"
RECEPTOR_VALUES = {"conflict": "contradictory"}

BRAIN = {
    "none": "Brain: no metastases ({date}).",
    "treated_stable": "Brain: metastases, treated locally and stable ({date}).",
    "untreated_stable": "Brain: metastases, stated stable ({date}).",
    "active_not_urgent": "**Brain: active metastases** ({date}), no sign that local therapy is urgent.",
    "needs_local_therapy": "**Brain: metastases that need local therapy first** ({date}).",
    "leptomeningeal": "**Leptomeningeal disease** ({date}).",
    "unknown": "Brain: metastases on record, state not known ({date}).",
}

MISSING = "**Missing or conflicting**"
MISSING_NAMES = "To find out first: {names}."
SELECTED = "The selected order is number {rank} of {count} options: {option}"
FIRST = "First: {names}."
SEE_EXPLAIN = "see the findings"
DISAGREE = "Experts disagree: {views}"
SWITCHED_OFF = "Switched off by this hospital and not offered here: {names}."
WITHHELD_SUMMARY = "Switched off by this hospital, nothing is shown: {names}"
WITHHELD = (
    "This hospital has switched off a part of this service. That nothing is shown does not mean that nothing was found."
)
TOPICS = {
    "options": "options to consider",
    "review": "check of the order",
    "missing": "what to find out first",
    "view": "lines on opening the record",
    "incomplete": "notice of an incomplete record",
}
FORMULARY = "This hospital: {note}"
BASIS = "Knowledge {version}, reviewed {reviewed}. Doses are drafts to check against the label and local protocol."
INCOMPLETE = (
    "Parts of the record were not sent or could not be retrieved: {queries}. "
    "Lines are not counted from an incomplete history."
)
NOT_SEEN = "**Not seen:** {names}. They were not sent or could not be retrieved, so what they hold is unknown here."
QUERIES = {
    "medicationRequests": "medication orders",
    "medicationAdministrations": "doses given",
    "medicationStatements": "medication statements",
    "procedures": "procedures",
    "reports": "diagnostic reports",
    "allergies": "allergies and intolerances",
    "adverseEvents": "adverse events",
}
"""The queries without which a card can still be shown, as a clinician calls what they ask for."""
UNREADABLE = "{count} could not be read and may matter: {refs}."
UNMAPPED = "Not recognised as a drug we know: {names}."
SUGGEST = "Draft: {label}"
SWAP = "Instead, draft: {label}"
PART = "{label} ({number} of {count}: {name})"
PART_ACTION = "{description} Order {number} of {count} of this option, which are meant together: {names}."
ACTION = "Draft order: {agent} {dosage}. To be completed and signed by the prescriber."
GROUP_ACTION = "Draft group that holds the orders of {label} together"
TEST_ACTION = "Draft request: {text}"
DOSE_BY_LABEL = "dose and schedule by label and local protocol"
OWN_RULE = " [our own rule; not read in a source]"
OPINION = " [opinion; not read in a source]"
DOSE_OPEN = "dose for this patient still to be decided, see the note (usual: {usual})"
LOADING = "Loading dose: {dose}."
MONITORING = "Monitoring: {items}."
TRIALS_SUMMARY = "{count} to look at: {names}"
TRIALS_SUMMARY_FIT = "{count} to look at, fitting as far as the record tells: {names}"
TRIALS = "**Trials to look at**"
TRIALS_SILENCE = (
    "Where the record is silent on other illnesses and drugs, they are taken as absent; the site checks them again."
)
TRIALS_SUSPENDED = (
    "**Not judged:** {names}. By an earlier text the patient might fit, but the eligibility text has changed since it "
    "was coded; read the registry page or ask the trials office."
)
REGISTRY_AGE = {
    "current": "",
    "read earlier": (
        "**Trials could not be looked up now:** the stored registry records cannot be read, so statuses and sites are those "
        "read before."
    ),
    "never read": (
        "**Trials could not be looked up:** the stored registry records cannot be read, so statuses are as of the date that each "
        "trial was shipped with, and whether an eligibility text has changed since is not known."
    ),
}
TRIAL_HEAD = "{place}. **{nct_id}** ({phase}; {status}). {what}."
TRIAL_TESTS = "It tests {tests}"
TRIAL_FITS = "**Fits as far as the record tells.**"
TRIAL_OPEN = "**May fit.**"
TRIAL_FROM = "**Not yet:** eligible from {day} when the washout ends, if the rest fits."
TRIAL_NOT_NOW = "**Not now,** may fit after a re-check."
TRIAL_WEIGH = "**To weigh:** {points}."
TRIAL_AGAINST = "**Against it now:** {points}."
TRIAL_MISSING = "**Missing ({count}), the trial asks:** {points}."
TRIAL_CONFIRM = "**Confirm with the site:** {points}."
TRIAL_MORE = "and {count} more"
TRIAL_NO_SITES = "Sites of {names} are not loaded here; the registry page lists them."
TRIAL_ALL = "these trials"
TRIAL_OTHERS = "the other trials"
TRIAL_NO_OPEN_SITE = "**Sites:** no recruiting site is on record ({date})."
TRIAL_SITES_ANYWHERE = "**Sites:** {count} on record; how far is not known here."
TRIAL_SITE = "{name}, {city} ({distance})"
TRIAL_SITES = "**Nearest recruiting sites:** {sites}."
TRIAL_SITE_FAR = "**No recruiting site within 200 km on record;** the nearest: {name}, {city}, {country} ({distance})."
TRIAL_LINK = "{nct_id}: {title}"
TRIAL_REFER = "Refer for {nct_id}"
TRIAL_REFERRAL = "Referral to clinical trial {nct_id}"
TRIAL_REFERRAL_ACTION = "Draft referral for {nct_id}: {title}. {missing}"
TRIAL_STILL_OPEN = "Still open: {count}. The site decides."
TRIAL_DATA_OF = "{nct_id}, registry data of {date}"
TRIAL_LABEL = "Referral to clinical trials office"
TRIAL_ACTION = "Draft referral: clinical trials office, to look for an open trial that fits."

REASONS = {
    "progression": "progression",
    "toxicity": "toxicity",
    "completed": "completed",
    "patient_choice": "patient's choice",
    "other": "other",
    "unknown": "not on record",
    "ongoing": "ongoing",
}
OVERRIDES = (
    ("patient-contraindication", "Contraindicated for this patient"),
    ("patient-refuses", "Patient does not want it"),
    ("action-completed", "Already done"),
    ("does-not-align-latest-evidence", "Does not align with the latest evidence"),
    ("too-costly-uncovered", "Too costly or not covered"),
    ("service-not-available", "Not available here"),
    ("patient-ineligible", "Patient is not eligible"),
)
