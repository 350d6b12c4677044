import sys
from importlib import import_module

from django.apps import AppConfig
from django.db import connection


class PlatformConfig(AppConfig):
    """Make the Celery application current in every Django process, so that tasks can be sent."""

    name = "statusplatform"

    def ready(self) -> None:
        if connection.vendor != "postgresql":
            # The theme and the API's library import these where they can, and so PostgreSQL's driver: 10 MB.
            sys.modules.setdefault("django.contrib.postgres.fields", None)  # type: ignore[arg-type]  # as import reads it
        import_module("statusplatform.celery")
