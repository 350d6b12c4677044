"""The WSGI entry point: `statusplatform.wsgi:application`.

From the outside in: health, the front with the published pages, static files, then Django. Django is loaded beside by a
thread of its own, which afterwards keeps this host's copy of the published files: readers do not wait for it.
"""

from __future__ import annotations

import os
import threading
from importlib import import_module
from urllib.parse import urlsplit

from apps.publishing.front import Front
from apps.publishing.front_answers import WSGIApp
from apps.publishing.front_guard import Guarded
from statusplatform import env
from statusplatform.health import Check, HealthEndpoints, Look
from statusplatform.static_files import StaticFiles
from statusplatform.threads import DJANGO_THREADS

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statusplatform.settings")


def load_django() -> WSGIApp:
    """Import Django with all its apps: seconds."""
    application: WSGIApp = import_module("django.core.wsgi").get_wsgi_application()
    return application


def look_at(need: str) -> Look:
    """Return the look at what the platform needs; that needs Django's models."""

    def look() -> dict[str, Check]:
        django_part.load()
        checks: dict[str, Check] = getattr(
            import_module("statusplatform.readiness"), f"look_at_{need}"
        )()
        return checks

    return look


def keep_published_files() -> None:
    """Load Django, then write what other hosts have published."""
    django_part.load()
    import_module("apps.publishing.bundles").sync_bundles(threading.Event())


django_part = Guarded(load_django, limit=DJANGO_THREADS)
application = HealthEndpoints(
    Front(
        StaticFiles(django_part, root=env.data_dir() / "static"),
        published_dir=env.published_dir(),
        pages_domain=env.text("PAGES_DOMAIN", "localhost"),
        main_host=str(urlsplit(env.public_url()).hostname),
    ),
    {need: look_at(need) for need in ("database", "broker")},
)
threading.Thread(target=keep_published_files, name="published files", daemon=True).start()
