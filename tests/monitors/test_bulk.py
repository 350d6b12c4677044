"""Many monitors are paused, resumed, run and tagged together, as one by one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from apps.core.clock import database_now
from apps.core.errors import Invalid
from apps.core.models import AuditEvent
from apps.monitors import services
from apps.monitors.models import Monitor, Schedule, UnmeasuredStretch
from apps.monitors.services import bulk
from apps.monitors.tagging import tagged, tags_of
from tests.factories import MACHINE, NOW, PERSON, LocationFactory, MonitorFactory, ScheduleFactory

pytestmark = pytest.mark.django_db

BY: dict[str, Any] = {"actor": PERSON, "at": NOW}


def monitors(number: int, **fields: Any) -> list[int]:
    """Monitors at two locations each."""
    places = [LocationFactory() for _ in range(2)]
    made = [MonitorFactory(**fields) for _ in range(number)]
    for monitor in made:
        for place in places:
            ScheduleFactory(monitor=monitor, location=place, next_run_at=database_now())
    return [monitor.pk for monitor in made]


def as_left(monitor_id: int) -> list[dict[str, Any]]:
    """What the services leave of a monitor, but for times that differ by its name."""
    rows = Schedule.objects.filter(monitor=monitor_id).order_by("location")
    return [
        {
            "is_active": row.is_active,
            "is_due": row.next_run_at is not None,
            "owes": row.owed_since == row.next_run_at,
            "asked": row.run_now_at is not None,
            "slot_at": row.slot_at,
            "claim_no": row.claim_no,
        }
        for row in rows
    ] + list(Monitor.objects.filter(pk=monitor_id).values("enabled", "version", "updated_at"))  # fmt: skip


@pytest.mark.parametrize(
    ("many", "one", "fields"),
    [
        (services.pause_monitors, services.pause_monitor, {}),
        (services.resume_monitors, services.resume_monitor, {"enabled": False}),
        (services.run_monitors_now, services.run_now, {}),
    ],
)
def test_many_are_left_as_one_is(many: Any, one: Any, fields: dict[str, Any]):
    first, *others = monitors(3, **fields)

    one(monitor_id=first, **BY)
    changed = many(monitor_ids=others, **BY)

    assert changed == 2
    assert as_left(others[0]) == as_left(others[1]) == as_left(first)
    assert len(set(AuditEvent.objects.values_list("action", flat=True))) == 1
    assert AuditEvent.objects.count() == 3


def test_what_is_so_already_is_left_alone_and_not_counted():
    running, paused, archived = monitors(1), monitors(1, enabled=False), monitors(1, archived=True)
    ids = [*running, *paused, *archived]

    assert services.pause_monitors(monitor_ids=ids, **BY) == 1
    assert services.pause_monitors(monitor_ids=ids, **BY) == 0
    assert services.run_monitors_now(monitor_ids=ids, **BY) == 0
    assert services.resume_monitors(monitor_ids=[*ids, *ids], **BY) == 2
    assert not Monitor.objects.get(pk=archived[0]).version > 1
    assert AuditEvent.objects.count() == 3


def test_what_was_owed_is_noted_before_many_are_paused():
    ids = monitors(2)
    since = database_now() - timedelta(hours=1)
    Schedule.objects.update(owed_since=since, next_run_at=since)

    services.pause_monitors(monitor_ids=ids, **BY)

    assert UnmeasuredStretch.objects.filter(started_at=since).count() == 4


def test_a_tag_is_given_once_and_taken():
    first, second = monitors(2, tags=["shop"])
    Monitor.objects.filter(pk=second).update(tags=["shop", "prod"])

    assert services.tag_monitors(monitor_ids=[first, second], tag=" prod ", **BY) == 1
    assert [row.tags for row in Monitor.objects.order_by("pk")] == [["shop", "prod"]] * 2
    assert services.untag_monitors(monitor_ids=[first, second], tag="shop", **BY) == 2
    assert [row.tags for row in Monitor.objects.order_by("pk")] == [["prod"]] * 2
    assert services.untag_monitors(monitor_ids=[first], tag="prod", **BY) == 1
    assert Monitor.objects.exclude(tags=[]).get().pk == second
    events = AuditEvent.objects.filter(object_id=Monitor.objects.get(pk=first).public_id)
    assert [(event.action, event.changes) for event in events.order_by("pk")] == [
        ("monitor.tagged", {"tag": [None, "prod"]}),
        ("monitor.untagged", {"tag": ["shop", None]}),
        ("monitor.untagged", {"tag": ["prod", None]}),
    ]


@pytest.mark.parametrize("tag", ["", "  ", "x" * 121, "a\nb"])
def test_what_is_no_tag_is_refused(tag: str):
    with pytest.raises(Invalid, match="Give one tag"):
        services.tag_monitors(monitor_ids=monitors(1), tag=tag, **BY)


@pytest.mark.parametrize("name", ['sh"op', "100%", "naïve", "O'Hara", "\\", "5"])
def test_monitors_are_found_by_tags_of_any_letters(name: str):
    first, second = monitors(2)
    services.tag_monitors(monitor_ids=[first], tag=name, **BY)
    services.tag_monitors(monitor_ids=[second], tag=f"{name}s", **BY)

    assert [row.pk for row in tagged(Monitor.objects.all(), name)] == [first]
    assert tags_of(Monitor.objects.all()) == sorted([name, f"{name}s"], key=str.casefold)


@pytest.mark.parametrize(
    "call",
    [
        services.pause_monitors,
        services.resume_monitors,
        services.run_monitors_now,
        lambda **given: services.tag_monitors(tag="prod", **given),
        lambda **given: services.untag_monitors(tag="shop", **given),
    ],
)
def test_the_number_of_statements_does_not_grow_with_monitors(
    call: Callable[..., int], django_assert_max_num_queries: Any
):
    ids = monitors(60, tags=["shop"], enabled=call is not services.resume_monitors)

    with django_assert_max_num_queries(14):
        assert call(monitor_ids=ids, actor=PERSON, at=NOW) == 60


def test_thousands_are_done_by_the_thousand(monkeypatch: pytest.MonkeyPatch):
    ids = monitors(5)
    monkeypatch.setattr(bulk, "AT_ONCE", 2)

    assert services.pause_monitors(monitor_ids=ids, actor=MACHINE, at=NOW) == 5
    assert not Monitor.objects.filter(enabled=True).exists()
    # Only what people, tokens and commands do is audited.
    assert not AuditEvent.objects.exists()
