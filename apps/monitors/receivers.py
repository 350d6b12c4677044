"""What the apps below tell the monitors, and what has to be there after the tables are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connections
from django.db.models.signals import post_migrate
from django.dispatch import receiver

from apps.accounts.models import Workspace
from apps.accounts.signals import workspaces_archived
from apps.core.actors import Actor
from apps.monitors.models import Location, Monitor
from apps.monitors.partitions import TABLE, ensure_partitions
from apps.monitors.services import archive_monitor


@receiver(workspaces_archived, dispatch_uid="monitors.workspaces_archived")
def archive_monitors(*, workspaces: list[Workspace], actor: Actor, at: datetime, **_: Any) -> None:
    """Archive the monitors of archived workspaces: nobody would see them run."""
    monitors = Monitor.objects.live().filter(workspace__in=workspaces).order_by("pk")
    for monitor_id in list(monitors.values_list("pk", flat=True)):
        archive_monitor(monitor_id=monitor_id, actor=actor, at=at)


def prepare_tables(*, using: str, **_: Any) -> None:
    """Make the location `default` and the runs' partitions, once, after migrate and after a test's flush."""
    if TABLE not in connections[using].introspection.table_names():
        return
    locations = Location.objects.using(using)
    if not locations.live().filter(code=Location.DEFAULT_CODE).exists():
        locations.create(code=Location.DEFAULT_CODE, name="Here")
    ensure_partitions(using=using)


def connect(sender: Any) -> None:
    """Listen to the end of this app's migrations."""
    post_migrate.connect(prepare_tables, sender=sender, dispatch_uid="monitors.prepare_tables")
