from importlib import import_module

from django.apps import AppConfig

from apps.core import pump


class IntegrationsConfig(AppConfig):
    name = "apps.integrations"
    label = "integrations"
    verbose_name = "Integrations"

    def ready(self) -> None:
        # Receivers and services import models, which are there only now.
        import_module("apps.integrations.receivers").connect(self)
        run = import_module("apps.integrations.deliver").run
        pump.register(name="deliver", task="integrations.deliver", run=run, order=10)
