"""Two web processes with separate published folders over one database serve the same version."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from apps.publishing import layout
from tests import services
from tests.e2e.harness import Installation, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

CONFIGURATION = """
version: 1
pages:
  - slug: shop
    name: Shop
    components: [{name: Website}]
"""
# A poll each 250 ms, and the time that a busy machine takes to write the files.
SOON_S = 2.0
POINTS = [
    "apps.publishing.versions:write_whole:return",
    "apps.publishing.bundles:sync_archive:return",
    "apps.publishing.versions:write_version:call",
    "apps.publishing.versions:put_in_place:call",
]


@dataclass
class Host:
    """A web process of its own, with its own folder, port and environment."""

    place: Installation
    published: Path
    process: Any = None

    def start(self, *, doomed_at: str = "") -> None:
        killer = ["-m", "tests.e2e.killer", doomed_at] if doomed_at else []
        self.process = self.place.spawn(
            sys.executable, *killer, "tests/e2e/web_host.py", str(self.place.port)
        )

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(5)

    def summary(self) -> Any:
        if self.place.status("/status/shop/api/v2/summary.json") != 200:
            return None
        return self.place.json("/status/shop/api/v2/summary.json")


def second_host(place: Installation, folder: Path) -> Host:
    port = services.free_port()
    environment = place.environment | {
        "PUBLISHED_DIR": str(folder),
        "PYTHONPATH": str(Path(__file__).resolve().parent.parent.parent),
    }
    elsewhere = replace(place, port=port, environment=environment, processes=place.processes)
    return Host(elsewhere, folder)


def open_incident(place: Installation, name: str) -> str:
    """Open an incident by its service; return its public id."""
    answer: str = place.shell(
        "from django.utils import timezone\n"
        "from apps.core.actors import AUTOMATION\n"
        "from apps.incidents.services import open_incident\n"
        "from apps.pages.models import Page\n"
        f"row, _ = open_incident(page_id=Page.objects.get(slug='shop').pk, name={name!r}, status='investigating',\n"
        "    message='We look.', actor=AUTOMATION, at=timezone.now())\n"
        "answer = row.public_id"
    )
    return answer


def names(summary: Any) -> list[str]:
    return [one["name"] for one in summary["incidents"]] if summary else []


def demand_whole(published: Path) -> None:
    """Fail where a version in place is not whole."""
    for current in (published / "pages").glob("*/current"):
        manifest = json.loads((current / layout.MANIFEST).read_bytes())
        for entry in manifest["files"]:
            assert layout.etag((current / entry["name"]).read_bytes()) == entry["etag"]


def files_of(published: Path) -> dict[str, bytes]:
    """Return the version in place and the archive, by path; not what is each host's own."""
    found = {}
    for page in (published / "pages").iterdir():
        for folder in (page / "current", page / "archive"):
            for path in Path(os.path.realpath(folder)).rglob("*"):
                if path.is_file():
                    found[f"{folder.name}/{path.relative_to(os.path.realpath(folder))}"] = (
                        path.read_bytes()
                    )
    return found


def demand_same(one: Path, other: Path) -> None:
    def same() -> bool:
        try:
            return files_of(one) == files_of(other)
        except FileNotFoundError:
            return False

    wait_for(same, within_s=10, every_s=0.1, hint="both folders hold the same")


def test_both_hosts_serve_one_version_and_who_was_away_or_killed_catches_up(
    place: Installation, tmp_path: Path
) -> None:
    place.start()
    here = Host(place, place.data_dir / "published")
    there = second_host(place, tmp_path / "elsewhere")
    there.start()
    place.apply(CONFIGURATION)
    wait_for(lambda: here.summary() and there.summary(), within_s=60, hint="both serve the page")

    # Both follow a change, files of the archive too.
    first = open_incident(place, "First")
    wait_for(lambda: "First" in names(here.summary()), within_s=10)
    seen_at = time.monotonic()
    wait_for(lambda: "First" in names(there.summary()), within_s=10)
    assert time.monotonic() - seen_at < SOON_S
    for path in (f"/status/shop/incidents/{first}", f"/status/shop/incidents/{first}.json"):
        assert there.place.get(path)[:2] == here.place.get(path)[:2]
        assert there.place.get(path)[0] == 200
    demand_same(here.published, there.published)

    # A host that was away catches up, also when it lost its folder.
    there.kill()
    second = open_incident(place, "Second")
    shutil.rmtree(there.published)
    there.start()
    wait_for(lambda: "Second" in names(there.summary()), within_s=30)
    demand_same(here.published, there.published)
    assert there.place.get(f"/status/shop/incidents/{second}")[0] == 200

    # One that dies between any two files leaves nothing torn, and the next one goes on.
    for number, point in enumerate(POINTS):
        there.kill()
        open_incident(place, f"Killed {number}")
        there.start(doomed_at=point)
        there.process.wait(30)
        assert there.process.returncode == -signal.SIGKILL, there.place.log[-2000:]
        demand_whole(there.published)
        there.start()
        name = f"Killed {number}"
        wait_for(lambda name=name: name in names(there.summary()), within_s=30)
        demand_same(here.published, there.published)
