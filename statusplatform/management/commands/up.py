from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from statusplatform.supervisor.command import add_arguments, run_up


class Command(BaseCommand):
    """List `up` under `help`. manage.py itself starts it, before Django is imported."""

    help = "Start web, worker and beat (and a demo service at the first start)."

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run it as manage.py does: with the words after the command's name."""
        sys.exit(run_up(sys.argv[2:]))
