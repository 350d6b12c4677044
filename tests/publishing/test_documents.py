from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import reduce
from operator import getitem
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


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value in a decoded document."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, key))
        else:
            yield (*path, key)


def put_last(holder: Any, key: Any) -> None:
    holder[key] = holder.pop(key)


# Each breaks any value that it is done to.
BREAKS: dict[str, Callable[[Any, Any], Any]] = {
    "a key is missing": lambda holder, key: holder.pop(key),
    "a key is another": lambda holder, key: holder.__setitem__(f"{key}_", holder.pop(key)),
    "keys are in another order": put_last,
    "a value is of another type": lambda holder, key: holder.__setitem__(key, {"x": 1.5}),
}


@pytest.mark.parametrize("what", BREAKS)
def test_the_contracts_check_finds_every_breach_of_keys_order_and_types(what):
    documents_found = decoded(models.maintained())
    survivors = set()
    for path in places(documents_found):
        if len(path) < 2 or isinstance(path[-1], int):
            continue
        broken = copy.deepcopy({path[0]: documents_found[path[0]]})
        holder = reduce(getitem, path[:-1], broken)
        if what == "keys are in another order" and list(holder)[-1] == path[-1]:
            continue
        BREAKS[what](holder, path[-1])

        try:
            contract.check(documents_found | broken)
        except (AssertionError, KeyError, TypeError, AttributeError, ValueError):
            continue
        survivors.add(path)

    assert survivors == set()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("created_at", "2026-03-01T14:00:00+01:00"),
        ("created_at", "2026-03-01T13:00:00.000Z"),
        ("updated_at", "2026-03-01T14:00:00.000+02:00"),
        ("id", "A00000000011"),
        ("shortlink", "/incidents/x"),
        ("status", "in_progress"),
        ("impact", "severe"),
        ("resolved_at", "2026-03-01T14:00:00.000+01:00"),
        ("incident_updates", []),
        ("components", None),
        ("name", "x" * 256),
        ("reminder_intervals", 3),
    ],
)
def test_the_contracts_check_finds_wrong_formats(key, value):
    found = decoded(models.in_trouble())
    for name in ("incidents", "incidents/unresolved", "summary"):
        found[name]["incidents"][0][key] = value

    with pytest.raises(contract.Breach):
        contract.check(found)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("summary", "components"),
        ("components", "components"),
        ("incidents", "incidents"),
        ("scheduled-maintenances", "scheduled_maintenances"),
    ],
)
def test_the_contracts_check_finds_another_order(name, part):
    found = decoded(models.looked_back() if part == "incidents" else models.maintained())
    assert len(found[name][part]) > 1
    found[name][part].reverse()

    with pytest.raises(contract.Breach):
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
