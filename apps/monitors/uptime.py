"""The uptime of a monitor: the measured time in which no outage of it was open. Pure.

Source: docs/architecture.md, "Uptime": it comes from periods, never from counts of runs, and what was not measured leaves
the denominator.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.monitors.stretches import Stretch, common, joined

_NONE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Uptime:
    """How a stretch of time went. `down` and `up` are measured; `not_measured` is the rest of it."""

    up: timedelta
    down: timedelta
    not_measured: timedelta

    @property
    def share(self) -> float | None:
        """The part of the measured time (0 to 1); None when nothing was measured."""
        measured = self.up + self.down
        return self.up / measured if measured else None


def uptime(
    *, since: datetime, until: datetime, outages: Iterable[Stretch], unmeasured: Iterable[Stretch]
) -> Uptime:
    """Return how [since, until) went. Outages and unmeasured stretches may overlap, touch and reach beyond it.

    An outage that nobody measured is not counted as down: nobody knows.
    """
    if until <= since:
        return Uptime(_NONE, _NONE, _NONE)
    window = [(since, until)]
    gaps = common([window, joined(unmeasured)])
    downs = common([window, joined(outages)])
    not_measured = _length(gaps)
    down = _length(downs) - _length(common([downs, gaps]))
    return Uptime(until - since - not_measured - down, down, not_measured)


def _length(stretches: Iterable[Stretch]) -> timedelta:
    return sum((end - start for start, end in stretches), _NONE)
