from __future__ import annotations

import subprocess
import sys

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """List `test` under `help`, and shadow Django's own. manage.py starts the tests itself."""

    help = "Run all tests; arguments go to pytest instead."

    def run_from_argv(self, argv: list[str]) -> None:
        manage = str(settings.BASE_DIR / "manage.py")
        sys.exit(subprocess.call([sys.executable, manage, "test", *argv[2:]]))  # noqa: S603  # ours
