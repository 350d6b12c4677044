"""Uptime, from what was true for how long (contracts/statuspage-public-v2, section 7)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.pages.status import ComponentStatus
from apps.pages.uptime import (
    Interval,
    Level,
    Span,
    Tally,
    day_start,
    days,
    incident_io_availability,
    level,
    statuspage_uptime,
    tally,
    total,
)

START = datetime(2026, 3, 2, tzinfo=UTC)
END = START + timedelta(hours=10)
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")


def hour(number):
    return START + timedelta(hours=number)


def reckoned(*spans, gaps=(), since=START, until=END):
    return tally(spans, gaps, since=since, until=until)


@pytest.mark.parametrize(
    ("status", "uptime", "availability"),
    [
        ("operational", 100, 100),
        ("under_maintenance", 100, 100),
        ("degraded_performance", 100, 100),
        ("partial_outage", 97, 90),
        ("major_outage", 90, 90),
    ],
)
def test_one_hour_of_ten_weighs_by_its_status(status, uptime, availability):
    counted = reckoned(
        Span("operational", hour(-5), hour(3)),
        Span(status, hour(3), hour(4)),
        Span("operational", hour(4), None),
    )

    assert statuspage_uptime(counted) == pytest.approx(uptime)
    assert incident_io_availability(counted) == pytest.approx(availability)


def test_a_gap_leaves_the_denominator():
    counted = reckoned(
        Span("operational", hour(0), hour(4)),
        Span("major_outage", hour(4), hour(5)),
        Span("operational", hour(5), None),
        gaps=[Interval(hour(6), hour(8)), Interval(hour(7), hour(11))],
    )

    assert counted.unmeasured == 4 * 3600
    assert statuspage_uptime(counted) == pytest.approx(100 * 5 / 6)


def test_a_gap_hides_what_only_a_monitor_had_said():
    counted = reckoned(Span("major_outage", hour(0), None), gaps=[Interval(hour(0), hour(9))])

    assert (counted.major, counted.unmeasured) == (3600, 9 * 3600)


def test_a_gap_does_not_hide_what_a_person_or_incident_said():
    counted = reckoned(
        Span("major_outage", hour(0), hour(5), spoken=True),
        Span("operational", hour(5), None),
        gaps=[Interval(hour(0), hour(10))],
    )

    assert (counted.major, counted.unmeasured) == (5 * 3600, 5 * 3600)
    assert statuspage_uptime(counted) == 0


def test_what_nobody_measured_has_no_uptime():
    counted = reckoned(Span("operational", hour(0), None), gaps=[Interval(hour(-1), hour(11))])

    assert statuspage_uptime(counted) is None
    assert incident_io_availability(counted) is None


def test_time_before_the_first_period_is_unknown_not_up():
    counted = reckoned(Span("major_outage", hour(8), None))

    assert counted.measured == 2 * 3600
    assert statuspage_uptime(counted) == 0


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 28), BERLIN, 24),
        (date(2026, 3, 29), BERLIN, 23),
        (date(2026, 10, 25), BERLIN, 25),
        (date(2026, 3, 8), NEW_YORK, 23),
        (date(2026, 11, 1), NEW_YORK, 25),
        # Midnight is skipped there that day, and comes twice here.
        (date(2018, 11, 4), ZoneInfo("America/Sao_Paulo"), 23),
        (date(2026, 11, 1), ZoneInfo("America/Havana"), 25),
        (date(2026, 7, 1), UTC, 24),
    ],
)
def test_a_day_is_as_long_as_its_zone_makes_it(day, zone, hours):
    zone = ZoneInfo("UTC") if zone is UTC else zone
    (only,) = days(
        [Span("operational", datetime(2000, 1, 1, tzinfo=UTC), None)],
        [],
        first=day,
        last=day,
        zone=zone,
        now=datetime(2030, 1, 1, tzinfo=UTC),
    )

    assert only.tally.operational == hours * 3600


def test_an_outage_over_midnight_is_split_at_the_zones_midnight():
    # 23:30 to 00:30 in Berlin, where the clock is an hour ahead of UTC in winter.
    spans = [
        Span(
            "major_outage",
            datetime(2026, 1, 14, 22, 30, tzinfo=UTC),
            datetime(2026, 1, 14, 23, 30, tzinfo=UTC),
        )
    ]

    found = days(spans, [], first=date(2026, 1, 14), last=date(2026, 1, 15), zone=BERLIN, now=END)

    assert [(one.date, one.tally.major) for one in found] == [
        (date(2026, 1, 14), 1800),
        (date(2026, 1, 15), 1800),
    ]


def test_days_before_the_start_date_and_after_now_have_no_data():
    spans = [Span("operational", datetime(2025, 1, 1, tzinfo=UTC), None)]

    found = days(
        spans,
        [],
        first=date(2026, 3, 1),
        last=date(2026, 3, 4),
        zone=ZoneInfo("UTC"),
        now=datetime(2026, 3, 3, 6, tzinfo=UTC),
        start_date=date(2026, 3, 2),
    )

    assert [one.level for one in found] == [
        Level.NO_DATA,
        Level.OPERATIONAL,
        Level.OPERATIONAL,
        Level.NO_DATA,
    ]
    assert [one.tally.operational for one in found] == [0, 86_400, 6 * 3600, 0]


def test_a_start_date_in_the_future_leaves_nothing():
    found = days(
        [Span("operational", START, None)],
        [Interval(START, END)],
        first=date(2026, 3, 1),
        last=date(2026, 3, 3),
        zone=BERLIN,
        now=END,
        start_date=date(2027, 1, 1),
    )

    assert {one.level for one in found} == {Level.NO_DATA}


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        (Tally(), Level.NO_DATA),
        (Tally(unmeasured=86_400), Level.NO_DATA),
        (Tally(operational=86_400), Level.OPERATIONAL),
        (Tally(operational=80_000, maintenance=6_400), Level.OPERATIONAL),
        (Tally(operational=86_399, degraded=1), Level.DEGRADED),
        (Tally(operational=86_399, major=1), Level.DEGRADED),
        (Tally(operational=85_500, major=900), Level.PARTIAL),
        (Tally(operational=83_400, partial=3_000), Level.PARTIAL),
        (Tally(operational=82_000, major=4_400), Level.MAJOR),
        (Tally(partial=86_400), Level.MAJOR),
    ],
)
def test_a_days_colour_runs_with_its_weighted_downtime(counted, expected):
    assert level(counted) == expected


minutes = st.integers(0, 6 * 24 * 60)


@st.composite
def histories(draw):
    """Spans one after another from a random start, and random gaps."""
    cuts = sorted(draw(st.sets(minutes, min_size=1, max_size=7)))
    moments = [START + timedelta(minutes=cut) for cut in cuts]
    ends = [*moments[1:], None]
    spans = [
        Span(draw(st.sampled_from(ComponentStatus.values)), start, end, draw(st.booleans()))
        for start, end in zip(moments, ends, strict=True)
    ]
    gaps = [
        Interval(START + timedelta(minutes=min(pair)), START + timedelta(minutes=max(pair)))
        for pair in draw(st.lists(st.tuples(minutes, minutes), max_size=4))
        if pair[0] != pair[1]
    ]
    return spans, gaps


zones = st.sampled_from(
    [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu")]
)
first_days = st.dates(date(2026, 2, 28), date(2026, 3, 12))


@given(histories(), zones, first_days, st.integers(0, 12), minutes)
def test_the_days_sum_up_to_the_range(history, zone, first, length, now_minutes):
    spans, gaps = history
    last, now = first + timedelta(days=length), START + timedelta(minutes=now_minutes)

    summed = total(days(spans, gaps, first=first, last=last, zone=zone, now=now))

    until = min(now, day_start(last + timedelta(days=1), zone))
    whole = tally(spans, gaps, since=day_start(first, zone), until=until)
    assert summed == whole


@given(histories())
def test_all_covered_time_is_counted_once(history):
    spans, gaps = history
    until = START + timedelta(days=7)

    counted = tally(spans, gaps, since=START, until=until)

    covered = (until - spans[0].started_at).total_seconds()
    assert counted.measured + counted.unmeasured == covered


@given(histories())
def test_availability_is_never_above_uptime_and_both_are_percentages(history):
    spans, gaps = history
    counted = tally(spans, gaps, since=START, until=START + timedelta(days=7))

    if counted.measured:
        low, high = incident_io_availability(counted), statuspage_uptime(counted)
        assert -1e-9 <= low <= high + 1e-9 <= 100 + 2e-9


@given(histories())
def test_the_order_of_gaps_does_not_matter(history):
    spans, gaps = history
    until = START + timedelta(days=7)

    assert tally(spans, gaps, since=START, until=until) == tally(
        spans, gaps[::-1] * 2, since=START, until=until
    )
