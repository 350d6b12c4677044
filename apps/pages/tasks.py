"""What keeps pages' history small and quick to read. Each may run twice or never: the next run goes on."""

from __future__ import annotations

import time
from collections.abc import Callable

from celery import shared_task

from apps.core.clock import database_now
from apps.pages import services

_LIMIT_S = 20.0
# Between two transactions, so that others come to the database's one write lock.
_PAUSE_S = 0.02


@shared_task(name="pages.close_days", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery ships no types
def close_days() -> None:
    """Close the days that are over. Twice is harmless: the same days come out; until then periods are read."""
    _repeat(lambda: services.close_days(at=database_now()))


@shared_task(name="pages.count_points", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery ships no types
def count_points() -> None:
    """Count metrics' points. Twice is harmless: a point is counted once; until then it is read as it is."""
    _repeat(services.count_points)


@shared_task(name="pages.prune_metrics", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery ships no types
def prune_metrics() -> None:
    """Delete old points. Any number of times is harmless: what is counted is not needed any more."""
    _repeat(lambda: services.prune_metrics(at=database_now()))


def _repeat(turn: Callable[[], bool]) -> None:
    started = time.monotonic()
    while turn() and time.monotonic() - started < _LIMIT_S:
        time.sleep(_PAUSE_S)
