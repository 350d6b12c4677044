"""The WSGI entry point: `statusplatform.wsgi:application`.

From the outside in: health, then Django.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import django
from django.core.wsgi import get_wsgi_application

from statusplatform.health import HealthEndpoints

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statusplatform.settings")


def look() -> dict[str, dict[str, Any]]:
    """Look at what the platform needs; the first look imports Django's models."""
    django.setup()
    return dict(import_module("statusplatform.readiness").look())


application = HealthEndpoints(get_wsgi_application(), look)
