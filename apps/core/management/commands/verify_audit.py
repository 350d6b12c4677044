from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.audit_chain import check_chain
from apps.core.models import AuditSeal

HEAD = re.compile(r"^(\d{1,18}):([0-9a-f]{64})$")


class Command(BaseCommand):
    help = "Check the audit trail against its seals. Exits with 1 when an event was changed, removed or put in."
    # The checks load every URL and admin page, which this command has no use for.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--head",
            action="store_true",
            help="only print the newest seal as NUMBER:HASH, to be kept elsewhere",
        )
        parser.add_argument(
            "--expect",
            metavar="NUMBER:HASH",
            help="a seal that was noted earlier: it must still be in the chain",
        )
        parser.add_argument(
            "--old-key-file",
            metavar="FILE",
            action="append",
            default=[],
            help="a file with an earlier SECRET_KEY; may be given several times",
        )

    def handle(self, *, head: bool, expect: str | None, old_key_file: list[str], **_: Any) -> None:
        if head:
            newest = AuditSeal.objects.order_by("-number").first()
            if newest is None:
                raise CommandError("Nothing is sealed yet: the worker seals once a minute.")
            self.stdout.write(f"{newest.number}:{newest.hash}")
            return
        report = check_chain(
            secret_keys=[settings.SECRET_KEY, *map(_key_in, old_key_file)],
            expected=_expected(expect) if expect else None,
        )
        if report.fault:
            raise CommandError(
                f"{report.fault} The {report.seals} seals before it hold ({report.events} events)."
            )
        self.stdout.write(
            f"{report.seals} seals of {report.events} events hold. "
            f"{report.unsealed} events are not sealed yet."
        )
        if report.late:
            self.stderr.write(
                f"{report.late} events were sealed more than a day after they were written: before seals were kept, "
                "after a standstill, or because seals were removed and made anew."
            )


def _expected(text: str) -> tuple[int, str]:
    found = HEAD.match(text.strip())
    if found is None:
        raise CommandError("--expect: write NUMBER:HASH, as --head prints it.")
    return int(found[1]), found[2]


def _key_in(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise CommandError(f"--old-key-file: cannot read {path}: {error.strerror}") from error
