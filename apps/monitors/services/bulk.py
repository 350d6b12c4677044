"""Pause, resume, run and tag thousands of monitors: a constant number of statements for each thousand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from apps.core import audit, pump
from apps.core.actors import Actor
from apps.core.among import among
from apps.core.clock import DatabaseNow
from apps.core.errors import Invalid
from apps.monitors.models import Monitor, Schedule
from apps.monitors.services import schedules
from apps.monitors.services.coverage import note_unmeasured, unmeasured_until_now
from apps.monitors.tagging import tagged, with_tag, without_tag

# A transaction each: the recorder waits for what is locked.
AT_ONCE = 1000
LONGEST_TAG = 120


def pause_monitors(*, monitor_ids: Iterable[int], actor: Actor, at: datetime) -> int:
    """Pause those of the live monitors that run; return how many. As `pause_monitor` does for one."""
    return sum(_pause(ids, actor, at) for ids in _batches(monitor_ids))


def resume_monitors(*, monitor_ids: Iterable[int], actor: Actor, at: datetime) -> int:
    """Resume those of the live monitors that are paused; return how many. As `resume_monitor` does for one."""
    return sum(_resume(ids, actor, at) for ids in _batches(monitor_ids))


def run_monitors_now(*, monitor_ids: Iterable[int], actor: Actor, at: datetime) -> int:
    """Run those of the live monitors that are not paused as soon as possible; return how many."""
    return sum(_run_now(ids, actor, at) for ids in _batches(monitor_ids))


def tag_monitors(*, monitor_ids: Iterable[int], tag: str, actor: Actor, at: datetime) -> int:
    """Give the tag to those of the live monitors that lack it; return how many. Raises Invalid."""
    name = _checked(tag)
    return sum(_set_tag(ids, name, True, actor, at) for ids in _batches(monitor_ids))


def untag_monitors(*, monitor_ids: Iterable[int], tag: str, actor: Actor, at: datetime) -> int:
    """Take the tag from those of the live monitors that have it; return how many. Raises Invalid."""
    name = _checked(tag)
    return sum(_set_tag(ids, name, False, actor, at) for ids in _batches(monitor_ids))


@transaction.atomic
def _pause(ids: Collection[int], actor: Actor, at: datetime) -> int:
    monitors = _locked(_live(ids).filter(enabled=True))
    keys = [monitor.pk for monitor in monitors]
    if keys:
        _changed(keys, at, enabled=False)
        owed = unmeasured_until_now(monitor_ids=keys)
        schedules.stop(monitor_ids=keys)
        note_unmeasured(found=owed, at=at)
        _note(actor, at, "monitor.paused", monitors)
    return len(keys)


@transaction.atomic
def _resume(ids: Collection[int], actor: Actor, at: datetime) -> int:
    monitors = _locked(_live(ids).filter(enabled=False))
    if monitors:
        _changed([monitor.pk for monitor in monitors], at, enabled=True)
        schedules.start(monitors=monitors)
        _note(actor, at, "monitor.resumed", monitors)
    return len(monitors)


@transaction.atomic
def _run_now(ids: Collection[int], actor: Actor, at: datetime) -> int:
    monitors = _locked(_live(ids).filter(enabled=True))
    keys = [monitor.pk for monitor in monitors]
    if keys:
        schedules.lock(monitor_ids=keys)
        Schedule.objects.filter(
            monitor__in=among(keys),
            is_active=True,
            removed_at__isnull=True,
            run_now_at__isnull=True,
        ).update(run_now_at=DatabaseNow())
        _note(actor, at, "monitor.run_requested", monitors)
        pump.wake_on_commit("dispatch")
    return len(keys)


@transaction.atomic
def _set_tag(ids: Collection[int], name: str, is_on: bool, actor: Actor, at: datetime) -> int:
    rows = _locked(_live(ids))
    having = set(tagged(_live(ids), name).values_list("pk", flat=True))
    monitors = [row for row in rows if (row.pk in having) is not is_on]
    if monitors:
        _changed(
            [monitor.pk for monitor in monitors],
            at,
            tags=with_tag(name) if is_on else without_tag(name),
        )
        changes = {"tag": [None, name] if is_on else [name, None]}
        _note(actor, at, "monitor.tagged" if is_on else "monitor.untagged", monitors, changes)
    return len(monitors)


def _batches(monitor_ids: Iterable[int]) -> Iterator[list[int]]:
    """Yield the keys in their order, so that two that change the same monitors wait for each other."""
    keys = sorted(set(monitor_ids))
    for start in range(0, len(keys), AT_ONCE):
        yield keys[start : start + AT_ONCE]


def _live(ids: Collection[int]) -> QuerySet[Any]:
    found: QuerySet[Any] = Monitor.objects.live().filter(pk__in=among(ids))
    return found


def _locked(rows: QuerySet[Any]) -> list[Monitor]:
    """Lock and return the monitors; what is encrypted is not read. Those that no longer match are left out."""
    return list(
        rows.select_for_update(no_key=True).defer("variables", "secret_variables").order_by("pk")
    )


def _changed(ids: Collection[int], at: datetime, **values: Any) -> None:
    Monitor.objects.filter(pk__in=among(ids)).update(
        version=F("version") + 1, updated_at=at, **values
    )


def _note(
    actor: Actor,
    at: datetime,
    action: str,
    monitors: Collection[Monitor],
    changes: dict[str, Any] | None = None,
) -> None:
    if not actor.is_automation:
        audit.record_many(actor=actor, at=at, action=action, rows=monitors, changes=changes)


def _checked(tag: str) -> str:
    name = tag.strip()
    if not name or len(name) > LONGEST_TAG or not name.isprintable():
        message = f"Give one tag of at most {LONGEST_TAG} characters."
        raise Invalid("invalid", message, field="tag", errors=(("tag", message),))
    return name
