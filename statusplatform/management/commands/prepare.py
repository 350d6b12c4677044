from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError
from django.utils import timezone

from apps.accounts.models import Workspace
from apps.accounts.services import create_workspace
from apps.core.actors import command_actor

DEMO_FILE = settings.BASE_DIR / "examples" / "demo.yaml"
ADMIN = "admin"
WORKSPACE = "My team"


class Command(BaseCommand):
    """Bring database and files to this version; twice is harmless.

    On a database without users it also loads the demo (with --demo-url) or makes a first workspace, and makes the
    first log-in.
    The report is one JSON object: `password` (of the new log-in, else null) and `demo` (whether the
    demo is set up, so that its service is to run).
    """

    help = "Migrate, collect static files and, on an empty database, make the first log-in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--demo-url", help="where the demo service answers; its password is in DEMO_PASSWORD"
        )
        parser.add_argument("--demo-known", help="the address the demo was set up with before")
        parser.add_argument("--report-fd", type=int, help="where to write the report")

    def handle(self, **options: Any) -> None:
        try:
            call_command("migrate", interactive=False, verbosity=0)
        except DatabaseError as error:
            reason = str(error).strip().splitlines()[0]
            raise CommandError(f"the database cannot be used: {reason}") from error
        self._collect_static()
        settings.PUBLISHED_DIR.mkdir(parents=True, exist_ok=True)

        is_empty = not get_user_model().objects.exists()
        demo_url, known_url = options["demo_url"], options["demo_known"]
        demo = known_url is not None
        if demo_url and (is_empty or (demo and demo_url != known_url)):
            self._load_demo(demo_url)
            demo = True
        if is_empty:
            self._make_workspace()
        # The log-in comes last: as long as there is none, an interrupted start is begun again.
        password = self._make_admin() if is_empty else None
        self._report({"password": password, "demo": demo}, options["report_fd"])

    def _collect_static(self) -> None:
        # Collecting hashes and compresses everything anew, which takes seconds: only after a change.
        stamp = Path(settings.STATIC_ROOT) / ".collected"
        signature = _static_signature()
        if stamp.is_file() and stamp.read_text(encoding="ascii") == signature:
            return
        call_command("collectstatic", interactive=False, verbosity=0)
        stamp.write_text(signature, encoding="ascii")

    def _load_demo(self, url: str) -> None:
        os.environ["DEMO_URL"] = url
        call_command("apply", str(DEMO_FILE), stdout=io.StringIO())

    def _make_workspace(self) -> None:
        """Make a first workspace, so that the first monitor has a place; one name is as good as another."""
        if not Workspace.objects.exists():
            actor = command_actor("prepare")
            create_workspace(name=WORKSPACE, actor=actor, at=timezone.now())

    def _make_admin(self) -> str:
        password = secrets.token_urlsafe(9)
        get_user_model().objects.create_superuser(ADMIN, password=password)
        return password

    def _report(self, report: dict[str, Any], descriptor: int | None) -> None:
        content = json.dumps(report)
        if descriptor is None:
            self.stdout.write(content)
        else:
            os.write(descriptor, content.encode())


def _static_signature() -> str:
    """Return what changes with any static file: names, sizes and times of all of them."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            found = os.stat(storage.path(name))
            digest.update(f"{storage.path(name)} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()
