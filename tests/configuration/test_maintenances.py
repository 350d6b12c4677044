"""Maintenance from a file: planned once or recurring, and left to people once it has begun."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from apps.configuration.export import export
from apps.incidents.models import Maintenance, MaintenanceSeries
from apps.incidents.services.maintenance import post_maintenance_update
from tests.configuration.conftest import NOW, Apply
from tests.factories import PERSON

# NOW is 1 March 2026, noon UTC; New York is five hours behind.
PAGE = """
version: 1
pages:
  - slug: shop
    name: Shop
    time_zone: America/New_York
    components: [{name: Website}, {name: Orders}]
    groups: [{name: API, components: [{name: Orders}]}]
"""
ONCE = """
maintenances:
  - name: Move
    page: shop
    message: We move.
    components: [Website, API / Orders]
    scheduled_for: 2026-03-02T01:00
    scheduled_until: 2026-03-02T03:00
"""
AGAIN = """
maintenances:
  - name: Upgrade
    page: shop
    message: We upgrade.
    components: [Website]
    recurrence:
      rule: freq=weekly;byday=su
      first_date: 2026-03-01
      start_time: 02:00
"""

Applied = Callable[..., list[str]]


def test_one_is_planned_on_the_pages_wall_clock_and_a_second_time_changes_nothing(
    applied: Applied,
):
    applied(PAGE)

    first, second = applied("version: 1\n" + ONCE), applied("version: 1\n" + ONCE)

    assert (first[0], second) == ("+ maintenance Move (shop)", ["Nothing to change."])
    row = Maintenance.objects.get()
    assert row.scheduled_for == datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
    assert row.updates.get().body == "We move."
    covered = row.affected.order_by("component__name").values_list(
        "component__name", "component__group__name"
    )
    assert list(covered) == [("Orders", "API"), ("Website", None)]


def test_its_times_switches_and_components_are_changed_while_it_is_to_come(applied: Applied):
    applied(PAGE + ONCE)

    lines = applied(
        (PAGE + ONCE)
        .replace("03:00", "04:30")
        .replace("[Website, API / Orders]", "[Orders]\n    ends_itself: false")
    )

    assert lines[0] == (
        '~ maintenance Move (shop): components: ["API / Orders", "Website"] → ["Orders"], '
        "scheduled_until: 2026-03-02T03:00 → 2026-03-02T04:30, ends_itself: true → false"
    )
    row = Maintenance.objects.get()
    assert row.scheduled_until == datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    assert row.affected.get().component.group is None


def test_a_time_with_an_offset_is_that_instant(applied: Applied):
    applied(PAGE + ONCE.replace("01:00", "06:00Z"))

    assert Maintenance.objects.get().scheduled_for == datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
    assert applied(PAGE + ONCE) == ["Nothing to change."]


@pytest.mark.parametrize("status", ["in_progress", "completed"])
def test_what_has_begun_or_is_over_is_left_to_people(applied: Applied, status: str):
    applied(PAGE + ONCE)
    row = Maintenance.objects.get()
    post_maintenance_update(maintenance_id=row.pk, status=status, actor=PERSON, at=NOW)

    lines = applied(PAGE + ONCE.replace("[Website", "[Orders, Website"))
    pruned = applied("version: 1\nmaintenances: []", prune=True)

    assert (lines, pruned) == (["Nothing to change."], ["Nothing to change."])
    assert Maintenance.objects.count() == 1


def test_the_next_one_of_a_name_is_another_one(applied: Applied):
    applied(PAGE + ONCE)
    row = Maintenance.objects.get()
    post_maintenance_update(maintenance_id=row.pk, status="completed", actor=PERSON, at=NOW)

    lines = applied(PAGE + ONCE.replace("03-02", "04-02"))

    assert lines[0] == "+ maintenance Move (shop)"
    assert Maintenance.objects.count() == 2


def test_one_whose_time_has_passed_is_history_and_is_not_made(applied: Applied):
    lines = applied(PAGE + ONCE.replace("03-02", "02-02"))

    assert not any("Move" in line for line in lines)
    assert not Maintenance.objects.exists()


def test_a_recurring_one_is_a_series_in_the_pages_zone_unless_it_has_its_own(applied: Applied):
    first, second = applied(PAGE + AGAIN), applied(PAGE + AGAIN)

    assert "+ recurring maintenance Upgrade (shop)" in first
    assert second == ["Nothing to change."]
    series = MaintenanceSeries.objects.get()
    assert (series.rule, series.time_zone) == ("FREQ=WEEKLY;BYDAY=SU", "America/New_York")
    # On the 8th the clocks there skip from two to three.
    assert series.occurrences.get().scheduled_for == datetime(2026, 3, 8, 7, 0, tzinfo=UTC)


def test_a_changed_series_changes_what_it_announced(applied: Applied):
    applied(PAGE + AGAIN)

    lines = applied(PAGE + AGAIN.replace("02:00", "05:30"))

    assert lines[0] == (
        "~ recurring maintenance Upgrade (shop): recurrence.start_time: 02:00 → 05:30"
    )
    occurrence = Maintenance.objects.get()
    assert occurrence.scheduled_for == datetime(2026, 3, 8, 9, 30, tzinfo=UTC)


def test_prune_cancels_what_is_to_come_and_ends_series(applied: Applied):
    applied(PAGE + ONCE + AGAIN.replace("\nmaintenances:", ""))

    lines = applied("version: 1\nmaintenances: []", prune=True)

    assert lines[:2] == ["- recurring maintenance Upgrade (shop)", "- maintenance Move (shop)"]
    assert Maintenance.objects.filter(cancelled_at=NOW).count() == 2
    assert MaintenanceSeries.objects.get().is_archived


def test_an_export_says_it_again(applied: Applied):
    applied(PAGE + ONCE + AGAIN.replace("\nmaintenances:", ""))

    text = export()

    assert "scheduled_for: 2026-03-02T01:00" in text
    assert "components: [API / Orders, Website]" in text
    assert "rule: FREQ=WEEKLY;BYDAY=SU" in text
    assert text.count("Upgrade") == 1
    assert applied(text) == ["Nothing to change."]


def test_the_second_of_a_repeated_time_keeps_its_offset(applied: Applied):
    # On 1 November 2026 one o'clock comes twice in New York: at 5 and at 6 UTC.
    applied(
        PAGE
        + ONCE.replace("2026-03-02T01:00", "2026-11-01T06:30Z").replace(
            "2026-03-02T03:00", "2026-11-01T08:00Z"
        )
    )

    text = export()

    assert "2026-11-01T01:30-05:00" in text
    assert applied(text) == ["Nothing to change."]
    row = Maintenance.objects.get()
    assert row.scheduled_until - row.scheduled_for == timedelta(minutes=90)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        (ONCE.replace("page: shop", "page: mall"), "page", "there is no 'mall'"),
        (ONCE.replace("Website", "Webshop"), "components[0]", "there is no 'Webshop'"),
        (ONCE.replace("2026-03-02T03:00", "soon"), "scheduled_until", "a date and time such as"),
        (ONCE.replace("T03:00", "T00:30"), "scheduled_until", "after the start"),
        (ONCE.replace("    scheduled_until: 2026-03-02T03:00\n", ""), "", "or recurrence"),
        (
            ONCE + "    recurrence: {rule: FREQ=DAILY, first_date: 2026-01-01}\n",
            "recurrence",
            "needs the key start_time",
        ),
        (AGAIN.replace("freq=weekly", "freq=hourly"), "recurrence.rule", "must be one of"),
        (AGAIN.replace("byday=su", "bymonth=13"), "recurrence.rule", "from 1 to 12"),
        (AGAIN.replace("2026-03-01", "1980-03-01"), "recurrence.first_date", "2000-01-01"),
        (AGAIN.replace("02:00", "2 am"), "recurrence.start_time", "a time of day"),
        (AGAIN.replace("rule:", "time_zone: Mars\n      rule:"), "recurrence.time_zone", "IANA"),
    ],
)
def test_what_cannot_be_is_told_at_its_place(apply: Apply, text: str, place: str, said: str):
    report = apply(PAGE + text)

    problems = [str(problem) for problem in report.problems]
    assert len(problems) == 1
    assert problems[0].startswith(f"maintenances[0]{'.' if place else ''}{place} ")
    assert said in problems[0]
    assert not Maintenance.objects.exists()
