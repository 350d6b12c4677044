"""What is on a page: groups and metrics by name, components by name and group, all in the order of the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from apps.configuration.context import Context
from apps.configuration.document import Node
from apps.configuration.plan import Change, Difference, differences
from apps.configuration.reading import Entry
from apps.configuration.sections.bringing import Values
from apps.configuration.sections.ordering import Place, match_moved, reordered
from apps.pages import services
from apps.pages.models import Component, ComponentGroup, Metric

COMPONENT_KEYS = (
    "name",
    "description",
    "showcase",
    "hidden",
    "only_show_if_degraded",
    "start_date",
)
Ordered = ComponentGroup | Component


@dataclass(frozen=True, slots=True)
class PagePresent:
    """What is on a page now."""

    groups: dict[str, ComponentGroup]
    components: dict[Place, Component]
    metrics: dict[str, Metric]


def on_page(page_id: int) -> PagePresent:
    """Return the live groups, components and metrics of a page, each in its order. Three queries."""
    groups = ComponentGroup.objects.live().filter(page=page_id).order_by("position", "name", "pk")
    components = (
        Component.objects.live()
        .filter(page=page_id)
        .select_related("group")
        .order_by("position", "name", "pk")
    )
    metrics = Metric.objects.live().filter(page=page_id).order_by("position", "name", "pk")
    return PagePresent(
        groups={group.name: group for group in groups},
        components={
            (component.group.name if component.group else None, component.name): component
            for component in components
        },
        metrics={metric.name: metric for metric in metrics},
    )


def component_values(component: Component) -> Values:
    """Return a component in the file's form."""
    values: Values = {key: getattr(component, key) for key in COMPONENT_KEYS}
    values["start_date"] = component.start_date.isoformat() if component.start_date else None
    return values


def lists(page_id: int) -> Values:
    """Return what is on a page in the file's form, each list in its order."""
    here = on_page(page_id)

    def inside(group: str | None) -> list[Values]:
        return [
            component_values(row) for place, row in here.components.items() if place[0] == group
        ]

    return {
        "components": inside(None),
        "groups": [
            {"name": name, "description": group.description, "components": inside(name)}
            for name, group in here.groups.items()
        ],
        "metrics": [{"name": name, "unit": metric.unit} for name, metric in here.metrics.items()],
    }


def unplaced_components() -> list[str]:
    """Return the names of the live components that are on no page."""
    rows = Component.objects.live().filter(page=None).order_by("name", "pk")
    return list(rows.values_list("name", flat=True))


def bring(context: Context, entry: Entry, *, page_id: int, slug: str) -> None:
    """Bring what the entry lists. Top-level components come first, since grouped ones need their groups."""
    part = _Part(context, entry, page_id, slug, on_page(page_id))
    part.bring_components(None)
    part.bring_groups()
    part.bring_components(*part.mentioned_groups())
    part.bring_metrics()
    part.order()


def remove_missing(context: Context, entry: Entry, *, page_id: int) -> None:
    """Archive what is missing from the lists that the entry has; a missing group goes with what is in it."""
    here = on_page(page_id)
    slug = entry.values["slug"]
    who = context.who
    mentioned = {place for place, _, _ in _components(entry)}
    listed = _lists(entry)
    groups = {group["name"] for group in entry.values.get("groups", ())}
    gone = {name for name in here.groups if "groups" in entry.values and name not in groups}
    order: list[str | None] = [None, *here.groups]
    for (group, name), component in sorted(
        here.components.items(), key=lambda item: order.index(item[0][0])
    ):
        if (group in listed or group in gone) and (group, name) not in mentioned:
            context.attempt(
                Change("remove", "component", _full_name(group, name), slug),
                partial(services.archive_component, component_id=component.pk, **who),
            )
    for name in here.groups:
        if name in gone:
            context.attempt(
                Change("remove", "group", name, slug),
                partial(services.archive_group, group_id=here.groups[name].pk, **who),
            )
    metrics = {metric["name"] for metric in entry.values.get("metrics", ())}
    for name, metric in here.metrics.items():
        if "metrics" in entry.values and name not in metrics:
            context.attempt(
                Change("remove", "metric", name, slug),
                partial(services.archive_metric, metric_id=metric.pk, **who),
            )


@dataclass(slots=True)
class _Part:
    """One page's entry while it is brought."""

    context: Context
    entry: Entry
    page_id: int
    slug: str
    here: PagePresent

    @property
    def who(self) -> dict[str, Any]:
        return self.context.who

    def mentioned_groups(self) -> list[str]:
        return [group["name"] for group in self.entry.values.get("groups", ())]

    def bring_groups(self) -> None:
        for index, values in enumerate(self.entry.values.get("groups", ())):
            own = {"name": values["name"], "description": values["description"]}
            group = self.here.groups.get(values["name"])
            self._bring(
                "group",
                values["name"],
                self.entry.node.value["groups"].value[index],
                own,
                {"name": group.name, "description": group.description} if group else None,
                create=partial(services.create_group, page_id=self.page_id, **own, **self.who),
                update=partial(
                    services.update_group, group_id=group.pk if group else 0, **own, **self.who
                ),
            )
        self.here = on_page(self.page_id)

    def bring_metrics(self) -> None:
        for index, values in enumerate(self.entry.values.get("metrics", ())):
            metric = self.here.metrics.get(values["name"])
            self._bring(
                "metric",
                values["name"],
                self.entry.node.value["metrics"].value[index],
                values,
                {"name": metric.name, "unit": metric.unit} if metric else None,
                create=partial(services.create_metric, page_id=self.page_id, **values, **self.who),
                update=partial(
                    services.update_metric,
                    metric_id=metric.pk if metric else 0,
                    **values,
                    **self.who,
                ),
            )

    def bring_components(self, *groups: str | None) -> None:
        """Bring the components that are listed in these groups (None: at the top level)."""
        wanted = list(_components(self.entry))
        moved = match_moved([place for place, _, _ in wanted], list(self.here.components))
        for (group, name), values, node in wanted:
            if group not in groups or (group is not None and group not in self.here.groups):
                continue
            component = self.here.components.get(moved.get((group, name), (group, name)))
            group_id = self.here.groups[group].pk if group is not None else None
            own = values | {"start_date": _day(values["start_date"]), "group_id": group_id}
            before = None
            if component is not None:
                before = component_values(component) | {
                    "group": component.group.name if component.group else None
                }
            self._bring(
                "component",
                _full_name(group, name),
                node,
                values | {"group": group},
                before,
                create=partial(services.create_component, page_id=self.page_id, **own, **self.who),
                update=partial(
                    services.update_component,
                    component_id=component.pk if component else 0,
                    **own,
                    **self.who,
                ),
            )

    def order(self) -> None:
        """Put what the file mentions in its order; the rest keeps its place."""
        self.here = on_page(self.page_id)
        listed = [place for place, _, _ in _components(self.entry)]
        top: list[Ordered] = sorted(
            [*self.here.groups.values(), *self._inside(None)],
            key=lambda row: (row.position, row.name, row.pk),
        )
        components = [self.here.components.get(place) for place in listed if place[0] is None]
        groups = [self.here.groups.get(name) for name in self.mentioned_groups()]
        self._reorder("page", self.slug, None, top, components, groups)
        for group in filter(None, groups):
            inside = [self.here.components.get(place) for place in listed if place[0] == group.name]
            self._reorder("group", group.name, group.pk, self._inside(group.name), inside)
        self._order_metrics()

    def _inside(self, group: str | None) -> list[Component]:
        return [row for place, row in self.here.components.items() if place[0] == group]

    def _reorder(
        self,
        kind: str,
        name: str,
        group_id: int | None,
        present: Sequence[Ordered],
        *mentioned: Sequence[Ordered | None],
    ) -> None:
        before = [row.public_id for row in present]
        after = reordered(before, *([row.public_id for row in rows if row] for rows in mentioned))
        if after == before:
            return
        names = {row.public_id: row.name for row in present}
        found = Difference("order", [names[key] for key in before], [names[key] for key in after])
        self.context.attempt(
            Change("change", kind, name, self.slug if group_id else "", (found,)),
            partial(
                services.reorder,
                page_id=self.page_id,
                group_id=group_id,
                public_ids=after,
                **self.who,
            ),
            node=self.entry.node,
        )

    def _order_metrics(self) -> None:
        before = list(self.here.metrics)
        listed = [metric["name"] for metric in self.entry.values.get("metrics", ())]
        after = reordered(before, [name for name in listed if name in self.here.metrics])
        if after == before:
            return

        def place() -> None:
            for position, name in enumerate(after, start=1):
                services.update_metric(
                    metric_id=self.here.metrics[name].pk, position=position, **self.who
                )

        found = Difference("order of metrics", before, after)
        change = Change("change", "page", self.slug, "", (found,))
        self.context.attempt(change, place, node=self.entry.node)

    def _bring(
        self,
        kind: str,
        name: str,
        node: Node,
        after: Values,
        before: Values | None,
        *,
        create: Any,
        update: Any,
    ) -> None:
        key = ("page_parts", self.slug)
        if before is None:
            change = Change("add", kind, name, self.slug)
            self.context.attempt(change, create, node=node, key=key)
        elif found := differences(before, after):
            change = Change("change", kind, name, self.slug, found)
            self.context.attempt(change, update, node=node, key=key)


def _components(entry: Entry) -> Iterator[tuple[Place, Values, Node]]:
    """Yield every component that the entry lists, at its place."""
    for index, values in enumerate(entry.values.get("components", ())):
        yield (None, values["name"]), values, entry.node.value["components"].value[index]
    for number, group in enumerate(entry.values.get("groups", ())):
        node = entry.node.value["groups"].value[number]
        for index, values in enumerate(group.get("components", ())):
            yield (group["name"], values["name"]), values, node.value["components"].value[index]


def _lists(entry: Entry) -> set[str | None]:
    """Return the groups (None: the top level) of which the entry lists the components."""
    lists: set[str | None] = {
        group["name"] for group in entry.values.get("groups", ()) if "components" in group
    }
    return lists | ({None} if "components" in entry.values else set())


def _full_name(group: str | None, name: str) -> str:
    return f"{group} / {name}" if group else name


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
