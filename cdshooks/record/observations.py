"""Observations dealt out once by their codes, so that a laboratory value which a reader cannot use costs that reader nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from cdshooks.ehr.remembered import remembered
from cdshooks.ehr.resources import CodeableConcept, Held, Observation, Resources

CanUse = Callable[[CodeableConcept | None], bool]
"""Whether a reader can use an observation (or a component of one) by its code alone; True wherever it must look at the rest."""


class ObservationSorter:
    """Deals out observations to readers by what each says of their codes; what was said of a code is remembered.

    ``of_components`` names the readers that look into the values of components, so they get every observation that has some;
    ``of_members`` those that ask which panel an observation belongs to, so they get every panel.
    """

    def __init__(
        self,
        readers: Mapping[str, CanUse],
        *,
        of_components: tuple[str, ...] = (),
        of_members: tuple[str, ...] = (),
    ) -> None:
        self._readers = readers
        self._of_components = of_components
        self._of_members = of_members
        self._users_of = remembered(self._ask)

    def sort(self, resources: Resources) -> dict[str, Resources]:
        """For each reader all resources, of the observations only those that it can use."""
        dealt: dict[str, list[Held]] = {name: [] for name in self._readers}
        for held in resources.each("Observation"):
            observation = held.resource
            if not isinstance(observation, Observation):
                continue
            users = self._users_of(observation.code)
            if observation.component:
                inside = (name for it in observation.component for name in self._users_of(it.code))
                users = tuple(dict.fromkeys((*users, *self._of_components, *inside)))
            if observation.has_member:
                users = tuple(dict.fromkeys((*users, *self._of_members)))
            for name in users:
                dealt[name].append(held)
        return {
            name: msgspec.structs.replace(resources, by_type={**resources.by_type, "Observation": tuple(found)})
            for name, found in dealt.items()
        }

    def _ask(self, code: CodeableConcept | None) -> tuple[str, ...]:
        return tuple(name for name, can_use in self._readers.items() if can_use(code))
