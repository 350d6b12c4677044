"""The key of stored secrets is rotated while real web, worker and beat run: no run fails."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import Installation, installation, wait_for
from tests.e2e.target import Target

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

MONITORS = 5
CONFIGURATION = """
version: 1
workspaces: [{name: Shop}]
monitors:
"""
MONITOR = """
  - name: Check %(number)s
    workspace: Shop
    interval_s: 1
    timeout_s: 1
    secret_variables: {pin: hunter2}
    requests:
      - name: Home
        url: "%(url)s/?pin={{pin}}"
        headers: {Authorization: "Bearer {{pin}}"}
        assertions: [{source: status, operator: equals, value: 200}]
"""
RUNS = """
from apps.monitors.models import Run
answer = [Run.objects.count(), Run.objects.exclude(result="passed").count()]
"""
RAW = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT secret_variables FROM monitors_monitor ORDER BY id")
    answer = [row[0] for row in cursor.fetchall()]
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Installation]:
    """An installation on the embedded back ends, whose key file is its own."""
    with installation(tmp_path / "data") as made:
        yield made


def test_keys_rotate_while_monitors_with_secrets_run_every_second(
    place: Installation, target: Target
) -> None:
    place.start()
    monitors = [MONITOR % {"number": number, "url": target.url} for number in range(MONITORS)]
    place.apply(CONFIGURATION + "".join(monitors))
    wait_for(lambda: len(target.answers) >= 2 * MONITORS, within_s=20, hint="the monitors run")
    before = place.shell(RAW)
    key_file = place.data_dir / "keys" / "field_encryption_keys"

    for _ in range(2):
        place.manage("rotate_keys")
        _runs_go_on(target)
    changed_at = time.time() - 3600
    os.utime(key_file, (changed_at, changed_at))
    place.manage("rotate_keys", "--drop-old")
    _runs_go_on(target)

    count, failed = place.shell(RUNS)
    assert count >= 6 * MONITORS
    assert failed == 0, place.log[-3000:]
    assert {path for _, path, _ in target.answers} == {"/?pin=hunter2"}
    assert not set(before) & set(place.shell(RAW))
    assert "," not in key_file.read_text()


def _runs_go_on(target: Target) -> None:
    seen = len(target.answers)
    wait_for(lambda: len(target.answers) >= seen + 2 * MONITORS, within_s=20, hint="runs go on")
