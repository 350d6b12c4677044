from importlib import import_module

from django.apps import AppConfig


class PagesConfig(AppConfig):
    name = "apps.pages"
    label = "pages"
    verbose_name = "Pages"

    def ready(self) -> None:
        import_module("apps.pages.receivers")
