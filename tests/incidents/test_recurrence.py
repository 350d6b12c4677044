"""Rules give days; starts keep their wall-clock time in any zone, ascend, and come once."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from apps.core.errors import Invalid
from apps.incidents.recurrence import describe, first_instant, parse_rule, recurrence

BERLIN = ZoneInfo("Europe/Berlin")
TEN_YEARS = timedelta(days=3653)
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

zones = st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"}))
first_dates = st.dates(date(2005, 1, 1), date(2035, 1, 1))
times = st.times().map(lambda value: value.replace(microsecond=0))


def starts(rule, *, zone="UTC", first="2026-01-01", at="02:00", count=4):
    found = recurrence(
        rule=rule,
        time_zone=zone,
        first_date=date.fromisoformat(first),
        start_time=time.fromisoformat(at),
    )
    return [f"{start:%Y-%m-%d %H:%M}" for start in islice(found.starts(), count)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=DAILY", ["01-01", "01-02", "01-03", "01-04"]),
        ("FREQ=WEEKLY;BYDAY=SU", ["01-04", "01-11", "01-18", "01-25"]),
        ("rrule:freq=weekly;byday=su;", ["01-04", "01-11", "01-18", "01-25"]),
        ("FREQ=WEEKLY", ["01-01", "01-08", "01-15", "01-22"]),
        ("FREQ=MONTHLY;BYDAY=2TU", ["01-13", "02-10", "03-10", "04-14"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", ["01-31", "02-28", "03-31", "04-30"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", ["01-30", "02-27", "03-31", "04-30"]),
        ("FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR", ["02-13", "03-13", "11-13"]),
        ("FREQ=YEARLY;BYMONTH=3,6;BYDAY=1SU", ["03-01", "06-07"]),
        # What the rule leaves open is the first day's: 1 January 2026 is a Thursday.
        ("FREQ=YEARLY;BYWEEKNO=20", ["05-14"]),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", ["05-11"]),
        ("FREQ=DAILY;COUNT=2", ["01-01", "01-02"]),
        ("FREQ=DAILY;UNTIL=20260103", ["01-01", "01-02", "01-03"]),
        ("FREQ=DAILY;UNTIL=20260103T015959", ["01-01", "01-02"]),
        ("FREQ=DAILY;UNTIL=20260103T020000", ["01-01", "01-02", "01-03"]),
        ("FREQ=DAILY;UNTIL=20260103T015959Z", ["01-01", "01-02"]),
    ],
)
def test_a_rule_gives_the_days_that_rfc_5545_says(rule, expected):
    found = [start[5:10] for start in starts(rule) if start.startswith("2026")]

    assert found[: len(expected)] == expected
    assert len(found) == len(expected)


def test_until_with_z_is_an_instant_and_without_it_the_zones_own_time():
    # 02:00 in New York is 07:00 UTC in January.
    by_instant = starts("FREQ=DAILY;UNTIL=20260102T065900Z", zone="America/New_York")
    by_clock = starts("FREQ=DAILY;UNTIL=20260102T020000", zone="America/New_York")

    assert by_instant == ["2026-01-01 07:00"]
    assert by_clock == ["2026-01-01 07:00", "2026-01-02 07:00"]


def test_wall_clock_time_is_kept_when_daylight_saving_begins():
    assert starts("FREQ=WEEKLY;BYDAY=SU", zone="Europe/Berlin", first="2026-03-22", count=2) == [
        "2026-03-22 01:00",
        "2026-03-29 01:00",  # 02:00 is skipped: 03:00 begins at the same instant
    ]
    assert starts(
        "FREQ=WEEKLY;BYDAY=SU", zone="Europe/Berlin", first="2026-03-22", at="04:00", count=2
    ) == ["2026-03-22 03:00", "2026-03-29 02:00"]


@pytest.mark.parametrize(
    ("zone", "wall", "expected"),
    [
        # Skipped: the first instant after the skip, however deep in it the time lies.
        ("Europe/Berlin", "2026-03-29T02:00", "2026-03-29T01:00"),
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00"),
        ("Europe/Berlin", "2026-03-29T02:59:59", "2026-03-29T01:00"),
        ("Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30"),
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00"),
        # Repeated: the first.
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30"),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45"),
        ("Asia/Kathmandu", "2026-05-01T00:00", "2026-04-30T18:15"),
    ],
)
def test_a_skipped_time_is_the_instant_after_the_skip_and_a_repeated_one_its_first(
    zone, wall, expected
):
    found = first_instant(datetime.fromisoformat(wall), ZoneInfo(zone))

    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_day_that_a_zone_skipped_makes_no_second_start():
    # Samoa had no 30 December 2011: midnight of that day and of the next are one instant.
    assert starts("FREQ=DAILY", zone="Pacific/Apia", first="2011-12-29", at="00:00", count=3) == [
        "2011-12-29 10:00",
        "2011-12-30 10:00",
        "2011-12-31 10:00",
    ]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("", "NAME=VALUE"),
        ("WEEKLY", "NAME=VALUE"),
        ("FREQ=", "NAME=VALUE"),
        ("FREQ=SECONDLY", "FREQ must be one of"),
        ("FREQ=MINUTELY", "FREQ must be one of"),
        ("FREQ=HOURLY", "FREQ must be one of"),
        ("BYDAY=MO", "FREQ must be one of"),
        ("FREQ=DAILY;FREQ=DAILY", "twice"),
        ("FREQ=DAILY;BYHOUR=4", "start time"),
        ("DTSTART:20260101T000000\nFREQ=DAILY", "first day"),
        ("FREQ=DAILY;DTSTART=20260101", "first day"),
        ("FREQ=DAILY;TZID=Europe/Berlin", "time zone"),
        ("FREQ=DAILY;BYEASTER=0", "not known"),
        ("FREQ=DAILY;RSCALE=CHINESE", "not known"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL"),
        ("FREQ=DAILY;INTERVAL=99999999", "INTERVAL"),
        ("FREQ=DAILY;COUNT=0", "COUNT"),
        ("FREQ=DAILY;COUNT=x", "COUNT"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270101", "either COUNT or UNTIL"),
        ("FREQ=DAILY;UNTIL=20260230", "UNTIL"),
        ("FREQ=DAILY;UNTIL=tomorrow", "UNTIL"),
        ("FREQ=DAILY;WKST=X", "WKST"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "must not be 0"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,,2", "BYMONTHDAY"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "does not go with"),
        ("FREQ=MONTHLY;BYWEEKNO=1", "does not go with"),
        ("FREQ=DAILY;BYYEARDAY=1", "does not go with"),
        ("FREQ=WEEKLY;BYDAY=1MO", "needs FREQ=MONTHLY"),
        ("FREQ=YEARLY;BYWEEKNO=3;BYDAY=1MO", "needs FREQ=MONTHLY"),
        ("FREQ=WEEKLY;BYDAY=XX", "no weekday"),
        ("FREQ=MONTHLY;BYDAY=99MO", "no weekday"),
        ("FREQ=DAILY;BYSETPOS=1", "needs another"),
        # Never fires, although each part is right.
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "gives no day"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "gives no day"),
        ("FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29", "gives no day"),
        ("FREQ=MONTHLY;INTERVAL=12;BYMONTH=5", "gives no day"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6", "gives no day"),
        ("FREQ=DAILY;UNTIL=20200101", "gives no day"),
    ],
)
def test_a_bad_rule_is_refused_and_the_refusal_says_why(rule, said):
    with pytest.raises(Invalid, match=said) as refused:
        starts(rule, first="2027-01-01")

    assert refused.value.field == "rule"


@pytest.mark.parametrize("day", ["1999-12-31", "2200-01-01"])
def test_a_first_day_out_of_reach_is_refused(day):
    with pytest.raises(Invalid) as refused:
        starts("FREQ=DAILY", first=day)

    assert refused.value.field == "first_date"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=DAILY", "Every day"),
        ("FREQ=WEEKLY;BYDAY=SU", "Every week on Sunday"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR", "Every 2 weeks on Monday, Wednesday and Friday"),
        ("FREQ=MONTHLY;BYDAY=2TU", "Every month on the second Tuesday"),
        ("FREQ=MONTHLY;BYDAY=-1SU", "Every month on the last Sunday"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,15", "Every month on day 1 and day 15"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3", "Every month on the last day, 3 times"),
        ("FREQ=DAILY;UNTIL=20271231T000000Z", "Every day, until 2027-12-31"),
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=1SU", ""),
        ("FREQ=MONTHLY;BYDAY=-3SU", ""),
    ],
)
def test_simple_rules_are_said_in_words(rule, words):
    assert describe(parse_rule(rule)) == words


# An oracle of its own: days by arithmetic on the calendar, without the rules' library.


def oracle_days(frequency, interval, choice, first):
    last = first + TEN_YEARS
    if frequency == "DAILY":
        days = (first + timedelta(days=interval * number) for number in range(4000))
    elif frequency == "WEEKLY":
        monday = first - timedelta(days=first.weekday())
        days = (
            monday + timedelta(weeks=interval * number, days=DAYS.index(day))
            for number in range(600)
            for day in sorted(choice, key=DAYS.index)
        )
    else:
        days = (
            date(year, month, day)
            for number in range(0, 125, interval)
            for year, month in [divmod(first.year * 12 + first.month - 1 + number, 12)]
            for month in [month + 1]
            for day in sorted(choice)
            if day <= calendar.monthrange(year, month)[1]
        )
    return takewhile(lambda day: day < last, (day for day in days if day >= first))


rules = st.one_of(
    st.tuples(st.just("DAILY"), st.integers(1, 20), st.just(())),
    st.tuples(
        st.just("WEEKLY"),
        st.integers(1, 6),
        st.lists(st.sampled_from(DAYS), min_size=1, max_size=4),
    ),
    st.tuples(
        st.just("MONTHLY"), st.integers(1, 13), st.lists(st.integers(1, 31), min_size=1, max_size=3)
    ),
)


def as_text(frequency, interval, choice):
    name = {"WEEKLY": ";BYDAY=", "MONTHLY": ";BYMONTHDAY="}.get(frequency, "")
    return f"FREQ={frequency};INTERVAL={interval}{name}{','.join(map(str, choice))}"


@settings(max_examples=60, deadline=None)
@example(("DAILY", 1, ()), "Europe/Berlin", date(2026, 1, 1), time(2, 30))
@example(("DAILY", 1, ()), "Pacific/Apia", date(2008, 1, 1), time(0, 0))
@example(("DAILY", 1, ()), "Africa/Casablanca", date(2026, 1, 1), time(2, 30))
@example(("WEEKLY", 1, ["SU"]), "Australia/Lord_Howe", date(2026, 1, 1), time(2, 15))
@given(rules, zones, first_dates, times)
def test_over_ten_years_every_start_is_its_days_wall_clock_time(rule, zone_name, first, at):
    rule = (rule[0], rule[1], tuple(dict.fromkeys(rule[2])))
    days = list(oracle_days(*rule, first))
    assume(days)
    zone = ZoneInfo(zone_name)
    found = recurrence(
        rule=as_text(*rule), time_zone=zone_name, first_date=first, start_time=at
    ).starts()

    got = list(islice(found, len(days)))

    assert all(early < late for early, late in pairwise(got))
    remaining = iter(got)
    previous = None
    for day in days:
        wall = datetime.combine(day, at)
        if previous is not None and previous.astimezone(zone).replace(tzinfo=None) >= wall:
            continue  # A skipped day fell on this one's start.
        start = previous = next(remaining)
        local = start.astimezone(zone)
        if local.replace(tzinfo=None) == wall:
            assert local.fold == 0
        else:
            before = (start - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
            assert before < wall < local.replace(tzinfo=None)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.integers(1, 1000),
    st.dictionaries(
        st.sampled_from(["BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "BYDAY"]),
        st.integers(1, 366),
        max_size=4,
    ),
    first_dates,
)
def test_any_rule_is_answered_or_refused_in_bounded_time(frequency, interval, parts, first):
    text = f"FREQ={frequency};INTERVAL={interval}" + "".join(
        f";{name}={DAYS[value % 7] if name == 'BYDAY' else value % 12 + 1 if name == 'BYMONTH' else value}"
        for name, value in parts.items()
    )

    refused = ""
    try:
        found = recurrence(rule=text, time_zone="UTC", first_date=first, start_time=time(3))
        answer = found.next_starts(after=datetime(2000, 1, 1, tzinfo=UTC), count=3)
    except Invalid as refusal:
        refused, answer = refusal.field, []

    assert bool(answer) != (refused == "rule")
