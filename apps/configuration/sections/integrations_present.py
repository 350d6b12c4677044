"""The live integrations in the file's form: what they point at by name, as it is found again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from operator import itemgetter

from apps.configuration.sections.bringing import NameKey, Present, Values
from apps.integrations.models import (
    ComponentLink,
    ConnectorComponent,
    ConnectorPage,
    IncidentRule,
    Integration,
    MetricRule,
)


class Gone(str):
    """The name of something that was archived. It is shown, and equals no name that a file can write."""

    __slots__ = ()

    def __new__(cls, name: str) -> Gone:
        return super().__new__(cls, f"{name} (gone)")

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def present() -> dict[NameKey, Present]:
    """Return the live integrations, by workspace and nickname. Five queries."""
    rows = list(
        Integration.objects.live()
        .filter(workspace__archived_at__isnull=True)
        .select_related("workspace", "monitor", "connector", "page")
        .order_by("workspace__name", "nickname")
    )
    ids = [row.pk for row in rows]
    links = _links(ids)
    incidents = {
        rule.integration_id: {
            "name": rule.name,
            "status": rule.status,
            "impact": rule.impact,
            "message": rule.message,
            "resolved_message": rule.resolved_message,
        }
        for rule in IncidentRule.objects.filter(integration__in=ids, enabled=True)
    }
    metrics = {
        rule.integration_id: {
            "metric": _marked(rule.metric.name, is_gone=rule.metric.is_archived),
            "measure": rule.measure,
        }
        for rule in MetricRule.objects.filter(integration__in=ids, enabled=True).select_related(
            "metric"
        )
    }
    return {
        (row.workspace.name, row.nickname): Present(
            row.pk,
            {
                "nickname": row.nickname,
                "workspace": row.workspace.name,
                "monitor": _marked(row.monitor.name, is_gone=row.monitor.is_archived),
                "connector": row.connector.name,
                "page": _marked(page_name(row.page), is_gone=row.page.is_archived),
                "enabled": row.enabled,
                "link_components": sorted(links[row.pk], key=itemgetter("component")),
                "create_incident": incidents.get(row.pk),
                "send_metric": metrics.get(row.pk),
            },
        )
        for row in rows
    }


def nameable(values: Values, left_out: list[str]) -> Values | None:
    """Return the values without what is gone, None when nothing would be left; say in `left_out` what and why."""
    who = f"integration {values['nickname']} ({values['workspace']})"
    for key in ("monitor", "page"):
        if isinstance(values[key], Gone):
            left_out.append(f"{who}, whose {key} is {values[key]}")
            return None
    links = values["link_components"]
    there = [link for link in links if not isinstance(link["component"], Gone)]
    metric = values["send_metric"]
    if metric is not None and isinstance(metric["metric"], Gone):
        left_out.append(f"{who}, send_metric: {metric['metric']}")
        metric = None
    left_out += [
        f"{who}, link_components: {link['component']}" for link in links if link not in there
    ]
    if not there and values["create_incident"] is None and metric is None:
        left_out.append(f"{who}, of which nothing is left")
        return None
    return values | {"link_components": there, "send_metric": metric}


def page_name(page: ConnectorPage) -> str:
    """Return what names the page in a file: its slug, else its remote id."""
    return page.slug or page.remote_id


def component_names(components: Iterable[ConnectorComponent]) -> dict[int, str]:
    """Return {internal id: what names it in a file} of all live components of one page.

    That is its name where it is the only one of it, or the one outside of groups; else `Group / Name`.
    """
    rows = list(components)
    counts = Counter(row.name for row in rows)
    return {
        row.pk: row.name if counts[row.name] == 1 or not row.group_name else str(row)
        for row in rows
    }


def _links(integration_ids: list[int]) -> defaultdict[int, list[Values]]:
    rows = list(
        ComponentLink.objects.filter(
            integration__in=integration_ids, archived_at__isnull=True
        ).select_related("component", "integration")
    )
    components = ConnectorComponent.objects.live().filter(
        page__in={row.component.page_id for row in rows}
    )
    by_page: defaultdict[int, list[ConnectorComponent]] = defaultdict(list)
    for component in components:
        by_page[component.page_id].append(component)
    names = {
        pk: name for inside in by_page.values() for pk, name in component_names(inside).items()
    }
    links: defaultdict[int, list[Values]] = defaultdict(list)
    for row in rows:
        is_there = row.component_id in names and row.component.page_id == row.integration.page_id
        links[row.integration_id].append(
            {
                "component": names[row.component_id] if is_there else Gone(str(row.component)),
                "success_status": row.success_status,
                "failure_status": row.failure_status,
            }
        )
    return links


def _marked(name: str, *, is_gone: bool) -> str:
    return Gone(name) if is_gone else name
