"""The check of all knowledge: what the loaders refuse, and what no single loader can see.

A loader stops at the first kind that is faulty. The check goes on, so that a hospital sees everything that is wrong with its
overlay in one run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.canaries import load_canaries
from cdshooks.knowledge.check_codes import code_faults
from cdshooks.knowledge.check_vocabulary import vocabulary_faults
from cdshooks.knowledge.codes import load_codes
from cdshooks.knowledge.criteria import Criterion, load_criteria
from cdshooks.knowledge.drugs import DrugKnowledge, load_drugs
from cdshooks.knowledge.entries import Entry, read_entries
from cdshooks.knowledge.facts import FactDefinition, load_facts
from cdshooks.knowledge.files import files_under
from cdshooks.knowledge.gaps import load_gap_rules
from cdshooks.knowledge.ids import AgentId, CriterionId, FactId, RegimenId, SourceId
from cdshooks.knowledge.line_rules import load_line_rules
from cdshooks.knowledge.load import load_knowledge
from cdshooks.knowledge.manifest import load_manifest
from cdshooks.knowledge.measures import load_measures
from cdshooks.knowledge.orderable import load_tests
from cdshooks.knowledge.presentation import load_presentation
from cdshooks.knowledge.quiet import load_quiet_rules
from cdshooks.knowledge.ranking import load_ranking
from cdshooks.knowledge.receptors import load_receptor_rules
from cdshooks.knowledge.regimens import Regimen, load_regimens
from cdshooks.knowledge.rules import bind_criteria
from cdshooks.knowledge.seal import SCHEMAS
from cdshooks.knowledge.sources import Source, cited_in, load_sources
from cdshooks.knowledge.trial_files import load_trials
from cdshooks.knowledge.trial_terms import load_trial_terms
from cdshooks.knowledge.trials import TrialKnowledge
from cdshooks.knowledge.wording import load_wording

_CITING = ("criteria", "regimens", "gaps", "line_rules", "quiet", "receptor_limits", "ish_groups")
_MEMORY = "memory"
_AGENT_LISTS = frozenset({"agents", "except_agents", "by_agents", "all_of", "may_include"})
_SETTING_AN_ORDER = "ranking"
T = TypeVar("T")


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    """What could be loaded; empty where a kind is faulty, for then its own faults are told already."""

    drugs: DrugKnowledge | None
    sources: Mapping[SourceId, Source]
    facts: Mapping[FactId, FactDefinition]
    criteria: Mapping[CriterionId, Criterion]
    regimens: Mapping[RegimenId, Regimen]


def check_knowledge(overlay: Path | None = None) -> tuple[str, ...]:
    """All faults of the shipped knowledge with an optional overlay: one sentence each, with file and line; none is good."""
    faults: list[str] = []

    faults.extend(_unknown_files(overlay))
    drugs: DrugKnowledge | None = _load(lambda: load_drugs(overlay), None, faults)
    no_sources: dict[SourceId, Source] = {}
    no_facts: dict[FactId, FactDefinition] = {}
    no_criteria: dict[CriterionId, Criterion] = {}
    no_regimens: dict[RegimenId, Regimen] = {}
    sources = _load(lambda: load_sources(overlay), no_sources, faults)
    facts = _load(lambda: load_facts(overlay), no_facts, faults)
    criteria = no_criteria
    if facts and sources:
        criteria = _load(lambda: load_criteria(facts, sources, overlay), no_criteria, faults)
    regimens = (
        _load(lambda: load_regimens(criteria, sources, overlay), no_regimens, faults) if criteria else no_regimens
    )
    others: tuple[Callable[[], object], ...] = (
        lambda: load_gap_rules(facts, sources, overlay) if facts and sources else None,
        lambda: load_tests(facts, overlay) if facts else None,
        lambda: load_quiet_rules(facts, sources, overlay) if facts and sources else None,
        lambda: load_receptor_rules(sources, overlay) if sources else None,
        lambda: load_line_rules(overlay),
        lambda: load_ranking(overlay),
        lambda: load_wording(overlay),
        lambda: load_presentation(overlay),
        lambda: load_canaries(overlay),
        lambda: load_manifest(overlay),
        lambda: load_measures(overlay),
    )
    for read in others:
        _load(read, None, faults)
    if facts and drugs is not None:
        _load(lambda: _read_trials(facts, drugs, overlay), None, faults)
    if overlay is None:
        faults.extend(_hospitals_own(regimens))
    found = _Found(drugs=drugs, sources=sources, facts=facts, criteria=criteria, regimens=regimens)
    faults.extend(code_faults(overlay))
    faults.extend(vocabulary_faults(overlay))
    faults.extend(_entry_faults(found, overlay))
    faults.extend(_reach_faults(found, overlay))
    faults.extend(_idle_sources(overlay))
    _load(lambda: load_knowledge(overlay), None, faults)  # whatever else stops a start
    return tuple(dict.fromkeys(faults))


def _read_trials(facts: Mapping[FactId, FactDefinition], drugs: DrugKnowledge, overlay: Path | None) -> TrialKnowledge:
    return load_trials(
        facts, drugs.by_agent, load_codes(overlay).comed_classes, load_trial_terms(facts, overlay), overlay
    )


def _hospitals_own(regimens: Mapping[RegimenId, Regimen]) -> Iterator[str]:
    """Members that only a hospital may set, found in a shipped regimen."""
    for it in regimens.values():
        if it.recommend or it.formulary_note is not None:
            yield f"{it.file}:1: regimens {it.id!r}: to recommend a regimen or note a formulary is for a hospital's overlay"


def _load(read: Callable[[], T], otherwise: T, faults: list[str]) -> T:
    try:
        return read()
    except KnowledgeError as error:
        faults.extend(error.faults)
        return otherwise


def _unknown_files(overlay: Path | None) -> Iterator[str]:
    """Files that no loader reads: a name misspelt in an overlay would change nothing, and nobody would notice."""
    if overlay is None:
        return
    kinds = {path.stem for path in SCHEMAS.glob("*.json")} | {"trials"}
    for path in files_under(overlay, ".yaml", ".yml", ".csv"):
        parts = path.relative_to(overlay).parts
        kind = parts[0].removesuffix(".yaml")
        is_read = (path.suffix == ".yaml" and kind in kinds) or (path.suffix == ".csv" and parts[0] == "codes")
        if not is_read:
            yield f"{path.name}:1: nothing reads this file; an overlay has {', '.join(sorted(kinds))} (.yaml) and codes/*.csv"


def _entry_faults(found: _Found, overlay: Path | None) -> Iterator[str]:
    """Dangling drugs, classes, regimens and sources, and statements without a source, over all entries of all kinds."""
    for kind in (*_CITING, "facts", _SETTING_AN_ORDER, "line_classes"):
        try:
            entries = read_entries(kind, overlay)
        except KnowledgeError:
            continue  # told already
        for entry in entries.by_id.values():
            where = f"{entry.file}:{entry.line}: {kind} {entry.id!r}"
            faults = [*_dangling(entry.content, found, kind)]
            if kind in _CITING:
                faults += _sourcing_faults(entry, kind, found.sources)
            yield from (f"{where} {fault}" for fault in faults)


def _dangling(content: Any, found: _Found, kind: str) -> Iterator[str]:
    if found.drugs is None:
        return
    agents: Collection[str] = found.drugs.by_agent
    classes = {drug.drug_class for drug in found.drugs.by_agent.values()}
    for key, value in _members(content):
        if key == "agent":
            yield from _unknown("drug", (value,), agents)
        elif key in _AGENT_LISTS and isinstance(value, list | dict):
            yield from _unknown("drug", value, agents)
        elif key == "one_of" and all(isinstance(it, list) for it in value):
            yield from _unknown("drug", (agent for choice in value for agent in choice), agents)
        elif key == "classes":
            yield from _unknown("drug class", value, classes)
        elif key in {"regimens", "except_regimens"} and found.regimens and isinstance(value, list):
            yield from _unknown("regimen", value, found.regimens)
        elif key == "fact" and found.facts and kind == _SETTING_AN_ORDER:
            yield from _unknown("fact", (value,), found.facts)


def _unknown(what: str, named: Any, known: Collection[Any]) -> Iterator[str]:
    yield from (f"names the unknown {what} {it!r}" for it in named if it not in known)


def _members(content: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(content, dict):
        for key, value in content.items():
            yield key, value
            yield from _members(value)
    elif isinstance(content, list):
        for value in content:
            yield from _members(value)


def _sourcing_faults(entry: Entry, kind: str, sources: Mapping[SourceId, Source]) -> Iterator[str]:
    content = entry.content
    cited = [*cited_in(content)]
    yield from (f"cites the unknown source {it!r}" for it in cited if sources and it not in sources)
    if kind != "gaps" and not content.get("sources"):
        yield "has no source"
    yield from _unproven(content, sources, ())
    yield from (f"calls {text[:40]!r} verified, yet it speaks of memory" for text in _verified_texts(content))


def _unproven(content: Any, sources: Mapping[SourceId, Source], above: tuple[str, ...]) -> Iterator[str]:
    """Statements called verified that rest on no source, or only on sources nobody has read."""
    if isinstance(content, dict):
        own = tuple(it["source"] for it in content.get("sources", ()) if isinstance(it, dict))
        rests_on = own or above
        if content.get("verified") is True and sources:
            named = (
                content.get("trial") or content.get("measure") or content.get("agent") or content.get("text") or "it"
            )
            if not rests_on:
                yield f"calls {str(named)[:40]!r} verified without a source"
            elif all(it in sources and sources[SourceId(it)].read == "not_read" for it in rests_on):
                yield f"calls {str(named)[:40]!r} verified, yet nobody has read its source"
        for value in content.values():
            yield from _unproven(value, sources, rests_on)
    elif isinstance(content, list):
        for value in content:
            yield from _unproven(value, sources, above)


def _verified_texts(content: Any) -> Iterator[str]:
    if isinstance(content, dict):
        if content.get("verified") is True:
            own = [value for value in content.values() if isinstance(value, str)]
            yield from (text for text in own if _MEMORY in text.casefold())
        for value in content.values():
            yield from _verified_texts(value)
    elif isinstance(content, list):
        for value in content:
            yield from _verified_texts(value)


def _idle_sources(overlay: Path | None) -> Iterator[str]:
    """Shipped sources that nothing rests on: a reader would look for the statement in vain."""
    if overlay is not None:
        return  # an overlay may have switched off what cited them
    cited: set[str] = set()
    for kind in (*_CITING, _SETTING_AN_ORDER, "profiles"):
        try:
            entries = read_entries(kind)
        except KnowledgeError:
            return  # told already
        cited.update(it for entry in entries.by_id.values() for it in cited_in(entry.content))
    try:
        sources = read_entries("sources").by_id
    except KnowledgeError:
        return  # told already
    yield from (
        f"{entry.file}:{entry.line}: sources {key!r} is cited by nothing"
        for key, entry in sources.items()
        if key not in cited
    )


def _reach_faults(found: _Found, overlay: Path | None) -> Iterator[str]:
    """Criteria that bind no regimen, and regimens whose own drugs would not be recognised as that regimen."""
    if found.drugs is None or not found.regimens or not found.criteria:
        return
    classes: Mapping[AgentId, frozenset[str]] = {
        agent: frozenset((drug.drug_class,)) for agent, drug in found.drugs.by_agent.items()
    }
    rules = bind_criteria(found.regimens, found.criteria, classes).regimens
    bound = {binding.criterion.id for rule in rules for binding in rule.whole} | {
        binding.criterion.id
        for rule in rules
        for slot in rule.slots
        for choice in slot.choices
        for binding in choice.bindings
    }
    criteria = read_entries("criteria", overlay).by_id
    could_be = bound | _reached_when_shipped() if overlay is not None else bound
    for criterion in found.criteria:
        if criterion not in could_be:
            entry = criteria[criterion]
            yield f"{entry.file}:{entry.line}: criteria {criterion!r} is reached by no regimen"
    written = read_entries("regimens", overlay).by_id
    for regimen in (it for it in found.regimens.values() if it.switched_off is None):
        fixed = {part.one_of[0].agent for part in regimen.components if len(part.one_of) == 1 and not part.optional}
        matched = regimen.matches.all_of.union(regimen.matches.may_include, *regimen.matches.one_of)
        if matched and fixed - matched:
            entry = written[regimen.id]
            yield (
                f"{entry.file}:{entry.line}: regimens {regimen.id!r} holds {', '.join(sorted(fixed - matched))}, "
                "by which it would not be recognised"
            )


def _reached_when_shipped() -> set[CriterionId]:
    """Criteria that only regimens reach which an overlay has switched off: no fault of the overlay."""
    return {CriterionId(key) for key in read_entries("criteria").by_id}
