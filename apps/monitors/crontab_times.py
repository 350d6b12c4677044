"""When a crontab is due, in a time zone. Pure.

A slot is due at the first instant at which the zone's clock shows its time or a later one: a time that does not
exist is run once at the first that does, and a repeated one at its first. A crontab that names every hour
follows the hours that pass instead: it is due at every instant at which the clock shows its time, which on a day
of 25 hours is 25 times for `0 * * * *`, and 23 times on one of 23. Source: docs/configuration.md, "Crontabs".

Instants are aware UTC, and whole minutes of the zone's clock.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from apps.monitors.crontab import Crontab

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)
# A day is looked at here for a change of the zone's offset.
_MIDNIGHTS = (timedelta(0), _DAY)
_HOURS = tuple(timedelta(hours=hours) for hours in (6, 12, 18))


def next_after(crontab: Crontab, zone: ZoneInfo, instant: datetime) -> datetime:
    """Return the first slot after `instant`. ValueError where the calendar ends (in the year 9999)."""
    best: datetime | None = None
    last: date | None = None
    # Where a clock is set back over midnight, what is left of the day before comes after this day's beginning.
    for day in _days(crontab, instant.astimezone(zone).date() - _DAY, _DAY):
        if last is not None and day > last:
            break
        found = _first_after(crontab, zone, day, instant)
        if found is None:
            continue
        best = found if best is None else min(best, found)
        if _start_of_plain(zone, day) is not None:
            break
        last = last or day + _DAY
    if best is None:
        raise ValueError("the calendar ends before this crontab is due")
    return best


def upcoming(crontab: Crontab, zone: ZoneInfo, instant: datetime, count: int) -> list[datetime]:
    """Return the first `count` slots after `instant`."""
    found: list[datetime] = []
    for _ in range(count):
        instant = next_after(crontab, zone, instant)
        found.append(instant)
    return found


def newest_until(crontab: Crontab, zone: ZoneInfo, instant: datetime) -> datetime:
    """Return the last slot that is not after `instant`. ValueError where the calendar begins."""
    best: datetime | None = None
    last: date | None = None
    for day in _days(crontab, instant.astimezone(zone).date() + _DAY, -_DAY):
        if last is not None and day < last:
            break
        found = _last_until(crontab, zone, day, instant)
        if found is None:
            continue
        best = found if best is None else max(best, found)
        last = last or day - _DAY
    if best is None:
        raise ValueError("the calendar begins after this crontab was due")
    return best


def count_between(crontab: Crontab, zone: ZoneInfo, after: datetime, until: datetime) -> int:
    """Return how many slots there are after `after`, up to and with `until`.

    A day without a change of the clock is reckoned as a whole, so that years are counted in milliseconds.
    """
    if until <= after:
        return 0
    total = 0
    # Slots of two days may be moved to the same instant.
    moved: set[datetime] = set()
    end = until.astimezone(zone).date() + _DAY
    for day in _days(crontab, after.astimezone(zone).date() - _DAY, _DAY):
        if day > end:
            break
        start = _start_of_plain(zone, day)
        if start is None:
            moved.update(slot for slot in _slots_of(crontab, zone, day) if after < slot <= until)
        else:
            minutes = _minutes(crontab)
            total += bisect_right(minutes, (until - start) // _MINUTE)
            total -= bisect_right(minutes, (after - start) // _MINUTE)
    return total + len(moved)


def _days(crontab: Crontab, start: date, step: timedelta) -> Iterator[date]:
    """Yield the days that the crontab names, from `start` on, forwards or backwards."""
    day = start
    while date.min + _DAY < day < date.max - _DAY:
        if day.month not in crontab.months:
            day = _other_month(day, step)
            continue
        is_day, is_weekday = day.day in crontab.days, day.isoweekday() % 7 in crontab.weekdays
        if (is_day or is_weekday) if crontab.either_day else (is_day and is_weekday):
            yield day
        day += step


def _other_month(day: date, step: timedelta) -> date:
    """Return the first day of the next month, or the last one of the month before."""
    first = day.replace(day=1)
    return first - _DAY if step < timedelta(0) else (first + 31 * _DAY).replace(day=1)


def _first_after(crontab: Crontab, zone: ZoneInfo, day: date, instant: datetime) -> datetime | None:
    start = _start_of_plain(zone, day)
    if start is None:
        slots = _slots_of(crontab, zone, day)
        place = bisect_right(slots, instant)
        return slots[place] if place < len(slots) else None
    minutes = _minutes(crontab)
    place = bisect_right(minutes, (instant - start) // _MINUTE)
    return start + minutes[place] * _MINUTE if place < len(minutes) else None


def _last_until(crontab: Crontab, zone: ZoneInfo, day: date, instant: datetime) -> datetime | None:
    start = _start_of_plain(zone, day)
    if start is None:
        slots = _slots_of(crontab, zone, day)
        place = bisect_right(slots, instant)
        return slots[place - 1] if place else None
    minutes = _minutes(crontab)
    place = bisect_right(minutes, (instant - start) // _MINUTE)
    return start + minutes[place - 1] * _MINUTE if place else None


@lru_cache(maxsize=256)
def _minutes(crontab: Crontab) -> tuple[int, ...]:
    """Return the slots of a day in minutes from its start."""
    return tuple(sorted(60 * hour + minute for hour in crontab.hours for minute in crontab.minutes))


@lru_cache(maxsize=4096)
def _start_of_plain(zone: ZoneInfo, day: date) -> datetime | None:
    """Return the first instant of a day of 24 hours on which no clock is changed; None for other days."""
    midnight = datetime.combine(day, time())
    first = midnight.replace(tzinfo=zone)
    offsets = {(first + hours).utcoffset() for hours in _HOURS}
    for edge in _MIDNIGHTS:
        offsets |= {(first + edge).utcoffset(), (first + edge).replace(fold=1).utcoffset()}
    start = first.astimezone(UTC)
    # A change that ends at midnight moves slots of the day before to it.
    offsets.add((start - _SECOND).astimezone(zone).utcoffset())
    return start if len(offsets) == 1 else None


@lru_cache(maxsize=256)
def _slots_of(crontab: Crontab, zone: ZoneInfo, day: date) -> Sequence[datetime]:
    """Return the slots of a day, in order, also of one on which the clock is changed."""
    midnight = datetime.combine(day, time())
    walls = [midnight + minute * _MINUTE for minute in _minutes(crontab)]
    if not crontab.is_hourly:
        return sorted({_first_shown(wall, zone) for wall in walls})
    instants = (
        wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for wall in walls for fold in (0, 1)
    )
    shown = set(walls)
    return sorted({one for one in instants if _wall(one, zone) in shown})


def _first_shown(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant at which the zone's clock shows `wall`, or a later time where it skips that."""
    after = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if _wall(after, zone) == wall:
        return after
    # It is skipped (PEP 495): read with the offset of before it lies after the change, and the other way round.
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if _wall(middle, zone) > wall:
            after = middle
        else:
            before = middle
    return after


def _wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)
