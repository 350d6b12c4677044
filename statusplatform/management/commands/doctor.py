"""`manage.py doctor`: say what is wrong with this installation, and what to do about it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.configuration.management.readiness import usable_database
from apps.console.doctor import Finding, examine
from apps.console.doctor.schedules import due_times


class Command(BaseCommand):
    help = "Say what is wrong with this installation, and what to do about it. Changes nothing."
    # The checks load every URL and admin page, which this command has no use for.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--monitor",
            action="append",
            default=[],
            metavar="NAME",
            help="Tell only the next due times of the monitors of this name. May be repeated.",
        )

    def handle(self, *, monitor: list[str], **options: Any) -> None:
        """Print a line for each finding. The exit code is 1 when one of them is a problem."""
        with usable_database():
            findings = list(due_times(monitor)) if monitor else examine()
        if monitor and not findings:
            raise CommandError("no monitor of this name is scheduled")
        for finding in findings:
            self.stdout.write(_line(finding))
        if any(finding.level == "problem" for finding in findings):
            sys.exit(1)


def _line(finding: Finding) -> str:
    line = f"{finding.level.upper():8} {finding.subject}: {finding.text}"
    return f"{line}\n{'':8} → {finding.what_to_do}" if finding.what_to_do else line
