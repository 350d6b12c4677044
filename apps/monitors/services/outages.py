"""Open and close outages, once the locations' states are written."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Min, Q

from apps.core import audit
from apps.core.actors import Actor
from apps.monitors import policy
from apps.monitors.models import Monitor, MonitorState, Outage
from apps.monitors.selectors import placed_schedules
from apps.monitors.signals import outages_changed


@transaction.atomic
def settle_outages(
    *,
    monitor_ids: Collection[int],
    actor: Actor,
    at: datetime,
    finished: Mapping[int, datetime] | None = None,
    reasons: Mapping[int, str] | None = None,
) -> None:
    """Open or close the outages of these monitors, as their locations' states and the quorum say.

    To be called in the transaction that changed a location's state, after that. `finished` is when the run that
    changed it was over (else `at`), `reasons` why it failed. A constant number of statements.
    """
    states = lock_states(monitor_ids)
    failing = {
        row["monitor_id"]: row
        for row in placed_schedules(monitor_ids)
        .filter(is_failing=True)
        .values("monitor_id")
        .annotate(
            locations=Count("pk"),
            since=Min("streak_started_at", filter=Q(streak_is_failing=True)),
        )
    }
    quorums = dict(Monitor.objects.filter(pk__in=monitor_ids).values_list("pk", "quorum"))
    opened_before = {
        outage.monitor_id: outage for outage in Outage.objects.open().filter(monitor__in=quorums)
    }
    opened: list[Outage] = []
    closed: list[Outage] = []
    for monitor_id, quorum in sorted(quorums.items()):
        row = failing.get(monitor_id)
        decision = policy.decide(
            failing_locations=row["locations"] if row else 0,
            quorum=quorum,
            is_open=monitor_id in opened_before,
        )
        moment = (finished or {}).get(monitor_id, at)
        if decision == "open" and row:
            since = row["since"] or moment
            opened.append(
                Outage(
                    monitor_id=monitor_id,
                    started_at=min(since, moment),
                    opened_at=moment,
                    reason=(reasons or {}).get(monitor_id, "")[:300],
                    created_at=at,
                    updated_at=at,
                )
            )
        elif decision == "close":
            closed.append(opened_before[monitor_id])
    moments = {monitor_id: (finished or {}).get(monitor_id, at) for monitor_id in quorums}
    _write(opened, closed, states, moments, Outage.CloseReason.RECOVERED, actor, at)


@transaction.atomic
def close_as_removed(*, monitor_ids: Collection[int], actor: Actor, at: datetime) -> None:
    """Close the open outages of monitors that are going away."""
    states = lock_states(monitor_ids)
    going = Outage.objects.open().filter(monitor__in=monitor_ids)
    closed = list(going.select_related("monitor").order_by("pk"))
    moments = dict.fromkeys(monitor_ids, at)
    _write([], closed, states, moments, Outage.CloseReason.REMOVED, actor, at)


def lock_states(monitor_ids: Collection[int]) -> dict[int, MonitorState]:
    """Lock the monitors' state rows, in their keys' order, so that one at a time counts the locations."""
    states = {
        state.pk: state
        for state in MonitorState.objects.select_for_update(no_key=True)
        .filter(pk__in=monitor_ids)
        .order_by("pk")
    }
    missing = set(monitor_ids) - states.keys()
    if missing:
        made = [MonitorState(monitor_id=monitor_id) for monitor_id in sorted(missing)]
        MonitorState.objects.bulk_create(made, ignore_conflicts=True)
        return lock_states(monitor_ids)
    return states


def _write(
    opened: list[Outage],
    closed: list[Outage],
    states: Mapping[int, MonitorState],
    moments: Mapping[int, datetime],
    reason: Outage.CloseReason,
    actor: Actor,
    at: datetime,
) -> None:
    for outage in closed:
        # Hosts measure the database's clock, each a little differently.
        outage.closed_at = max(outage.opened_at, moments[outage.monitor_id])
        outage.close_reason = reason
        outage.updated_at = at
    changed = []
    for outage, is_failing in [*((o, True) for o in opened), *((o, False) for o in closed)]:
        state = states[outage.monitor_id]
        state.is_failing, state.changed_at = is_failing, moments[outage.monitor_id]
        changed.append(state)
    if not changed:
        return
    Outage.objects.bulk_create(opened)
    Outage.objects.bulk_update(closed, ["closed_at", "close_reason", "updated_at"])
    MonitorState.objects.bulk_update(changed, ["is_failing", "changed_at"])
    if reason == Outage.CloseReason.REMOVED:
        # Nobody recovered: people ask who ended it.
        changes = {"close_reason": ["", str(reason)]}
        audit.record_many(actor=actor, at=at, action="outage.closed", rows=closed, changes=changes)
    outages_changed.send(sender=Outage, opened=opened, closed=closed, actor=actor, at=at)
