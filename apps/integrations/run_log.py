"""What an integration delivered, and for which change of its monitor: its run log, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from apps.integrations.changes import Change, ComponentChange, from_json
from apps.integrations.models import Delivery, DeliveryStream, Integration
from apps.monitors.models import Outage
from apps.pages.status import ComponentStatus


@dataclass(frozen=True, slots=True)
class Entry:
    """A delivery with what led to it.

    `result` is failed or passed, as the monitor's runs made it; empty: staff or a maintenance did. `reason` is the
    outage's. `action` and `target` are words.
    """

    delivery: Delivery
    result: str
    reason: str
    action: str
    target: str

    @property
    def result_label(self) -> str:
        return {"failed": "Failed", "passed": "Passed"}.get(self.result, "–")

    @property
    def happened_at(self) -> datetime:
        """When it became true (aware)."""
        return self.delivery.at


def run_log(integration: Integration, *, limit: int, before: int | None = None) -> list[Entry]:
    """Return the newest entries, those with a key below `before` if it is given (two queries)."""
    rows = Delivery.objects.filter(integration=integration).select_related(
        "stream__component", "stream__page", "stream__outage"
    )
    if before is not None:
        rows = rows.filter(pk__lt=before)
    deliveries = list(rows.order_by("-pk")[:limit])
    times = {row.at for row in deliveries}
    outages = (
        Outage.objects.filter(monitor=integration.monitor_id).filter(
            Q(opened_at__in=times) | Q(closed_at__in=times)
        )
        if times
        else ()
    )
    opened = {outage.opened_at: outage for outage in outages}
    closed = {outage.closed_at: outage for outage in outages}
    return [_entry(row, opened.get(row.at), closed.get(row.at)) for row in deliveries]


def _entry(delivery: Delivery, opened: Outage | None, closed: Outage | None) -> Entry:
    change = from_json(delivery.change) if delivery.change else None
    ended = closed is not None and _is_end(change, opened is not None)
    outage = closed if ended else opened
    result = "" if outage is None else "passed" if ended else "failed"
    again = " (sent again)" if delivery.replay_of_id is not None else ""
    stream = delivery.stream
    target = str(stream.component or stream.page)
    return Entry(
        delivery=delivery,
        result=result,
        reason=outage.reason if outage is not None and result == "failed" else "",
        action=action_words(change, stream.kind) + again,
        target=target,
    )


def _is_end(change: Change | None, has_begin: bool) -> bool:
    """Tell whether the change ends an outage; where one also began at that instant, by what is said."""
    if not has_begin:
        return True
    if isinstance(change, ComponentChange):
        return change.status == ComponentStatus.OPERATIONAL
    return change is not None and change.kind == "resolve"


def action_words(change: Change | None, kind: str) -> str:
    """Say in words what a change does."""
    if change is None:
        return str(DeliveryStream.Kind(kind).label)
    if isinstance(change, ComponentChange):
        if not change.words:
            return "Nothing is said of the component any more"
        return f"Component set to {ComponentStatus(change.status).label}"
    verb = "created" if change.kind == "open" else "resolved"
    return f"Incident “{change.name}” {verb}"
