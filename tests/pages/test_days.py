"""Closed days: right or absent, in the page's zone, whatever changes the past."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.pages import services
from apps.pages.day_selectors import DayReader
from apps.pages.models import ClosedDays, Component, ComponentDay, Correction, StatusPeriod
from apps.pages.services import ContributionChange, Gap, Word
from tests import factories as make
from tests.factories import MACHINE, NOW, PERSON

pytestmark = pytest.mark.django_db

UTC_ZONE = ZoneInfo("UTC")
TODAY = NOW.date()


def ago(**length):
    return NOW - timedelta(**length)


def closed(at=NOW):
    """Close all that is over, as the task does."""
    for _ in range(50):
        if not services.close_days(at=at):
            return
    raise AssertionError("closing days does not end")


def read(component, *, days=5, at=NOW, zone=UTC_ZONE):
    """Return what a process that holds nothing yet reads: {days ago: tally}."""
    component = Component.objects.get(pk=component.pk)
    first = at.astimezone(zone).date() - timedelta(days=days - 1)
    found = DayReader(lambda day: day).read([component], first=first, at=at, zone=zone)[
        component.pk
    ]
    return {days - 1 - place: day for place, day in enumerate(found)}


def from_periods(component, **how):
    """Return the same, reckoned from periods alone."""
    kept = list(ClosedDays.objects.filter(component=component))
    ClosedDays.objects.filter(component=component).delete()
    found = read(component, **how)
    ClosedDays.objects.bulk_create(kept)
    return found


def until(component):
    return ClosedDays.objects.get(component=component).until


def component_with_outage(**page):
    """An outage from 30 to 29 hours ago: yesterday morning in UTC."""
    component = make.ComponentFactory(
        page=make.PageFactory(**page), period=False, status_since=ago(days=10)
    )
    for status, start, end in (
        ("operational", ago(days=10), ago(hours=30)),
        ("major_outage", ago(hours=30), ago(hours=29)),
        ("operational", ago(hours=29), None),
    ):
        make.StatusPeriodFactory(component=component, status=status, started_at=start, ended_at=end)
    return component


def fail(component, at, status="major_outage"):
    change = ContributionChange(component.pk, "link", upsert=(Word("link", status, at),))
    services.apply_contributions(changes=[change], actor=MACHINE, at=at)


def test_days_that_are_over_are_closed_and_today_is_not():
    component = component_with_outage()

    closed()

    rows = dict(ComponentDay.objects.values_list("day", "major_s"))
    assert len(rows) == 10
    assert (min(rows), max(rows)) == (TODAY - timedelta(days=10), TODAY - timedelta(days=1))
    assert rows[TODAY - timedelta(days=1)] == 3600
    assert until(component) == datetime(2026, 3, 2, tzinfo=UTC)
    assert ClosedDays.objects.get().first_day == TODAY - timedelta(days=10)


def test_what_is_read_is_the_same_with_and_without_closed_days():
    component = component_with_outage()
    expected = from_periods(component)

    closed()

    assert read(component) == expected
    assert expected[1].tally.major == 3600


def test_closed_days_are_read_and_not_reckoned_again():
    component = component_with_outage()
    closed()
    StatusPeriod.objects.filter(status="major_outage").update(status="partial_outage")

    assert read(component)[1].tally.major == 3600


def test_closing_twice_changes_nothing():
    component_with_outage()
    closed()
    before = list(ComponentDay.objects.values()), list(ClosedDays.objects.values())

    assert services.close_days(at=NOW) is False

    assert (list(ComponentDay.objects.values()), list(ClosedDays.objects.values())) == before


def test_the_next_day_is_closed_when_it_is_over():
    component = component_with_outage()
    closed()

    closed(NOW + timedelta(days=1))

    assert ComponentDay.objects.latest("day").day == TODAY
    assert until(component) == datetime(2026, 3, 3, tzinfo=UTC)


def test_days_are_those_of_the_pages_zone():
    component = component_with_outage(time_zone="Pacific/Auckland")
    zone = ZoneInfo("Pacific/Auckland")

    closed()

    # 30 hours before noon UTC of 2 March it was 19:00 of 1 March in Auckland.
    assert ComponentDay.objects.get(major_s__gt=0).day == date(2026, 3, 1)
    assert read(component, zone=zone) == from_periods(component, zone=zone)


def test_another_zone_makes_the_closed_days_void_at_once_and_they_are_built_anew():
    component = component_with_outage()
    closed()
    services.update_page(
        page_id=component.page_id, time_zone="America/New_York", actor=PERSON, at=NOW
    )
    zone = ZoneInfo("America/New_York")
    before = read(component, zone=zone)

    closed()

    assert before == from_periods(component, zone=zone) == read(component, zone=zone)
    assert ClosedDays.objects.get().time_zone == "America/New_York"
    assert not ComponentDay.objects.filter(ended_at__hour=0).exists()


def test_a_component_that_moves_to_a_page_of_another_zone_is_built_anew():
    component = component_with_outage()
    closed()
    page = make.PageFactory(time_zone="Asia/Kathmandu")
    services.update_component(component_id=component.pk, page_id=page.pk, actor=PERSON, at=NOW)

    closed()

    zone = ZoneInfo("Asia/Kathmandu")
    assert ClosedDays.objects.get().time_zone == "Asia/Kathmandu"
    assert read(component, zone=zone) == from_periods(component, zone=zone)


def test_a_late_change_of_status_opens_the_days_that_it_touches():
    component = component_with_outage()
    closed()
    late = ago(hours=13)  # 23:00 yesterday

    fail(component, late)

    assert until(component) == late
    assert read(component)[1].tally.major == 2 * 3600
    closed()
    assert read(component)[1].tally.major == 2 * 3600
    assert until(component) == datetime(2026, 3, 2, tzinfo=UTC)


def test_a_change_of_today_leaves_the_closed_days_alone():
    component = component_with_outage()
    closed()
    before = ClosedDays.objects.get().revision

    fail(component, NOW)

    assert ClosedDays.objects.get().revision == before


def test_a_late_gap_opens_the_days_that_it_touches():
    component = component_with_outage()
    closed()

    services.record_gaps(gaps=[Gap(component.pk, ago(hours=20), ago(hours=18))])

    assert read(component)[1].tally.unmeasured == 2 * 3600
    closed()
    assert ComponentDay.objects.get(day=TODAY - timedelta(days=1)).unmeasured_s == 2 * 3600


def test_a_gap_that_grows_opens_no_day_that_it_had_covered():
    component = component_with_outage()
    services.record_gaps(gaps=[Gap(component.pk, ago(days=3), ago(hours=1))])
    closed()
    before = ClosedDays.objects.get().revision

    services.record_gaps(gaps=[Gap(component.pk, ago(days=3), NOW)])

    assert ClosedDays.objects.get().revision == before
    assert read(component)[0].tally.unmeasured == 12 * 3600


def test_days_before_the_start_date_are_left_out_whenever_it_is_set():
    component = component_with_outage()
    closed()

    services.update_component(
        component_id=component.pk, start_date=TODAY - timedelta(days=2), actor=PERSON, at=NOW
    )

    measured = {back: day.tally.measured for back, day in read(component).items()}
    assert measured == {4: 0, 3: 0, 2: 86_400, 1: 86_400, 0: 12 * 3600}


def test_unplaced_and_archived_components_are_left_alone():
    make.ComponentFactory(unplaced=True)
    make.ComponentFactory(archived=True)
    make.ComponentFactory(page=make.PageFactory(archived=True))

    assert services.close_days(at=NOW) is False


def test_many_components_cost_the_statements_of_one():
    def statements(count, days):
        page = make.PageFactory()
        for _ in range(count):
            make.ComponentFactory(page=page, status_since=ago(days=days))
        with CaptureQueriesContext(connection) as captured:
            services.close_days(at=NOW)
        assert services.close_days(at=NOW) is False
        return len(captured)

    assert statements(1, 1) == statements(20, 2) <= 14


def test_years_are_closed_a_piece_at_a_time_and_yesterday_of_others_comes_first():
    page = make.PageFactory()
    old = [make.ComponentFactory(page=page, status_since=ago(days=700)) for _ in range(3)]
    other = make.ComponentFactory(status_since=ago(days=2))
    closed(ago(days=1))
    ComponentDay.objects.filter(component__in=old).delete()
    ClosedDays.objects.filter(component__in=old).update(until=ago(days=700))

    services.close_days(at=NOW)

    assert until(other) == datetime(2026, 3, 2, tzinfo=UTC)
    closed()
    assert ComponentDay.objects.filter(component=old[0]).count() == 700


def test_a_reader_reads_closed_days_once_until_they_change():
    component = component_with_outage()
    closed()
    reader, first = DayReader(lambda day: day), TODAY - timedelta(days=4)
    look = partial(reader.read, [component], first=first, at=NOW, zone=UTC_ZONE)

    with CaptureQueriesContext(connection) as cold:
        before = look()
    with CaptureQueriesContext(connection) as warm:
        assert look() == before
    fail(component, ago(hours=13))
    changed = look()

    assert (len(cold), len(warm)) == (5, 4)
    assert changed[component.pk][-2].tally.major == 2 * 3600


def test_a_reader_holds_so_many_components_or_one_pages():
    some = [component_with_outage() for _ in range(3)]
    closed()
    reader = DayReader(lambda day: day, most_held=2)

    for components in (some[:1], some[1:2], some[2:], some):
        reader.read(components, first=TODAY - timedelta(days=4), at=NOW, zone=UTC_ZONE)
        assert len(reader._held) <= max(2, len(components))
    assert len(reader._held) == 3


hours = st.integers(1, 20 * 24)
steps = st.one_of(
    st.tuples(st.just("close"), hours),
    st.tuples(st.just("status"), hours, st.sampled_from(["major_outage", "partial_outage", "operational"])),
    st.tuples(st.just("gap"), hours, st.integers(1, 30)),
    st.tuples(st.just("correct"), hours, st.integers(1, 30)),
    st.tuples(st.just("revoke")),
    st.tuples(st.just("zone"), st.sampled_from(["UTC", "Asia/Tokyo", "America/New_York"])),
)  # fmt: skip


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, max_size=8))
def test_whatever_comes_in_whatever_order_kept_days_equal_the_periods(some):
    component = make.ComponentFactory(status_since=ago(days=20))

    for kind, *how in some:
        if kind == "close":
            services.close_days(at=ago(hours=how[0] // 10))
        elif kind == "status":
            fail(component, ago(hours=how[0]), how[1])
        elif kind == "gap":
            start = ago(hours=how[0])
            services.record_gaps(gaps=[Gap(component.pk, start, start + timedelta(hours=how[1]))])
        elif kind == "correct":
            start = ago(hours=how[0])
            services.correct_period(
                component_id=component.pk,
                started_at=start,
                ended_at=min(NOW, start + timedelta(hours=how[1])),
                status="operational",
                reason="A false alarm.",
                actor=PERSON,
                at=NOW,
            )
        elif kind == "revoke":
            last = Correction.objects.filter(revoked_at__isnull=True).last()
            if last is not None:
                services.revoke_correction(correction_id=last.pk, actor=PERSON, at=NOW)
        else:
            services.update_page(page_id=component.page_id, time_zone=how[0], actor=PERSON, at=NOW)

    component.page.refresh_from_db()
    zone = ZoneInfo(component.page.time_zone)
    assert read(component, days=21, zone=zone) == from_periods(component, days=21, zone=zone)
