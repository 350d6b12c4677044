from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from apps.accounts.models import Workspace
from apps.configuration.export import export


class Run:
    """One call of a command: its exit code and what it wrote."""

    def __init__(self, *words: str) -> None:
        out, err = io.StringIO(), io.StringIO()
        try:
            call_command(*words, stdout=out, stderr=err)
            self.code = 0
        except SystemExit as stop:
            self.code = int(stop.code or 0)
        self.out, self.err = out.getvalue(), err.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        path = tmp_path / "file.yaml"
        path.write_text(text)
        return str(path)

    return write


def test_apply_prints_each_change_and_ends_with_0(db: None, file: Callable[[str], str]):
    path = file("version: 1\nworkspaces: [{name: W}]")

    first, second = Run("apply", path), Run("apply", path)

    assert (first.code, first.out) == (0, "+ workspace W\n1 added, 0 changed, 0 removed.\n")
    assert (second.code, second.out) == (0, "Nothing to change.\n")
    assert first.err == second.err == ""


def test_apply_writes_each_error_on_a_line_and_ends_with_1(db: None, file: Callable[[str], str]):
    path = file("version: 1\nworkspaces: [{name: W}, {nam: V}]\npeople: []")

    run = Run("apply", path)

    assert (run.code, run.out) == (1, "")
    assert run.err.splitlines() == [
        "workspaces[1].nam (line 2): unknown key (did you mean name?); allowed: name",
        "workspaces[1] (line 2): a workspace needs the key name",
        "people (line 3): unknown section; allowed: version, workspaces, "
        "locations, monitors, pages, connectors, integrations, incident_templates, maintenances, members",
        "Nothing was changed.",
    ]
    assert not Workspace.objects.exists()


def test_apply_reads_variables_from_the_environment(
    db: None, file: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TEAM", "Blue")

    run = Run("apply", file("version: 1\nworkspaces: [{name: 'Team ${TEAM}'}]"))

    assert run.code == 0
    assert Workspace.objects.get().name == "Team Blue"


def test_a_dry_run_with_prune_shows_and_changes_nothing(db: None, file: Callable[[str], str]):
    Run("apply", file("version: 1\nworkspaces: [{name: W}]"))

    run = Run("apply", file("version: 1\nworkspaces: []"), "--dry-run", "--prune")

    assert run.code == 0
    assert run.out == (
        "- workspace W\nDry run: 0 to add, 0 to change, 1 to remove. Nothing was changed.\n"
    )
    assert Workspace.objects.live().exists()


def test_a_file_that_cannot_be_read_is_one_line(db: None, tmp_path: Path):
    run = Run("apply", str(tmp_path / "none.yaml"))

    assert run.code == 1
    assert run.err == f"{tmp_path}/none.yaml: No such file or directory\n"


def test_export_writes_to_standard_output_or_to_a_file(db: None, tmp_path: Path):
    shown = Run("export")
    kept = Run("export", str(tmp_path / "out.yaml"))
    refused = Run("export", str(tmp_path))

    assert (shown.code, shown.out) == (0, export())
    assert (kept.code, kept.out) == (0, "")
    assert (tmp_path / "out.yaml").read_text() == export()
    assert (refused.code, refused.err) == (1, f"{tmp_path}: Is a directory\n")


@pytest.mark.parametrize("words", [("apply", "examples/full.yaml"), ("export",)])
def test_a_database_that_is_not_migrated_is_said_in_one_line(
    words: tuple[str, ...], tmp_path: Path
):
    environ = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environ["DATA_DIR"] = str(tmp_path)

    run = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=settings.BASE_DIR,
        env=environ | dict.fromkeys(("DEMO_URL", "DEMO_PASSWORD"), "http://example.com"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert run.returncode == 1
    assert run.stderr.startswith("CommandError: the database is not migrated")
    assert run.stderr.count("\n") == 1
