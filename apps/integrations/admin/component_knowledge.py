"""What integrations know of components, lent to the components' screens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.accounts.selectors import for_user
from apps.core.adminkit import link, utc
from apps.integrations.models import ComponentLink, Delivery
from apps.monitors.models import Monitor, Outage, Schedule
from apps.pages.admin.knowledge import Happening, Knowledge, Source, Text, lend
from apps.pages.models import Component, StatusContribution

MOST = 200
UNSEEN = "A monitor of a workspace that you are not a member of"


def _sources(user: User, contributions: Sequence[StatusContribution]) -> dict[int, Source]:
    ours = {row.key: row for row in contributions if row.source == StatusContribution.Source.LINK}
    if not ours:
        return {}
    links = list(_links().filter(public_id__in=ours))
    seen = _seen(user)
    outages = {
        row.monitor_id: row
        for row in Outage.objects.open().filter(monitor__in={_monitor(one).pk for one in links})
    }
    return {
        ours[one.public_id].pk: _source(one, outages.get(_monitor(one).pk), seen) for one in links
    }


def _source(one: ComponentLink, outage: Outage | None, seen: set[int]) -> Source:
    if one.integration.workspace_id not in seen:
        return Source(UNSEEN)
    facts: list[Text] = [format_html("By the integration {}", link(one.integration))]
    if outage is not None:
        text = f"Outage since {utc(outage.opened_at)}"
        facts.append(format_html("{}: {}", link(outage, text), outage.reason or "no reason kept"))
    return Source(link(_monitor(one)), tuple(facts))


def _beside(user: User, component: Component) -> list[Text]:
    links = list(_links().filter(_speaks_of(component), archived_at__isnull=True))
    links = [one for one in links if not one.integration.is_archived]
    seen = _seen(user)
    found: list[Text] = []
    if not links:
        found.append(
            "No integration links a monitor to it: it changes by hand, by incidents and by maintenance."
        )
    failing = _failing({_monitor(one).pk for one in links})
    for one in links:
        found += _of_link(
            one, failing.get(_monitor(one).pk, []), one.integration.workspace_id in seen
        )
    return found + _undelivered(component, seen)


def _of_link(one: ComponentLink, failing: list[Schedule], is_seen: bool) -> Iterable[Text]:
    monitor = _monitor(one)
    name = link(monitor) if is_seen else UNSEEN
    if not one.integration.enabled:
        by = link(one.integration) if is_seen else "its integration"
        yield format_html("{} says nothing: {} is switched off.", name, by)
        return
    if not monitor.enabled:
        yield format_html("{} is paused: its last word stands.", name)
    early = [row for row in failing if not row.is_failing]
    late = [row for row in failing if row.is_failing]
    for row in early:
        yield format_html(
            "{} has failed {} of {} times in a row{}: that is no outage yet.",
            name,
            row.streak,
            monitor.failure_threshold,
            f" at {row.location}" if is_seen else "",
        )
    if late and len(late) < monitor.quorum:
        yield format_html(
            "{} fails at {} of the {} locations that it takes for an outage.",
            name,
            len(late),
            monitor.quorum,
        )


def _undelivered(component: Component, seen: set[int]) -> list[Text]:
    """Tell of changes that were decided and have not reached the component."""
    waiting = (
        Delivery.objects.filter(stream__component__remote_id=component.public_id)
        .exclude(state=Delivery.State.DONE)
        .select_related("integration")[:5]
    )
    found: list[Text] = []
    for row in waiting:
        ended = row.state == Delivery.State.DEAD
        text = "was given up" if ended else "has not arrived yet"
        if row.integration is not None and row.integration.workspace_id in seen:
            found.append(
                format_html(
                    "{} {}: {}", link(row, f"A change of {utc(row.at)}"), text, row.last_error
                )
            )
        else:
            found.append(f"A change of {utc(row.at)} {text}.")
    return found


def _happened(
    user: User, component: Component, since: datetime, until: datetime
) -> list[Happening]:
    links = list(_links().filter(_speaks_of(component)))
    workspaces = {_monitor(one).pk: one.integration.workspace_id for one in links}
    seen = _seen(user)
    outages = Outage.objects.filter(
        Q(closed_at__isnull=True) | Q(closed_at__gt=since),
        monitor__in=workspaces,
        opened_at__lt=until,
    ).select_related("monitor")
    return [
        Happening(
            "Outage",
            _outage_link(row) if workspaces[row.monitor_id] in seen else UNSEEN,
            row.opened_at,
            row.closed_at,
            row.reason if workspaces[row.monitor_id] in seen else "",
        )
        for row in outages.order_by("-opened_at", "-pk")[:MOST]
    ]


def _outage_link(outage: Outage) -> SafeString:
    url = reverse("admin:monitors_outage_change", args=[outage.pk])
    return format_html('<a href="{}">{}</a>', url, outage.monitor)


def _links() -> QuerySet[ComponentLink]:
    return ComponentLink.objects.select_related("integration__monitor").order_by("pk")


def _speaks_of(component: Component) -> Q:
    """Public ids are never used twice, here or elsewhere: the remote one is the component's own."""
    return Q(component__remote_id=component.public_id)


def _monitor(one: ComponentLink) -> Monitor:
    return one.integration.monitor


def _seen(user: User) -> set[int]:
    return set(for_user(user).values_list("pk", flat=True))


def _failing(monitors: set[int]) -> dict[int, list[Schedule]]:
    found: dict[int, list[Schedule]] = {}
    rows = Schedule.objects.filter(
        monitor__in=monitors, is_active=True, removed_at__isnull=True, streak_is_failing=True
    ).select_related("location")
    for row in rows.order_by("location__name", "pk"):
        found.setdefault(row.monitor_id, []).append(row)
    return found


lend(Knowledge(sources=_sources, beside=_beside, happened=_happened))
