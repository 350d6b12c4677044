"""`workspaces[]`: teams, by name."""

from __future__ import annotations

from apps.accounts import services
from apps.accounts.models import Workspace
from apps.configuration.context import Context
from apps.configuration.sections.bringing import Bringer, NameKey, Present, Values


def present() -> dict[NameKey, Present]:
    """Return the live workspaces, by name."""
    return {
        (workspace.name,): Present(workspace.pk, {"name": workspace.name})
        for workspace in Workspace.objects.live().order_by("name", "pk")
    }


def bring(context: Context) -> None:
    _bringer(context).bring(context, context.entries("workspaces"), present())


def missing(context: Context) -> frozenset[str]:
    """Return the names of the workspaces that pruning removes."""
    if not context.prune or not context.has("workspaces"):
        return frozenset()
    mentioned = {entry.values["name"] for entry in context.entries("workspaces")}
    return frozenset(
        name
        for (name,) in present()
        if name not in mentioned and not context.is_broken("workspaces", name)
    )


def live(context: Context) -> dict[str, int]:
    """Return {name: internal key} of the workspaces that stay, so that the rest of the file can name them."""
    gone = missing(context)
    return {name: row.id for (name,), row in present().items() if name not in gone}


def remove_missing(context: Context) -> None:
    if context.has("workspaces"):
        _bringer(context).remove_missing(context, present())


def _bringer(context: Context) -> Bringer:
    who = context.who

    def update(workspace_id: int, values: Values) -> None:
        services.update_workspace(workspace_id=workspace_id, name=values["name"], **who)

    return Bringer(
        section="workspaces",
        kind="workspace",
        key_of=lambda values: (values["name"],),
        create=lambda values: services.create_workspace(name=values["name"], **who),
        update=update,
        archive=lambda workspace_id: services.archive_workspace(workspace_id=workspace_id, **who),
    )
