"""What has to be there after the tables are: the location `default`, and the runs' partitions."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.models.signals import post_migrate

from apps.monitors.models import Location
from apps.monitors.partitions import TABLE, ensure_partitions


def prepare_tables(*, using: str, **_: Any) -> None:
    """Run after migrate and after a test's flush; does nothing the second time."""
    if TABLE not in connections[using].introspection.table_names():
        return
    locations = Location.objects.using(using)
    if not locations.live().filter(code=Location.DEFAULT_CODE).exists():
        locations.create(code=Location.DEFAULT_CODE, name="Here")
    ensure_partitions(using=using)


def connect(sender: Any) -> None:
    """Listen to the end of this app's migrations."""
    post_migrate.connect(prepare_tables, sender=sender, dispatch_uid="monitors.prepare_tables")
