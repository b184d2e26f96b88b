"""Which drug a record names: by every coding, then by words; specific before general, never a guess across look-alikes.

Source: terminology 10.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from cdshooks.ehr.remembered import remembered
from cdshooks.ehr.resources import CodeableConcept, Coding
from cdshooks.knowledge.drugs import Alternative, DrugKnowledge, known_system, plain_system
from cdshooks.knowledge.ids import AgentId
from cdshooks.knowledge.names import Name, name_of, stem, words

_LONGEST_TEXT = 400
_CODE_MARK, _NO_SYSTEM = "#", "no system"
"""Characters of a text that are searched: a drug's name stands at its beginning."""
_LETTERS_FOR_ONE_SLIP, _LETTERS_FOR_TWO_SLIPS = 7, 10
_LETTERS_OF_BEGINNING = 3
"""By these most look-alike drugs are told apart, so a slip in them that makes another drug's beginning is not resolved."""
_REGISTRY_NUMBER = re.compile(r"NCT[0-9]{8}", re.IGNORECASE)


class Identified(msgspec.Struct, frozen=True, kw_only=True):
    """The agents that a concept names (products taken apart into what they count as), and what disagrees.

    ``unmapped`` is the text of a drug that is not known; ``protocol`` what the name of a protocol may mean. Of the agents
    some are ``cancer_drugs``, the others ``supportive``.
    """

    agents: tuple[AgentId, ...] = ()
    cancer_drugs: tuple[AgentId, ...] = ()
    supportive: tuple[AgentId, ...] = ()
    is_conflict: bool = False
    unmapped: str | None = None
    protocol: tuple[Alternative, ...] = ()
    unverified: str | None = None
    """The name, as our table writes it, that nobody has read in a source and that alone tells one of the agents."""


class DrugNames:
    """Names and codes to agents, for one set of drug knowledge; texts already seen are remembered up to a bound."""

    def __init__(self, drugs: DrugKnowledge) -> None:
        self._drugs = drugs
        self._between_drugs = re.compile(rf"[+;,&]|{drugs.joining.whole('between').pattern}", re.IGNORECASE)
        self._agents_by_word = _agents_by_word(drugs)
        self._all_words = sorted({*self._agents_by_word, *drugs.other_names})
        beginnings: dict[str, set[str]] = {}
        for word in self._all_words:
            beginnings.setdefault(word[:_LETTERS_OF_BEGINNING], set()).add(word)
        self._words_beginning = {beginning: frozenset(found) for beginning, found in beginnings.items()}
        self._by_first: dict[str, list[tuple[Name, AgentId]]] = {}
        for name in sorted(drugs.by_name, key=len, reverse=True):
            self._by_first.setdefault(name[0], []).append((name, drugs.by_name[name]))
        self._conjugates = _conjugates(drugs)
        self._suffixed = {agent: frozenset(words(agent)) for agent in drugs.by_agent}
        self._unread = drugs.unverified_names
        self.agents_in_text = remembered(self._agents_in_text)
        self.identify_concept = remembered(self._identify_concept)
        self.identify_together = remembered(self._identify_together)
        self._is_of_cancer = remembered(self._may_be_cancer_drug)
        self._spelled = remembered(self._nearest_word)

    def _identify_concept(self, concept: CodeableConcept) -> Identified:
        return self._sorted(self._named_by(concept))

    def _named_by(self, concept: CodeableConcept) -> Identified:
        """All codings of a concept first, then its words."""
        coded = self._specific(tuple(dict.fromkeys(it for it in map(self._by_code, concept.coding) if it is not None)))
        texts = tuple(dict.fromkeys(it for it in (concept.text, *(coding.display for coding in concept.coding)) if it))
        if not coded and texts and self._is_denied(texts[0]):
            return Identified(unmapped=texts[0])
        named = self._specific(tuple(dict.fromkeys(agent for text in texts for agent in self.agents_in_text(text))))
        blinded = frozenset(agent for text in texts for agent in self._blinded(text))
        if blinded:  # nobody knows whether it was the drug: it is an unnamed drug of a trial
            kept = (it for it in named if it not in blinded)
            named = tuple(sorted((*kept, AgentId("investigational"))))
        both = self._specific(tuple(dict.fromkeys((*coded, *named))))
        if both:
            # Coded, and in words not given: which of the two is true, a person must say.
            is_conflict = bool(coded) and (
                any(map(self._is_denied, texts)) or (bool(named) and not self._agree(coded, named))
            )
            protocol = next((it for text in texts if (it := self._wider_protocol(text, both))), ())
            return Identified(
                agents=self._ingredients(both),
                is_conflict=is_conflict,
                protocol=protocol,
                unmapped=texts[0] if protocol else None,
                unverified=self._unverified(coded, texts),
            )
        for text in texts:
            if self._is_of_trial(text):
                return Identified(agents=(AgentId("investigational"),))
            protocol = self._protocol(text)
            if protocol:
                return Identified(protocol=protocol, unmapped=text)
        label = (
            texts[0]
            if texts
            else next((f"{it.system or _NO_SYSTEM}{_CODE_MARK}{it.code}" for it in concept.coding if it.code), None)
        )
        return Identified(unmapped=label)

    def _blinded(self, text: str) -> tuple[AgentId, ...]:
        """The drugs of a text of which it stays open whether they or a placebo were given ("tucatinib/placebo")."""
        if self._drugs.blinded.first(text[:_LONGEST_TEXT]) is None:
            return ()
        parts = self._between_drugs.split(text[:_LONGEST_TEXT])
        return tuple(
            agent
            for part in parts
            if self._drugs.blinded.first(part) is not None
            for agent in self.agents_in_text(part)
        )

    def _is_denied(self, text: str) -> bool:
        """Whether a text says, at its beginning or in so many words, that its drug was not given."""
        first = words(text[:_LONGEST_TEXT])[:1]
        if first and self._drugs.denials.first(first[0]) is not None:
            return True
        return self._drugs.not_given.first(text[:_LONGEST_TEXT]) is not None

    def _identify_together(self, concepts: tuple[CodeableConcept, ...]) -> Identified:
        """What several concepts of one record name: the parts of a mixture, a product and its ingredients."""
        found = [self.identify_concept(concept) for concept in concepts]
        agents = {agent for it in found for agent in it.agents}
        identified = Identified(
            agents=tuple(sorted(agents)),
            is_conflict=any(it.is_conflict for it in found),
            unmapped=next((it.unmapped for it in found if it.unmapped and (it.protocol or not agents)), None),
            protocol=next(
                (it.protocol for it in found if it.protocol and not any(map(agents.issuperset, it.protocol))), ()
            ),
            unverified=next((it.unverified for it in found if it.unverified), None),
        )
        return self._sorted(identified)

    def _sorted(self, identified: Identified) -> Identified:
        """The same, its agents sorted into cancer drugs and others."""
        cancer_drugs = tuple(filter(self.is_anticancer, identified.agents))
        supportive = tuple(it for it in identified.agents if it not in cancer_drugs)
        return msgspec.structs.replace(identified, cancer_drugs=cancer_drugs, supportive=supportive)

    def is_placeholder(self, text: str | None) -> bool:
        """Whether a drug's name says no more than that there is a drug ("see instructions"), or nothing at all."""
        return not text or tuple(stem(word) for word in words(text[:_LONGEST_TEXT])) in self._drugs.placeholders

    def may_be_cancer_drug(self, concepts: tuple[CodeableConcept, ...], text: str) -> bool | None:
        """Whether a drug that is not known is one for cancer: by its ATC code, the stem of its name, or our list of others."""
        return self._is_of_cancer((concepts, text))

    def _may_be_cancer_drug(self, asked: tuple[tuple[CodeableConcept, ...], str]) -> bool | None:
        concepts, text = asked
        codes = [
            (it.code or "").strip().upper()
            for concept in concepts
            for it in concept.coding
            if known_system(it.system) == "atc" and it.code
        ]
        written = words(text[:_LONGEST_TEXT])
        if any(code.startswith(self._drugs.cancer_atc) for code in codes):
            return True
        if any(word.endswith(self._drugs.cancer_endings) or word in self._drugs.other_names for word in written):
            return True
        return False if codes else None

    def is_anticancer(self, agent: AgentId) -> bool:
        """Whether an agent is a cancer drug; supportive and bone drugs are not."""
        drug = self._drugs.by_agent.get(agent)
        return drug is not None and drug.is_anticancer

    def is_infusion(self, agent: AgentId) -> bool:
        """Whether an agent is given in cycles (infusion, injection) rather than taken daily."""
        drug = self._drugs.by_agent.get(agent)
        return drug is not None and drug.cycle_days is not None and "po" not in drug.routes

    def is_cyclic(self, agent: AgentId) -> bool:
        """Whether an agent may be given in cycles; some exist as tablets too."""
        drug = self._drugs.by_agent.get(agent)
        return drug is not None and drug.cycle_days is not None

    def _by_code(self, coding: Coding) -> AgentId | None:
        if not coding.code:
            return None
        code = coding.code.strip()
        if coding.system:
            system = known_system(coding.system) or plain_system(coding.system)
            return self._drugs.by_code.get((system, code))
        return self._drugs.by_any_code.get(code)

    def _specific(self, agents: tuple[AgentId, ...]) -> tuple[AgentId, ...]:
        """Drop an agent whose whole name is part of another one found: trastuzumab beside trastuzumab emtansine."""
        if len(agents) < 2:  # noqa: PLR2004 - one name has nothing beside it
            return agents
        return tuple(
            agent
            for agent in agents
            if not any(other != agent and self._suffixed[agent] < self._suffixed[other] for other in agents)
        )

    def _agree(self, coded: tuple[AgentId, ...], named: tuple[AgentId, ...]) -> bool:
        """Whether codes and words speak of the same drugs, one of them perhaps in less detail."""
        fewer, more = sorted((self._parts(coded), self._parts(named)), key=len)
        return fewer <= more

    def _parts(self, agents: tuple[AgentId, ...]) -> frozenset[str]:
        known = self._drugs.by_agent
        parts = {ingredient for agent in agents for ingredient in known[agent].ingredients}
        # A code or word for the antibody is less detail on a conjugate of it, not another drug.
        return frozenset(
            parts | {other for part in parts for other in parts if self._suffixed[other] < self._suffixed[part]}
        ) | frozenset(other for part in parts for other in self._generals(AgentId(part)))

    def _generals(self, agent: AgentId) -> tuple[AgentId, ...]:
        return tuple(other for other in self._drugs.by_agent if self._suffixed[other] < self._suffixed[agent])

    def _ingredients(self, agents: tuple[AgentId, ...]) -> tuple[AgentId, ...]:
        return tuple(sorted({part for agent in agents for part in self._drugs.by_agent[agent].ingredients}))

    def _agents_in_text(self, text: str) -> tuple[AgentId, ...]:
        """Every agent that a text names, longest name first; a misspelt word counts as the one word it is nearest to."""
        written = words(text[:_LONGEST_TEXT])
        tokens = self._tokens(written)
        found: list[AgentId] = []
        at = 0
        while at < len(tokens):
            length, agent = self._longest_name(tokens, at)
            at += max(length, 1)
            if agent is None or (at < len(tokens) and self._is_unknown_conjugate(agent, written[at], tokens[at])):
                continue
            if agent not in found:
                found.append(agent)
        return self._specific(tuple(found))

    def _unverified(self, coded: tuple[AgentId, ...], texts: tuple[str, ...]) -> str | None:
        """The name of an agent that neither a code nor another name tells, where nobody has read that name in a source."""
        named: dict[AgentId, set[Name]] = {}
        for text in texts:
            tokens = self._tokens(words(text[:_LONGEST_TEXT]))
            for at in range(len(tokens)):
                length, agent = self._longest_name(tokens, at)
                if agent is not None:
                    named.setdefault(agent, set()).add(tokens[at : at + length])
        doubtful = (min(names) for agent, names in named.items() if agent not in coded and names <= self._unread)
        return next((" ".join(it) for it in doubtful), None)

    def _longest_name(self, tokens: Name, at: int) -> tuple[int, AgentId | None]:
        for name, agent in self._by_first.get(tokens[at], ()):
            if tokens[at : at + len(name)] == name:
                return len(name), agent
        return 0, None

    def _is_unknown_conjugate(self, antibody: AgentId, next_word: str, next_token: str) -> bool:
        """A conjugate that we do not know must never be read as its antibody: another drug, and another dose."""
        return (
            next_token not in self._agents_by_word
            and next_word.endswith(self._drugs.payload_endings)
            and any(self._suffixed[antibody] < other for other in self._suffixed.values())
        )

    def _tokens(self, written: list[str]) -> Name:
        """The words as names are compared; an antibody that stays unclear is read by the payload behind it."""
        tokens = [self._spelled(word) for word in written]
        for at, payload in enumerate(tokens[1:]):
            if payload in self._conjugates and tokens[at] not in self._agents_by_word:
                tokens[at] = self._nearest_antibody(tokens[at], self._conjugates[payload])
        return tuple(tokens)

    def _nearest_antibody(self, word: str, known: Mapping[str, AgentId]) -> str:
        """The antibody that a misspelt word stands for, where the conjugates of the payload behind it leave only one drug."""
        if len(word) < _LETTERS_FOR_TWO_SLIPS or word in self._drugs.other_names:
            return word
        near = process.extract(word, known.keys(), scorer=DamerauLevenshtein.distance, score_cutoff=2, limit=None)
        return near[0][0] if len({known[name] for name, _, _ in near}) == 1 else word

    def _nearest_word(self, written: str) -> str:
        """The word of a drug name that a misspelt one is nearest to, as names are compared; its own stem where that is unclear."""
        word = stem(written)
        if (
            len(written) < _LETTERS_FOR_ONE_SLIP
            or not word.isalpha()
            or word in self._drugs.other_names
            or word in self._agents_by_word
        ):
            return word
        slips = 2 if len(word) >= _LETTERS_FOR_TWO_SLIPS else 1
        near = process.extract(word, self._all_words, scorer=DamerauLevenshtein.distance, score_cutoff=slips, limit=4)
        best = min((score for _, score, _ in near), default=0)
        # one of ours counts as near with a slip more; one of another drug only when it lies as near
        close = [name for name, score, _ in near if score <= best + (name in self._agents_by_word)]
        # A slip that lies about as near to a second drug is not ours to resolve.
        if len({self._agents_by_word.get(name) for name in close}) != 1:
            return self._begun_alike(word, close)
        # A stem so short that its ending made up the letters asked for could be any word: "peptide" is no slip for "Pepcid".
        is_read = _is_typing_slip(word, close[0]) or (
            len(word) >= _LETTERS_FOR_ONE_SLIP and not self._is_blend(word, close[0])
        )
        return close[0] if is_read else word

    def _begun_alike(self, word: str, close: list[str]) -> str:
        """Of several names that are near the one with the same first letter, where the word only lost or swapped letters of it.

        The others would need another first letter, and hardly anyone mistypes that.
        """
        begun = [name for name in close if name[0] == word[0]]
        return begun[0] if len(begun) == 1 and _is_typing_slip(word, begun[0]) else word

    def _is_blend(self, word: str, name: str) -> bool:
        """Whether a word begins as another drug's name does and only ends as this one: "doxetaxel" may be either drug."""
        own = self._agents_by_word.get(name)
        begun = self._words_beginning.get(word[:_LETTERS_OF_BEGINNING], frozenset())
        return bool(begun) and all(self._agents_by_word.get(it) != own for it in begun)

    def _is_of_trial(self, text: str) -> bool:
        start = text[:_LONGEST_TEXT]
        tokens = name_of(start)
        return _REGISTRY_NUMBER.search(start) is not None or any(
            tokens[at : at + len(name)] == name for name in self._drugs.trial_names for at in range(len(tokens))
        )

    def _wider_protocol(self, text: str, named: tuple[AgentId, ...]) -> tuple[Alternative, ...]:
        """A protocol that shares a drug with those named beside it and holds more ("THP, then trastuzumab and pertuzumab").

        Of what its name may mean only that which agrees best with the drugs named ("THP with paclitaxel").
        """
        known = self._protocol(text)
        shared = [len(set(it).intersection(named)) for it in known]
        most = max(shared, default=0)
        if not most or any(set(named).issuperset(it) for it in known):
            return ()
        return tuple(it for it, count in zip(known, shared, strict=True) if count == most)

    def _protocol(self, text: str) -> tuple[Alternative, ...]:
        tokens = words(text[:_LONGEST_TEXT])
        for length in (2, 1):
            for at in range(len(tokens)):
                found = self._drugs.protocols.get(tuple(tokens[at : at + length]))
                if found:
                    return found
        return ()


def _agents_by_word(drugs: DrugKnowledge) -> dict[str, frozenset[AgentId]]:
    """For each word of a drug's name the agents in whose names it stands."""
    found: dict[str, set[AgentId]] = {}
    for name, agent in drugs.by_name.items():
        for word in name:
            found.setdefault(word, set()).add(agent)
    return {word: frozenset(agents) for word, agents in found.items()}


def _is_typing_slip(word: str, name: str) -> bool:
    """Whether a word is a name with letters in each other's place or one left out: each of its letters is of that name."""
    return sorted(word) == sorted(name) or any(word == name[:at] + name[at + 1 :] for at in range(len(name)))


def _conjugates(drugs: DrugKnowledge) -> dict[str, dict[str, AgentId]]:
    """For each payload the antibodies that we know with it, and the drug that both make."""
    found: dict[str, dict[str, AgentId]] = {}
    for name, agent in sorted(drugs.by_name.items()):
        if len(name) > 1 and name[1].endswith(drugs.payload_endings):
            found.setdefault(name[1], {})[name[0]] = agent
    return found


def is_code(text: str) -> bool:
    """Whether what stands for an unknown drug is its code, for want of words."""
    system, mark, _ = text.partition(_CODE_MARK)
    return bool(mark) and (system == _NO_SYSTEM or " " not in system)


def unmapped_system(text: str) -> str:
    """The code system of a drug that is known by its code alone, in our own few names for them; "text" for words."""
    return (known_system(text.partition(_CODE_MARK)[0]) or "other") if is_code(text) else "text"
