"""What monitors missed becomes a component's gap, where none of its monitors measured.

A component's monitors are those of its live links, of integrations that are enabled and not archived. A component
without any has no gaps, and a destination elsewhere keeps none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db.models import QuerySet

from apps.integrations.models import ComponentLink, Connector
from apps.monitors.coverage import unmeasured_stretches
from apps.monitors.stretches import Stretch, Unmeasured, common
from apps.pages.models import Component
from apps.pages.services import Gap, record_gaps


def write_gaps(*, missed: Sequence[Unmeasured]) -> None:
    """Write the gaps of the components that these monitors measure. A constant number of statements.

    The components are locked first: of two monitors that come back at once the second sees what the first missed.
    """
    touched = {
        *_links()
        .filter(integration__monitor__in={one.monitor_id for one in missed})
        .values_list("component__remote_id", flat=True)
    }
    components = dict(
        Component.objects.filter(public_id__in=touched)
        .order_by("pk")
        .select_for_update(no_key=True)
        .values_list("public_id", "pk")
    )
    if not components:
        return
    monitors: dict[str, set[int]] = defaultdict(set)
    for component_id, monitor_id in (
        _links()
        .filter(component__remote_id__in=components)
        .values_list("component__remote_id", "integration__monitor_id")
    ):
        monitors[component_id].add(monitor_id)
    missed_by: dict[int, list[Unmeasured]] = defaultdict(list)
    for one in missed:
        missed_by[one.monitor_id].append(one)
    nowhere = unmeasured_stretches(
        monitor_ids=set().union(*monitors.values()),
        since=min(one.started_at for one in missed),
        until=max(one.ended_at for one in missed),
    )
    record_gaps(
        gaps=[
            Gap(components[component_id], started_at, ended_at)
            for component_id, monitor_ids in sorted(monitors.items())
            for started_at, ended_at in common(
                [
                    _told(monitor_ids, missed_by),
                    *(nowhere[monitor_id] for monitor_id in sorted(monitor_ids)),
                ]
            )
        ]
    )


def _told(monitor_ids: Iterable[int], missed_by: dict[int, list[Unmeasured]]) -> list[Stretch]:
    return [(one.started_at, one.ended_at) for key in monitor_ids for one in missed_by.get(key, ())]


def _links() -> QuerySet[ComponentLink]:
    return ComponentLink.objects.filter(
        archived_at__isnull=True,
        integration__enabled=True,
        integration__archived_at__isnull=True,
        integration__connector__provider=Connector.Provider.NATIVE,
    )
