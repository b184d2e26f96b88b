"""The errors this service raises, and the answer each one gets.

* CdsHooksError
  x BadHookRequestError        400  the body is not this hook
  x OtherPatientError          400  a resource belongs to another patient
  x UnauthorizedClientError    401  the CDS client is not who it says
  x UnknownServiceError        404  no such service
  x UnknownCardError           404  a card was not issued to this client
  x FeedbackConflictError      409  the same answer to a card, told differently
  x MissingPatientDataError    412  required data is neither prefetched nor fetchable
  x BodyTooLargeError          413  the body is larger than we accept
  x UnsupportedMediaError      415  the body is not JSON
  x WithheldError              503  a self-check failed or a kill switch is on; nothing is shown
  x OverloadedError            503  we cannot answer now; a later try may succeed
  x OverdueError               503  what was sent takes longer to read than a call may take
  x StoreUnavailableError      503  the store cannot be read or written now
  x MalformedDateError         --   a date is not a FHIR date; the reader flags the resource
  x UnreadablePatientFileError --   a file is no Bundle, NDJSON or hook request; the command line says so
  x RegistryUnavailableError   --   a trial registry does not answer as it should; `trials sync` says so
  x KnowledgeError             --   start-up stops; a request never sees it
"""


class CdsHooksError(Exception):
    """Base of all errors of this package; ``str()`` never holds patient data."""


class BadHookRequestError(CdsHooksError):
    """The body is not a valid request of this hook.

    ``path`` is the JSON path of the fault, ``reason`` a sentence without the value found there.
    Source: C-16.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class OtherPatientError(BadHookRequestError):
    """A resource belongs to another patient than ``context.patientId``. Source: PID-01."""


class UnauthorizedClientError(CdsHooksError):
    """The CDS client did not prove who it is; ``reason`` goes to the log only. Source: AUT-01."""

    def __init__(self, reason: str) -> None:
        super().__init__("the CDS client is not authorised")
        self.reason = reason


class UnknownServiceError(CdsHooksError):
    """No service has this id."""


class UnknownCardError(CdsHooksError):
    """A card was not issued by this service to this client; ``path`` is where it is named. Source: AUT-09."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class FeedbackConflictError(CdsHooksError):
    """An answer to a card that is kept already comes again with another comment; ``path`` is where. Source: FBK-02."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class MissingPatientDataError(CdsHooksError):
    """Required data is neither prefetched nor fetchable; ``keys`` names the prefetch keys. Source: C-13."""

    def __init__(self, keys: tuple[str, ...], reason: str) -> None:
        super().__init__(f"{', '.join(keys)}: {reason}")
        self.keys = keys
        self.reason = reason


class BodyTooLargeError(CdsHooksError):
    """The body is larger than the service accepts; ``str()`` says in what, if not in bytes. Source: INP-01, INP-02."""


class UnsupportedMediaError(CdsHooksError):
    """The body is not sent as JSON. Source: INP-05."""


class WithheldError(CdsHooksError):
    """Cards are withheld by a failed self-check or a kill switch; ``str()`` may be shown. Source: SAF-07, SAF-08."""


class OverloadedError(CdsHooksError):
    """The service cannot answer now; ``retry_after_seconds`` says when to try again. Source: REL-04."""

    def __init__(self, reason: str, retry_after_seconds: int = 1) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class OverdueError(OverloadedError):
    """A record takes longer to read than a call may take; nothing is concluded from a part. Source: INP-09, REL-01."""

    def __init__(self) -> None:
        super().__init__("the call takes longer than it may")


class StoreUnavailableError(OverloadedError):
    """The store cannot be read or written now; ``kind`` is the class of the driver's fault, never its text. Source: FBK-04."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"the store is unavailable: {kind}", retry_after_seconds=5)
        self.kind = kind


class MalformedDateError(CdsHooksError, ValueError):
    """A string is not a FHIR date or dateTime."""


class UnreadablePatientFileError(CdsHooksError):
    """A file is neither a Bundle, nor NDJSON of resources, nor a hook request."""


class RegistryUnavailableError(CdsHooksError):
    """A trial registry does not answer, or not as its API does; ``str()`` says how."""


class KnowledgeError(CdsHooksError):
    """The knowledge files contradict their schema or each other; ``faults`` are plain sentences with file and line."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults
