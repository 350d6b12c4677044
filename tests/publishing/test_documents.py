from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from apps.publishing.documents import documents
from apps.publishing.readmodel import PageModel
from tests.contracts import statuspage_public as contract
from tests.factories import NOW
from tests.publishing import models


def decoded(model: PageModel) -> dict[str, Any]:
    return contract.decoded(documents(model))


@pytest.mark.parametrize("state", models.STATES)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Europe/London", "America/Tijuana"])
def test_every_state_keeps_the_contract(state, zone):
    model = models.STATES[state]()

    contract.check(decoded(replace(model, page=replace(model.page, time_zone=zone))))


def test_the_contracts_check_finds_breaches():
    found = decoded(models.in_trouble())
    found["summary"]["components"][0].pop("start_date")

    with pytest.raises(contract.Breach, match=r"summary.components\[0\]"):
        contract.check(found)


def test_in_progress_is_called_identified():
    incident = decoded(models.in_trouble())["incidents/unresolved"]["incidents"][0]

    assert incident["status"] == "identified"
    assert [update["status"] for update in incident["incident_updates"]] == [
        "identified",
        "identified",
        "investigating",
    ]


def test_the_start_as_shown_is_created_at_and_the_records_own_time_started_at():
    back_dated = models.incident(
        "Back-dated",
        9,
        models.update(90, "resolved", "Over.", NOW - timedelta(days=3)),
        recorded_at=NOW,
    )
    model = replace(models.empty(), incidents=(back_dated,))

    found = decoded(model)["incidents"]["incidents"][0]

    assert found["created_at"] == "2026-02-27T13:00:00.000+01:00"
    assert found["started_at"] == "2026-03-02T13:00:00.000+01:00"


def test_incidents_hold_the_fifty_newest_and_unresolved_all_open_ones():
    many = tuple(
        models.incident(
            f"No {n}", n, models.update(n, "investigating", "?", NOW - timedelta(hours=n))
        )
        for n in range(60)
    )
    found = decoded(replace(models.empty(), incidents=many))

    assert len(found["incidents"]["incidents"]) == 50
    assert len(found["incidents/unresolved"]["incidents"]) == 60


def test_affected_components_are_null_or_named_by_code():
    updates = decoded(models.in_trouble())["incidents/unresolved"]["incidents"][0][
        "incident_updates"
    ]

    assert updates[0]["affected_components"] is None
    assert updates[-1]["affected_components"] == [
        {
            "code": "c00000000011",
            "name": "Checkout",
            "old_status": "operational",
            "new_status": "major_outage",
        }
    ]


def test_an_incident_carries_its_components_as_they_are_now():
    found = decoded(models.in_trouble())
    incident = found["summary"]["incidents"][0]

    assert [one["name"] for one in incident["components"]] == ["Checkout", "Website"]
    assert all(one in found["components"]["components"] for one in incident["components"])


def test_groups_and_their_members_interleave_by_position():
    found = decoded(models.operational())["components"]["components"]

    assert [(one["position"], one["name"]) for one in found] == [
        (1, "Checkout"),
        (1, "Website"),
        (2, "E-mail"),
        (2, "Log-in"),
        (3, "API"),
        (3, "Reports"),
        (4, "Old export"),
    ]
    group = next(one for one in found if one["group"])
    assert group["components"] == ["c00000000011", "c00000000012", "c00000000013"]
