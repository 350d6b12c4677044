"""Which details of a day's runs are let go. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple


class Kept(NamedTuple):
    """What thinning has to know of a run."""

    due_at: datetime
    result: str
    is_manual: bool


def superfluous(runs: Iterable[Kept]) -> list[datetime]:
    """Return the due times of runs whose details say nothing new. `runs`: all of a schedule's day, in their order.

    Kept are the details of runs by hand, of the first and the last of each stretch of equal results, and of the first
    in each hour of it. Passed runs have no details to let go.
    """
    found: list[datetime] = []
    for result, stretch in groupby(runs, key=lambda run: run.result):
        if result != "passed":
            found.extend(_between(list(stretch)))
    return found


def _between(stretch: Sequence[Kept]) -> list[datetime]:
    found = []
    hour = stretch[0].due_at.replace(minute=0, second=0, microsecond=0)
    for run in stretch[1:-1]:
        its_hour = run.due_at.replace(minute=0, second=0, microsecond=0)
        if its_hour == hour and not run.is_manual:
            found.append(run.due_at)
        hour = its_hour
    return found
