"""Every sentence of the patient page that is not a card's, in one place, so that one person can review them in one sitting."""

from __future__ import annotations

UNSIGNED = "NOT FOR CLINICAL USE. No clinician has signed the knowledge behind this page."
DECEASED = "The record says that the patient has died: nothing is suggested."
REPLACED = "This patient record is inactive or replaced by another: nothing is suggested."
NOT_THIS_DISEASE = (
    "The record does not show metastatic breast cancer that is or was HER2-positive, so nothing is suggested; "
    "this page knows no other disease."
)
EARLIER_LINE = (
    "Fewer than three metastatic lines are finished. The order of options below is made for the line after the third; "
    "for an earlier line, guidelines say what stands first."
)

ABOUT = "HER2-positive metastatic breast cancer, as of {as_of}"
ABOUT_OTHER = "As of {as_of}"

HAD = "Treatment so far"
ENDED = "Why the last line ended"
NOW = "First to consider now"
RANGE = "Could be counted as {least} to {most}."
RUNNING = "Line {number} goes on."
CHOOSING = "Line {number} is being chosen."
NONE_ENDED = "No line has ended"
ENDED_FOR = {
    "progression": "progression",
    "toxicity": "toxicity",
    "completed": "completed as planned",
    "patient_choice": "patient's choice",
    "other": "other reason",
    "unknown": "reason not on record",
}
NOTHING_FITS = "No option of this knowledge fits"
NO_SUGGESTION = "Nothing is suggested"
SEE_ABOVE = "Why: see the notice above. No option and no trial was weighed."
GOES_ON = "It is being given now: line {number} goes on with it."
FIRST_DRUG = "First among drugs: {label}."
UNPROVEN = "No drug option rests on more than the opinion of experts in this situation."
NO_DRUG = "No drug option is offered"
STANDS_BEFORE = "{label} stands before it"
BEFORE_NEXT = "It stands before {label}{reason}"
BLOCKED = "{count} {what} are held back or refused: {reason}."

WOULD_CHANGE = "{label}: not on record. It would move or fall away if this did not hold: {holds}."
TO_JUDGE = "A person has to judge: {because}."
OVER_FROM = "{because}: over from {date}."
HELD = "Not now, may become possible"
EXCLUDED = "Ruled out"
ELSEWHERE = "Not for this situation or place"
NO_REASON = "The reason is in the full explanation"

OUTCOMES = {"met": "met", "not_met": "not met", "unknown": "not known", "review": "to be judged"}
TRIAL_OPEN = "No criterion on record speaks against it; the site confirms the rest."
TRIAL_MISSING = "Not known yet: {names}."
TRIAL_NOT_NOW = "Not now, may fit after a re-check: {reasons}."
AGAIN_FROM = "; may fit from {date}"
UNREADABLE = "{resource} could not be read: {reason}"
UNMAPPED = "Not recognised, so not weighed ({what}): {text}"
