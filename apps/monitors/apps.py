from importlib import import_module

from django.apps import AppConfig


class MonitorsConfig(AppConfig):
    name = "apps.monitors"
    label = "monitors"
    verbose_name = "Monitors"

    def ready(self) -> None:
        # Receivers import models, which are there only now.
        import_module("apps.monitors.receivers").connect(self)
