"""Recurring maintenance: announced some days ahead, once each, and kept in step with its series."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import partial

import pytest

from apps.core.clock import database_now
from apps.core.errors import Conflict, Invalid
from apps.core.models import AuditEvent
from apps.incidents.models import Maintenance, MaintenanceSeries
from apps.incidents.services.maintenance import (
    archive_maintenance,
    cancel_maintenance,
    edit_maintenance,
    reschedule_maintenance,
)
from apps.incidents.services.maintenance_moves import move_due_maintenances
from apps.incidents.services.series import (
    announce_due_series,
    archive_series,
    create_series,
    update_series,
)
from apps.incidents.tasks import announce_series
from apps.pages.services import archive_component, archive_page
from tests.factories import NOW, PERSON, ComponentFactory, PageFactory
from tests.incidents.maintenance_scene import fresh, hours, post
from tests.racing import at_once

pytestmark = pytest.mark.django_db

# NOW is Monday 2 March 2026, noon UTC.
WEEKLY: dict = {
    "name": "Weekly upgrade",
    "message": "We upgrade.",
    "rule": "FREQ=WEEKLY;BYDAY=SU",
    "time_zone": "Europe/Berlin",
    "first_date": date(2026, 3, 1),
    "start_time": time(2, 0),
    "duration_minutes": 90,
    "announce_days": 14,
}


def make(*components, page=None, at=NOW, **fields):
    page = page or (components[0].page if components else PageFactory())
    return create_series(
        page_id=page.pk,
        components=[component.pk for component in components],
        **(WEEKLY | fields),
        actor=PERSON,
        at=at,
    )


def change(series, *, at=NOW, **fields):
    return update_series(series_id=series.pk, **fields, actor=PERSON, at=at)


def days(count):
    return NOW + timedelta(days=count)


def planned(series, **filters):
    """Return the starts of the live occurrences that are scheduled, as texts in UTC."""
    rows = Maintenance.objects.live().filter(series=series, status="scheduled", **filters)
    return [f"{row.scheduled_for:%m-%d %H:%M}" for row in rows.order_by("scheduled_for")]


def occurrence(series, text):
    return next(
        row
        for row in Maintenance.objects.filter(series=series)
        if f"{row.scheduled_for:%m-%d %H:%M}" == text
    )


def test_a_new_series_announces_what_lies_within_its_days_ahead():
    component = ComponentFactory()

    series = make(component)

    assert planned(series) == ["03-08 01:00", "03-15 01:00"]
    first = occurrence(series, "03-08 01:00")
    assert first.scheduled_until - first.scheduled_for == timedelta(minutes=90)
    assert first.occurrence_at == first.scheduled_for
    assert first.updates.get().body == "We upgrade."
    assert first.affected.get().component == component
    assert series.made_until == datetime(2026, 3, 15, 1, tzinfo=UTC)
    assert series.next_announcement_at == datetime(2026, 3, 8, 1, tzinfo=UTC)


def test_later_ones_are_announced_when_their_days_ahead_come_and_keep_the_wall_clock():
    series = make()

    early = announce_due_series(at=days(5))
    announced = announce_due_series(at=days(19.6))

    assert (early, announced) == (0, 1)
    # Daylight saving begins on 29 March: 02:00 is skipped there, and 01:00 UTC is where 03:00 begins.
    assert planned(series)[2:] == ["03-22 01:00", "03-29 01:00", "04-05 00:00"]


def test_announcing_again_makes_nothing_twice():
    series = make()
    MaintenanceSeries.objects.update(next_announcement_at=NOW)

    announce_due_series(at=days(0.1))

    assert planned(series) == ["03-08 01:00", "03-15 01:00"]


def test_what_has_passed_while_nothing_ran_was_never_announced_and_is_left_out():
    series = make(announce_days=1)

    announce_due_series(at=days(13))

    # The 8th and the 15th (one to come) are not made; on Sunday noon the 15th has ended.
    assert planned(series) == []
    assert series.occurrences.count() == 0
    assert fresh(series).next_announcement_at == datetime(2026, 3, 21, 1, tzinfo=UTC)


def test_one_whose_time_has_begun_while_nothing_ran_is_still_made_and_starts():
    component = ComponentFactory()
    series = make(component, announce_days=1)
    at = datetime(2026, 3, 8, 1, 30, tzinfo=UTC)

    announce_due_series(at=at)
    move_due_maintenances(at=at)

    assert occurrence(series, "03-08 01:00").status == "in_progress"
    assert fresh(component).status == "under_maintenance"


def test_a_rule_that_ends_is_announced_no_more():
    series = make(rule="FREQ=WEEKLY;BYDAY=SU;COUNT=2")

    assert planned(series) == ["03-08 01:00"]
    assert series.next_announcement_at is None


def test_a_bad_rule_is_refused_and_nothing_is_kept():
    with pytest.raises(Invalid) as refused:
        make(rule="FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")

    assert refused.value.field == "rule"
    assert not MaintenanceSeries.objects.exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"time_zone": "Europe/Bärlin"}, "time_zone"),
        ({"duration_minutes": 0}, "duration_minutes"),
        ({"announce_days": 91}, "announce_days"),
        ({"name": ""}, "name"),
        ({"first_date": date(1990, 1, 1)}, "first_date"),
    ],
)
def test_what_a_series_cannot_be_is_refused_at_its_field(fields, field):
    with pytest.raises(Invalid) as refused:
        make(**fields)

    assert refused.value.field == field


def test_the_rule_is_kept_in_its_plain_form():
    assert make(rule="rrule:freq=weekly;byday=su").rule == "FREQ=WEEKLY;BYDAY=SU"


def test_two_series_of_a_page_do_not_share_a_name():
    series = make()

    with pytest.raises((Invalid, Conflict)):
        make(page=series.page)


# Editing.


def test_a_new_time_moves_what_is_announced_and_its_days_keep_their_identity():
    series = make()
    before = set(series.occurrences.values_list("public_id", flat=True))

    change(series, start_time=time(4, 30), duration_minutes=30, name="Short upgrade")

    assert planned(series) == ["03-08 03:30", "03-15 03:30"]
    assert set(series.occurrences.values_list("public_id", flat=True)) == before
    first = occurrence(series, "03-08 03:30")
    assert (first.name, first.scheduled_until - first.scheduled_for) == (
        "Short upgrade",
        timedelta(minutes=30),
    )
    assert (first.next_move_at, first.updates.count()) == (first.scheduled_for, 1)


def test_days_that_the_rule_gives_no_more_are_cancelled_and_its_new_ones_announced():
    series = make()

    change(series, rule="FREQ=WEEKLY;BYDAY=MO")

    assert planned(series) == ["03-09 01:00", "03-16 01:00"]
    gone = Maintenance.objects.filter(series=series, cancelled_at__isnull=False)
    assert sorted(f"{row.scheduled_for:%m-%d}" for row in gone) == ["03-08", "03-15"]
    change(series, rule="FREQ=WEEKLY;BYDAY=SU")
    assert planned(series) == ["03-08 01:00", "03-15 01:00"]


def test_new_components_cover_what_has_not_begun():
    first = ComponentFactory()
    second = ComponentFactory(page=first.page)
    series = make(first)

    change(series, components=[second.pk])

    covered = {row.affected.get().component for row in series.occurrences.all()}
    assert covered == {second}


def test_one_that_was_changed_by_hand_stands_for_its_day():
    series = make()
    by_hand = occurrence(series, "03-08 01:00")
    reschedule_maintenance(
        maintenance_id=by_hand.pk,
        scheduled_for=by_hand.scheduled_for + timedelta(hours=6),
        scheduled_until=by_hand.scheduled_until + timedelta(hours=6),
        actor=PERSON,
        at=NOW,
    )

    change(series, start_time=time(5, 0), name="Other")

    assert planned(series) == ["03-08 07:00", "03-15 04:00"]
    assert fresh(by_hand).name == "Weekly upgrade"


@pytest.mark.parametrize("skip", [cancel_maintenance, archive_maintenance])
def test_one_that_was_skipped_stays_skipped_also_when_the_time_changes(skip):
    series = make()
    skip(maintenance_id=occurrence(series, "03-08 01:00").pk, actor=PERSON, at=NOW)

    change(series, start_time=time(5, 0))
    announce_due_series(at=days(1))

    assert planned(series) == ["03-15 04:00"]


def test_days_stay_the_same_days_when_the_zone_changes():
    series = make(start_time=time(0, 30))
    skipped = occurrence(series, "03-07 23:30")
    cancel_maintenance(maintenance_id=skipped.pk, actor=PERSON, at=NOW)
    other = occurrence(series, "03-14 23:30")

    change(series, time_zone="Europe/London")
    announce_due_series(at=days(1))

    assert planned(series) == ["03-15 00:30"]
    assert fresh(other).cancelled_at is None


def test_one_that_has_begun_stands_for_its_day_when_the_time_changes():
    series = make(rule="FREQ=DAILY", start_time=time(12, 0), duration_minutes=240, announce_days=1)
    begun = occurrence(series, "03-02 11:00")
    move_due_maintenances(at=NOW)

    change(series, start_time=time(18, 0), at=hours(0.5))

    assert planned(series) == ["03-03 17:00"]
    assert fresh(begun).status == "in_progress"
    assert fresh(begun).scheduled_for == hours(-1)


def test_one_that_was_renamed_or_spoken_of_by_hand_is_left_alone():
    series = make()
    renamed, spoken = occurrence(series, "03-08 01:00"), occurrence(series, "03-15 01:00")
    edit_maintenance(maintenance_id=renamed.pk, name="Big upgrade", actor=PERSON, at=NOW)
    post(spoken, message="As planned.", at=NOW)

    change(series, name="Small upgrade")

    assert (fresh(renamed).name, fresh(spoken).name) == ("Big upgrade", "Weekly upgrade")


def test_one_that_has_begun_goes_on_as_it_was():
    series = make()
    move_due_maintenances(at=datetime(2026, 3, 8, 1, tzinfo=UTC))
    at = datetime(2026, 3, 8, 1, 30, tzinfo=UTC)

    change(series, rule="FREQ=WEEKLY;BYDAY=MO", name="Other", at=at)

    running = occurrence(series, "03-08 01:00")
    assert (running.status, running.name) == ("in_progress", "Weekly upgrade")


def test_a_change_that_changes_nothing_touches_nothing():
    series = make()
    count = AuditEvent.objects.count()

    change(series, **WEEKLY)

    assert AuditEvent.objects.count() == count


def test_a_refused_change_leaves_series_and_occurrences_as_they_were():
    series = make()

    with pytest.raises(Invalid):
        change(series, name="Other", rule="FREQ=HOURLY")

    assert fresh(series).name == "Weekly upgrade"
    assert planned(series) == ["03-08 01:00", "03-15 01:00"]


# Stopping and ending.


def test_stopped_it_announces_nothing_new_and_leaves_what_is_announced():
    series = make()

    change(series, enabled=False)
    announce_due_series(at=days(10))

    assert planned(series) == ["03-08 01:00", "03-15 01:00"]
    assert fresh(series).next_announcement_at is None
    change(series, enabled=True, at=days(20))
    assert "04-05 00:00" in planned(series)


@pytest.mark.parametrize(("cancel", "left"), [(True, []), (False, ["03-08 01:00", "03-15 01:00"])])
def test_ended_its_announced_ones_are_cancelled_or_stay_as_asked(cancel, left):
    series = make()

    archive_series(series_id=series.pk, cancel_announced=cancel, actor=PERSON, at=hours(1))
    announce_due_series(at=days(30))

    assert planned(series) == left
    assert series.occurrences.count() == 2
    assert series.occurrences.filter(cancelled_at__isnull=False).count() == 2 - len(left)


def test_an_archived_component_is_left_out_and_an_archived_page_announces_nothing():
    kept = ComponentFactory()
    gone = ComponentFactory(page=kept.page)
    series = make(kept, gone, announce_days=1)
    archive_component(component_id=gone.pk, actor=PERSON, at=NOW)

    announce_due_series(at=days(5))
    archive_page(page_id=kept.page.pk, actor=PERSON, at=days(6))
    announce_due_series(at=days(12.5))

    assert series.occurrences.get().affected.get().component == kept
    assert fresh(series).next_announcement_at is None


def test_a_tick_with_nothing_due_is_one_query(django_assert_num_queries):
    make()

    with django_assert_num_queries(1):
        announce_due_series(at=NOW)


def test_beats_task_announces_on_the_databases_clock():
    now = database_now()
    series = make(rule="FREQ=DAILY", announce_days=2, first_date=now.date(), at=now)
    Maintenance.objects.filter(series=series).update(series=None, occurrence_at=None)
    MaintenanceSeries.objects.update(next_announcement_at=now - timedelta(seconds=1))

    announce_series()

    assert series.occurrences.count() in (2, 3)


@pytest.mark.django_db(transaction=True)
def test_two_beats_at_once_announce_each_occurrence_once():
    series = make(announce_days=1)

    outcomes = at_once([partial(announce_due_series, at=days(5.6))] * 4)

    assert sorted(outcomes) == [0, 0, 0, 1]
    assert planned(series) == ["03-08 01:00"]
