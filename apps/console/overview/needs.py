"""What needs a person now: only what they may see. A constant number of queries."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from apps.accounts.models import User, Workspace
from apps.accounts.selectors import for_user
from apps.console.overview.cards import SHOWN, Card, Line, change, listed
from apps.core.adminkit import lasting, local, local_span
from apps.incidents.maintenance_selectors import unfinished_maintenances
from apps.incidents.models import Draft, Impact, Incident
from apps.incidents.selectors import impacts, open_incidents
from apps.integrations.models import Connector, Delivery, DeliveryStream, Integration
from apps.integrations.selectors import (
    broken_integrations,
    dead_deliveries,
    incidents_left_to_staff,
    waiting_deliveries,
)
from apps.monitors.certificates import certificates_until
from apps.monitors.models import Outage
from apps.pages.access import pages_for
from apps.pages.models import Page

CERTIFICATE_DAYS = 21
_WORST_FIRST = {value: place for place, value in enumerate(reversed(Impact.values))}


def needs(user: User, now: datetime) -> list[Card]:
    """Return the cards in the order of their urgency. Of what a person does not see nothing is said."""
    workspaces, pages = for_user(user), pages_for(user)
    watches = user.is_superuser or workspaces.exists()
    tells = user.is_superuser or pages.exists()
    cards = [
        _outages(workspaces, now) if watches else None,
        _incidents(pages) if tells else None,
        _left_to_staff(user, workspaces, pages) if watches else None,
        _drafts(pages) if tells else None,
        _deliveries(user, workspaces) if watches else None,
        _broken(workspaces) if watches else None,
        _certificates(workspaces, now) if watches else None,
        _maintenances(pages) if tells else None,
    ]
    return [card for card in cards if card is not None]


def _outages(workspaces: QuerySet[Workspace], now: datetime) -> Card:
    rows = (
        Outage.objects.open()
        .filter(monitor__workspace__in=workspaces)
        .select_related("monitor")
        .order_by("-opened_at", "-pk")[:SHOWN]
    )
    return Card(
        title="Open outages",
        lines=[
            Line(
                change(row.monitor),
                str(row.monitor),
                f"for {lasting(row.opened_at, now)}: {row.reason or 'no reason kept'}",
            )
            for row in rows
        ],
        quiet="no monitor is failing",
        more=listed("monitors_outage", "?state=open"),
    )


def _incidents(pages: QuerySet[Page]) -> Card:
    rows = list(open_incidents().filter(page__in=pages)[: SHOWN * 5])
    impact = impacts(rows)
    rows.sort(key=lambda row: _WORST_FIRST.get(impact[row.pk], len(_WORST_FIRST)))
    return Card(
        title="Unresolved incidents",
        lines=[
            Line(
                change(row),
                row.name,
                f"{row.page}, {row.get_status_display()}, impact {impact[row.pk]}",
            )
            for row in rows[:SHOWN]
        ],
        quiet="every incident is resolved",
        more=listed("incidents_incident", "?state=open"),
    )


def _left_to_staff(user: User, workspaces: QuerySet[Workspace], pages: QuerySet[Page]) -> Card:
    mine = Q() if user.is_superuser else Q(rule__integration__workspace__in=workspaces)
    streams = list(incidents_left_to_staff().filter(mine)[:SHOWN])
    ours = [stream.remote_id for stream in streams if stream.remote_id]
    seen = Incident.objects.filter(public_id__in=ours, page__in=pages)
    incidents = {row.public_id: row for row in seen}
    return Card(
        title="Left to you",
        lines=[_left(stream, incidents.get(stream.remote_id)) for stream in streams],
        quiet="no incident waits for a person to resolve it",
    )


def _left(stream: DeliveryStream, incident: Incident | None) -> Line:
    if incident is None:
        if stream.connector.provider == Connector.Provider.NATIVE:
            return Line(
                "", f"{stream.page}: an incident", "ask a publisher of the page to resolve it"
            )
        return Line("", f"{stream.page}: an incident at {stream.connector}", "resolve it there")
    return Line(
        change(incident),
        incident.name,
        f"{stream.page}: automation tends it no more, resolve it or post an update",
    )


def _drafts(pages: QuerySet[Page]) -> Card:
    rows = (
        Draft.objects.filter(page__in=pages, settled_at__isnull=True)
        .select_related("page", "incident", "maintenance")
        .order_by("publish_at", "-updated_at")[:SHOWN]
    )
    return Card(
        title="Drafts",
        lines=[_draft(row) for row in rows],
        more=listed("incidents_draft"),
        quiet="no draft waits",
    )


def _draft(row: Draft) -> Line:
    said = f"{row.page}, by {row.author}: {row.get_state_display().lower()}"
    if row.state == Draft.State.SCHEDULED:
        said += f" for {local(row.publish_at, row.page.time_zone)}"
    if row.note:
        said += f" ({row.note})"
    about = row.incident or row.maintenance
    what = row.get_kind_display()
    return Line(
        change(row),
        f"{what}: {about}" if about else f"{what} “{_name(row)}”",
        said,
    )


def _name(row: Draft) -> str:
    return str(row.asked.get("name", "")) or "without a name"


def _deliveries(user: User, workspaces: QuerySet[Workspace]) -> Card:
    mine = Q() if user.is_superuser else Q(integration__workspace__in=workspaces)
    rows = [*dead_deliveries().filter(mine)[:SHOWN], *waiting_deliveries().filter(mine)[:SHOWN]]
    return Card(
        title="Deliveries that did not arrive",
        lines=[
            Line(
                change(row),
                f"{row.integration or row.stream} → {row.stream.page}",
                f"{'given up' if row.state == Delivery.State.DEAD else 'tried again soon'}: {row.last_error or 'no reason kept'}",
            )
            for row in rows
        ],
        quiet="everything has arrived where it should",
        more=listed("integrations_delivery"),
    )


def _broken(workspaces: QuerySet[Workspace]) -> Card:
    mine = Integration.objects.filter(workspace__in=workspaces)
    return Card(
        title="Integrations to mend",
        lines=[
            Line(change(one.integration), str(one.integration), one.reason)
            for one in broken_integrations(mine, at_most=SHOWN)
        ],
        quiet="no integration is broken",
    )


def _certificates(workspaces: QuerySet[Workspace], now: datetime) -> Card:
    until = now + timedelta(days=CERTIFICATE_DAYS)
    rows = certificates_until(until).filter(schedule__monitor__workspace__in=workspaces)
    # A monitor has a row for each of its locations.
    first = {(row.schedule.monitor_id, row.host): row for row in reversed(rows[: SHOWN * 4])}
    return Card(
        title="Certificates that end soon",
        lines=[
            Line(
                change(row.schedule.monitor),
                row.host,
                f"{_ends(row.expires_at, now)}, seen by {row.schedule.monitor}",
            )
            for row in sorted(first.values(), key=lambda row: row.expires_at)[:SHOWN]
        ],
        quiet=f"no certificate ends within {CERTIFICATE_DAYS} days",
    )


def _ends(expires_at: datetime, now: datetime) -> str:
    if expires_at <= now:
        return f"ended {lasting(expires_at, now)} ago"
    days = (expires_at - now).days
    left = "today" if days == 0 else f"in {days} day{'s' if days > 1 else ''}"
    return f"ends {left} ({expires_at:%Y-%m-%d %H:%M} UTC)"


def _maintenances(pages: QuerySet[Page]) -> Card:
    return Card(
        title="Maintenance",
        lines=[
            Line(
                change(row),
                row.name,
                f"{row.page}, {row.get_status_display()}: "
                f"{local_span(row.scheduled_for, row.scheduled_until, row.page.time_zone)}",
            )
            for row in unfinished_maintenances().filter(page__in=pages)[:SHOWN]
        ],
        quiet="no maintenance is planned",
        more=listed("incidents_maintenance", "?state=ahead"),
    )
