"""Run the pure planner over integrations and write what it decides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest

from django.db.models import QuerySet

from apps.integrations.models import (
    ComponentLink,
    DeliveryStream,
    Integration,
)
from apps.integrations.planner import (
    IncidentMoves,
    Said,
    StreamView,
    desired,
    incident_moves,
    said_changes,
)
from apps.integrations.planning.loading import (
    Loaded,
    incident_streams,
    load,
    outage_view,
    rule_of,
    speaking_links,
)
from apps.integrations.planning.streams import (
    Promise,
    append,
    component_changes,
    lock_component_streams,
)
from apps.monitors.models import Outage


@dataclass(frozen=True, slots=True)
class Now:
    """What is true of a monitor in this step: its open outage, or the one that closed, and since when."""

    at: datetime
    outage: Outage | None = None
    closed: Outage | None = None


@dataclass(slots=True)
class _Decided:
    said: list[tuple[int, Said]] = field(default_factory=list)
    incidents: list[tuple[Loaded, Now, IncidentMoves]] = field(default_factory=list)


def plan_outages(*, opened: Iterable[Outage], closed: Iterable[Outage]) -> None:
    """Write what outages that opened or closed just now mean. Their monitors' states are locked.

    An outage that did both, or a monitor that failed again, is taken in the order of time, so that a
    failure and the recovery after it become two deliveries.
    """
    happened: dict[int, list[Now]] = {}
    for outage in opened:
        happened.setdefault(outage.monitor_id, []).append(Now(outage.opened_at, outage=outage))
    for outage in closed:
        assert outage.closed_at is not None
        happened.setdefault(outage.monitor_id, []).append(Now(outage.closed_at, closed=outage))
    # At one instant an outage opens before it closes, and closes before the next one opens.
    ordered = [
        [(monitor_id, now) for now in sorted(events, key=_order)]
        for monitor_id, events in sorted(happened.items())
    ]
    for step in zip_longest(*ordered):
        nows = dict(event for event in step if event is not None)
        _plan(_acting().filter(monitor_id__in=nows), nows)


def _order(now: Now) -> tuple[datetime, int, int]:
    outage = now.outage or now.closed
    assert outage is not None
    return now.at, outage.pk, 0 if now.outage else 1


def plan_integrations(*, integration_ids: Collection[int], at: datetime) -> None:
    """Write what brings the pages to what these integrations want now. Their monitors' states are locked."""
    rows = _with_all(Integration.objects.filter(pk__in=integration_ids))
    _plan(rows, _present(rows.values_list("monitor_id", flat=True), at))


def _acting() -> QuerySet[Integration]:
    return _with_all(Integration.objects.filter(archived_at__isnull=True, enabled=True))


def _with_all(rows: QuerySet[Integration]) -> QuerySet[Integration]:
    return rows.select_related("monitor", "connector", "page", "incident_rule").order_by("pk")


def _present(monitor_ids: Iterable[int], at: datetime) -> Mapping[int, Now]:
    wanted = set(monitor_ids)
    open_outages = {
        outage.monitor_id: outage for outage in Outage.objects.open().filter(monitor_id__in=wanted)
    }
    nows: dict[int, Now] = {}
    for monitor_id in sorted(wanted):
        outage = open_outages.get(monitor_id)
        # What was asked for before the outage opened is true of it from its opening on.
        nows[monitor_id] = Now(max(at, outage.opened_at) if outage else at, outage=outage)
    return nows


def _plan(rows: QuerySet[Integration], nows: Mapping[int, Now]) -> None:
    integrations = list(rows)
    if not integrations:
        return
    # Locked before the words are read: two monitors may speak of one component at once.
    streams = lock_component_streams(
        speaking_links([row.pk for row in integrations]).values_list("component_id", flat=True)
    )
    closed_ids = {now.closed.pk for now in nows.values() if now.closed}
    rule_ids = [rule.pk for row in integrations if (rule := rule_of(row)) is not None]
    incidents = incident_streams(rule_ids, closed_ids=closed_ids) if rule_ids else {}
    loaded = load(integrations, may_open=any(now.outage for now in nows.values()))
    decided = _Decided()
    for one in loaded:
        now = nows[one.row.monitor_id]
        _decide(one, now, [view for _, view in incidents.get(_rule_id(one), [])], decided)
    locked = {stream.pk: stream for held in incidents.values() for stream, _ in held}
    append(
        [
            *_component_promises(decided.said, streams),
            *_incident_promises(decided.incidents, locked),
        ]
    )


def _rule_id(one: Loaded) -> int:
    return one.view.rule.id if one.view.rule else 0


def _decide(one: Loaded, now: Now, streams: Sequence[StreamView], decided: _Decided) -> None:
    outage = outage_view(now.outage) if now.outage else None
    closed = outage_view(now.closed) if now.closed else None
    wanted = desired(one.view, outage)
    decided.said += [(one.row.pk, said) for said in said_changes(one.view, wanted, now.at)]
    moves = incident_moves(one.view, wanted, outage=outage, closed=closed, streams=streams)
    decided.incidents.append((one, now, moves))


def _component_promises(
    said: Sequence[tuple[int, Said]], streams: Mapping[int, DeliveryStream]
) -> list[Promise]:
    if not said:
        return []
    ComponentLink.objects.bulk_update(
        [
            ComponentLink(
                pk=one.link_id, said_status=one.status, said_at=one.since if one.status else None
            )
            for _, one in said
        ],
        ["said_status", "said_at"],
    )
    latest: dict[int, tuple[int, datetime]] = {}
    for integration_id, one in said:
        before = latest.get(one.component_id)
        if before is None or before[1] < one.since:
            latest[one.component_id] = (integration_id, one.since)
    changes = component_changes(latest)
    return [
        Promise(streams[component_id], changes[component_id], at, integration_id)
        for component_id, (integration_id, at) in sorted(latest.items())
    ]


def _incident_promises(
    decided: Sequence[tuple[Loaded, Now, IncidentMoves]], locked: Mapping[int, DeliveryStream]
) -> list[Promise]:
    promises: list[Promise] = []
    opened: list[tuple[DeliveryStream, Loaded, Now, IncidentMoves]] = []
    abandons: dict[int, datetime] = {}
    resumes: list[int] = []
    for one, now, moves in decided:
        if moves.opens is not None:
            assert now.outage is not None
            stream = DeliveryStream(
                key=moves.opens.idempotency_key,
                kind=DeliveryStream.Kind.INCIDENT,
                connector=one.row.connector,
                page=one.row.page,
                rule=rule_of(one.row),
                outage=now.outage,
            )
            opened.append((stream, one, now, moves))
        for stream_id, change in (moves.resolves or {}).items():
            promises.append(Promise(locked[stream_id], change, now.at, one.row.pk))
        abandons |= dict.fromkeys(moves.abandons, now.at)
        resumes.extend(moves.resumes)
    if abandons:
        # One statement; those of one call differ by no more than a micro-batch.
        DeliveryStream.objects.filter(pk__in=abandons).update(abandoned_at=max(abandons.values()))
    if resumes:
        DeliveryStream.objects.filter(pk__in=resumes).update(abandoned_at=None)
    if opened:
        made = _new_streams([stream for stream, *_ in opened])
        for stream, one, now, moves in opened:
            assert moves.opens is not None
            if stream.key in made:
                promises.append(Promise(made[stream.key], moves.opens, now.at, one.row.pk))
    return promises


def _new_streams(streams: Sequence[DeliveryStream]) -> dict[str, DeliveryStream]:
    """Insert incident streams; return {key: locked stream} of those that nobody promised meanwhile.

    An edit and a maintenance that ends may both want the same incident; the second one waits here for the
    first, and finds that it was promised.
    """
    DeliveryStream.objects.bulk_create(streams, ignore_conflicts=True)
    rows = (
        DeliveryStream.objects.filter(key__in=[stream.key for stream in streams], last_sequence=0)
        .order_by("pk")
        .select_for_update(no_key=True)
    )
    return {row.key: row for row in rows}
