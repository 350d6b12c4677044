"""Installations on both pairs of back ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import services
from tests.e2e.harness import Installation, installation
from tests.e2e.target import Target, running_target


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[str, str]]:
    """PostgreSQL and Redis; skipped by name where they are not installed (in CI: an error)."""
    try:
        with services.postgres() as postgres, services.redis() as redis:
            yield postgres, redis
    except services.Missing as error:
        if services.in_ci():
            raise
        pytest.skip(f"not installed: {error}")


@pytest.fixture(
    params=["embedded", pytest.param("servers", marks=[pytest.mark.postgres, pytest.mark.redis])]
)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """An installation that is not started, on the embedded back ends and on PostgreSQL + Redis."""
    if request.param == "embedded":
        with installation(tmp_path / "data") as made:
            yield made
        return
    postgres, redis = request.getfixturevalue("servers")
    with installation(tmp_path / "data", database_url=postgres, broker_url=redis) as made:
        yield made


@pytest.fixture
def target() -> Iterator[Target]:
    """A target to break."""
    with running_target() as made:
        yield made
