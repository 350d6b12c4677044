"""`manage.py export [FILE]`: write the installation as a configuration file."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from apps.configuration.management.readiness import usable_database
from apps.configuration.services import export


class Command(BaseCommand):
    help = "Write the configuration in the form that apply reads; secrets become ${NAME}."
    # The checks load every URL and admin page, which this command has no use for.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", nargs="?", default="-", help="Where to write; standard output if left out."
        )

    def handle(self, *, file: str, **options: Any) -> None:
        with usable_database():
            text = export()
        if file == "-":
            self.stdout.write(text, ending="")
            return
        try:
            Path(file).write_text(text, encoding="utf-8")
        except OSError as error:
            self.stderr.write(f"{file}: {error.strerror or error}")
            sys.exit(1)
