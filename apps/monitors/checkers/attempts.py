"""What happened in a run: its requests, and the tries of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from apps.core.egress import EgressResponse
from apps.monitors.checkers.spec import RequestSpec, Verdict


class Cause(Enum):
    """What a failure says about the target, and about us."""

    NETWORK = auto()  # no answer came; the way there may be at fault
    ANSWER = auto()  # an answer came, and is not what it should be
    REQUEST = auto()  # we would not send it
    UNSET = auto()  # a variable is missing, mostly for an earlier failure
    PLATFORM = auto()  # we could not send it


@dataclass(frozen=True)
class Failure:
    cause: Cause
    message: str


@dataclass(frozen=True)
class Attempt:
    """One try of a request. `response` is None when it was not sent."""

    failure: Failure | None
    url: str = ""
    response: EgressResponse | None = None
    verdicts: tuple[Verdict, ...] = ()
    extracted: tuple[str, ...] = ()


@dataclass(slots=True)
class RequestRecord:
    """A request and what came of it. The last attempt counts; none: it was not run."""

    spec: RequestSpec
    position: int = 0
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def failure(self) -> Failure | None:
        return self.attempts[-1].failure if self.attempts else None

    @property
    def state(self) -> str:
        if not self.attempts:
            return "not_run"
        return "passed" if self.failure is None else "failed"

    @property
    def answered_ms(self) -> float | None:
        """How long the counting attempt took, when it was answered."""
        response = self.attempts[-1].response if self.attempts else None
        return None if response is None or response.status is None else response.timings.total_ms
