"""The table of the contract's section 3."""

from __future__ import annotations

import pytest

from apps.publishing.page_status import page_status

OK, MAINT = "operational", "under_maintenance"
DEG, PART, MAJ = "degraded_performance", "partial_outage", "major_outage"

TABLE = [
    ([], "none", "All Systems Operational"),
    ([OK], "none", "All Systems Operational"),
    ([OK, OK], "none", "All Systems Operational"),
    ([MAJ], "critical", "Major System Outage"),
    ([MAJ, MAJ], "critical", "Major System Outage"),
    ([MAJ, OK], "major", "Partial System Outage"),
    ([MAJ, PART], "major", "Partial System Outage"),
    ([MAJ, DEG, MAINT, OK], "major", "Partial System Outage"),
    ([PART], "major", "Partial System Outage"),
    ([PART, PART], "major", "Partial System Outage"),
    ([PART, OK], "minor", "Minor Service Outage"),
    ([PART, DEG], "minor", "Minor Service Outage"),
    ([DEG], "minor", "Partially Degraded Service"),
    ([DEG, DEG], "minor", "Degraded System Service"),
    ([DEG, OK], "minor", "Partially Degraded Service"),
    ([DEG, MAINT], "minor", "Partially Degraded Service"),
    ([MAINT], "maintenance", "Service Under Maintenance"),
    ([MAINT, MAINT], "maintenance", "Service Under Maintenance"),
    ([MAINT, OK], "maintenance", "Service Under Maintenance"),
]


@pytest.mark.parametrize(("statuses", "indicator", "description"), TABLE)
def test_components_make_the_pages_status(statuses, indicator, description):
    status = page_status(statuses)

    assert (status.indicator, status.description) == (indicator, description)


def test_open_incidents_do_not_count_where_there_are_components():
    assert page_status([OK], ["critical"]).indicator == "none"


@pytest.mark.parametrize("impact", ["none", "minor", "major", "critical", "maintenance"])
def test_a_page_without_components_speaks_through_its_worst_open_incident(impact):
    assert page_status([], ["none", impact]).indicator == impact
