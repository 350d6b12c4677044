from importlib import import_module

from django.apps import AppConfig


class PlatformConfig(AppConfig):
    """Make the Celery application current in every Django process, so that tasks can be sent."""

    name = "statusplatform"

    def ready(self) -> None:
        import_module("statusplatform.celery")
