"""Work that follows a commit: one thread that runs registered jobs when they are woken.

Apps register a job in `AppConfig.ready()`; whoever commits something calls `wake(name)`. A process that
runs the pump (a worker with an engine) does the job there at once; any other process sends the job's
task, so that a worker does. A lost wake-up does no harm: each job's periodic sweep finds its rows.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from celery import current_app
from django.db import close_old_connections, connections, transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

LONGEST_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Job:
    """`run()` does what is to do now and returns the seconds until it wants to run again, or None."""

    name: str
    task: str
    run: Callable[[], float | None]
    order: int


_jobs: dict[str, Job] = {}
_pump: Pump | None = None
_lock = threading.Lock()


def register(*, name: str, task: str, run: Callable[[], float | None], order: int) -> None:
    """Register a job; lower orders run first in one turn (deliver before publish)."""
    _jobs[name] = Job(name=name, task=task, run=run, order=order)


def wake_on_commit(name: str) -> None:
    """Wake the job when the present transaction has committed (at once outside of one)."""
    transaction.on_commit(partial(wake, name))


def wake(name: str) -> None:
    """Run the job soon: on this process's pump, or by its task in a worker."""
    pump = _pump
    if pump is not None and pump.is_alive():
        pump.wake(name)
        return
    try:
        current_app.send_task(_jobs[name].task, expires=30, retry=False)
    except (OperationalError, OSError):
        # The rows say what is to be done; the sweep finds them when the broker is back.
        logger.warning("broker not reached, job left to its sweep job=%s", name)


def wake_all() -> None:
    """Run every job soon: what a process that died has left is found now, and not by the next sweep."""
    for name in list(_jobs):
        wake(name)


class Pump(threading.Thread):
    """The thread that runs the jobs, in their order, whenever one is woken or due again."""

    def __init__(self) -> None:
        super().__init__(name="pump", daemon=True)
        self._condition = threading.Condition()
        self._woken: set[str] = set()
        self._due: dict[str, float] = {}
        self._stopping = False

    def wake(self, name: str) -> None:
        with self._condition:
            self._woken.add(name)
            self._condition.notify()

    def stop(self) -> None:
        with self._condition:
            self._stopping = True
            self._condition.notify()

    def run(self) -> None:
        while True:
            for job in self._next_jobs():
                self._run(job)
            if self._stopping:
                connections.close_all()
                return

    def _next_jobs(self) -> list[Job]:
        with self._condition:
            while not self._stopping:
                now = time.monotonic()
                names = self._woken | {name for name, due in self._due.items() if due <= now}
                if names:
                    self._woken.clear()
                    for name in names:
                        self._due.pop(name, None)
                    return sorted((_jobs[name] for name in names), key=lambda job: job.order)
                wait = min(self._due.values(), default=now + LONGEST_WAIT_S) - now
                self._condition.wait(wait)
        return []

    def _run(self, job: Job) -> None:
        try:
            close_old_connections()
            again_in_s = job.run()
        except Exception:
            logger.exception("job failed job=%s", job.name)
            again_in_s = 1.0
        if again_in_s is not None:
            with self._condition:
                self._due[job.name] = time.monotonic() + again_in_s


def start() -> Pump:
    """Start this process's pump, once."""
    global _pump
    with _lock:
        if _pump is None or not _pump.is_alive():
            _pump = Pump()
            _pump.start()
        return _pump


def stop() -> None:
    """Stop this process's pump after the job it is running."""
    global _pump
    with _lock:
        if _pump is not None:
            _pump.stop()
            _pump.join(timeout=5)
            _pump = None
