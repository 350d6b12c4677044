"""Record a micro-batch: one transaction, a constant number of statements while no monitor changes its state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from apps.core.actors import AUTOMATION
from apps.monitors import policy, slots, stretches
from apps.monitors.checkers.base import CheckOutcome
from apps.monitors.engine import storage
from apps.monitors.engine.flights import Finished, Flight
from apps.monitors.engine.sql import HELD_LEASE
from apps.monitors.engine.storage import Held
from apps.monitors.models import Run
from apps.monitors.recording import RecordedRun
from apps.monitors.services.coverage import Found, note_unmeasured
from apps.monitors.services.outages import lock_states, settle_outages
from apps.monitors.services.rollups import note_late_runs
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
        for finished, row in kept:
            _move_on(finished, row, now, result, may_extend)
        repeated = _repeated(kept)
        new = [pair for pair in kept if pair[0].schedule_id not in repeated]
        changed = [pair for pair in new if _count(*pair)]
        unmeasured = [found for pair in kept if (found := _pay(*pair)) is not None]
        _write(new, [row for _, row in kept], now)
        if changed and unmeasured:
            # All at once, in their keys' order, since both of these lock some of them.
            lock_states(
                {row.monitor_id for _, row in changed} | {found.monitor_id for found in unmeasured}
            )
        if changed:
            settle_outages(
                monitor_ids=sorted({row.monitor_id for _, row in changed}),
                actor=AUTOMATION,
                at=now,
                finished={row.monitor_id: finished.finished_at for finished, row in changed},
                reasons={row.monitor_id: finished.reason for finished, row in changed},
            )
        # After the outages: they lock delivery streams, which come before the components of a gap.
        note_unmeasured(found=unmeasured, at=now)
        runs = [_recorded(finished, row) for finished, row in new]
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
        _move_on(failed, row, now, result, may_extend)
        is_new = not storage.recorded([(failed.schedule_id, failed.due_at)])
        if is_new:
            _count(failed, row)
        _write([(failed, row)] if is_new else [], [row], now)
    return result


def _is_held(row: Held, finished: Finished) -> bool:
    """Whether the claim holds and the slot is not recorded (its commit's answer may have been lost)."""
    return (
        row.claim_no == finished.flight.adopted.claim_no
        and row.slot_at is not None
        and row.slot_at <= finished.due_at
    )


def _repeated(kept: Sequence[tuple[Finished, Held]]) -> set[int]:
    """Return the schedules whose slot has a run: the clock was set back, and comes by the same slots again.

    What came of it the second time is dropped, and the schedule goes on.
    """
    old = [
        (finished.schedule_id, finished.due_at)
        for finished, row in kept
        if row.last_due_at is not None and finished.due_at <= row.last_due_at
    ]
    return {schedule_id for schedule_id, _ in storage.recorded(old)}


def _move_on(
    finished: Finished, row: Held, now: datetime, result: Recorded, may_extend: bool
) -> None:
    """Take the finished slot from the row, and those that came due while it went on."""
    flight = finished.flight
    granted = tuple(
        due for due in flight.granted if due > finished.due_at and due not in finished.skipped
    )
    row.overruns += len(finished.skipped)
    extended: tuple[datetime, ...] = ()
    cadence = row.cadence
    if row.next_run_at is not None and cadence is not None:
        # The engine's notion of the clock may be of before it was set back.
        row.next_run_at, overruns = slots.skip(
            next_run_at=row.next_run_at, cadence=cadence, until=min(finished.finished_at, now)
        )
        row.overruns += overruns
        if may_extend and _may_keep(row, flight, now):
            extended, row.next_run_at = slots.take(
                next_run_at=row.next_run_at, cadence=cadence, until=now + slots.HORIZON
            )
    granted += extended
    result.granted[flight] = granted
    if extended:
        result.extended[flight] = extended
    row.slot_at = granted[0] if granted else None
    row.slot_count = len(granted)
    row.slot_is_manual = False
    row.leased_until = now + HELD_LEASE if granted else None


def _count(finished: Finished, row: Held) -> bool:
    """Count the run in its row; return whether its location began or ceased to fail."""
    # The newest that was recorded, also where the clock was set back since.
    row.last_due_at = max(finished.due_at, row.last_due_at or finished.due_at)
    row.last_finished_at = finished.finished_at
    row.last_result = finished.outcome.result
    before = row.streak.has_failed
    row.streak = policy.advance(
        row.streak,
        result=finished.outcome.result,
        due_at=finished.due_at,
        failure_threshold=row.failure_threshold,
        recovery_threshold=row.recovery_threshold,
    )
    finished.flight.was_passing = not (row.streak.is_failing or row.streak.has_failed)
    return row.streak.has_failed != before


def _pay(finished: Finished, row: Held) -> Found | None:
    """Take note that the location measured, and from which slot on it has to again; return what it did not before."""
    if finished.outcome.result == "error":
        return None
    stretch = stretches.unmeasured(
        owed_since=row.owed_since, interval_s=row.interval_s, until=finished.started_at
    )
    row.owed_since = row.slot_at or row.next_run_at
    return Found(row.schedule_id, row.monitor_id, *stretch) if stretch else None


def _may_keep(row: Held, flight: Flight, now: datetime) -> bool:
    """Whether the engine may go on with it.

    A person's run and a changed definition come by a new claim, and what was missed is counted by one.
    """
    return (
        row.is_active
        and row.next_run_at is not None
        and row.next_run_at > now - slots.HORIZON
        and row.run_now_at is None
        and row.version == flight.adopted.version
        and not flight.adopted.is_manual
    )


def _write(new: Sequence[tuple[Finished, Held]], rows: Sequence[Held], now: datetime) -> None:
    storage.write_runs([_run(finished) for finished, _ in new])
    details = [
        (finished.schedule_id, finished.due_at, finished.detail)
        for finished, _ in new
        if finished.outcome.result != "passed" or finished.flight.adopted.is_manual
    ]
    storage.write_details(details)
    storage.write_latest_passes(
        [
            (finished.schedule_id, finished.due_at, finished.detail)
            for finished, _ in new
            if finished.outcome.result == "passed"
        ]
    )
    storage.write_schedules(rows)
    note_late_runs(
        (
            (
                finished.schedule_id,
                finished.due_at,
                finished.outcome.result,
                _bounded(finished.outcome.response_time_ms),
            )
            for finished, _ in new
        ),
        at=now,
    )


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
    if milliseconds is None or 0 <= milliseconds <= _INT_MAX:
        return milliseconds
    return 0 if milliseconds < 0 else _INT_MAX
