"""Trial criteria on the person, fitness and measurements: age, sex, ECOG, LVEF, QTc, laboratory values."""

from __future__ import annotations

from datetime import date

from cdshooks.knowledge.criteria import FactLeaf
from cdshooks.knowledge.ids import FactId
from cdshooks.knowledge.trial_criteria import Age, EasedLimit, Ecog, Lab, Lvef, OtherLimit, Qtc, Sex
from cdshooks.options.case import Answer, Case
from cdshooks.options.model import Outcome
from cdshooks.options.predicates import Question, describe, is_too_old, question
from cdshooks.options.trials.answers import all_hold, any_holds, met, not_met, review, unknown, within, yes_no
from cdshooks.options.trials.drugs import ready
from cdshooks.options.trials.illness import illness_present

_OPS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_BEST_KARNOFSKY = 100


def answer_age(criterion: Age, case: Case) -> Answer:
    """Age today; a birth date known only to the year may leave it open."""
    birth = case.record.person.birth
    if birth is None:
        return unknown("age_years", "date of birth is not known")
    least, most = full_years(birth.last, case.as_of), full_years(birth.first, case.as_of)
    outcome = within(least, most, criterion.min, criterion.max)
    told = f"aged {least}" if least == most else f"aged {least} or {most}"
    return Answer(outcome, (told,), FactId("age_years") if outcome is Outcome.UNKNOWN else None)


def full_years(birth: date, today: date) -> int:
    """Birthdays so far; the one of today counts."""
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))


def answer_sex(criterion: Sex, case: Case) -> Answer:
    """Sex as the record gives it."""
    sex = case.fact(FactId("sex"))
    if sex.value is None or not criterion.within:
        return unknown("sex", "sex is not known") if criterion.within else met()
    return yes_no(holds=sex.value in criterion.within, observed=str(sex.value))


def answer_ecog(criterion: Ecog, case: Case) -> Answer:
    """ECOG, or what a Karnofsky index says of it; what the trial names itself comes first."""
    ecog, karnofsky = case.fact(FactId("ecog")), case.fact(FactId("karnofsky"))
    asks_karnofsky = criterion.min_karnofsky is not None
    for fact in (karnofsky, ecog) if asks_karnofsky else (ecog, karnofsky):
        definition = case.knowledge.facts[fact.id]
        if not isinstance(fact.value, int | float) or is_too_old(fact, definition, case.as_of):
            continue
        grades = _least_karnofsky_of_grades(case)
        if fact.id == "ecog":
            grade = min(int(fact.value), len(grades) - 1)
            low, high = grades[grade], grades[grade - 1] - 1 if grade else _BEST_KARNOFSKY
        else:
            low = high = fact.value
            grade = next(number for number, least in enumerate(grades) if low >= least)
        outcome = (
            within(low, high, criterion.min_karnofsky, None)
            if asks_karnofsky
            else within(grade, grade, None, criterion.max)
        )
        missing = FactId("karnofsky") if outcome is Outcome.UNKNOWN else None
        return Answer(outcome, (describe(fact, definition),), missing, fact.evidence)
    old = ecog if ecog.value is not None else karnofsky
    if old.value is not None:
        return unknown("ecog", f"{describe(old, case.knowledge.facts[old.id])} is too old to rely on", old.evidence)
    return unknown("ecog", "ECOG performance status is not known")


def _least_karnofsky_of_grades(case: Case) -> list[float]:
    """The lowest Karnofsky index of each ECOG grade, from grade 0."""
    settings = case.knowledge.facts[FactId("karnofsky")].settings
    return [settings[name] for name in sorted(settings)]


def answer_lvef(criterion: Lvef, case: Case) -> Answer:
    """The newest LVEF, no older than the trial or the fact allows."""
    if criterion.min is None:
        return met()
    return _compared(FactId("lvef_percent"), "ge", criterion.min, criterion.within_days, case)


def answer_qtc(criterion: Qtc, case: Case) -> Answer:
    """QTc, by sex where the limits differ."""
    limits = {"female": criterion.max_ms_female, "male": criterion.max_ms_male}
    asked = [criterion.max_ms] if criterion.max_ms is not None else []
    sex = case.fact(FactId("sex")).value
    by_sex = [it for it in limits.values() if it is not None]
    if sex in limits:
        mine = limits[str(sex)]
        asked += [mine] if mine is not None else []
        return all_hold(_at_most_qtc(it, case) for it in asked)
    if not by_sex:
        return all_hold(_at_most_qtc(it, case) for it in asked)
    lower, upper = _at_most_qtc(min(by_sex), case), _at_most_qtc(max(by_sex), case)
    if lower.outcome is upper.outcome:
        return all_hold((*(_at_most_qtc(it, case) for it in asked), lower))
    return unknown("sex", "the limit differs by sex, which is not known")


def _at_most_qtc(limit: float, case: Case) -> Answer:
    return _compared(FactId("qtc_ms"), "le", limit, None, case)


def answer_lab(criterion: Lab, case: Case) -> Answer:
    """A laboratory value against its limit, the eased limit, or another value that is enough as well."""
    if criterion.analyte is None or criterion.op is None or criterion.value is None:
        return unknown("anc", "the limit is not stated")
    plain = _limit(criterion.analyte, criterion.op, criterion.value, criterion.within_days, case)
    answer = plain if criterion.alt is None else _eased(criterion, criterion.alt, plain, case)
    other = criterion.otherwise
    return answer if other is None else any_holds((answer, _other(other, criterion.within_days, case)))


def _limit(analyte: str, op: str, value: float, within_days: int | None, case: Case) -> Answer:
    fact = case.knowledge.trials.terms.by_id[analyte].fact
    assert fact is not None
    return _compared(fact, _OPS[op], value, within_days, case)


def _compared(fact: FactId, op: str, value: float, within_days: int | None, case: Case) -> Answer:
    """A fact against a limit of a trial; the question is made ready once."""

    def made() -> Question:
        return question(FactLeaf(fact=fact, op=op, value=value, within_days=within_days), case.knowledge)

    return ready("limit", (fact, op, value, within_days), case.knowledge, made)(case)


def _other(limit: OtherLimit, within_days: int | None, case: Case) -> Answer:
    return _limit(limit.analyte, limit.op, limit.value, within_days, case)


def _eased(criterion: Lab, alt: EasedLimit, plain: Answer, case: Case) -> Answer:
    if plain.outcome is not Outcome.NOT_MET:
        return plain
    states = [_eases(alt.condition, case), *([_eases(alt.also, case)] if alt.also else [])]
    applies = True if True in states else None if None in states else False
    if applies is False:
        return plain
    if alt.review or alt.value is None:
        return review("; ".join((*plain.observed, "a special limit may apply")), plain.evidence)
    assert criterion.analyte is not None
    assert criterion.op is not None
    eased = _limit(criterion.analyte, alt.op or criterion.op, alt.value, criterion.within_days, case)
    if applies is None and eased.outcome is Outcome.MET:
        told = "; ".join((*eased.observed, "whether there are liver metastases is not known"))
        return unknown("liver_metastases", told, eased.evidence)
    return eased if applies else not_met("; ".join(eased.observed), eased.evidence)


def _eases(condition: str, case: Case) -> bool | None:
    if condition == "liver_mets":
        value = case.fact(FactId("liver_metastases")).value
        return value if isinstance(value, bool) else None
    return illness_present("gilbert", case)
