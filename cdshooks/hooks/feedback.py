"""What a clinician did with a card, as the client reports it. Source: F-1 to F-15, FBK-02, FBK-03."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from cdshooks.errors import BadHookRequestError
from cdshooks.hooks.strict_json import check_json
from cdshooks.hooks.wire_fault import wire_fault

_MOST_ITEMS = 1000
_LONGEST_ID = 64
_LONGEST_CODE = 200
_LONGEST_SYSTEM = 500
_LONGEST_COMMENT = 2000
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)\Z")


class _Wire(msgspec.Struct, rename="camel"):
    """Base of what stands on the wire; members that we do not know are not refused."""


class _Accepted(_Wire):
    id: str


class _Reason(_Wire):
    code: str | None = None
    system: str | None = None


class _Override(_Wire, rename="camel"):
    reason: _Reason | None = None
    user_comment: str | None = None
    # Epic's own page describes the reason as a bare Coding (F-14).
    code: str | None = None
    system: str | None = None


class _Item(_Wire, rename="camel"):
    card: str
    outcome: str
    outcome_timestamp: str
    accepted_suggestions: list[_Accepted] | None = None
    override_reason: _Override | None = None
    override_reasons: list[_Override] | _Override | None = None


class _Feedback(_Wire):
    feedback: list[_Item]


class OverrideReason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a card was not followed; ``comment`` is free text and may speak of the patient."""

    code: str | None = None
    system: str | None = None
    comment: str | None = None


class CardFeedback(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one card; ``path`` is where it stands in the body. ``outcome`` is "accepted" or "overridden"."""

    path: str
    card: str
    outcome: str
    outcome_at: datetime
    accepted_suggestions: tuple[str, ...] = ()
    override_reason: OverrideReason | None = None


_decoder = msgspec.json.Decoder(_Feedback)


def read_feedback(
    body: bytes, reason_members: Sequence[str] = ("overrideReason", "overrideReasons")
) -> tuple[CardFeedback, ...]:
    """Read and check the body of a feedback call; one faulty item refuses all.

    ``reason_members``: where the client holds the reason of an override; the first that is there counts.

    Raises:
        BadHookRequestError: With the path of the first fault.
    """
    check_json(body)
    try:
        wire = _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise wire_fault(str(error)) from None
    except (msgspec.DecodeError, RecursionError):
        raise BadHookRequestError("$", "the body is not valid JSON") from None
    if not wire.feedback:
        raise BadHookRequestError("$.feedback", "this must hold at least one item")
    if len(wire.feedback) > _MOST_ITEMS:
        raise BadHookRequestError("$.feedback", f"this must hold at most {_MOST_ITEMS} items")
    return tuple(_item(it, f"$.feedback[{index}]", reason_members) for index, it in enumerate(wire.feedback))


def _item(wire: _Item, path: str, reason_members: Sequence[str]) -> CardFeedback:
    if wire.outcome not in {"accepted", "overridden"}:
        raise BadHookRequestError(f"{path}.outcome", "this must be accepted or overridden")
    _check_length(wire.card, _LONGEST_ID, f"{path}.card")
    accepted = tuple(it.id for it in wire.accepted_suggestions or ())
    for index, suggestion in enumerate(accepted):
        _check_length(suggestion, _LONGEST_ID, f"{path}.acceptedSuggestions[{index}].id")
    if wire.outcome == "accepted" and not accepted:
        raise BadHookRequestError(f"{path}.acceptedSuggestions", "this member is required with the outcome accepted")
    if wire.outcome == "overridden" and accepted:
        raise BadHookRequestError(f"{path}.acceptedSuggestions", "this does not go with the outcome overridden")
    return CardFeedback(
        path=path,
        card=wire.card,
        outcome=wire.outcome,
        outcome_at=_moment(wire.outcome_timestamp, f"{path}.outcomeTimestamp"),
        accepted_suggestions=tuple(dict.fromkeys(accepted)),
        override_reason=_reason(wire, path, reason_members),
    )


def _reason(wire: _Item, path: str, members: Sequence[str]) -> OverrideReason | None:
    """The reason in the standard's spelling or in Epic's plural, of which the first counts. Source: F-6, F-14."""
    several = wire.override_reasons if isinstance(wire.override_reasons, list) else [wire.override_reasons]
    told = {"overrideReason": wire.override_reason, "overrideReasons": next(iter(several), None)}
    member = next((it for it in members if told[it] is not None), None)
    if member is None:
        return None
    given, where = told[member], f"{path}.{member}"
    assert given is not None  # or it would not have been found
    coding = given.reason or _Reason(code=given.code, system=given.system)
    if coding.code is None and given.user_comment is None:
        raise BadHookRequestError(where, "this needs a reason or a userComment")
    if given.reason is not None and not coding.code:
        raise BadHookRequestError(f"{where}.reason.code", "this member is required")
    _check_length(coding.code or "-", _LONGEST_CODE, f"{where}.reason.code")
    _check_length(coding.system or "-", _LONGEST_SYSTEM, f"{where}.reason.system")
    _check_length(given.user_comment or "-", _LONGEST_COMMENT, f"{where}.userComment")
    return OverrideReason(code=coding.code, system=coding.system, comment=given.user_comment or None)


def _moment(text: str, path: str) -> datetime:
    """RFC 3339 with a zone, told in UTC; a fraction finer than microseconds is cut."""
    match = _RFC_3339.match(text)
    if match is not None:
        zone = match[2].upper().replace("Z", "+00:00")
        with contextlib.suppress(ValueError, OverflowError):
            return datetime.fromisoformat(text[:19] + (match[1] or "")[:7] + zone).astimezone(UTC)
    raise BadHookRequestError(path, "this is not a moment such as 2026-11-24T09:30:00Z")


def _check_length(text: str, longest: int, path: str) -> None:
    if not text or len(text) > longest or "\x00" in text:
        raise BadHookRequestError(path, f"this must be a text of 1 to {longest} characters")
