"""Everything that one call may use: what was prefetched, then what the FHIR server has beside it, checked to be the patient's.

Source: section 3.2, P-13, PID-01, PID-04, OUT-07, REL-03.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from cdshooks.deadline import NO_DEADLINE, Deadline
from cdshooks.ehr.decode import RETRIEVAL_FAILED, ResourceCollector, without_repeats
from cdshooks.ehr.key_states import KEY_OF, TYPE_OF, KeyState, key_for, next_page_of, state_of, types_in
from cdshooks.ehr.model import Incomplete, Unreadable
from cdshooks.ehr.patient_identity import ContextPatient, Owner, OwnerReader
from cdshooks.ehr.resources import Held, Medication, Resources, Specimen
from cdshooks.ehr.searches import MEDICATIONS, queries_for_medications, query_for, unnamed_drugs
from cdshooks.ehr.source import Completeness, Fetched, FhirSource, Query
from cdshooks.errors import MissingPatientDataError, OtherPatientError
from cdshooks.hooks.request import HookRequest
from cdshooks.hooks.services import MAY_BE_LACKING, PREFETCH, REQUIRED, REQUIRED_ONE_OF

_SHARED = (Medication, Specimen)
"""Resources that may come without a subject: they are looked up, never evidence by themselves."""
NAMELESS = "it names no patient, so it was not used"
_NOT_ASKED = "not prefetched, and no FHIR server may be asked"
_ONLY_A_PART = "only a part was sent, and no FHIR server may be asked for the rest"


def gather_resources(
    request: HookRequest,
    source: FhirSource | None = None,
    *,
    needs_record: Callable[[Resources], bool] | None = None,
    deadline: Deadline = NO_DEADLINE,
) -> Resources:
    """The resources of the context patient: those prefetched, whatever their key, and from the source what they lack.

    ``needs_record`` tells from what was prefetched whether anything could be said at all; where not, the source is spared, for the
    answer would be the same.

    Raises:
        MissingPatientDataError: What is required was neither sent nor can be fetched.
        OtherPatientError: A resource belongs to another patient.
        OverdueError: There is more than can be read within the deadline.
    """
    patient = ContextPatient(id=request.patient_id, fhir_server=request.fhir_server)
    return gather_for(
        patient,
        source,
        prefetch=request.prefetch,
        drafts=request.draft_orders,
        needs_record=needs_record,
        deadline=deadline,
    )


def gather_for(
    patient: ContextPatient,
    source: FhirSource | None,
    *,
    prefetch: Mapping[str, msgspec.Raw] | None = None,
    drafts: bytes = b"",
    needs_record: Callable[[Resources], bool] | None = None,
    deadline: Deadline = NO_DEADLINE,
) -> Resources:
    """As ``gather_resources``, for a patient of whom perhaps nothing was sent. ``drafts``: orders whose drugs are looked up too.

    Raises:
        MissingPatientDataError: What is required was neither sent nor can be fetched.
        OtherPatientError: A resource belongs to another patient.
        OverdueError: There is more than can be read within the deadline.
    """
    gathering = _Gathering(patient, deadline)
    gathering.read_prefetch(prefetch or {})
    if source is not None and needs_record is not None and gathering.lacks_something():
        found = gathering.found()
        if not needs_record(found):
            return found
    if source is not None:
        gathering.fetch(source)
        gathering.fetch_medications(source, drafts)
    return gathering.finish(can_ask=source is not None)


class _Gathering:
    def __init__(self, patient: ContextPatient, deadline: Deadline) -> None:
        self._patient = patient
        self._deadline = deadline
        self._collector = ResourceCollector(deadline)
        self._states: dict[str, KeyState] = {}
        self._queries: list[Query] = []
        self._fetched: dict[str, str] = {}
        """Key -> why its answer is not whole, in words; empty where it is."""
        self._is_prefetched = True

    def read_prefetch(self, prefetch: Mapping[str, msgspec.Raw]) -> None:
        states, values = self._states, {}
        for name in sorted(prefetch):
            raw = prefetch[name]
            key = name if name in PREFETCH else key_for(types_in(raw))
            types = self._collector.add_json(raw, query=key)
            state = state_of(key, raw, types_in(raw) if types is None else types)
            states[key] = max(state, states.get(key, KeyState.UNKNOWN), key=list(KeyState).index)
            values[key] = raw
        states.update({KEY_OF[kind]: KeyState.DATA for kind in self._collector.types if kind in KEY_OF})
        partial = {it.query for it in self._collector.incomplete}
        failed = {it.query for it in self._collector.incomplete if it.because == RETRIEVAL_FAILED}
        for key in PREFETCH:
            if states.get(key, KeyState.UNKNOWN) is KeyState.UNKNOWN:
                self._queries.append(query_for(key, self._patient.id))
            elif key in partial and types_in(values.get(key, msgspec.Raw())) != frozenset({"OperationOutcome"}):
                # an OperationOutcome alone says that the same query would fail again (P-6)
                self._queries.append(query_for(key, self._patient.id, next_page_of(values.get(key))))
        states.update(dict.fromkeys(failed, KeyState.FAILED))

    def lacks_something(self) -> bool:
        """Whether a key was not sent, or not whole."""
        return bool(self._queries)

    def found(self) -> Resources:
        """The patient's resources so far.

        Raises:
            OtherPatientError: A resource belongs to another patient.
        """
        collected = self._collector.finish()
        return of_patient(
            collected if self._is_prefetched else without_repeats(collected),
            self._patient,
            fetched=frozenset(self._fetched),
        )

    def fetch(self, source: FhirSource) -> None:
        """Ask for what the keys leave open. Nothing is asked about a key that was sent whole, or as null."""
        for query, answer in zip(self._queries, source.fetch(self._queries), strict=True):
            self._take(query, answer)

    def _take(self, query: Query, answer: Fetched) -> None:
        key, before = query.key, self._states.get(query.key, KeyState.UNKNOWN)
        self._fetched[key] = answer.because
        if answer.completeness is Completeness.NOT_OFFERED and key in MAY_BE_LACKING:
            return
        if answer.completeness in {Completeness.FAILED, Completeness.NOT_OFFERED}:
            if before is not KeyState.DATA:
                self._states[key] = KeyState.FAILED
            self._collector.mark_incomplete(key, answer.because)
            return
        self._is_prefetched = False
        for page in answer.pages:
            self._collector.add_json(page, query=key)
        is_whole = answer.completeness is Completeness.WHOLE
        self._collector.settle(key, None if is_whole else answer.because)
        has_data = before is KeyState.DATA or TYPE_OF[key] in self._collector.types
        self._states[key] = KeyState.DATA if has_data else KeyState.NOTHING

    def fetch_medications(self, source: FhirSource, drafts: bytes) -> None:
        """Read the drugs that are only referred to; one that cannot be read leaves the history incomplete."""
        if self._patient.fhir_server is None:
            return
        drafted = ResourceCollector(self._deadline)
        if drafts:
            drafted.add_json(drafts, query="draftOrders")
        queries = queries_for_medications((self._collector.finish(), drafted.finish()), self._patient.fhir_server)
        for answer in source.fetch(queries) if queries else ():
            for page in answer.pages:
                self._collector.add_json(page, query=MEDICATIONS)

    def finish(self, *, can_ask: bool) -> Resources:
        """Everything gathered, if that is enough to conclude from.

        Raises:
            MissingPatientDataError: It is not.
            OtherPatientError: A resource belongs to another patient.
        """
        found = self.found()
        useless = self._useless(found)
        self._check_required((*found.incomplete, *useless), can_ask=can_ask)
        never_sent = tuple(
            self._never_sent(key) for key in PREFETCH if self._states.get(key, KeyState.UNKNOWN) is KeyState.UNKNOWN
        )
        incomplete = (*map(_with_concern, (*found.incomplete, *useless)), *never_sent)
        return msgspec.structs.replace(found, incomplete=incomplete)

    def _never_sent(self, key: str) -> Incomplete:
        """A key left out says nothing (P-5): without the orders, what doses and statements tell of drugs is a least."""
        is_of_orders = key in REQUIRED_ONE_OF and key not in MAY_BE_LACKING
        is_told_elsewhere = any(self._states.get(it) is KeyState.DATA for it in REQUIRED_ONE_OF)
        return Incomplete(
            query=key,
            because=self._fetched.get(key) or "it was not sent",
            concerns_treatment=is_of_orders and not is_told_elsewhere,
            may_add_lines=is_of_orders and is_told_elsewhere,
        )

    def _useless(self, found: Resources) -> tuple[Incomplete, ...]:
        """What is there and of no use, where a conclusion would rest on its absence. Source: PID-01, OUT-07.

        A drug that was set aside, or of which only a reference is known, may be a line of therapy. Of the other required
        queries, all would have to be set aside.
        """
        unnamed = (it for it in unnamed_drugs(found) if it.query in REQUIRED_ONE_OF)
        kinds = {
            str(it.resource).partition("/")[0].partition("?")[0] for it in found.unreadable if it.reason == NAMELESS
        }
        set_aside = tuple(
            Incomplete(query=key, because=NAMELESS)
            for key in (*REQUIRED, *REQUIRED_ONE_OF)
            if TYPE_OF[key] in kinds and (key in REQUIRED_ONE_OF or not found.of(TYPE_OF[key]))
        )
        return (*unnamed, *set_aside)

    def _check_required(self, incomplete: tuple[Incomplete, ...], *, can_ask: bool) -> None:
        """Refuse to conclude from less than what is required.

        Treatment that is partly missing is told on a card, since its lines can still be named; a partial answer to the other
        required queries could hide that this is HER2-positive breast cancer at all, and then nothing would be said.
        """

        def are(state: KeyState, keys: tuple[str, ...]) -> list[str]:
            return [key for key in keys if self._states.get(key, KeyState.UNKNOWN) is state]

        lacking = [*are(KeyState.UNKNOWN, REQUIRED), *are(KeyState.FAILED, REQUIRED)]
        unknown, failed = are(KeyState.UNKNOWN, REQUIRED_ONE_OF), are(KeyState.FAILED, REQUIRED_ONE_OF)
        if len(unknown) + len(failed) == len(REQUIRED_ONE_OF):
            lacking.extend(failed or unknown)
        if lacking:
            is_failure = any(self._states.get(key) is KeyState.FAILED for key in lacking)
            otherwise = "the EHR could not retrieve it" if is_failure else _NOT_ASKED
            raise MissingPatientDataError(tuple(lacking), self._why(lacking, otherwise))
        partial = sorted({it.query for it in incomplete if it.query in REQUIRED})
        if partial:
            otherwise = "only a part was sent" if can_ask else _ONLY_A_PART
            raise MissingPatientDataError(tuple(partial), self._why(partial, otherwise))

    def _why(self, keys: list[str], otherwise: str) -> str:
        """What came of asking for these; where nobody asked, ``otherwise``."""
        told = dict.fromkeys(self._fetched[key] for key in keys if self._fetched.get(key))
        return "; ".join(told) or otherwise


def of_patient(resources: Resources, patient: ContextPatient, *, fetched: frozenset[str] = frozenset()) -> Resources:
    """Keep what belongs to the patient; what names no patient is set aside and listed. ``fetched``: keys asked for by us.

    Raises:
        OtherPatientError: A resource names another patient.
    """
    kept: dict[str, tuple[Held, ...]] = {}
    set_aside: list[Unreadable] = []
    reader = OwnerReader(patient, resources.by_name.get)
    for kind, held in resources.by_type.items():
        if reader.are_all_ours(kind, held):
            kept[kind] = held
            continue
        mine: list[Held] = []
        for it in held:
            owner = patient.owner_of(it.resource, resources.by_name.get)
            if owner is Owner.OTHER:
                path = f"$.prefetch.{it.query}" if it.query in PREFETCH else "$.prefetch"
                if it.query in fetched:
                    path = "$.fhirServer"
                raise OtherPatientError(path, f"a resource ({kind}) belongs to another patient than context.patientId")
            if owner is Owner.UNSAID and not isinstance(it.resource, _SHARED):
                set_aside.append(Unreadable(resource=it.ref, reason=NAMELESS))
            else:
                mine.append(it)
        kept[kind] = tuple(mine)
    dropped = frozenset(it.resource for it in set_aside)
    by_name = resources.by_name
    return msgspec.structs.replace(
        resources,
        by_type=kept,
        by_name={name: held for name, held in by_name.items() if held.ref not in dropped} if dropped else by_name,
        unreadable=(*resources.unreadable, *set_aside),
    )


def _with_concern(incomplete: Incomplete) -> Incomplete:
    return msgspec.structs.replace(incomplete, concerns_treatment=incomplete.query in REQUIRED_ONE_OF)
