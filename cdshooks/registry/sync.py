"""Fetches study records that have changed from the ClinicalTrials.gov API v2: the registry is asked by disease, never by patient.

Source: shared specs/trials 1 (query, paging by pageToken, fields).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import date
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import msgspec

from cdshooks.errors import RegistryUnavailableError
from cdshooks.registry.study import Refused, Study, read_study

REGISTRY_URL = "https://clinicaltrials.gov/api/v2"
_FIELDS = (
    "IdentificationModule",
    "StatusModule",
    "SponsorCollaboratorsModule",
    "ConditionsModule",
    "DesignModule",
    "ArmsInterventionsModule",
    "EligibilityModule",
    "ContactsLocationsModule",
)
_MOST_BYTES = 64 * 1024 * 1024
_MOST_PAGES = 1_000
_TRIES = 5
_LONGEST_WAIT_SECONDS = 60.0
_BUSY = frozenset({408, 429, 500, 502, 503, 504})


class Page(msgspec.Struct, frozen=True):
    """One page: its studies, how many there are in all, and where the next page begins."""

    studies: tuple[Study | Refused, ...]
    total: int | None
    next_token: str | None


class Pacing(msgspec.Struct, frozen=True, kw_only=True):
    """How patiently the registry is asked."""

    page_size: int = 100
    seconds_for_a_page: float = 120.0
    first_wait_seconds: float = 1.0
    sleep: Callable[[float], None] = time.sleep


def fetch_pages(url: str, *, since: date | None, token: str | None, today: date, pacing: Pacing) -> Iterator[Page]:
    """The pages of studies changed since a day, from a page token on.

    Raises:
        RegistryUnavailableError: The registry does not answer, or not as the API v2 does, after several tries.
    """
    parameters = {
        "query.cond": "breast cancer",
        "query.term": "HER2 OR ERBB2" + (f" AND AREA[LastUpdatePostDate]RANGE[{since},MAX]" if since else ""),
        "fields": ",".join(_FIELDS),
        "pageSize": str(pacing.page_size),
        "countTotal": "true",
        "format": "json",
    }
    seen = {token} if token else set()
    with httpx.Client(timeout=httpx.Timeout(20.0, connect=10.0), follow_redirects=False, trust_env=True) as client:
        for _ in range(_MOST_PAGES):
            asked = parameters | ({"pageToken": token} if token else {})
            content = _ask(client, f"{url.rstrip('/')}/studies", asked, pacing)
            page = _page(content, today)
            yield page
            token = page.next_token
            if token is None:
                return
            if token in seen:
                raise RegistryUnavailableError("it names a page again that was read already")
            seen.add(token)
    raise RegistryUnavailableError("it has no last page")


def _ask(client: httpx.Client, url: str, parameters: dict[str, str], pacing: Pacing) -> Any:
    """One page, tried again with longer and longer waits while the registry is busy or answers badly."""
    wait, reason = pacing.first_wait_seconds, ""
    for attempt in range(_TRIES):
        if attempt:
            pacing.sleep(min(wait, _LONGEST_WAIT_SECONDS))
            wait = max(wait, pacing.first_wait_seconds) * (2 + random.random())  # noqa: S311 - spreads clients, keeps no secret
        try:
            with client.stream("GET", url, params=parameters) as answer:
                if answer.status_code in _BUSY:
                    reason = f"it answers {answer.status_code}"
                    wait = _retry_after(answer.headers.get("Retry-After")) or wait
                    continue
                if answer.status_code != httpx.codes.OK:
                    raise RegistryUnavailableError(f"it answers {answer.status_code}")
                return msgspec.json.decode(_body(answer, pacing.seconds_for_a_page))
        except httpx.HTTPError as error:
            reason = f"the connection fails ({type(error).__name__})"
        except _TooSlowError:
            reason = "a page takes too long"
        except msgspec.DecodeError:
            reason = "a page is not JSON"
    raise RegistryUnavailableError(reason)


class _TooSlowError(Exception):
    """A page drips in."""


def _body(answer: httpx.Response, seconds: float) -> bytes:
    until, found = time.monotonic() + seconds, bytearray()
    for chunk in answer.iter_bytes():
        found += chunk
        if len(found) > _MOST_BYTES:
            raise RegistryUnavailableError("a page is too large")
        if time.monotonic() > until:
            raise _TooSlowError
    return bytes(found)


def _retry_after(text: str | None) -> float | None:
    if not text:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None


def _page(content: Any, today: date) -> Page:
    if not isinstance(content, dict) or not isinstance(content.get("studies"), list):
        raise RegistryUnavailableError("a page is not one of the API v2")
    token, total = content.get("nextPageToken"), content.get("totalCount")
    if token is not None and not isinstance(token, str):
        raise RegistryUnavailableError("a page is not one of the API v2")
    studies = tuple(
        read_study(it, f"study {number} of a page", as_of=today.isoformat())
        for number, it in enumerate(content["studies"], 1)
    )
    return Page(studies, total if isinstance(total, int) else None, token or None)
