"""When a recurring maintenance starts. Pure (RFC 5545, section 3.3.10; docs/architecture.md, "Maintenance").

A rule gives days. Each start is the same wall-clock time on one of them in a named zone, also over
daylight-saving changes: a time that the zone skips becomes the first instant after the skip, one that it
repeats is its first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Literal
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from apps.core.errors import Invalid

Frequency = Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]

FREQUENCIES: tuple[Frequency, ...] = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MAX_COUNT = 10_000
MAX_INTERVAL = 1_000
EARLIEST = date(2000, 1, 1)
LATEST = date(2199, 12, 31)

_NUMBERS = {
    "BYMONTH": (1, 12),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYWEEKNO": (-53, 53),
    "BYSETPOS": (-366, 366),
}
_KEYS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", *_NUMBERS, "WKST")
# What RFC 5545 does not let stand together, or what would make little sense for a day.
_UNFIT: dict[str, frozenset[str]] = {
    "BYWEEKNO": frozenset({"DAILY", "WEEKLY", "MONTHLY"}),
    "BYYEARDAY": frozenset({"DAILY", "WEEKLY", "MONTHLY"}),
    "BYMONTHDAY": frozenset({"WEEKLY"}),
}
_BYDAY = re.compile(r"(?P<ordinal>[+-]?[1-9]\d?)?(?P<day>MO|TU|WE|TH|FR|SA|SU)")
_INTEGER = re.compile(r"[+-]?\d{1,5}")
_UNTIL = re.compile(r"(?P<day>\d{8})(T(?P<time>\d{6})(?P<utc>Z)?)?")

# The calendar repeats each 400 years, weekdays and week numbers included. Rules are reckoned near its
# end, where a rule that gives no day stops after less than 400 years instead of 8,000.
_CYCLE = 400


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that was read. `until` is the last instant (UTC), or the last wall-clock time or day in the zone."""

    parts: tuple[tuple[str, str], ...]
    until: datetime | None = None

    def __str__(self) -> str:
        return ";".join(f"{name}={value}" for name, value in self.parts)

    def get(self, name: str) -> str | None:
        return dict(self.parts).get(name)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A rule with the zone, the first day it may give, and the wall-clock time of the start."""

    rule: Rule
    zone: ZoneInfo
    first_date: date
    start_time: time

    def starts(self) -> Iterator[datetime]:
        """Yield the starts (UTC), ascending, none twice."""
        previous: datetime | None = None
        for day in _days(self.rule, self.first_date):
            wall = datetime.combine(day, self.start_time)
            start = first_instant(wall, self.zone)
            if self._is_past_the_end(wall, start):
                return
            # A zone may skip a whole day: its start falls on the next day's.
            if previous is None or start > previous:
                yield start
                previous = start

    def starts_after(self, instant: datetime) -> Iterator[datetime]:
        """Yield the starts (UTC) later than the instant."""
        return (start for start in self.starts() if start > instant)

    def next_starts(self, *, after: datetime, count: int) -> list[datetime]:
        """Return up to `count` starts (UTC) later than `after`."""
        return list(islice(self.starts_after(after), count))

    def _is_past_the_end(self, wall: datetime, start: datetime) -> bool:
        until = self.rule.until
        if until is None:
            return False
        return start > until if until.tzinfo else wall > until


def recurrence(*, rule: str, time_zone: str, first_date: date, start_time: time) -> Recurrence:
    """Return the recurrence. Invalid (at `rule` or `first_date`) for a bad rule, or one that gives no day."""
    if not EARLIEST <= first_date <= LATEST:
        message = f"use a day from {EARLIEST} to {LATEST}"
        raise Invalid("invalid", message, field="first_date")
    found = Recurrence(parse_rule(rule), ZoneInfo(time_zone), first_date, start_time)
    if next(found.starts(), None) is None:
        raise Invalid("invalid", f"this rule gives no day from {first_date} on", field="rule")
    return found


def first_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant (UTC) at which the zone's clocks show `wall` (naive) or have passed it by skipping."""
    earlier_offset = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if earlier_offset.astimezone(zone).replace(tzinfo=None) == wall:
        return earlier_offset
    # In a gap the two folds lie on its two sides (PEP 495); the skip itself is between them.
    low, high = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), earlier_offset
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle <= low:
            break
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            low = middle
        else:
            high = middle
    return high


def parse_rule(text: str) -> Rule:
    """Return the rule. Invalid, naming what is wrong with it, at the field `rule`."""
    parts: dict[str, str] = {}
    text = text.strip().upper()
    if text.startswith("RRULE:"):
        text = text.removeprefix("RRULE:")
    for part in text.rstrip(";").split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value:
            raise _bad(f"{part[:40]!r} is not of the form NAME=VALUE")
        if name in parts:
            raise _bad(f"{name} is there twice")
        if name not in _KEYS:
            raise _bad(_why_unknown(name))
        parts[name] = value
    _check(parts)
    return Rule(tuple(parts.items()), _until(parts))


def describe(rule: Rule) -> str:
    """Return the rule in words where it is a simple one, such as "Every 2 weeks on Sunday"; else "" ."""
    known = {"FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "COUNT", "UNTIL", "WKST"}
    if any(name not in known for name, _ in rule.parts):
        return ""
    frequency, interval = rule.get("FREQ"), int(rule.get("INTERVAL") or 1)
    unit = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}[str(frequency)]
    words = f"Every {unit}" if interval == 1 else f"Every {interval} {unit}s"
    days = _days_in_words(rule)
    if days is None:
        return ""
    if days:
        words += f" on {days}"
    if count := rule.get("COUNT"):
        words += f", {int(count)} times" if int(count) != 1 else ", once"
    if rule.until is not None:
        words += f", until {rule.until:%Y-%m-%d}"
    return words


def _days_in_words(rule: Rule) -> str | None:
    by_day, by_month_day = rule.get("BYDAY"), rule.get("BYMONTHDAY")
    if by_day and by_month_day:
        return None
    if by_month_day:
        numbers = [int(number) for number in by_month_day.split(",")]
        named = ["the last day" if one == -1 else f"day {one}" for one in numbers]
        return None if any(one < -1 for one in numbers) else _listed(named)
    if not by_day:
        return ""
    named = []
    for part in by_day.split(","):
        match = _BYDAY.fullmatch(part)
        ordinal, day = (match["ordinal"], match["day"]) if match else (None, "")
        which = {None: "", "1": "the first ", "2": "the second ", "3": "the third "}
        which |= {"4": "the fourth ", "5": "the fifth ", "-1": "the last "}
        ordinal = ordinal.removeprefix("+") if ordinal else None
        if ordinal not in which:
            return None
        named.append(which[ordinal] + _DAY_NAMES[WEEKDAYS.index(day)])
    return _listed(named)


_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _days(rule: Rule, first: date) -> Iterator[date]:
    """Yield the days of the rule from `first` on, for at least 200 years; its UNTIL is not regarded."""
    shift = (9999 - first.year) // _CYCLE * _CYCLE
    text = ";".join(f"{name}={value}" for name, value in rule.parts if name != "UNTIL")
    if rule.get("BYWEEKNO") and not any(map(rule.get, ("BYDAY", "BYMONTHDAY", "BYYEARDAY"))):
        # What a rule leaves open is the first day's (section 3.3.10); dateutil takes the whole week.
        text += f";BYDAY={WEEKDAYS[first.weekday()]}"
    shifted = datetime(first.year + shift, first.month, first.day)  # noqa: DTZ001 - a day, in no zone
    for day in rrulestr(text, dtstart=shifted):
        yield date(day.year - shift, day.month, day.day)


def _check(parts: dict[str, str]) -> None:
    frequency = parts.get("FREQ")
    if frequency not in FREQUENCIES:
        raise _bad(f"FREQ must be one of {', '.join(FREQUENCIES)}")
    _integer("INTERVAL", parts.get("INTERVAL", "1"), 1, MAX_INTERVAL)
    _integer("COUNT", parts.get("COUNT", "1"), 1, MAX_COUNT)
    if "COUNT" in parts and "UNTIL" in parts:
        raise _bad("write either COUNT or UNTIL, not both")
    if parts.get("WKST", "MO") not in WEEKDAYS:
        raise _bad(f"WKST must be one of {', '.join(WEEKDAYS)}")
    for name, (low, high) in _NUMBERS.items():
        for value in parts[name].split(",") if name in parts else ():
            if _integer(name, value, low, high) == 0:
                raise _bad(f"{name} must not be 0")
    for name, frequencies in _UNFIT.items():
        if name in parts and frequency in frequencies:
            raise _bad(f"{name} does not go with FREQ={frequency}")
    _check_by_day(parts, frequency)
    if "BYSETPOS" in parts and not any(
        name.startswith("BY") and name != "BYSETPOS" for name in parts
    ):
        raise _bad("BYSETPOS needs another BY… part to choose from")


def _check_by_day(parts: dict[str, str], frequency: str) -> None:
    for value in parts["BYDAY"].split(",") if "BYDAY" in parts else ():
        match = _BYDAY.fullmatch(value)
        if match is None or abs(int(match["ordinal"] or 1)) > 53:
            raise _bad(f"BYDAY: {value[:20]!r} is no weekday such as SU, or 1SU or -1FR")
        if match["ordinal"] and (frequency in {"DAILY", "WEEKLY"} or "BYWEEKNO" in parts):
            raise _bad(f"BYDAY: {value} needs FREQ=MONTHLY or FREQ=YEARLY without BYWEEKNO")


def _until(parts: dict[str, str]) -> datetime | None:
    """Return the last start: aware where it ends with Z, else naive in the rule's zone; a day counts whole."""
    if "UNTIL" not in parts:
        return None
    match = _UNTIL.fullmatch(parts["UNTIL"])
    try:
        if match is None:
            raise ValueError(parts["UNTIL"])
        until = datetime.strptime(match["day"] + (match["time"] or "235959"), "%Y%m%d%H%M%S")  # noqa: DTZ007 - as written
    except ValueError as error:
        message = "UNTIL must be a day such as 20271231, or a time such as 20271231T220000Z"
        raise _bad(message) from error
    return until.replace(tzinfo=UTC) if match["utc"] else until


def _integer(name: str, value: str, low: int, high: int) -> int:
    if not _INTEGER.fullmatch(value) or not low <= int(value) <= high:
        raise _bad(f"{name}: {value[:20]!r} is no whole number from {low} to {high}")
    return int(value)


def _why_unknown(name: str) -> str:
    if name in {"BYHOUR", "BYMINUTE", "BYSECOND"}:
        return f"{name} has no place here: the start time says when on the day"
    if name.startswith("DTSTART") or "TZID" in name:
        return "leave DTSTART and TZID out: the first day, the start time and the time zone say it"
    return f"{name[:40]!r} is not known; allowed: {', '.join(_KEYS)}"


def _bad(message: str) -> Invalid:
    return Invalid("invalid", message, field="rule")
