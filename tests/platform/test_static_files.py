"""Static files need no place in Django."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from statusplatform.static_files import StaticFiles


class Refuses:
    """An application that has no place left."""

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("503 Service Unavailable", [])
        return [b""]


def _get(application: Any, path: str) -> tuple[str, dict[str, str], bytes]:
    answers: list[Any] = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "SERVER_NAME": "x", "SERVER_PORT": "80"}
    body = b"".join(application(environ, lambda status, headers: answers.extend([status, headers])))
    return answers[0], dict(answers[1]), body


@pytest.fixture
def files(tmp_path: Path) -> StaticFiles:
    folder = tmp_path / "static" / "console"
    folder.mkdir(parents=True)
    (folder / "console.css").write_text("a {}")
    (folder / "console.53d0a21538ca.css").write_text("a {}")
    return StaticFiles(Refuses(), root=tmp_path / "static")


def test_files_are_served_while_django_has_no_place(files: StaticFiles):
    status, headers, body = _get(files, "/static/console/console.css")

    assert (status, body) == ("200 OK", b"a {}")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "immutable" not in headers["Cache-Control"]


def test_a_file_named_by_its_content_is_kept_for_ever(files: StaticFiles):
    _, headers, _ = _get(files, "/static/console/console.53d0a21538ca.css")

    assert "immutable" in headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/admin/", "/static/gone.css", "/static/../secret", "/static/"])
def test_everything_else_is_djangos(files: StaticFiles, path: str):
    status, _, _ = _get(files, path)

    assert status.startswith("503")


def test_nothing_collected_is_no_failure(tmp_path: Path):
    status, _, _ = _get(StaticFiles(Refuses(), root=tmp_path / "none"), "/static/x.css")

    assert status.startswith("503")
