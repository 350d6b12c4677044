from importlib import import_module

from django.apps import AppConfig

from apps.core import pump


class PublishingConfig(AppConfig):
    name = "apps.publishing"
    label = "publishing"
    verbose_name = "Publishing"

    def ready(self) -> None:
        import_module("apps.publishing.receivers")
        services = import_module("apps.publishing.services")
        pump.register(name=services.JOB, task="publishing.build", run=services.build_due, order=20)
