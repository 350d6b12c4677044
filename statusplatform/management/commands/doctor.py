"""`manage.py doctor`: say what is wrong with this installation, and what to do about it."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from apps.configuration.management.readiness import usable_database
from apps.console.doctor import Finding, examine


class Command(BaseCommand):
    help = "Say what is wrong with this installation, and what to do about it. Changes nothing."
    # The checks load every URL and admin page, which this command has no use for.
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:
        """Print a line for each finding. The exit code is 1 when one of them is a problem."""
        with usable_database():
            findings = examine()
        for finding in findings:
            self.stdout.write(_line(finding))
        if any(finding.level == "problem" for finding in findings):
            sys.exit(1)


def _line(finding: Finding) -> str:
    line = f"{finding.level.upper():8} {finding.subject}: {finding.text}"
    return f"{line}\n{'':8} → {finding.what_to_do}" if finding.what_to_do else line
