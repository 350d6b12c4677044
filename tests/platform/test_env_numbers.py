"""A number from the environment is within its bounds, or start-up stops and names the variable."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from statusplatform import env


@pytest.mark.parametrize(("raw", "days"), [("", 14), ("1", 1), ("3650", 3650)])
def test_a_number_within_its_bounds_is_taken(monkeypatch: pytest.MonkeyPatch, raw: str, days: int):
    monkeypatch.setenv("RUN_RETENTION_DAYS", raw)

    found = env.integer("RUN_RETENTION_DAYS", default=14, at_least=1, at_most=3650)

    assert found == days


@pytest.mark.parametrize("raw", ["0", "3651", "-1", "2 weeks", "1.5"])
def test_another_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, raw: str):
    monkeypatch.setenv("RUN_RETENTION_DAYS", raw)

    with pytest.raises(ImproperlyConfigured, match=r"RUN_RETENTION_DAYS: .* from 1 to 3650"):
        env.integer("RUN_RETENTION_DAYS", default=14, at_least=1, at_most=3650)
