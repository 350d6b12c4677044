"""`integrations[]`: by workspace and nickname. What they point at is found by name, among what is live."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
from apps.configuration.sections.targets import Targets, targets
from apps.integrations import services
from apps.integrations.definition import (
    IncidentDefinition,
    IntegrationDefinition,
    LinkDefinition,
    MetricDefinition,
)
from apps.integrations.models import ConnectorPage

RowT = TypeVar("RowT")


def bring(context: Context) -> None:
    if not context.entries("integrations"):
        return
    present = integrations_present.present()
    known = targets(context)
    for entry in context.entries("integrations"):
        found = _Finder(context, entry, known).find()
        key = (entry.values["workspace"], entry.values["nickname"])
        if found is not None:
            _bring_one(context, entry, key, *found, present.get(key))


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
    known: Targets

    def find(self) -> tuple[IntegrationDefinition, Values] | None:
        """Return the definition, and the values with every name as an export writes it."""
        values = self.entry.values
        workspace_id = self._workspace(values["workspace"])
        monitor_id = self._monitor(workspace_id, values["monitor"])
        page = self._page(self._connector(values["connector"]), values["page"])
        if page is None:
            return None
        links = self._links(page, values["link_components"])
        metric = self._metric(page, values["send_metric"])
        if workspace_id is None or monitor_id is None or links is None or metric is _MISSING:
            return None
        incident = values["create_incident"]
        definition = IntegrationDefinition(
            nickname=values["nickname"],
            workspace_id=workspace_id,
            monitor_id=monitor_id,
            connector_id=page.connector_id,
            page_id=page.pk,
            enabled=values["enabled"],
            link_components=tuple(links),
            create_incident=IncidentDefinition(**incident) if incident else None,
            send_metric=metric,
        )
        return definition, self._written(page, links)

    def _written(self, page: ConnectorPage, links: list[LinkDefinition]) -> Values:
        names = self.known.component_names(page.pk)
        return self.entry.values | {
            "page": integrations_present.page_name(page),
            # Their order says nothing, and is not kept.
            "link_components": sorted(
                (
                    {
                        "component": names[link.component_id],
                        "success_status": link.success_status,
                        "failure_status": link.failure_status,
                    }
                    for link in links
                ),
                key=itemgetter("component"),
            ),
        }

    def _workspace(self, name: str) -> int | None:
        return self._by_name(
            "workspace",
            name,
            self.known.workspaces,
            silent=self.context.is_broken("workspaces", name),
        )

    def _monitor(self, workspace_id: int | None, name: str) -> int | None:
        if workspace_id is None:
            return None
        return self._by_name(
            "monitor",
            name,
            self.known.monitors.get(workspace_id, {}),
            silent=self.context.is_broken("monitors", self.entry.values["workspace"], name),
        )

    def _connector(self, name: str) -> int | None:
        return self._by_name(
            "connector",
            name,
            self.known.connectors,
            silent=self.context.is_broken("connectors", name),
        )

    def _page(self, connector_id: int | None, text: str) -> ConnectorPage | None:
        if connector_id is None:
            return None
        return self._one(
            "page",
            text,
            self.known.pages_named(connector_id, text),
            map(integrations_present.page_name, self.known.pages[connector_id]),
            integrations_present.page_name,
            silent=self.context.is_broken("pages", text),
        )

    def _links(self, page: ConnectorPage, links: list[Values]) -> list[LinkDefinition] | None:
        found = []
        for index, link in enumerate(links):
            component = self._one(
                f"link_components[{index}].component",
                link["component"],
                self.known.components_named(page.pk, link["component"]),
                self.known.component_names(page.pk).values(),
                str,
                silent=self._has_broken_parts(page),
            )
            if component is not None:
                found.append(
                    LinkDefinition(component.pk, link["success_status"], link["failure_status"])
                )
        return found if len(found) == len(links) else None

    def _metric(self, page: ConnectorPage, values: Values | None) -> Any:
        if values is None:
            return None
        metric_id = self._by_name(
            "send_metric.metric",
            values["metric"],
            {metric.name: metric.pk for metric in self.known.metrics[page.pk]},
            silent=self._has_broken_parts(page),
        )
        return _MISSING if metric_id is None else MetricDefinition(metric_id, values["measure"])

    def _has_broken_parts(self, page: ConnectorPage) -> bool:
        """Whether the file mentions something on the page that has a problem already."""
        broken = self.context.is_broken
        return broken("page_parts", page.slug) or broken("pages", page.slug)

    def _by_name(
        self, path: str, name: str, known: Mapping[str, int], *, silent: bool
    ) -> int | None:
        rows = [known[name]] if name in known else []
        return self._one(path, name, rows, known, str, silent=silent)

    def _one(
        self,
        path: str,
        text: str,
        rows: Sequence[RowT],
        allowed: Iterable[str],
        name_of: Callable[[RowT], str],
        *,
        silent: bool,
    ) -> RowT | None:
        if len(rows) == 1:
            return rows[0]
        if rows:
            names = shortened(map(name_of, rows))
            message = f"{text!r} is ambiguous; write one of: {names}"
            self.context.refuse(self.entry.node, path, message)
        elif not silent:
            message = f"there is no {text!r}; allowed: {shortened(allowed)}"
            self.context.refuse(self.entry.node, path, message)
        return None


_MISSING: Any = object()
