"""Publication from a process without a pump, and the sweep that finds what was not woken."""

from __future__ import annotations

import time

from celery import shared_task

from apps.core import pump
from apps.publishing import services

_LIMIT_S = 5.0


@shared_task(name="publishing.build", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery ships no types
def build() -> None:
    """Build what is due. Twice is harmless: every page is leased; never is, too: the sweep follows."""
    started = time.monotonic()
    while (wait := services.build_due()) is not None and time.monotonic() - started < _LIMIT_S:
        time.sleep(wait)


@shared_task(name="publishing.sweep", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery ships no types
def sweep() -> None:
    """Wake the job if anything is due. Any number of times is harmless: it only looks."""
    if services.is_anything_due():
        pump.wake(services.JOB)
