"""Read a crontab expression of five fields. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
# The fields in order, each with its name, its lowest and highest value, and the words it knows.
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {word: number for number, word in enumerate(_MONTHS, 1)}),
    ("day of the week", 0, 7, {word: number for number, word in enumerate(_DAYS)}),
)
_PART = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d{1,2}))?")


_EVERY_HOUR = frozenset(range(24))
_LONGEST = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


@dataclass(frozen=True, slots=True)
class Crontab:
    """The values that each field admits. Days of the week run from 0, Sunday, to 6.

    `either_day`: neither field of days begins with `*`, so a day of the one or of the other will do (as cron has it).
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool = False

    @property
    def is_hourly(self) -> bool:
        """Whether it names every hour, and so follows the hours that pass, not those of a day."""
        return self.hours == _EVERY_HOUR


def parse(expression: str) -> Crontab:
    """Return the expression's fields. Raises ValueError with what is wrong and what is allowed."""
    fields = expression.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(
            "Use five fields: minute, hour, day of the month, month, day of the week, such as 30 6 * * 1-5."
        )
    minutes, hours, days, months, weekdays = (
        _values(text.lower(), *field) for text, field in zip(fields, _FIELDS, strict=True)
    )
    either_day = not fields[2].startswith("*") and not fields[4].startswith("*")
    if not either_day and min(days) > max(_LONGEST.get(month, 31) for month in months):
        raise ValueError(f"There is no day {min(days)} in {_named(months)}, so it would never run.")
    return Crontab(minutes, hours, days, months, frozenset(day % 7 for day in weekdays), either_day)


def time_zone_of(name: str) -> ZoneInfo:
    """Return the zone of the IANA database. Raises ValueError where there is none of this name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            f"There is no time zone {name!r}. Use a name such as Europe/Berlin."
        ) from error


def _values(
    text: str, name: str, lowest: int, highest: int, words: dict[str, int]
) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise ValueError(
                f"The {name} {part!r} is not a number, a range (1-5), a step (*/5) or *."
            )
        first, last = lowest, highest
        if match["first"] is not None:
            first = last = _number(match["first"], name, lowest, highest, words)
            if match["last"] is not None:
                last = _number(match["last"], name, lowest, highest, words)
            elif match["step"] is not None:
                last = highest
        step = int(match["step"] or 1)
        if step < 1 or last < first:
            raise ValueError(f"The {name} {part!r} names nothing.")
        values.update(range(first, last + 1, step))
    return frozenset(values)


def _named(months: frozenset[int]) -> str:
    return ", ".join(_MONTHS[month - 1].capitalize() for month in sorted(months))


def _number(text: str, name: str, lowest: int, highest: int, words: dict[str, int]) -> int:
    number = words.get(text, int(text) if text.isascii() and text.isdigit() else -1)
    if not lowest <= number <= highest:
        raise ValueError(f"The {name} must be from {lowest} to {highest}, not {text}.")
    return number
