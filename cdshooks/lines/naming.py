"""Which known regimen a line is."""

from __future__ import annotations

import msgspec

from cdshooks.knowledge.load import Knowledge
from cdshooks.lines.model import LineOfTherapy


def recognise(line: LineOfTherapy, knowledge: Knowledge) -> LineOfTherapy:
    """The line with the id of the regimen that its agents make; the most demanding pattern wins, ties go to the first id."""
    agents = frozenset(line.agents)
    best: tuple[int, str] | None = None
    for regimen in knowledge.regimens.values():
        pattern = regimen.matches
        if not pattern.all_of <= agents or any(not (slot & agents) for slot in pattern.one_of):
            continue
        explained = pattern.all_of | pattern.may_include | frozenset(agent for slot in pattern.one_of for agent in slot)
        if agents <= explained:
            key = (-len(pattern.all_of) - len(pattern.one_of), str(regimen.id))
            best = min(best, key) if best is not None else key
    return line if best is None else msgspec.structs.replace(line, regimen_id=best[1])
