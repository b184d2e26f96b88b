"""What imported registry records say of trials, as hook calls use it: read again only when something has changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

import msgspec

from cdshooks.errors import StoreUnavailableError
from cdshooks.knowledge.trial_registry import Registry, RegistryAge, TrialState
from cdshooks.knowledge.trials import Trial
from cdshooks.registry.states import trial_states
from cdshooks.store.store import Store
from cdshooks.store.trial_records import all_trial_records, trial_records_stamp

_T = TypeVar("_T")
_SECONDS_BETWEEN_LOOKS = 10.0
_TOLD = {
    RegistryAge.CURRENT: "{count} structured trials speak from imported records, the others from their own files",
    RegistryAge.READ_EARLIER: "the store cannot be read: {count} structured trials speak from the records read last",
    RegistryAge.NEVER_READ: "the store cannot be read: all trials speak from their own files; changes since are not known",
}


class _Attempt(Protocol):
    def __call__(self, work: Callable[[Store], _T], /) -> _T: ...


class _Known(msgspec.Struct, frozen=True):
    stamp: str | None
    states: Mapping[str, TrialState]
    is_current: bool

    @property
    def age(self) -> RegistryAge:
        if self.is_current:
            return RegistryAge.CURRENT
        return RegistryAge.READ_EARLIER if self.stamp is not None else RegistryAge.NEVER_READ


class TrialRegistry:
    """The states of structured trials by imported records; the last known ones while the store is down, else the shipped facts."""

    def __init__(self, attempt: _Attempt, trials: Mapping[str, Trial], clock: Callable[[], float]) -> None:
        self._attempt, self._trials, self._clock = attempt, trials, clock
        self._known = _Known(None, {}, is_current=False)
        self._look_again_at = 0.0
        self._lock = threading.Lock()

    def now(self) -> Registry:
        """What is known now, looked at again when the last look is some seconds old."""
        if self._clock() >= self._look_again_at and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._look_again_at = self._clock() + _SECONDS_BETWEEN_LOOKS
                self._lock.release()
        return Registry(states=self._known.states, age=self._known.age)

    @property
    def told(self) -> str:
        """Where the statuses of trials come from now, in a sentence."""
        return _TOLD[self._known.age].format(count=len(self._known.states))

    def _look(self) -> None:
        known = self._known

        def read(store: Store) -> _Known:
            stamp = trial_records_stamp(store)
            if stamp == known.stamp:
                return _Known(stamp, known.states, is_current=True)
            return _Known(stamp, trial_states(all_trial_records(store, self._trials), self._trials), is_current=True)

        try:
            self._known = self._attempt(read)
        except StoreUnavailableError:
            self._known = _Known(known.stamp, known.states, is_current=False)
