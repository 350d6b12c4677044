"""`integrations[]`: by workspace and nickname. What they point at is found by name, among what is live."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, TypeVar

from apps.configuration.context import Context
from apps.configuration.plan import Change, differences
from apps.configuration.problems import shortened
from apps.configuration.reading import Entry
from apps.configuration.sections import integrations_present, workspaces
from apps.configuration.sections.bringing import Present, Values
from apps.integrations import selectors, services
from apps.integrations.definition import (
    IncidentDefinition,
    IntegrationDefinition,
    LinkDefinition,
    MetricDefinition,
)
from apps.integrations.models import (
    Connector,
    ConnectorComponent,
    ConnectorMetric,
    ConnectorPage,
)
from apps.monitors.models import Monitor

RowT = TypeVar("RowT")


def bring(context: Context) -> None:
    if not context.entries("integrations"):
        return
    present = integrations_present.present()
    for entry in context.entries("integrations"):
        found = _Finder(context, entry).find()
        key = (entry.values["workspace"], entry.values["nickname"])
        if found is None:
            context.mark_broken("integrations", *key)
            continue
        definition, values = found
        _bring_one(context, entry, key, definition, values, present.get(key))


def remove_missing(context: Context) -> None:
    """Archive the integrations that are missing, and those of workspaces that are."""
    gone = workspaces.missing(context)
    mentioned = {
        (entry.values["workspace"], entry.values["nickname"])
        for entry in context.entries("integrations")
    }
    for key, row in integrations_present.present().items():
        is_missing = key not in mentioned and not context.is_broken("integrations", *key)
        if key[0] in gone or (context.has("integrations") and is_missing):
            context.attempt(
                Change("remove", "integration", key[1], key[0]),
                partial(services.archive_integration, integration_id=row.id, **context.who),
            )


def _bring_one(
    context: Context,
    entry: Entry,
    key: tuple[str, str],
    definition: IntegrationDefinition,
    values: Values,
    present: Present | None,
) -> None:
    workspace, nickname = key
    who = context.who
    if present is None:
        context.attempt(
            Change("add", "integration", nickname, workspace),
            partial(services.create_integration, definition=definition, **who),
            node=entry.node,
        )
    elif found := differences(present.values, values):
        context.attempt(
            Change("change", "integration", nickname, workspace, found),
            partial(
                services.update_integration,
                integration_id=present.id,
                definition=definition,
                **who,
            ),
            node=entry.node,
        )


@dataclass(slots=True)
class _Finder:
    """Finds what one entry names. What is not there is a problem, unless the file mentions it and it has one."""

    context: Context
    entry: Entry

    def find(self) -> tuple[IntegrationDefinition, Values] | None:
        """Return the definition, and the values with every name as an export writes it."""
        values = self.entry.values
        workspace = self._workspace(values["workspace"])
        monitor = self._monitor(workspace, values["monitor"]) if workspace is not None else None
        connector = self._connector(values["connector"])
        page = self._page(connector, values["page"]) if connector else None
        if page is None:
            return None
        links = self._links(page, values["link_components"])
        metric = self._metric(page, values["send_metric"])
        if workspace is None or monitor is None or links is None or metric is _MISSING:
            return None
        incident = values["create_incident"]
        names = integrations_present.component_names(page.pk)
        definition = IntegrationDefinition(
            nickname=values["nickname"],
            workspace_id=workspace,
            monitor_id=monitor.pk,
            connector_id=page.connector_id,
            page_id=page.pk,
            enabled=values["enabled"],
            link_components=tuple(links),
            create_incident=IncidentDefinition(**incident) if incident else None,
            send_metric=metric,
        )
        written = values | {
            "page": integrations_present.page_name(page),
            # Their order says nothing, and is not kept.
            "link_components": sorted(
                (
                    link | {"component": names[row.component_id]}
                    for link, row in zip(values["link_components"], links, strict=True)
                ),
                key=itemgetter("component"),
            ),
        }
        return definition, written

    def _workspace(self, name: str) -> int | None:
        known = workspaces.live(self.context)
        return self._one(
            "workspace",
            name,
            [known[name]] if name in known else [],
            lambda: known,
            silent=self.context.is_broken("workspaces", name),
        )

    def _monitor(self, workspace: int, name: str) -> Monitor | None:
        monitors = Monitor.objects.live().filter(workspace=workspace)
        return self._one(
            "monitor",
            name,
            list(monitors.filter(name=name)),
            lambda: monitors.values_list("name", flat=True),
            silent=self.context.is_broken("monitors", self.entry.values["workspace"], name),
        )

    def _connector(self, name: str) -> Connector | None:
        connector = selectors.live_connector(name)
        return self._one(
            "connector",
            name,
            [connector] if connector else [],
            lambda: Connector.objects.live().values_list("name", flat=True),
            silent=self.context.is_broken("connectors", name),
        )

    def _page(self, connector: Connector, text: str) -> ConnectorPage | None:
        pages = ConnectorPage.objects.live().filter(connector=connector)
        return self._one(
            "page",
            text,
            selectors.pages_named(connector, text),
            lambda: (integrations_present.page_name(page) for page in pages),
            silent=self.context.is_broken("pages", text),
        )

    def _links(self, page: ConnectorPage, links: list[Values]) -> list[LinkDefinition] | None:
        silent = self._has_broken_parts(page)
        found = []
        for index, link in enumerate(links):
            rows = selectors.components_named(page, link["component"])
            # A plain name is the top level's, where one outside of groups has it.
            top = [row for row in rows if not row.group_name]
            component: ConnectorComponent | None = self._one(
                f"link_components[{index}].component",
                link["component"],
                top if len(top) == 1 else rows,
                lambda: integrations_present.component_names(page.pk).values(),
                silent=silent,
            )
            if component is not None:
                found.append(
                    LinkDefinition(component.pk, link["success_status"], link["failure_status"])
                )
        return found if len(found) == len(links) else None

    def _metric(self, page: ConnectorPage, values: Values | None) -> Any:
        if values is None:
            return None
        metric: ConnectorMetric | None = self._one(
            "send_metric.metric",
            values["metric"],
            selectors.metrics_named(page, values["metric"]),
            lambda: ConnectorMetric.objects.live().filter(page=page).values_list("name", flat=True),
            silent=self._has_broken_parts(page),
        )
        return MetricDefinition(metric.pk, values["measure"]) if metric else _MISSING

    def _has_broken_parts(self, page: ConnectorPage) -> bool:
        """Whether the file mentions something on the page that has a problem already."""
        broken = self.context.is_broken
        return broken("page_parts", page.slug) or broken("pages", page.slug)

    def _one(
        self,
        path: str,
        text: str,
        rows: Sequence[RowT],
        allowed: Callable[[], Iterable[str]],
        *,
        silent: bool,
    ) -> RowT | None:
        if len(rows) == 1:
            return rows[0]
        if rows:
            names = ", ".join(sorted(str(row) for row in rows))
            self.context.refuse(
                self.entry.node, path, f"{text!r} is ambiguous; write one of: {names}"
            )
        elif not silent:
            names = shortened(allowed())
            self.context.refuse(self.entry.node, path, f"there is no {text!r}; allowed: {names}")
        return None


_MISSING: Any = object()
