from django.contrib.admin.apps import SimpleAdminConfig


class ConsoleConfig(SimpleAdminConfig):
    """Django's admin with our site. Only the web process discovers the apps' admin modules (urls.py)."""

    default_site = "apps.console.site.ConsoleSite"
