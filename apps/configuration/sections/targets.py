"""All that an integration can point at: what is live, by the names that a file uses. Six queries, however much."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from apps.configuration.context import Context
from apps.configuration.sections import integrations_present, workspaces
from apps.integrations.models import (
    Connector,
    ConnectorComponent,
    ConnectorMetric,
    ConnectorPage,
)
from apps.monitors.models import Monitor


@dataclass(frozen=True, slots=True)
class Targets:
    """Internal keys by name; pages by connector, components and metrics by page."""

    workspaces: dict[str, int]
    monitors: dict[int, dict[str, int]]
    connectors: dict[str, int]
    pages: dict[int, list[ConnectorPage]]
    components: dict[int, list[ConnectorComponent]]
    metrics: dict[int, list[ConnectorMetric]]

    def pages_named(self, connector_id: int, text: str) -> Sequence[ConnectorPage]:
        """Return the pages whose slug, remote id or name this is: the first of these that matches any."""
        pages = self.pages[connector_id]
        for found in (
            [page for page in pages if page.slug == text],
            [page for page in pages if page.remote_id == text],
            [page for page in pages if page.name == text],
        ):
            if found:
                return found
        return []

    def components_named(self, page_id: int, text: str) -> Sequence[ConnectorComponent]:
        """Return the components called `Name` or `Group / Name`; several when that is ambiguous.

        A plain name is the one outside of groups, where there is one.
        """
        rows = self.components[page_id]
        plain = [row for row in rows if row.name == text]
        top = [row for row in plain if not row.group_name]
        return top or plain or [row for row in rows if str(row) == text]

    def component_names(self, page_id: int) -> dict[int, str]:
        """Return {internal key: what names it in a file}."""
        return integrations_present.component_names(self.components[page_id])


def targets(context: Context) -> Targets:
    """Return what is live now, without the workspaces that pruning removes."""
    monitors: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for pk, workspace_id, name in Monitor.objects.live().values_list("pk", "workspace_id", "name"):
        monitors[workspace_id][name] = pk
    pages: defaultdict[int, list[ConnectorPage]] = defaultdict(list)
    for page in ConnectorPage.objects.live():
        pages[page.connector_id].append(page)
    components: defaultdict[int, list[ConnectorComponent]] = defaultdict(list)
    for component in ConnectorComponent.objects.live():
        components[component.page_id].append(component)
    metrics: defaultdict[int, list[ConnectorMetric]] = defaultdict(list)
    for metric in ConnectorMetric.objects.live():
        metrics[metric.page_id].append(metric)
    return Targets(
        workspaces=workspaces.live(context),
        monitors=monitors,
        connectors=dict(Connector.objects.live().values_list("name", "pk")),
        pages=pages,
        components=components,
        metrics=metrics,
    )
