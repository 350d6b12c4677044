"""What an incident's components amount to (contracts/statuspage-public-v2, section 3)."""

from __future__ import annotations

import pytest

from apps.incidents.impact import impact_of


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], "none"),
        (["operational"], "none"),
        (["under_maintenance"], "maintenance"),
        (["operational", "degraded_performance"], "minor"),
        (["under_maintenance", "degraded_performance"], "minor"),
        (["partial_outage", "degraded_performance"], "major"),
        (["operational", "major_outage", "partial_outage"], "critical"),
    ],
)
def test_impact_is_that_of_the_worst_status(statuses, expected):
    assert impact_of(statuses) == expected


def test_an_override_wins():
    assert impact_of(["major_outage"], "none") == "none"
