"""Asks one query: its pages to the end, one retry where that is safe, each fault in plain words. Source: OUT-02 to OUT-10."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpcore
import msgspec

from cdshooks.ehr.source import Completeness, Fetched, Query
from cdshooks.fetching.addresses import Base, page_below
from cdshooks.fetching.asked import AskedQueries
from cdshooks.fetching.circuit import Circuit
from cdshooks.fetching.connections import ForbiddenConnectionError
from cdshooks.fetching.limits import Budget
from cdshooks.fetching.pages import Page, UnusablePageError, read_page
from cdshooks.hooks.access_token import AccessToken

_SHORT_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.05, 1.0
_LEAST_SECONDS = 0.1
"""A second try with less time than this would only cost the server."""
_FAIR_SECONDS = 0.5
"""A request that had less time than this and ran out of it says nothing of the server."""
_OK, _BAD_REQUEST, _MULTIPLE_CHOICES, _TOO_MANY, _SERVER_FAULT = 200, 400, 300, 429, 500
_NOT_OFFERED = frozenset({404, 405, 501})
_PASSING = frozenset({502, 503, 504})
_REFUSED = frozenset({401, 403})


class _NoAnswerError(Exception):
    """A request brought nothing usable; ``because`` is told to people, ``label`` to the metric."""

    def __init__(
        self,
        label: str,
        because: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        is_failure: bool = False,
    ) -> None:
        super().__init__(label)
        self.label, self.because, self.status = label, because, status
        self.retry_after = retry_after
        self.is_failure = is_failure


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """What the queries of one call share."""

    base: Base
    pool: httpcore.ConnectionPool
    circuit: Circuit
    token: AccessToken | None
    until: float
    traceparent: str | None
    budget: Budget
    made: AskedQueries
    asked: Callable[[str, str, float], None]

    @property
    def seconds_left(self) -> float:
        """Until nothing is asked any more."""
        return self.until - time.monotonic()

    def answer(self, query: Query) -> Fetched:
        """The pages of a query, to the last or to where they stop, and why."""
        first = f"{self.base.url}/{query.path}"
        if query.next_page is not None:
            link = page_below(self.base, first, query.next_page)
            try:
                return self._follow(query, link or first, is_continued=link is not None)
            except _NoAnswerError as error:
                if link is None or error.label == "timeout":
                    return _failed(error, query)
                # the EHR's own link may have expired meanwhile; then its first page is asked for again
        try:
            return self._follow(query, first)
        except _NoAnswerError as error:
            if error.status != _BAD_REQUEST or query.plain_path is None:
                return _failed(error, query)
        try:
            return self._follow(query, f"{self.base.url}/{query.plain_path}")
        except _NoAnswerError as error:
            return _failed(error, query)

    def _follow(self, query: Query, url: str, *, is_continued: bool = False) -> Fetched:
        """The pages from a URL on.

        Raises:
            _NoAnswerError: There is not even one.
        """
        is_search = "?" in query.path
        pages: list[bytes] = []
        matches, seen, stopped = 0, {url}, ""
        total: int | None = None
        while True:
            try:
                document, page = self._page(query, url, is_search=is_search)
            except _NoAnswerError as error:
                if not pages:
                    raise
                stopped = f"a further page is missing: {error.because}"
                break
            pages.append(document)
            matches += page.matches
            total = page.total if page.total is not None else total
            if page.next_link is None:
                break
            next_url = page_below(self.base, url, page.next_link)
            if next_url is None:
                stopped = "a further page lies elsewhere than under the FHIR server's base, so it was not asked for"
            elif next_url in seen:
                stopped = "the FHIR server's pages go round in a circle"
            elif len(pages) >= self.budget.limits.pages_of_a_query:
                stopped = "the FHIR server has more pages than are read"
            if next_url is None or stopped:
                break
            seen.add(next_url)
            url = next_url
        if not stopped and not is_continued and total is not None and total > matches:
            stopped = "the FHIR server's answer holds fewer entries than it says there are"
        completeness = Completeness.PART if stopped else Completeness.WHOLE
        return Fetched(pages=tuple(pages), completeness=completeness, because=stopped)

    def _page(self, query: Query, url: str, *, is_search: bool) -> tuple[bytes, Page]:
        document = self._ask(query, url)
        try:
            page = read_page(document, query.kind, is_search=is_search)
        except UnusablePageError as error:
            raise _NoAnswerError("unusable", str(error)) from None
        if not self.budget.spend(entries=page.entries):
            raise _NoAnswerError("too-large", "the FHIR server sends more resources than are read")
        return document, page

    def _ask(self, query: Query, url: str) -> bytes:
        """One request, and a second one where the first can have done nothing and there is time."""
        try:
            return self._ask_once(query, url)
        except _NoAnswerError as error:
            if error.retry_after is None or error.retry_after > self.seconds_left - _LEAST_SECONDS:
                raise
            time.sleep(error.retry_after)
        return self._ask_once(query, url)

    def _ask_once(self, query: Query, url: str) -> bytes:
        if not self.budget.spend(requests=1):
            raise _NoAnswerError("too-many", "the FHIR server would have to be asked too often")
        began, had = time.monotonic(), self.seconds_left
        label, number, status = "defect", self.made.begin(query), 0
        try:
            status, document = self._exchange(url)
            label = str(status)
        except _NoAnswerError as error:
            label, status = error.label, error.status or 0
            if error.label == "timeout":
                error.is_failure = had >= _FAIR_SECONDS
            if error.is_failure or error.status is not None:
                self.circuit.note(is_failure=error.is_failure)
            raise
        finally:
            self.made.end(query, number, status)
            self.asked(query.key, label, time.monotonic() - began)
        self.circuit.note(is_failure=False)
        return document

    def _exchange(self, url: str) -> tuple[int, bytes]:
        headers = [
            (b"Accept", b"application/fhir+json"),
            (b"Accept-Encoding", b"identity"),
            (b"User-Agent", b"cdshooks"),
        ]
        if self.token is not None:
            headers.append((b"Authorization", self.token.header()))
        if self.traceparent is not None:
            headers.append((b"traceparent", self.traceparent.encode("ascii")))
        until = self.until
        timeout = {"connect": until, "read": until, "write": until, "pool": max(0.001, self.seconds_left)}
        try:
            with self.pool.stream("GET", url, headers=headers, extensions={"timeout": timeout}) as response:
                _check_status(response)
                return response.status, self._body(response)
        except httpcore.TimeoutException:
            raise _NoAnswerError("timeout", "the FHIR server did not answer in time") from None
        except ForbiddenConnectionError:
            raise _NoAnswerError(
                "forbidden", "the FHIR server's name leads to an address that may not be asked"
            ) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ConnectionNotAvailable, OSError):
            raise _NoAnswerError(
                "unreachable", "the FHIR server cannot be reached", retry_after=0.0, is_failure=True
            ) from None

    def _body(self, response: httpcore.Response) -> bytes:
        document = bytearray()
        for piece in response.iter_stream():
            document += piece
            is_affordable = self.budget.spend(size=len(piece))
            if not is_affordable or len(document) > self.budget.limits.bytes_of_an_answer:
                raise _NoAnswerError("too-large", "the FHIR server sends more than is read")
        return bytes(document)


def _check_status(response: httpcore.Response) -> None:
    status = response.status
    headers = {name.lower(): value for name, value in response.headers}
    if status == _OK:
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise _NoAnswerError("encoded", "the FHIR server's answer cannot be read", status=status)
        return
    retry_after: float | None = None
    if status in _PASSING or status == _TOO_MANY:
        retry_after = _retry_after(headers.get(b"retry-after"), None if status == _TOO_MANY else _SHORT_WAIT_SECONDS)
    if status in _REFUSED:
        because = "the FHIR server does not allow it"
    elif status in _NOT_OFFERED:
        because = "the FHIR server does not have it"
    elif _MULTIPLE_CHOICES <= status < _BAD_REQUEST:
        because = "the FHIR server sends elsewhere, which is not followed"
    else:
        because = "the FHIR server answered with an error"
    raise _NoAnswerError(
        str(status), because, status=status, retry_after=retry_after, is_failure=status >= _SERVER_FAULT
    )


def _retry_after(header: bytes | None, otherwise: float | None) -> float | None:
    if header is None:
        return otherwise
    if not header.isdigit() or len(header) > 3:  # noqa: PLR2004 - more digits are no short wait, and a date is none either
        return None
    return float(header) if float(header) <= _LONGEST_WAIT_SECONDS else None


def _failed(error: _NoAnswerError, query: Query) -> Fetched:
    is_search = "?" in query.path
    completeness = Completeness.NOT_OFFERED if is_search and error.status in _NOT_OFFERED else Completeness.FAILED
    return Fetched(completeness=completeness, because=error.because)
