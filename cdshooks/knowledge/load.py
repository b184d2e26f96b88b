"""Loads all clinical knowledge once, checks it, and hands it out frozen; start-up stops on any fault."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from cdshooks.knowledge.canaries import Canary, load_canaries
from cdshooks.knowledge.codes import CodeKnowledge, load_codes
from cdshooks.knowledge.criteria import Criterion, load_criteria
from cdshooks.knowledge.drugs import DrugKnowledge, load_drugs
from cdshooks.knowledge.facts import FactDefinition, load_facts
from cdshooks.knowledge.gaps import GapRule, load_gap_rules
from cdshooks.knowledge.ids import CriterionId, FactId, RegimenId, SourceId
from cdshooks.knowledge.line_rules import LineRules, load_line_rules
from cdshooks.knowledge.manifest import Manifest, load_manifest
from cdshooks.knowledge.measures import MeasureKnowledge, load_measures
from cdshooks.knowledge.orderable import OrderableTest, load_tests
from cdshooks.knowledge.overlay import OverlayChange, overlay_changes
from cdshooks.knowledge.places import Places, load_places
from cdshooks.knowledge.presentation import Presentation, load_presentation
from cdshooks.knowledge.profiles import Profile, load_profiles
from cdshooks.knowledge.quiet import QuietRule, load_quiet_rules
from cdshooks.knowledge.ranking import Ranking, load_ranking
from cdshooks.knowledge.receptors import ReceptorRules, load_receptor_rules
from cdshooks.knowledge.regimens import Regimen, load_regimens
from cdshooks.knowledge.rules import OptionRules, bind_criteria
from cdshooks.knowledge.sources import Source, load_sources
from cdshooks.knowledge.trial_files import load_trials
from cdshooks.knowledge.trial_terms import load_trial_terms
from cdshooks.knowledge.trials import TrialKnowledge
from cdshooks.knowledge.wording import CardWording, load_wording


class Knowledge(msgspec.Struct, frozen=True, kw_only=True):
    """Everything clinical that the service knows, shipped files and overlay taken together."""

    manifest: Manifest
    drugs: DrugKnowledge
    codes: CodeKnowledge
    measures: MeasureKnowledge
    receptors: ReceptorRules
    line_rules: LineRules
    facts: Mapping[FactId, FactDefinition]
    criteria: Mapping[CriterionId, Criterion]
    regimens: Mapping[RegimenId, Regimen]
    rules: OptionRules
    """Which criteria bind which regimen."""
    ranking: Ranking
    gap_rules: tuple[GapRule, ...]
    tests: tuple[OrderableTest, ...]
    """What can be ordered to fill a gap."""
    quiet: Mapping[str, QuietRule]
    """How long an answered card stays silent, by the code of its topic."""
    sources: Mapping[SourceId, Source]
    trials: TrialKnowledge
    places: Places
    wording: CardWording
    presentation: Presentation
    profiles: Mapping[str, Profile]
    """What kinds of EHRs take of a card, by the name that clients.toml uses."""
    canaries: tuple[Canary, ...]
    overlay: tuple[OverlayChange, ...] = ()
    """What a hospital's overlay changed in the shipped knowledge."""


def load_knowledge(overlay: Path | None = None) -> Knowledge:
    """Load the shipped knowledge with an optional hospital overlay.

    Raises:
        KnowledgeError: One sentence for each fault, with file and line.
    """
    drugs = load_drugs(overlay)
    sources = load_sources(overlay)
    facts = load_facts(overlay)
    criteria = load_criteria(facts, sources, overlay)
    regimens = load_regimens(criteria, sources, overlay)
    classes = {agent: frozenset((drug.drug_class,)) for agent, drug in drugs.by_agent.items()}
    codes = load_codes(overlay)
    trial_terms = load_trial_terms(facts, overlay)
    return Knowledge(
        manifest=load_manifest(overlay),
        drugs=drugs,
        codes=codes,
        measures=load_measures(overlay),
        receptors=load_receptor_rules(sources, overlay),
        line_rules=load_line_rules(overlay, drugs),
        facts=facts,
        criteria=criteria,
        regimens=regimens,
        rules=bind_criteria(regimens, criteria, classes),
        ranking=load_ranking(overlay),
        gap_rules=load_gap_rules(facts, sources, overlay),
        tests=load_tests(facts, overlay),
        quiet=load_quiet_rules(facts, sources, overlay),
        sources=sources,
        trials=load_trials(facts, drugs.by_agent, codes.comed_classes, trial_terms, overlay),
        wording=load_wording(overlay),
        presentation=load_presentation(overlay),
        profiles=load_profiles(sources, overlay),
        canaries=load_canaries(overlay),
        overlay=overlay_changes(overlay),
        places=load_places(overlay),
    )


def without_regimens(knowledge: Knowledge, off: Mapping[RegimenId, str]) -> Knowledge:
    """The same knowledge with some regimens switched off, each with its reason: they are judged, never offered."""
    if not off:
        return knowledge
    regimens = {
        id_: msgspec.structs.replace(it, switched_off=off.get(id_, it.switched_off))
        for id_, it in knowledge.regimens.items()
    }
    rules = bind_criteria(regimens, knowledge.criteria, knowledge.rules.classes)
    return msgspec.structs.replace(knowledge, regimens=regimens, rules=rules)
