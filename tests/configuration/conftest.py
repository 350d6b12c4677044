"""Apply the text of a file as the command does."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from apps.configuration.plan import Report
from apps.configuration.services import apply_content
from apps.core.actors import command_actor

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

Apply = Callable[..., Report]


def apply_text(text: str, environ: Mapping[str, str] | None = None, **options: Any) -> Report:
    return apply_content(
        textwrap.dedent(text).encode(),
        actor=command_actor("apply"),
        at=NOW,
        environ={} if environ is None else environ,
        **options,
    )


@pytest.fixture
def apply(db: None) -> Apply:
    return apply_text


@pytest.fixture
def applied(db: None) -> Callable[..., list[str]]:
    """Apply a text that has to be right; return the lines of its report."""

    def run(text: str, environ: Mapping[str, str] | None = None, **options: Any) -> list[str]:
        report = apply_text(text, environ, **options)
        assert [str(problem) for problem in report.problems] == []
        return report.lines()

    return run
