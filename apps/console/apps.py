from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig


class ConsoleConfig(SimpleAdminConfig):
    """Django's admin with our site. Only the web process discovers the apps' admin modules (urls.py)."""

    default_site = "apps.console.site.ConsoleSite"


class ThemeConfig(AppConfig):
    """The admin theme's templates and static files.

    Its own config would import its site in every process, and put that site in place of ours.
    """

    name = "unfold"
