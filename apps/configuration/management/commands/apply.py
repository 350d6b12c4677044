"""`manage.py apply FILE`: bring the installation to what the file says."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from apps.configuration.management.readiness import usable_database
from apps.configuration.plan import Report
from apps.configuration.services import apply_content, apply_file
from apps.core.actors import command_actor


class Command(BaseCommand):
    help = "Bring the installation to what a configuration file says (docs/configuration.md). All or nothing."
    # The checks load every URL and admin page, which this command has no use for.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="The configuration file, or - for standard input.")
        parser.add_argument(
            "--dry-run", action="store_true", help="Print the difference and change nothing."
        )
        parser.add_argument(
            "--prune",
            action="store_true",
            help="Also remove (archive) what is missing from the sections that the file has.",
        )

    def handle(self, *, file: str, dry_run: bool, prune: bool, **options: Any) -> None:
        """Print one line for each change. Problems go to standard error, one a line, and the exit code is 1."""
        how: dict[str, Any] = {
            "actor": command_actor("apply"),
            "at": timezone.now(),
            "environ": os.environ,
            "dry_run": dry_run,
            "prune": prune,
            "show": self._show,
        }
        try:
            with usable_database():
                if file == "-":
                    report = apply_content(sys.stdin.buffer.read(), **how)
                else:
                    report = apply_file(file, **how)
        except OSError as error:
            self.stderr.write(f"{file}: {error.strerror or error}")
            sys.exit(1)
        if not report.is_ok:
            sys.exit(1)

    def _show(self, report: Report) -> None:
        """Print the report before anything is final."""
        if report.is_ok:
            self.stdout.write("\n".join(report.lines()))
            self.stdout.flush()
            return
        for problem in report.problems:
            self.stderr.write(str(problem))
        self.stderr.write("Nothing was changed.")
