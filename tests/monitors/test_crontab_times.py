"""Crontabs keep to the clock on the wall, and to the hours that pass where they name every hour.

The oracle walks through the instants minute by minute and watches the zone's clock; it shares nothing with the code
but the fields of a parsed crontab.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.monitors.crontab import Crontab, parse
from apps.monitors.crontab_times import count_between, newest_until, next_after, upcoming

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FIRST_YEAR, YEARS = 2008, 10

# Ordinary ones, half and quarter hours, changes at midnight and a minute after it, changes of half an hour and of two
# hours, a day left out, negative daylight saving, changes for Ramadan, and offsets moved for good.
ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo"),
    *("Asia/Beirut", "Pacific/Apia", "America/St_Johns", "Asia/Kathmandu", "Europe/Dublin"),
    *("Africa/Casablanca", "Asia/Tehran", "America/Havana", "Antarctica/Troll", "Asia/Gaza"),
    *("Pacific/Chatham", "Pacific/Fakaofo", "Asia/Pyongyang", "Europe/Volgograd", "America/Caracas"),
    *("Antarctica/Casey", "Africa/Cairo", "America/Asuncion", "Asia/Amman", "Pacific/Kiritimati"),
)  # fmt: skip


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# The oracle.


def names_day(crontab: Crontab, day: date) -> bool:
    by_day, by_weekday = day.day in crontab.days, (day.weekday() + 1) % 7 in crontab.weekdays
    chosen = by_day or by_weekday if crontab.either_day else by_day and by_weekday
    return day.month in crontab.months and chosen


def names(crontab: Crontab, wall: datetime) -> bool:
    is_time = wall.minute in crontab.minutes and wall.hour in crontab.hours
    return is_time and names_day(crontab, wall.date())


def walked(crontab: Crontab, zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    """The slots in (start, end], found by watching the clock each minute."""
    slots = []
    # A while before, so that what is set back or left out at the start is known: no clock is set back by more.
    moment = start - 6 * HOUR
    furthest = moment.astimezone(zone).replace(tzinfo=None)
    while moment < end:
        moment += MINUTE
        wall = moment.astimezone(zone).replace(tzinfo=None)
        if len(crontab.hours) == 24:
            is_slot = names(crontab, wall)
        else:
            newly_shown = minutes_between(furthest, wall)
            is_slot = any(names(crontab, one) for one in newly_shown)
            furthest = max(furthest, wall)
        if is_slot and moment > start:
            slots.append(moment)
    return slots


def minutes_between(after: datetime, until: datetime) -> Iterator[datetime]:
    while after < until:
        after += MINUTE
        yield after


@cache
def changes(name: str) -> tuple[datetime, ...]:
    """When the zone's offset changes in the ten years, to the hour."""
    zone, start = ZoneInfo(name), datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)

    def offset(moment: datetime) -> timedelta | None:
        return moment.astimezone(zone).utcoffset()

    days = [start + number * DAY for number in range(YEARS * 366)]
    return tuple(
        hour
        for day in days
        if offset(day) != offset(day + DAY)
        for hour in (day + number * HOUR for number in range(1, 25))
        if offset(hour) != offset(hour - HOUR)
    )


# Expressions.


def field(lowest: int, highest: int, *, star: int = 1) -> st.SearchStrategy[str]:
    number = st.integers(lowest, highest)
    spans = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    lists = st.lists(number, min_size=1, max_size=4).map(lambda many: ",".join(map(str, many)))
    steps = st.integers(1, highest).map(lambda step: f"*/{step}")
    return st.one_of(*[st.just("*")] * star, number.map(str), spans, lists, steps)


def is_valid(expression: str) -> bool:
    try:
        parse(expression)
    except ValueError:
        return False
    return True


def expressions(*, days: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    parts = st.tuples(field(0, 59), field(0, 23, star=4), days, st.just("*"), days)
    return parts.map(" ".join).filter(is_valid)


OFTEN = expressions(days=st.one_of(st.just("*"), st.just("*/2"), field(1, 7)))
ANY = st.tuples(
    field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7)
).map(" ".join).filter(is_valid)  # fmt: skip
INSTANTS = st.integers(0, YEARS * 365 * 86_400).map(
    lambda seconds: datetime(FIRST_YEAR, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@st.composite
def near_a_change(draw: st.DrawFn) -> tuple[str, datetime]:
    """A zone, and a moment in the ten years, mostly within a day and a half of a change of its clock."""
    name = draw(st.sampled_from(ZONES))
    found = changes(name)
    if not found or draw(st.integers(0, 9)) == 0:
        return name, draw(INSTANTS).replace(second=0)
    away = timedelta(minutes=draw(st.integers(-36 * 60, 12 * 60)))
    return name, draw(st.sampled_from(found)) + away


@settings(max_examples=80)
@given(near_a_change(), OFTEN)
def test_the_slots_around_a_change_are_those_that_watching_the_clock_finds(
    where: tuple[str, datetime], expression: str
):
    zone, start = ZoneInfo(where[0]), where[1]
    crontab, end = parse(expression), start + 40 * HOUR
    expected = walked(crontab, zone, start, end)

    found, moment = [], start
    while (moment := next_after(crontab, zone, moment)) <= end:
        found.append(moment)

    assert found == expected
    assert count_between(crontab, zone, start, end) == len(expected)
    if expected:
        assert newest_until(crontab, zone, end) == expected[-1]


@pytest.mark.parametrize("name", ZONES)
def test_ten_years_are_those_that_watching_the_clock_finds(name: str):
    zone, crontab = ZoneInfo(name), parse("7 2,23 * * *")
    start = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    end = start + YEARS * 365 * DAY
    found, moment = [], start
    while (moment := next_after(crontab, zone, moment)) <= end:
        found.append(moment)

    walls = [one.astimezone(zone).replace(tzinfo=None) for one in found]
    crooked = {change.astimezone(zone).date() for change in changes(name)}
    calm = {wall.date() for wall in walls} - {
        day + away * DAY for day in crooked for away in (-1, 0, 1)
    }
    assert {(w.hour, w.minute) for w in walls if w.date() in calm} == {(2, 7), (23, 7)}
    assert count_between(crontab, zone, start, end) == len(found)
    # Each slot of each day of the calendar once, less the slots that one jump moves to one instant.
    days = (end.astimezone(zone).date() - start.astimezone(zone).date()).days
    assert abs(len(found) - 2 * days) <= 2
    for change in changes(name):
        around = (change - 14 * HOUR, change + 26 * HOUR)
        assert [one for one in found if around[0] < one <= around[1]] == [
            one for one in walked(crontab, zone, *around) if one <= end
        ]


@settings(max_examples=100)
@given(st.sampled_from(ZONES), INSTANTS, ANY)
def test_the_next_and_the_newest_slot_enclose_an_instant(
    name: str, instant: datetime, expression: str
):
    zone, crontab = ZoneInfo(name), parse(expression)

    after = next_after(crontab, zone, instant)
    before = newest_until(crontab, zone, instant)

    assert before <= instant < after
    assert next_after(crontab, zone, before) == after
    assert newest_until(crontab, zone, after) == after
    assert count_between(crontab, zone, before, after) == 1
    assert count_between(crontab, zone, before - MINUTE, after) == 2 or before + MINUTE > after


# Each line: what is due between the two instants, and when (UTC).
TABLE = {
    "a time that is left out runs at the first that exists": (
        *("30 2 * * *", "Europe/Berlin", "2026-03-28 12:00", "2026-03-30 12:00"),
        ["2026-03-29 01:00", "2026-03-30 00:30"],
    ),
    "several that are left out run once": (
        *("*/15 2 * * *", "Europe/Berlin", "2026-03-29 00:00", "2026-03-29 12:00"),
        ["2026-03-29 01:00"],
    ),
    "one that is left out and one after it run once where they meet": (
        *("0 2,3 * * *", "Europe/Berlin", "2026-03-29 00:00", "2026-03-29 12:00"),
        ["2026-03-29 01:00"],
    ),
    "a repeated time runs at its first": (
        *("30 2 * * *", "Europe/Berlin", "2026-10-24 12:00", "2026-10-26 12:00"),
        ["2026-10-25 00:30", "2026-10-26 01:30"],
    ),
    "every quarter of a repeated hour runs in the first": (
        *("*/15 2 * * *", "Europe/Berlin", "2026-10-25 00:00", "2026-10-25 12:00"),
        ["2026-10-25 00:15", "2026-10-25 00:30", "2026-10-25 00:45"],
    ),
    "half past each hour follows the hours that pass": (
        *("30 * * * *", "Europe/Berlin", "2026-03-29 00:00", "2026-03-29 03:00"),
        ["2026-03-29 00:30", "2026-03-29 01:30", "2026-03-29 02:30"],
    ),
    "a step over hours names hours": (
        *("0 */2 * * *", "Europe/Berlin", "2026-10-24 22:00", "2026-10-25 04:00"),
        ["2026-10-25 00:00", "2026-10-25 03:00"],
    ),
    "half an hour left out": (
        *("10 2 * * *", "Australia/Lord_Howe", "2026-10-03 00:00", "2026-10-04 20:00"),
        ["2026-10-03 15:30", "2026-10-04 15:10"],
    ),
    "half an hour repeated": (
        *("45 1 * * *", "Australia/Lord_Howe", "2026-04-04 00:00", "2026-04-05 20:00"),
        ["2026-04-04 14:45", "2026-04-05 15:15"],
    ),
    "a midnight that is left out": (
        *("0 0 * * *", "America/Sao_Paulo", "2018-11-03 00:00", "2018-11-05 12:00"),
        ["2018-11-03 03:00", "2018-11-04 03:00", "2018-11-05 02:00"],
    ),
    "a midnight that is reached twice": (
        *("0 0 * * *", "America/Sao_Paulo", "2018-02-17 00:00", "2018-02-19 12:00"),
        ["2018-02-17 02:00", "2018-02-18 03:00", "2018-02-19 03:00"],
    ),
    "the last hour of a day that is repeated": (
        *("30 23 * * *", "America/Sao_Paulo", "2018-02-17 00:00", "2018-02-19 12:00"),
        ["2018-02-17 01:30", "2018-02-18 01:30", "2018-02-19 02:30"],
    ),
    "midnight in Beirut": (
        *("0 0 * * 0", "Asia/Beirut", "2026-03-22 12:00", "2026-04-05 12:00"),
        ["2026-03-28 22:00", "2026-04-04 21:00"],
    ),
    "a day that is left out runs at the end of the night before": (
        *("0 12 * * *", "Pacific/Apia", "2011-12-29 12:00", "2011-12-31 12:00"),
        ["2011-12-29 22:00", "2011-12-30 10:00", "2011-12-30 22:00"],
    ),
    "either day will do where both are given": (
        *("0 0 13 * 5", "UTC", "2026-02-10 12:00", "2026-02-28 12:00"),
        ["2026-02-13 00:00", "2026-02-20 00:00", "2026-02-27 00:00"],
    ),
    "both days are needed where one begins with a star": (
        *("0 0 */2 * 5", "UTC", "2026-02-01 12:00", "2026-02-28 12:00"),
        ["2026-02-13 00:00", "2026-02-27 00:00"],
    ),
    "the 29th of February": (
        *("0 0 29 2 *", "UTC", "2026-01-01 00:00", "2033-01-01 00:00"),
        ["2028-02-29 00:00", "2032-02-29 00:00"],
    ),
    "the 29th of February over a century without one": (
        *("0 0 29 2 *", "UTC", "2096-01-01 00:00", "2105-01-01 00:00"),
        ["2096-02-29 00:00", "2104-02-29 00:00"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE)
def test_the_rules_one_by_one(case: str):
    expression, name, start, end, expected = TABLE[case]
    zone, crontab = ZoneInfo(name), parse(expression)

    found = upcoming(crontab, zone, utc(start), len(expected) + 1)

    assert found[:-1] == [utc(one) for one in expected]
    assert found[-1] > utc(end)


@pytest.mark.parametrize(
    ("expression", "day", "count"),
    [
        ("0 * * * *", date(2026, 10, 25), 25),
        ("0 * * * *", date(2026, 3, 29), 23),
        ("0 0-23 * * *", date(2026, 10, 25), 25),
        ("*/15 * * * *", date(2026, 10, 25), 100),
        ("*/15 * * * *", date(2026, 3, 29), 92),
        ("* * * * *", date(2026, 10, 25), 1500),
        ("0 0,1,2,3 * * *", date(2026, 10, 25), 4),
        ("0 0,1,2,3 * * *", date(2026, 3, 29), 3),
    ],
)
def test_long_and_short_days(expression: str, day: date, count: int):
    zone, crontab = ZoneInfo("Europe/Berlin"), parse(expression)
    start = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) - MINUTE
    end = datetime(day.year, day.month, day.day, tzinfo=zone) + DAY - MINUTE

    assert count_between(crontab, zone, start, end.astimezone(UTC)) == count
    assert len(upcoming(crontab, zone, start, count)) == count
    assert upcoming(crontab, zone, start, count)[-1] <= end.astimezone(UTC)


def test_every_quarter_is_a_quarter_after_the_last():
    zone, crontab = ZoneInfo("America/New_York"), parse("*/15 * * * *")
    found = upcoming(crontab, zone, utc("2026-10-31 00:00"), 300)

    assert {later - earlier for earlier, later in pairwise(found)} == {15 * MINUTE}


@pytest.mark.parametrize("expression", ["* * * * *", "0 0 29 2 */3", "59 23 31 12 *"])
def test_years_are_counted_without_walking_through_them(expression: str):
    zone, crontab = ZoneInfo("Europe/Berlin"), parse(expression)
    start = utc("2000-01-01 00:00")

    count = count_between(crontab, zone, start, start + 3653 * DAY)

    assert count == {"* * * * *": 3653 * 1440, "0 0 29 2 */3": 1, "59 23 31 12 *": 10}[expression]
