"""A first coding of a trial's eligibility: each sentence of the registry beside a proposed criterion, or TODO.

Nothing here decides: a person completes and corrects the proposals, and `knowledge check` refuses the file until nothing is TODO
and a coder's name is in it. Where a sentence says more than one thing in the words that trials commonly use, each is proposed, and
what is left is TODO.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date

from cdshooks.knowledge.trial_text import Place, places_of
from cdshooks.registry.proposals import Members, proposals
from cdshooks.registry.study import Study

TODO = "TODO"
_LETTERS = "abcdefghijklm"


def draft_trial(study: Study, today: date) -> str:
    """The YAML of a draft: facts of the record, and every place of its text with a proposal or TODO."""
    registry = {
        "status": study.status,
        "phases": list(study.phases),
        "last_update_posted": study.last_update,
        "as_of": study.status_date,
        "eligibility_hash": study.eligibility_hash,
    }
    lines = [
        f"# DRAFT of {study.nct_id}: complete every {TODO}, hold each proposal against the registry's words above it,",
        "# then put your name into coded.by. A draft without a coder's name is refused.",
        "schema: her2-trial-eligibility/0.1",
        f"nct_id: {study.nct_id}",
        f"title: {_written(study.title)}",
        f'tests: "{TODO}: what it tests, in plain words, to follow: It tests"',
        f"population: {'breast' if _is_of_breast_alone(study) else 'basket'}",
        "purpose: treatment",
        f"drugs: {_written(list(dict.fromkeys(study.drugs)))}",
        *([f"sponsor: {_written(study.sponsor)}"] if study.sponsor else []),
        f"countries: {_written(list(study.countries))}",
        f"registry: {_written(registry)}",
        f'coded: {{by: "", date: {today.isoformat()}, reviewed_by: null}}',
        "criteria:",
        *_fields(study),
    ]
    for place in places_of(study.criteria_text):
        lines += _lines(place)
    return "\n".join(lines) + "\n"


def _is_of_breast_alone(study: Study) -> bool:
    return all("breast" in it.casefold() for it in study.conditions)


def _fields(study: Study) -> Iterator[str]:
    ages = {"min": _years(study.minimum_age), "max": _years(study.maximum_age)}
    for member, field in (("min", "minimum age"), ("max", "maximum age")):
        if ages[member] is not None:
            words = "or older" if member == "min" else "or younger"
            yield _row(
                f"R-{member}-age",
                "inclusion",
                field,
                {"kind": "age", member: ages[member], "says": f"Aged {ages[member]} {words}"},
            )
    if (study.sex or "").upper() in {"FEMALE", "MALE"}:
        sex = str(study.sex).lower()
        yield _row(
            "R-sex", "inclusion", "sex", {"kind": "sex", "in": [sex], "says": f"The registry's field says {sex}"}
        )


def _years(text: str | None) -> int | None:
    found = re.match(r"(\d+)\s+Years?\Z", text or "", re.IGNORECASE)
    return int(found.group(1)) if found else None


def _lines(place: Place) -> Iterator[str]:
    yield ""
    for number, line in enumerate(_wrapped(place.text)):
        yield f"# {place.name}: {line}" if number == 0 else f"#   {line}"
    part, count = place.name.split(" ")
    role = "exclusion" if part == "exclusion" else "inclusion"
    name = f"{part[0].upper()}{count}"
    found = propose(place)
    for letter, members in zip(_LETTERS, found, strict=False):
        yield _row(name if len(found) == 1 else f"{name}{letter}", role, place.name, members)


def propose(place: Place) -> list[Members]:
    """Criteria for one sentence: one where it says one thing in the common words, else each thing it may say and what is left."""
    found = list(proposals(place.name.split(" ")[0], place.text))
    if len(found) == 1:
        return found
    rest: Members = {
        "kind": "site_judgement",
        "when": "screening",
        "says": f"{TODO}: what else it asks" if found else TODO,
    }
    return [*found, rest]


def _row(name: str, role: str, at: str, members: Members) -> str:
    content = {"id": name, "kind": members["kind"], "when": members.get("when", "prescreen"), "role": role, "at": [at]}
    content |= {key: it for key, it in members.items() if key not in {"kind", "when"}}
    return "- {" + ", ".join(f"{key}: {_written(it)}" for key, it in content.items()) + "}"


def _written(value: object) -> str:
    """JSON is YAML; a date as a string keeps its quotes."""
    return json.dumps(value, ensure_ascii=False)


def _wrapped(text: str, width: int = 120) -> Iterator[str]:
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    yield line
