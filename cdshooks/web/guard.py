"""What stands between a call and its cards: canaries, kill switches, a sane clock, shadow mode. Source: SAF-05, SAF-07, SAF-08.

Whatever is withheld is said: with 503 where nothing can be answered, with a card where one topic is off, in ``/readyz`` and in
the log. An empty list of cards stands for a withheld one only in shadow mode, and then a header says so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path

import msgspec

from cdshooks.cards.quiet import CardSet
from cdshooks.cards.withheld import withhold_topics
from cdshooks.errors import KnowledgeError, WithheldError
from cdshooks.knowledge.load import Knowledge, without_regimens
from cdshooks.knowledge.switches import Switches, read_switches
from cdshooks.settings import Settings
from cdshooks.web import metrics
from cdshooks.web.events import log_event
from cdshooks.web.watch import CanaryWatch

_SWITCHES_EVERY_SECONDS = 1.0
_CLOCK_MAY_LAG = timedelta(days=1)
"""A time zone; a clock further behind the day of review is wrong, and whatever depends on it too."""
SHADOW_HEADER = {"CDSHooks-Mode": "shadow; cards were evaluated and are not shown"}


class Guard:
    """One for each process."""

    def __init__(self, knowledge: Knowledge, settings: Settings, today: Callable[[], date]) -> None:
        self._shipped, self._settings, self._today = knowledge, settings, today
        self._path = settings.switches or (
            settings.knowledge_overlay / "switches.yaml" if settings.knowledge_overlay is not None else None
        )
        self._lock = threading.Lock()
        self._knowledge, self._switches = knowledge, Switches()
        self._faults: tuple[str, ...] = ()
        self._seen: tuple[int, int] | None = None
        self._looked = -_SWITCHES_EVERY_SECONDS
        self._canaries = CanaryWatch(knowledge)
        self._refresh()

    @property
    def knowledge(self) -> Knowledge:
        """The knowledge in force, without what is switched off now."""
        self._refresh()
        return self._knowledge

    def problems(self) -> tuple[str, ...]:
        """Why no call can be answered at all; none: it can."""
        self._refresh()
        late = (
            ("The clock of this machine stands before the day on which the knowledge was reviewed.",)
            if self._settings.today is None and self._today() + _CLOCK_MAY_LAG < self._shipped.manifest.reviewed
            else ()
        )
        return (*late, *self._faults, *self._canaries.problems())

    def switched_off(self) -> tuple[str, ...]:
        """What is switched off, in a line each."""
        self._refresh()
        return self._switches.told

    def off(self) -> tuple[tuple[str, str], ...]:
        """What is switched off now: its kind (service, topic, regimen) and its name."""
        self._refresh()
        return self._switches.off

    def check(self, service: str) -> None:
        """Let a call pass.

        Raises:
            WithheldError: A canary came out wrong, the file of switches is faulty, the clock is wrong, or the service is off.
        """
        if self.problems():
            metrics.count(metrics.withheld, "fault")
            raise WithheldError("The service checks itself and found a fault; it answers nothing until that is mended.")
        reason = self._switches.service_off(service)
        if reason is not None:
            metrics.count(metrics.withheld, "switched_off")
            raise WithheldError(f"This service is switched off: {reason}.")

    def passed(self, answer: CardSet, new_uuid: Callable[[], str]) -> CardSet:
        """The cards without those of a topic that is off; a card that says so stands in their place."""
        return withhold_topics(answer, self._switches.topics, new_uuid)

    def shadowed(self, answer: CardSet) -> tuple[CardSet, Mapping[str, str]]:
        """In shadow mode no card, all of them held back, and the header that says so."""
        if not self._settings.is_shadow:
            return answer, {}
        held = (*answer.silenced, *answer.cards)
        return msgspec.structs.replace(answer, cards=(), silenced=held), SHADOW_HEADER

    def _refresh(self) -> None:
        with self._lock:
            now = time.monotonic()
            if self._path is not None and now - self._looked >= _SWITCHES_EVERY_SECONDS:
                self._looked = now
                self._read_switches(self._path)

    def _read_switches(self, path: Path) -> None:
        try:
            stat = path.stat()
            seen = (stat.st_mtime_ns, stat.st_size)
        except OSError:
            seen = (0, 0)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            switches = read_switches(path, self._shipped.regimens.keys())
        except (KnowledgeError, OSError) as error:
            # someone meant to turn something off: until it is clear what, nothing is shown
            self._faults = (
                error.faults if isinstance(error, KnowledgeError) else ("The file of switches is unreadable.",)
            )
            log_event("switches-faulty", reason=self._faults[0])
            return
        self._faults, self._switches = (), switches
        self._knowledge = without_regimens(self._shipped, switches.regimens)
        for told in switches.told:
            log_event("switched-off", reason=told)
