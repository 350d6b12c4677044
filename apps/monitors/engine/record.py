"""Record a micro-batch: one transaction, a constant number of statements while no monitor changes its state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from apps.core.actors import AUTOMATION
from apps.monitors import policy, slots
from apps.monitors.checkers.base import CheckOutcome
from apps.monitors.engine import storage
from apps.monitors.engine.flights import Finished, Flight
from apps.monitors.engine.sql import HELD_LEASE
from apps.monitors.engine.storage import Held
from apps.monitors.models import Run
from apps.monitors.recording import RecordedRun
from apps.monitors.services.outages import settle_outages
from apps.monitors.signals import runs_recorded

_INT_MAX = 2**31 - 1


@dataclass(slots=True)
class Recorded:
    """What became of a batch's flights.

    `granted`: slots that a flight still holds or has got anew (the latter in `extended`); none: it is released.
    `lost`: somebody else holds its schedule now, and its run was dropped.
    """

    granted: dict[Flight, tuple[datetime, ...]] = field(default_factory=dict)
    extended: dict[Flight, tuple[datetime, ...]] = field(default_factory=dict)
    lost: list[Flight] = field(default_factory=list)


def record(batch: Sequence[Finished], *, may_extend: bool = True) -> Recorded:
    """Write the runs whose claim still holds, and all that follows from them. One run for a schedule.

    A schedule whose slots are all recorded is released, unless its next slot is due within the horizon: then the
    engine keeps it for that (`may_extend`), since a tick would claim it too late.
    """
    result = Recorded()
    with transaction.atomic():
        rows, now = storage.lock_schedules([finished.schedule_id for finished in batch])
        kept: list[tuple[Finished, Held]] = []
        for finished in batch:
            row = rows.get(finished.schedule_id)
            if row is None or not _is_held(row, finished):
                result.lost.append(finished.flight)
                continue
            kept.append((finished, row))
        if not kept:
            return result
        changed: list[tuple[Finished, Held]] = []
        for finished, row in kept:
            if _advance(finished, row, now, result, may_extend):
                changed.append((finished, row))
        _write(kept)
        if changed:
            settle_outages(
                monitor_ids=sorted({row.monitor_id for _, row in changed}),
                actor=AUTOMATION,
                at=now,
                finished={row.monitor_id: finished.finished_at for finished, row in changed},
                reasons={row.monitor_id: finished.reason for finished, row in changed},
            )
        runs = [_recorded(finished, row) for finished, row in kept]
        runs_recorded.send(sender=Run, runs=runs, at=now)
    return result


def record_as_error(finished: Finished, *, reason: str, may_extend: bool = True) -> Recorded:
    """Keep nothing of a run that cannot be recorded but that it was an error, and release its schedule.

    Nobody is told, since whoever was told may be why it could not be recorded.
    """
    result = Recorded()
    with transaction.atomic():
        rows, now = storage.lock_schedules([finished.schedule_id])
        row = rows.get(finished.schedule_id)
        if row is None or not _is_held(row, finished):
            result.lost.append(finished.flight)
            return result
        failed = Finished(
            flight=finished.flight,
            due_at=finished.due_at,
            started_at=finished.started_at,
            finished_at=finished.finished_at,
            outcome=CheckOutcome("error", reason=reason),
            detail="{}",
            reason=reason[:300],
            skipped=finished.skipped,
        )
        _advance(failed, row, now, result, may_extend)
        _write([(failed, row)])
    return result


def _is_held(row: Held, finished: Finished) -> bool:
    """Whether the claim holds and the slot is not recorded (its commit's answer may have been lost)."""
    return (
        row.claim_no == finished.flight.adopted.claim_no
        and row.slot_at is not None
        and row.slot_at <= finished.due_at
    )


def _advance(
    finished: Finished, row: Held, now: datetime, result: Recorded, may_extend: bool
) -> bool:
    """Bring the row to what the run made of it; return whether its location began or ceased to fail."""
    flight = finished.flight
    granted = tuple(
        due for due in flight.granted if due > finished.due_at and due not in finished.skipped
    )
    row.overruns += len(finished.skipped)
    extended: tuple[datetime, ...] = ()
    if row.next_run_at is not None and row.interval_s is not None:
        row.next_run_at, overruns = slots.skip(
            next_run_at=row.next_run_at, interval_s=row.interval_s, until=finished.finished_at
        )
        row.overruns += overruns
        if may_extend and _may_keep(row, flight):
            extended, row.next_run_at = slots.take(
                next_run_at=row.next_run_at,
                interval_s=row.interval_s,
                until=now + slots.HORIZON,
            )
    granted += extended
    result.granted[flight] = granted
    if extended:
        result.extended[flight] = extended
    row.slot_at = granted[0] if granted else None
    row.slot_count = len(granted)
    row.slot_is_manual = False
    row.leased_until = now + HELD_LEASE if granted else None
    row.last_due_at, row.last_finished_at = finished.due_at, finished.finished_at
    row.last_result = finished.outcome.result
    before = row.streak.has_failed
    row.streak = policy.advance(
        row.streak,
        result=finished.outcome.result,
        due_at=finished.due_at,
        failure_threshold=row.failure_threshold,
        recovery_threshold=row.recovery_threshold,
    )
    flight.was_passing = not (row.streak.is_failing or row.streak.has_failed)
    return row.streak.has_failed != before


def _may_keep(row: Held, flight: Flight) -> bool:
    """Whether the engine may go on with it: a person's run and a changed definition come by a new claim."""
    return (
        row.is_active
        and row.run_now_at is None
        and row.version == flight.adopted.version
        and not flight.adopted.is_manual
    )


def _write(kept: Sequence[tuple[Finished, Held]]) -> None:
    storage.write_runs([_run(finished) for finished, _ in kept])
    details = [
        (finished.schedule_id, finished.due_at, finished.detail)
        for finished, _ in kept
        if finished.outcome.result != "passed" or finished.flight.adopted.is_manual
    ]
    storage.write_details(details)
    storage.write_latest_passes(
        [
            (finished.schedule_id, finished.due_at, finished.detail)
            for finished, _ in kept
            if finished.outcome.result == "passed"
        ]
    )
    storage.write_schedules([row for _, row in kept])


def _run(finished: Finished) -> storage.RunRow:
    outcome = finished.outcome
    return (
        finished.schedule_id,
        finished.due_at,
        finished.started_at,
        outcome.result,
        finished.flight.adopted.is_manual,
        _bounded(finished.duration_ms) or 0,
        _bounded(outcome.response_time_ms),
        _bounded(outcome.slowest_request_ms),
        finished.reason,
    )


def _recorded(finished: Finished, row: Held) -> RecordedRun:
    return RecordedRun(
        monitor_id=row.monitor_id,
        schedule_id=finished.schedule_id,
        due_at=finished.due_at,
        started_at=finished.started_at,
        result=finished.outcome.result,
        response_time_ms=finished.outcome.response_time_ms,
        slowest_request_ms=finished.outcome.slowest_request_ms,
        is_manual=finished.flight.adopted.is_manual,
    )


def _bounded(milliseconds: int | None) -> int | None:
    return None if milliseconds is None else max(0, min(milliseconds, _INT_MAX))
