"""From what happened in a run to its result and its reason."""

from __future__ import annotations

from apps.monitors.checkers.attempts import Cause, Failure, RequestRecord
from apps.monitors.checkers.base import CheckOutcome
from apps.monitors.checkers.detail import run_detail
from apps.monitors.checkers.redaction import Redactor, cut

REASON_LENGTH = 300


def make_outcome(
    records: list[RequestRecord],
    redactor: Redactor,
    *,
    run_limit_s: float | None,
    is_told_in_full: bool = False,
) -> CheckOutcome:
    """Sum up a run. `run_limit_s` is set when the limit ended it; told in full, bodies that passed are kept too."""
    failures: list[tuple[str, Failure]] = []
    times: list[float] = []
    for record in records:
        if record.failure is not None:
            failures.append((record.spec.name, record.failure))
        if (answered_ms := record.answered_ms) is not None:
            times.append(answered_ms)
    causes = {failure.cause for _, failure in failures}
    if not records:
        return CheckOutcome(
            "error", "the monitor has no requests", detail_json=run_detail(records, redactor)
        )
    if not failures and run_limit_s is None:
        result = "passed"
    elif Cause.PLATFORM in causes and causes <= {Cause.PLATFORM, Cause.UNSET}:
        result = "error"
    else:
        result = "failed"
    return CheckOutcome(
        result=result,  # type: ignore[arg-type]  # narrowed to three literals above
        reason=_reason(failures, records, redactor, run_limit_s),
        response_time_ms=round(sum(times)) if times else None,
        slowest_request_ms=round(max(times)) if times else None,
        transport_failure=Cause.NETWORK in causes and causes <= {Cause.NETWORK, Cause.UNSET},
        detail_json=run_detail(records, redactor, bodies=is_told_in_full),
    )


def _reason(
    failures: list[tuple[str, Failure]],
    records: list[RequestRecord],
    redactor: Redactor,
    run_limit_s: float | None,
) -> str:
    if failures:
        name, failure = failures[0]
        return cut(redactor.mask(f"{name}: {failure.message}"), REASON_LENGTH)
    if run_limit_s is None:
        return ""
    left = sum(not record.attempts for record in records)
    return f"the run limit of {run_limit_s:g} s was reached with {left} of {len(records)} requests not run"
