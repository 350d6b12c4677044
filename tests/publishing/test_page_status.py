"""The table of the contract's section 3."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations_with_replacement

import pytest

from apps.publishing.page_status import page_status
from tests.contracts.statuspage_public import expected_status
from tests.publishing import models

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


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_every_combination_of_statuses_is_what_the_contracts_table_says(count):
    for statuses in combinations_with_replacement([OK, MAINT, DEG, PART, MAJ], count):
        status = page_status(list(statuses))

        assert (status.indicator, status.description) == expected_status(list(statuses), [])


def test_groups_do_not_count():
    broken = models.component("Broken", 1, status=MAJ)
    model = replace(
        models.empty(), top_level=(models.group("G", 1, broken, broken), models.component("Ok", 2))
    )

    # Two of three components, not three of four entries: a group adds nothing.
    assert len(model.components) == 3
    assert model.status.description == "Partial System Outage"
    all_broken = replace(model, top_level=model.top_level[:1])
    assert all_broken.status.description == "Major System Outage"


def test_a_page_without_components_speaks_through_a_maintenance_in_progress():
    model = replace(models.empty(), maintenances=models.maintenances())

    assert model.status.description == "Service Under Maintenance"


def test_open_incidents_do_not_count_where_there_are_components():
    assert page_status([OK], ["critical"]).indicator == "none"


@pytest.mark.parametrize("impact", ["none", "minor", "major", "critical", "maintenance"])
def test_a_page_without_components_speaks_through_its_worst_open_incident(impact):
    assert page_status([], ["none", impact]).indicator == impact
