from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.keyfile import one_at_a_time, read_keys, write_keys
from apps.core.keys import fingerprint
from apps.core.selectors import workers_without_key
from apps.core.services.rotation import count_older, reencrypt

# Processes follow the file at each use of a key; a transaction that began before a change is over by then.
SETTLED_AFTER_S = 300


class Command(BaseCommand):
    """Make a new encryption key and bring every stored secret under it, while everything runs.

    Killed at any point it is run again and does the rest.
    """

    help = "Rotate the key of stored secrets: make a new one and encrypt everything with it, without a pause."
    # The checks load every URL and admin page, which this command has no use for.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--drop-old",
            action="store_true",
            help="after a rotation: make sure that nothing needs the older keys, and forget them",
        )
        parser.add_argument(
            "--wait-s",
            type=float,
            default=30.0,
            help="how long to wait for the workers to know the new key (%(default)s)",
        )

    def handle(self, *, drop_old: bool, wait_s: float, **_: Any) -> None:
        path: Path | None = settings.FIELD_ENCRYPTION_KEYS_FILE
        if path is None or not settings.FIELD_ENCRYPTION_KEYS_ARE_OURS:
            self._given(list(settings.FIELD_ENCRYPTION_KEYS), drop_old, wait_s)
            return
        with one_at_a_time(path) as is_alone:
            if not is_alone:
                raise CommandError("The keys are being rotated already.")
            if drop_old:
                self._drop_old(path)
            else:
                self._rotate(path, wait_s)

    # With the file that the platform made itself.

    def _rotate(self, path: Path, wait_s: float) -> None:
        keys = list(read_keys(path))
        if len(keys) > 1 and count_older(keys):
            self.stdout.write("An earlier rotation did not end: it is gone on with.")
            self._await_workers(keys[0], wait_s)
        else:
            new = Fernet.generate_key().decode()
            # First as one that is known, then as the one that is used: nobody meets a value that they cannot read.
            write_keys(path, [*keys, new])
            try:
                self._await_workers(new, wait_s)
            except CommandError:
                write_keys(path, keys)
                raise
            keys = [new, *keys]
            write_keys(path, keys)
            self.stdout.write(f"New key {fingerprint(new)} in {path}.")
        self._reencrypt(keys)
        self.stdout.write(
            "The older keys still decrypt. In five minutes or later: manage.py rotate_keys --drop-old"
        )

    def _drop_old(self, path: Path) -> None:
        keys = list(read_keys(path))
        if len(keys) == 1:
            self.stdout.write("There is one key only.")
            return
        rest = SETTLED_AFTER_S - (time.time() - path.stat().st_mtime)
        if rest > 0:
            raise CommandError(
                f"The keys were changed a moment ago: something may still be saved with an older one. "
                f"Come back in {rest:.0f} seconds."
            )
        self._reencrypt(keys)
        if count_older(keys):
            raise CommandError("Something was saved with an older key just now: run this again.")
        write_keys(path, keys[:1])
        self.stdout.write(
            f"{len(keys) - 1} older keys are gone. An older backup is restored with the keys of its time."
        )

    # With a variable, which only the operator can change.

    def _given(self, keys: list[str], drop_old: bool, wait_s: float) -> None:
        if len(keys) == 1:
            if drop_old:
                self.stdout.write("There is one key only.")
                return
            new = Fernet.generate_key().decode()
            raise CommandError(
                "The keys are given by FIELD_ENCRYPTION_KEYS, which only you can change.\n"
                f"  1. Set FIELD_ENCRYPTION_KEYS=<the present key>,{new}\n"
                "     for every process and restart them: now all can read the new key.\n"
                f"  2. Set FIELD_ENCRYPTION_KEYS={new},<the present key>\n"
                "     for every process and restart them: now all use the new key.\n"
                "  3. manage.py rotate_keys\n"
                "  4. manage.py rotate_keys --drop-old says when the older key may go."
            )
        self._await_workers(keys[0], wait_s)
        self._reencrypt(keys)
        if not drop_old:
            self.stdout.write(
                "The older keys still decrypt. Later: manage.py rotate_keys --drop-old"
            )
            return
        if count_older(keys):
            raise CommandError(
                "Something was saved with an older key just now: a process uses another first key. "
                "Restart every process with the same FIELD_ENCRYPTION_KEYS, then run this again."
            )
        self.stdout.write(
            f"Nothing needs the older keys: set FIELD_ENCRYPTION_KEYS to the first one ({fingerprint(keys[0])}) alone."
        )

    # Both.

    def _await_workers(self, key: str, wait_s: float) -> None:
        """Wait until every live worker has said that it knows the key."""
        ends_at = time.monotonic() + wait_s
        while missing := workers_without_key(fingerprint(key)):
            if time.monotonic() >= ends_at:
                raise CommandError(
                    f"{', '.join(missing)} does not know key {fingerprint(key)}: nothing was changed. "
                    "Restart it with the same keys as this host's, or stop it, and run this again."
                )
            time.sleep(0.2)

    def _reencrypt(self, keys: list[str]) -> None:
        counts = reencrypt(keys)
        for label, count in counts.items():
            self.stdout.write(f"{label}: {count.moved} of {count.seen} encrypted anew")
        if any(count.left for count in counts.values()):
            raise CommandError("Some values are saved again and again just now: run this again.")
        unreadable = {
            label: count.unreadable for label, count in counts.items() if count.unreadable
        }
        if unreadable:
            found = ", ".join(f"{label} ({number})" for label, number in unreadable.items())
            raise CommandError(
                f"No key opens {found}. Add the key they were saved with to the end of the list, or enter them again."
            )
