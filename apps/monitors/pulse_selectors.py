"""How well the engines keep time, for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.monitors.models import EngineMinute
from apps.monitors.rollups import Tally, merge, unpack

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Beat:
    """One minute (UTC) of all engines. Lags in milliseconds; None where nothing ran."""

    minute: datetime
    runs: int
    lag_p50_ms: float | None
    lag_p99_ms: float | None


@dataclass(frozen=True, slots=True)
class Pulse:
    """The minutes before `until`, oldest first, and the lags over all of them."""

    until: datetime
    beats: tuple[Beat, ...]
    runs: int
    lag_p50_ms: float | None
    lag_p99_ms: float | None

    @property
    def runs_a_minute(self) -> float:
        """On average; minutes in which nothing ran count."""
        return self.runs / len(self.beats) if self.beats else 0.0


def pulse(*, at: datetime, minutes: int = 60) -> Pulse:
    """Return the last whole minutes before `at`. One query."""
    until = at.replace(second=0, microsecond=0)
    since = until - minutes * MINUTE
    parts: dict[datetime, list[Tally]] = {since + n * MINUTE: [] for n in range(minutes)}
    for row in EngineMinute.objects.filter(minute__gte=since, minute__lt=until):
        parts[row.minute].append(_tally(row))
    whole = {minute: merge(tallies) for minute, tallies in parts.items()}
    everything = merge(whole.values())
    return Pulse(
        until=until,
        beats=tuple(
            Beat(minute, one.timed, one.percentile_ms(50), one.percentile_ms(99))
            for minute, one in whole.items()
        ),
        runs=everything.timed,
        lag_p50_ms=everything.percentile_ms(50),
        lag_p99_ms=everything.percentile_ms(99),
    )


def _tally(row: EngineMinute) -> Tally:
    return Tally(
        timed=row.runs,
        lowest_ms=row.lowest_ms,
        highest_ms=row.highest_ms,
        buckets=unpack(bytes(row.buckets)),
    )
