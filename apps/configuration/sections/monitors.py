"""`monitors[]`: by workspace and name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import cast

from apps.configuration.context import Context
from apps.configuration.problems import shortened
from apps.configuration.reading import Entry
from apps.configuration.sections import workspaces
from apps.configuration.sections.bringing import Bringer, NameKey, Present, Values
from apps.configuration.sections.monitor_values import monitor_definition, monitor_values
from apps.monitors import services
from apps.monitors.checkers import get_checker
from apps.monitors.checkers.forms import ConfigForm
from apps.monitors.definition import MonitorDefinition
from apps.monitors.models import Monitor
from apps.monitors.selectors import definitions


def present() -> dict[NameKey, Present]:
    """Return the live monitors of live workspaces, by workspace and name, secrets included."""
    rows = list(
        Monitor.objects.live()
        .filter(workspace__archived_at__isnull=True)
        .select_related("workspace")
        .order_by("workspace__name", "name")
    )
    found = definitions(rows)
    return {
        (row.workspace.name, row.name): Present(
            row.pk, monitor_values(found[row.pk], workspace=row.workspace.name)
        )
        for row in rows
    }


def bring(context: Context) -> None:
    """Bring the monitors, parents before those that name them."""
    if not context.entries("monitors"):
        return
    known = workspaces.live(context)
    held = present()
    valid = [entry for entry in context.entries("monitors") if _is_valid(context, entry, known)]
    ready = [_canonical(entry, known) for entry in valid]
    bringer = _bringer(context, known)
    for entry in _parents_first(context, ready, held):
        workspace, name = key = _key(entry.values)
        parents = [(workspace, parent) for parent in entry.values["parents"]]
        if any(context.is_broken("monitors", *one) and one not in held for one in parents):
            # Its parent has a problem already; that it is missing here is no other one.
            context.mark_broken("monitors", workspace, name)
        else:
            bringer.bring_one(context, entry, held.get(key))


def remove_missing(context: Context) -> None:
    """Archive the monitors that are missing, and those of workspaces that are."""
    bringer = _bringer(context, {})
    if context.has("monitors"):
        bringer.remove_missing(context, present())
    gone = workspaces.missing(context)
    bringer.remove(context, {key: row for key, row in present().items() if key[0] in gone})


def _bringer(context: Context, known: Mapping[str, int]) -> Bringer:
    who = context.who

    def create(values: Values) -> None:
        services.create_monitor(definition=definition(values), **who)

    def update(monitor_id: int, values: Values) -> None:
        services.update_monitor(monitor_id=monitor_id, definition=definition(values), **who)

    def definition(values: Values) -> MonitorDefinition:
        return monitor_definition(values, workspace_id=known[values["workspace"]])

    return Bringer(
        section="monitors",
        kind="monitor",
        key_of=_key,
        create=create,
        update=update,
        archive=lambda monitor_id: services.archive_monitor(monitor_id=monitor_id, **who),
    )


def _key(values: Values) -> NameKey:
    return (values["workspace"], values["name"])


def _is_valid(context: Context, entry: Entry, known: Mapping[str, int]) -> bool:
    """Check the workspace, and the kind's own settings by its form, which the admin uses too."""
    before = len(context.problems)
    workspace = entry.values["workspace"]
    if workspace not in known and not context.is_broken("workspaces", workspace):
        message = f"there is no {workspace!r}; allowed: {shortened(known)}"
        context.refuse(entry.node, "workspace", message)
    _check_parents_stay(context, entry)
    form_class = cast(type[ConfigForm], get_checker(entry.values["kind"]).config_form)
    fields = form_class.base_fields
    form = form_class({key: value for key, value in entry.values.items() if key in fields})
    if not form.is_valid():
        for place, message in form.problems:
            context.refuse(entry.node, place, message)
    if workspace in known and len(context.problems) == before:
        return True
    context.mark_broken("monitors", *_key(entry.values))
    return False


def _check_parents_stay(context: Context, entry: Entry) -> None:
    """A parent that pruning removes is none."""
    if not context.prune:
        return
    mentioned = {_key(other.values) for other in context.entries("monitors")}
    for index, parent in enumerate(entry.values["parents"]):
        key = (entry.values["workspace"], parent)
        if key not in mentioned and not context.is_broken("monitors", *key):
            message = f"{parent!r} is not in this file, and pruning removes what is not"
            context.refuse(entry.node, f"parents[{index}]", message)


def _canonical(entry: Entry, known: Mapping[str, int]) -> Entry:
    """Return the entry as an export would write it; secrets that it leaves out stay left out."""
    name = entry.values["workspace"]
    definition = monitor_definition(entry.values, workspace_id=known[name])
    values = monitor_values(definition, workspace=name)
    if "secret_variables" not in entry.values:
        del values["secret_variables"]
    return Entry(entry.node, values)


def _parents_first(
    context: Context, entries: Iterable[Entry], held: Mapping[NameKey, Present]
) -> list[Entry]:
    """Order the entries so that each comes after its parents. A circle is a problem at each of its monitors."""
    by_key = {_key(entry.values): entry for entry in entries}
    values = {key: row.values for key, row in held.items()} | {
        key: entry.values for key, entry in by_key.items()
    }
    above = {
        key: {(key[0], parent) for parent in monitor["parents"]} for key, monitor in values.items()
    }
    try:
        order = list(TopologicalSorter(above).static_order())
    except CycleError as error:
        circle: list[NameKey] = error.args[1]
        names = " → ".join(name for _, name in reversed(circle))
        for key in set(circle):
            context.mark_broken("monitors", *key)
            if key in by_key:
                context.refuse(by_key[key].node, "parents", f"form a circle: {names}")
        return _parents_first(
            context, [entry for key, entry in by_key.items() if key not in circle], held
        )
    return [by_key[key] for key in order if key in by_key]
