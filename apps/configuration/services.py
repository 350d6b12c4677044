"""Bring an installation to what a file says, and write such a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from django.db import transaction

from apps.configuration.context import Context
from apps.configuration.export import export
from apps.configuration.plan import Report
from apps.configuration.problems import Problems
from apps.configuration.reading import read_file
from apps.configuration.sections import (
    connectors,
    incident_templates,
    integrations,
    locations,
    maintenances,
    members,
    monitors,
    pages,
    workspaces,
)
from apps.core.actors import Actor
from apps.core.retrying import tried_again

__all__ = ["apply_content", "apply_file", "export"]


class _Undo(Exception):
    """Ends the transaction without its changes."""


def apply_file(
    path: str | Path,
    *,
    actor: Actor,
    at: datetime,
    environ: Mapping[str, str],
    dry_run: bool = False,
    prune: bool = False,
    show: Callable[[Report], None] = lambda report: None,
) -> Report:
    """Apply a file: all of it, or nothing when the report has problems, or on a dry run.

    The changes are always made, by the services that the admin uses, in one transaction: so a dry run finds
    what a real one would. `show` is called with the report before the transaction ends. OSError when the file
    cannot be read.
    """
    content = Path(path).read_bytes()
    return apply_content(
        content, actor=actor, at=at, environ=environ, dry_run=dry_run, prune=prune, show=show
    )


@tried_again
def apply_content(
    content: bytes,
    *,
    actor: Actor,
    at: datetime,
    environ: Mapping[str, str],
    dry_run: bool = False,
    prune: bool = False,
    show: Callable[[Report], None] = lambda report: None,
) -> Report:
    """Apply the content of a file, as `apply_file` does."""
    problems = Problems()
    sections = read_file(content, environ=environ, problems=problems)
    report = Report(is_dry_run=dry_run)
    context = Context(
        actor=actor, at=at, prune=prune, report=report, problems=problems, sections=sections
    )
    try:
        with transaction.atomic():
            _bring(context)
            report.problems = problems.in_order()
            if report.problems:
                report.changes.clear()
            show(report)
            if dry_run or report.problems:
                raise _Undo
    except _Undo:
        pass
    return report


def _bring(context: Context) -> None:
    """Bring every section, in the order in which things need one another.

    What is missing goes before integrations are brought, so that none can refer to it; connectors and
    workspaces go after, when nothing uses them.
    """
    workspaces.bring(context)
    locations.bring(context)
    connectors.bring(context)
    pages.bring(context)
    monitors.bring(context)
    if context.prune:
        incident_templates.remove_missing(context)
        maintenances.remove_missing(context)
        integrations.remove_missing(context)
        monitors.remove_missing(context)
        pages.remove_missing(context)
        locations.remove_missing(context)
    integrations.bring(context)
    incident_templates.bring(context)
    maintenances.bring(context)
    members.bring(context)
    if context.prune:
        members.remove_missing(context)
        connectors.remove_missing(context)
        workspaces.remove_missing(context)
