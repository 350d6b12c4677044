from importlib import import_module

from django.apps import AppConfig

from apps.core import pump


class MonitorsConfig(AppConfig):
    name = "apps.monitors"
    label = "monitors"
    verbose_name = "Monitors"

    def ready(self) -> None:
        # Receivers import models, which are there only now.
        import_module("apps.monitors.receivers").connect(self)
        pump.register(
            name="dispatch",
            task="monitors.dispatch_due",
            run=import_module("apps.monitors.engine.dispatch").dispatch_once,
            order=0,
        )
