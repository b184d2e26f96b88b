"""Advice to what the patient page shows: values in the order in which they are read, nothing of HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from cdshooks.cards import wording as cards_wording
from cdshooks.cards.detail import brain_state, counted, gravest_of_topic, receptors_in_force, relevant_gaps
from cdshooks.cards.options_text import could_be_offered, evidence_of, had_tdxd, is_unproven, ranked_options, views_of
from cdshooks.cards.scope import FINISHED_LINES, concerns, treatment_not_seen
from cdshooks.cards.trials_text import (
    MOST_TRIALS,
    phase_of,
    sites_not_loaded,
    sites_of,
    to_weigh,
    trials_doubts,
    trials_to_show,
)
from cdshooks.knowledge.criteria import Effect
from cdshooks.knowledge.ids import SourceId
from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.manifest import Freshness
from cdshooks.knowledge.names import name_of
from cdshooks.lines.model import LineOfTherapy
from cdshooks.options.model import Advice, Finding, Option, Outcome, TrialMatch, TrialVerdict, Verdict
from cdshooks.options.order_of_options import WHAT_MOVES
from cdshooks.options.trials.drugs import ready
from cdshooks.pages import wording
from cdshooks.pages.drawing import Drawing
from cdshooks.pages.timeline import draw_timeline

_WIDE, _NARROW = 800, 358
_MOST_IN_FULL = 4
_NO_TREATMENT = frozenset({"trial", "supportive"})
_PROGRESSED = "SEQ_PROGRESSED"
_ORDER = {it: place for place, it in enumerate((Outcome.NOT_MET, Outcome.REVIEW, Outcome.UNKNOWN, Outcome.MET))}
_WORDS = {it: (it.value, wording.OUTCOMES[it.value]) for it in Outcome}


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what is shown."""


class Cited(View, frozen=True, kw_only=True):
    """A source that somebody has read; ``url`` leads to it where one is known."""

    cite: str
    url: str | None


class Answered(View, frozen=True, kw_only=True):
    """A criterion with its answer: met, not met, unknown or review."""

    outcome: str
    word: str
    says: str
    criterion: str
    sources: tuple[Cited, ...] = ()


class LineView(View, frozen=True, kw_only=True):
    """A row of the table of lines."""

    number: str
    agents: str
    start: str
    end: str
    reason: str
    doubt: str
    has_ended: bool


class OptionView(View, frozen=True, kw_only=True):
    """An option with its place, why it stands there, what would change it, and every criterion behind it."""

    rank: int
    label: str
    drugs: str
    why: tuple[str, ...]
    evidence: str
    warnings: tuple[str, ...]
    asks: tuple[str, ...]
    doses: tuple[str, ...]
    views: tuple[str, ...]
    local: str
    """What this hospital notes of it."""
    would_change: tuple[str, ...]
    findings: tuple[Answered, ...]
    is_first: bool


class Refused(View, frozen=True, kw_only=True):
    """A reason with the options that it holds back."""

    reason: str
    labels: tuple[str, ...]
    sources: tuple[Cited, ...]

    @property
    def count(self) -> int:
        """How many options it holds back."""
        return len(self.labels)


class RefusedGroup(View, frozen=True, kw_only=True):
    """Reasons of one kind: those that may pass, those that stay."""

    title: str
    reasons: tuple[Refused, ...]


class TrialView(View, frozen=True, kw_only=True):
    """A trial with the state of each criterion."""

    nct_id: str
    phase: str
    title: str
    url: str
    verdict: str
    told: str
    to_weigh: str
    sites: str
    criteria: tuple[Answered, ...]
    to_confirm: tuple[str, ...]


class Answer(View, frozen=True, kw_only=True):
    """One of the three questions of the page, answered in a line and a note."""

    question: str
    answer: str
    note: str
    kind: str = ""
    """Whether it names what comes first ("first") or says that nothing does ("nothing")."""


class PatientPage(View, frozen=True, kw_only=True):
    """The whole page."""

    who: str
    about: str
    notices: tuple[str, ...]
    answers: tuple[Answer, ...]
    state: tuple[str, ...]
    lines: tuple[LineView, ...]
    wide: Drawing | None
    narrow: Drawing | None
    to_find_out: tuple[str, ...]
    also_missing: tuple[str, ...]
    conflicts: tuple[str, ...]
    options: tuple[OptionView, ...]
    more_options: tuple[OptionView, ...]
    refused: tuple[RefusedGroup, ...]
    is_judged: bool
    """Whether anything may be suggested; where not, no option and no trial was weighed for the reader."""
    possible_trials: tuple[TrialView, ...]
    more_trials: tuple[TrialView, ...]
    other_trials: tuple[TrialView, ...]
    sites_not_loaded: str
    """Of which trials that are possible no sites are known here."""
    not_when: str
    basis: str


def view_patient(advice: Advice, knowledge: Knowledge, *, is_date_fixed: bool = False) -> PatientPage:
    """Everything that the page shows of an advice; options only where cards would suggest them."""
    notices = _notices(advice, knowledge, is_date_fixed=is_date_fixed)
    is_silent = _must_not_suggest(advice, knowledge)
    ranked = ranked_options(advice)
    offered = [] if is_silent else ranked
    after_tdxd = had_tdxd(advice)
    options = [
        _option(it, advice, knowledge, after_tdxd=after_tdxd, is_first=place == 0) for place, it in enumerate(offered)
    ]
    unproven = is_unproven(offered, advice, knowledge)
    why = (wording.UNPROVEN,) if unproven else _why_first(offered)
    if options and not options[0].why:
        options[0] = msgspec.structs.replace(options[0], why=why)
    is_told = concerns(advice)
    gaps = relevant_gaps(advice, knowledge, ranked[:_MOST_IN_FULL]) if is_told else []
    possible = [] if is_silent else _possible_trials(advice, knowledge)
    named = {it.nct_id for it in possible}
    others = [] if is_silent else [it for it in advice.trials if it.nct_id not in named]
    history = (*advice.lines.early, *advice.lines.lines)
    manifest = knowledge.manifest
    return PatientPage(
        who=_who(advice),
        about=(wording.ABOUT if is_told else wording.ABOUT_OTHER).format(as_of=advice.as_of),
        notices=notices,
        answers=(_had(advice), _ended(advice), _now(advice, offered, knowledge, why, has_proven=not unproven)),
        state=tuple(
            it.replace("**", "")
            for it in (counted(advice), receptors_in_force(advice), brain_state(advice), *_other_counts(advice))
            if it
        ),
        lines=tuple(_line(it) for it in history),
        wide=draw_timeline(advice, _WIDE),
        narrow=draw_timeline(advice, _NARROW),
        to_find_out=tuple(dict.fromkeys(it.ask for it in gaps)),
        also_missing=tuple(dict.fromkeys(it.ask for it in advice.gaps if is_told and it not in gaps)),
        conflicts=_conflicts(advice, knowledge),
        options=tuple(options[:_MOST_IN_FULL]),
        more_options=tuple(options[_MOST_IN_FULL:]),
        refused=() if is_silent else _refused(advice, knowledge),
        is_judged=not is_silent,
        possible_trials=tuple(_trial(it, advice, knowledge, is_possible=True) for it in possible[:MOST_TRIALS]),
        more_trials=tuple(_trial(it, advice, knowledge, is_possible=True) for it in possible[MOST_TRIALS:]),
        other_trials=tuple(_trial(it, advice, knowledge, is_possible=False) for it in others),
        sites_not_loaded=sites_not_loaded(possible),
        not_when=knowledge.wording.not_when,
        basis=cards_wording.BASIS.format(version=manifest.version, reviewed=manifest.reviewed),
    )


def _notices(advice: Advice, knowledge: Knowledge, *, is_date_fixed: bool) -> tuple[str, ...]:
    manifest, person = knowledge.manifest, advice.record.person
    missing = treatment_not_seen(advice)
    told = []
    if manifest.signature(advice.as_of) is None:
        told.append(wording.UNSIGNED)
    if person.is_deceased:
        told.append(wording.DECEASED)
    if person.is_replaced:
        told.append(wording.REPLACED)
    if missing:
        told.append(cards_wording.INCOMPLETE.format(queries=", ".join(missing)))
    if not concerns(advice):
        told.append(wording.NOT_THIS_DISEASE)
    elif len(advice.lines.finished) < FINISHED_LINES:
        told.append(wording.EARLIER_LINE)
    if concerns(advice):
        told += [it.replace("**", "") for it in trials_doubts(advice, knowledge)]
    match manifest.freshness(advice.as_of):
        case Freshness.EXPIRED:
            told.append(cards_wording.EXPIRED.format(expires=manifest.expires))
        case Freshness.DUE:
            told.append(cards_wording.DUE.format(reviewed=manifest.reviewed, due=manifest.due))
    if is_date_fixed:
        told.append(cards_wording.FIXED_DATE.format(today=advice.as_of))
    return tuple(told)


def _must_not_suggest(advice: Advice, knowledge: Knowledge) -> bool:
    person = advice.record.person
    return (
        not concerns(advice)
        or person.is_deceased
        or person.is_replaced
        or bool(treatment_not_seen(advice))
        or knowledge.manifest.freshness(advice.as_of) is Freshness.EXPIRED
    )


def _who(advice: Advice) -> str:
    person = advice.record.person
    known = [person.sex or "", f"born {person.birth}" if person.birth is not None else ""]
    return ", ".join(it for it in (f"Patient {person.id or 'without id'}", *known) if it)


def _had(advice: Advice) -> Answer:
    counts, lines = advice.lines.counts, advice.lines
    number = f"{counts.metastatic_lines}"
    if counts.is_at_least:
        number = f"at least {number}"
    noun = "line" if counts.metastatic_lines == 1 else "lines"
    range_of = wording.RANGE.format(least=counts.min, most=counts.max) if counts.min != counts.max else ""
    now = (
        wording.RUNNING.format(number=lines.current)
        if lines.current is not None
        else wording.CHOOSING.format(number=lines.next_line)
    )
    return Answer(
        question=wording.HAD, answer=f"{number} metastatic {noun}", note=" ".join(it for it in (range_of, now) if it)
    )


def _ended(advice: Advice) -> Answer:
    ended = advice.lines.finished
    if not ended:
        return Answer(question=wording.ENDED, answer=wording.NONE_ENDED, note="")
    last = ended[-1]
    reason = wording.ENDED_FOR[last.end_reason.value]
    return Answer(
        question=wording.ENDED,
        answer=f"Line {last.number}: {reason}",
        note=f"{', '.join(last.agents)}, until {last.end}" if last.end is not None else ", ".join(last.agents),
    )


def _now(
    advice: Advice, offered: list[Option], knowledge: Knowledge, why: tuple[str, ...], *, has_proven: bool
) -> Answer:
    if not offered:
        is_judged = not _must_not_suggest(advice, knowledge)
        return Answer(
            question=wording.NOW,
            answer=wording.NOTHING_FITS if is_judged else wording.NO_SUGGESTION,
            note="" if is_judged else wording.SEE_ABOVE,
            kind="nothing",
        )
    first = offered[0]
    drug = next((it for it in offered if it.agents), None)
    blocked = _blocked_most(advice, knowledge)
    if drug is None and knowledge.regimens[first.id].role in _NO_TREATMENT:
        return Answer(
            question=wording.NOW,
            answer=wording.NO_DRUG,
            note=_blocked_most(advice, knowledge, what="options"),
            kind="nothing",
        )
    named = wording.FIRST_DRUG.format(label=drug.label) if drug is not None and drug is not first else ""
    evidence = _first_why(drug) if drug is not None and named and has_proven else ""
    note = " ".join(it for it in (*why, named, evidence, _now_given(drug or first, advice), blocked) if it)
    return Answer(question=wording.NOW, answer=first.label, note=note, kind="first")


def _why_first(offered: list[Option]) -> tuple[str, ...]:
    """What is said of the first option, and what puts it before the next."""
    return tuple(filter(None, (_first_why(offered[0]), _before_next(offered)))) if offered else ()


def _first_why(option: Option) -> str:
    return next((it for it in option.why_this_rank if not it.startswith(WHAT_MOVES)), "")


def _before_next(offered: list[Option]) -> str:
    """What puts the first drug, or what has no word of its own, before the next: the other side of what that one says."""
    if len(offered) < 2 or not (offered[0].agents or not _first_why(offered[0])):  # noqa: PLR2004 - a first and a next
        return ""
    begins = wording.STANDS_BEFORE.format(label=offered[0].label)
    told = (it.removeprefix(begins) for it in offered[1].why_this_rank if it.startswith(begins))
    return next((wording.BEFORE_NEXT.format(label=offered[1].label, reason=it) for it in told), "")


def _now_given(option: Option, advice: Advice) -> str:
    """That the patient is having just this, where a line goes on with these drugs: then there is nothing to change to."""
    lines = advice.lines
    running = next((it for it in lines.lines if it.number is not None and it.number == lines.current), None)
    if running is None or set(running.agents) != set(option.agents):
        return ""
    return wording.GOES_ON.format(number=running.number)


def _blocked_most(advice: Advice, knowledge: Knowledge, *, what: str = "others") -> str:
    """The reason that holds back the most other options; what was progressed on is in the table of lines and not said again."""
    held = Counter(
        decided[0].because.rstrip(".")
        for it in advice.options
        if it.verdict in {Verdict.HOLD, Verdict.EXCLUDE} and could_be_offered(it, knowledge)
        for decided in [[why for why in it.deciding if why.criterion != _PROGRESSED]]
        if decided
    )
    told = held.most_common(1)
    return wording.BLOCKED.format(count=told[0][1], what=what, reason=told[0][0]) if told and told[0][1] > 1 else ""


def _other_counts(advice: Advice) -> list[str]:
    return [cards_wording.OTHER_COUNT.format(because=it.because) for it in advice.lines.alternatives]


def _line(it: LineOfTherapy) -> LineView:
    agents = ", ".join(it.agents)
    if it.maintenance_agents:
        agents += f" (then {', '.join(it.maintenance_agents)})"
    return LineView(
        number=str(it.number) if it.number is not None else it.setting.value,
        agents=agents,
        start=str(it.start),
        end=str(it.end) if it.end is not None else "goes on" if it.end_reason == "ongoing" else "not on record",
        reason=cards_wording.REASONS[it.end_reason.value],
        doubt="" if it.confidence == "high" else it.confidence.value,
        has_ended=it.end_reason != "ongoing",
    )


def _option(option: Option, advice: Advice, knowledge: Knowledge, *, after_tdxd: bool, is_first: bool) -> OptionView:
    regimen = knowledge.regimens[option.id]
    warned = gravest_of_topic([it for it in option.findings if it.effect is Effect.WARN], knowledge)
    has_choice = any(len(it.one_of) > 1 or it.optional for it in regimen.components)
    return OptionView(
        rank=option.rank or 0,
        label=option.label,
        drugs=" + ".join(option.agents) if has_choice else "",
        why=tuple(it for it in option.why_this_rank if not it.startswith(WHAT_MOVES)),
        evidence=evidence_of(regimen, knowledge, after_tdxd=after_tdxd) if option.agents else "",
        warnings=tuple(dict.fromkeys(it.because for it in warned)),
        asks=tuple(dict.fromkeys(it.text for it in option.asks)),
        doses=tuple(dict.fromkeys(option.dose_notes)),
        views=tuple(views_of(option, advice, knowledge)),
        local=regimen.formulary_note or "",
        would_change=_would_change(option, knowledge),
        findings=tuple(
            dict.fromkeys([_answered(it, _cited(it.sources, knowledge)) for it in _by_outcome(option.findings)])
        ),
        is_first=is_first,
    )


def _would_change(option: Option, knowledge: Knowledge) -> tuple[str, ...]:
    """What nobody knows or has judged yet, and from when a passing reason is over."""
    moves = (it.removeprefix(WHAT_MOVES) for it in option.why_this_rank if it.startswith(WHAT_MOVES))
    told = [it[:1].upper() + it[1:] for it in moves]
    for it in option.findings:
        if it.outcome is Outcome.UNKNOWN and it.missing is not None:
            label = knowledge.facts[it.missing].label
            holds = it.sentence.removeprefix("Not known: ").rstrip(".")
            told.append(wording.WOULD_CHANGE.format(label=label[:1].upper() + label[1:], holds=holds))
        elif it.outcome is Outcome.REVIEW:
            told.append(wording.TO_JUDGE.format(because=it.because.rstrip(".")))
        if it.recovers_on is not None:
            told.append(wording.OVER_FROM.format(because=it.because.rstrip("."), date=it.recovers_on))
    return tuple(dict.fromkeys(told))


def _by_outcome(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda it: _ORDER[it.outcome])


def _answered(it: Finding, sources: tuple[Cited, ...] = ()) -> Answered:
    outcome, word = _WORDS[it.outcome]
    return Answered(outcome=outcome, word=word, says=it.because, criterion=it.criterion, sources=sources)


def _cited(sources: tuple[SourceId, ...], knowledge: Knowledge) -> tuple[Cited, ...]:
    """Sources that somebody has read; what was not read is no evidence and is not shown."""
    return ready("cited", sources, knowledge, lambda: _read(sources, knowledge))


def _read(sources: tuple[SourceId, ...], knowledge: Knowledge) -> tuple[Cited, ...]:
    known = [knowledge.sources[it] for it in sources if it in knowledge.sources]
    return tuple(
        Cited(cite=it.cite, url=it.url if it.url is not None and it.url.startswith("https://") else None)
        for it in known
        if it.read != "not_read"
    )


def _refused(advice: Advice, knowledge: Knowledge) -> tuple[RefusedGroup, ...]:
    groups = []
    for verdict, title in (
        (Verdict.HOLD, wording.HELD),
        (Verdict.EXCLUDE, wording.EXCLUDED),
        (Verdict.NOT_APPLICABLE, wording.ELSEWHERE),
    ):
        named: dict[str, list[str]] = {}
        sources: dict[str, tuple[Cited, ...]] = {}
        for option in advice.options:
            role = knowledge.regimens[option.id].role
            if option.verdict != verdict or role == "prior_exposure_marker":
                continue
            if verdict is not Verdict.NOT_APPLICABLE and not could_be_offered(option, knowledge):
                continue
            decided = option.deciding
            reason = decided[0].because if decided else wording.NO_REASON
            named.setdefault(reason, []).append(option.label)
            sources[reason] = _cited(decided[0].sources, knowledge) if decided else ()
        if named:
            reasons = (Refused(reason=it, labels=tuple(labels), sources=sources[it]) for it, labels in named.items())
            groups.append(RefusedGroup(title=title, reasons=tuple(reasons)))
    return tuple(groups)


def _possible_trials(advice: Advice, knowledge: Knowledge) -> list[TrialMatch]:
    """Those that a card shows, in its order, then every other that is not ruled out; none where a card would show none at all."""
    shown = trials_to_show(advice, knowledge)
    if not shown:
        return []
    named = {it.nct_id for it in shown}
    return [*shown, *(it for it in advice.trials if it.verdict != TrialVerdict.INELIGIBLE and it.nct_id not in named)]


def _trial(match: TrialMatch, advice: Advice, knowledge: Knowledge, *, is_possible: bool) -> TrialView:
    trial = knowledge.trials.by_id[match.nct_id]
    failing = [it for it in match.findings if it.criterion in match.failing]
    missing = [it for it in match.findings if it.criterion in match.missing]
    told = wording.TRIAL_OPEN
    if match.verdict == TrialVerdict.INELIGIBLE:
        told = "; ".join(it.because.rstrip(".") for it in failing[:2]) or wording.NO_REASON
        if match.recovers_on is not None:
            told += wording.AGAIN_FROM.format(date=match.recovers_on)
        if is_possible:
            told = wording.TRIAL_NOT_NOW.format(reasons=told)
    elif missing:
        told = wording.TRIAL_MISSING.format(names="; ".join(it.because.rstrip(".") for it in missing[:2]))
    return TrialView(
        nct_id=match.nct_id,
        phase=phase_of(trial),
        title=match.title,
        url=trial.url,
        verdict=match.verdict.value,
        told=told,
        to_weigh=to_weigh(trial, advice, knowledge).replace("**", ""),
        sites=sites_of(match, advice).replace("**", "") if is_possible else "",
        criteria=tuple([_answered(it) for it in _by_outcome(match.findings)]),
        to_confirm=match.confirm_with_site,
    )


def _conflicts(advice: Advice, knowledge: Knowledge) -> tuple[str, ...]:
    """What contradicts itself, cannot be true or cannot be read; ordinary drugs that nobody needs to recognise are left out."""
    record = advice.record
    told = [it.because for it in record.conflicts]
    told += [it.because for it in record.doubts]
    told += [wording.UNREADABLE.format(resource=it.resource, reason=it.reason) for it in record.unreadable]
    told += [
        wording.UNMAPPED.format(text=it.text[:60], what=it.what)
        for it in record.unmapped
        if not knowledge.drugs.other_names.isdisjoint(name_of(it.text))
    ]
    return tuple(dict.fromkeys(told))
