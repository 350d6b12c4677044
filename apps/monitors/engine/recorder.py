"""The thread that writes results as they come, and keeps the leases of what is in flight.

It is the engine's one thread at the database. While the database is away results wait here, and leases
lapse; what lost its lease meanwhile is run again by whoever claims it, and dropped here.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from queue import Empty, SimpleQueue

from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connection,
    connections,
)

from apps.monitors.engine import leases
from apps.monitors.engine.flights import Finished
from apps.monitors.engine.record import Recorded, record, record_as_error
from apps.monitors.engine.sql import RENEW_S, Key

logger = logging.getLogger(__name__)

# What people will see waits just long enough for its like; while one batch is written the next one grows by itself.
BATCH_S = 0.01
# What changes nothing that people see may wait for more of its like: fewer transactions a run.
QUIET_BATCH_S = 0.25
BATCH_RUNS = 200
# A dead database is asked again this often; a living one that refuses is asked so many times.
RETRY_S = (0.1, 0.25, 0.5, 1.0, 2.0)

_AWAY = (OperationalError, InterfaceError)


class Recorder(threading.Thread):
    """Gets finished runs by `put`; tells `on_recorded` what became of them, and `on_lost` which leases are gone.

    `held` returns the keys whose leases are to be renewed, and `appear` says with every renewal that the engine lives.
    """

    def __init__(
        self,
        *,
        held: Callable[[], Collection[Key]],
        on_recorded: Callable[[Recorded], None],
        on_lost: Callable[[Collection[Key]], None],
        appear: Callable[[], None],
        renew_s: float = RENEW_S,
    ) -> None:
        super().__init__(name="recorder", daemon=True)
        self._held = held
        self._on_recorded = on_recorded
        self._on_lost = on_lost
        self._appear = appear
        self._inbox: SimpleQueue[Finished | None] = SimpleQueue()
        self._later: list[Finished] = []
        self._renew_s = renew_s
        self._renew_at = time.monotonic() + renew_s
        self._stop_by: float | None = None
        self._may_extend = True

    def put(self, finished: Finished) -> None:
        """Take a run to be recorded."""
        self._inbox.put(finished)

    def renew_now(self) -> None:
        """Have leases and presence renewed at once."""
        self._renew_at = time.monotonic()
        # Nothing is recorded by it, but the thread comes round.
        self._inbox.put(None)

    def wind_down(self) -> None:
        """Keep no schedule for its next slot any more."""
        self._may_extend = False

    def stop(self, timeout_s: float) -> None:
        """Record what is here, give back every lease that is left, and end."""
        self._may_extend = False
        self._stop_by = time.monotonic() + timeout_s
        self._inbox.put(None)
        self.join(timeout_s + 1)

    def run(self) -> None:
        try:
            while self._stop_by is None or self._has_work():
                try:
                    self._turn()
                except Exception:
                    logger.exception("a turn of the recorder failed; going on")
                    time.sleep(RETRY_S[0])
            self._give_back()
        finally:
            connections.close_all()

    def _has_work(self) -> bool:
        in_time = self._stop_by is not None and time.monotonic() < self._stop_by
        return in_time and (bool(self._later) or not self._inbox.empty())

    def _turn(self) -> None:
        batch = self._collect()
        if batch:
            close_old_connections()
            self._write(batch)
        if time.monotonic() >= self._renew_at:
            self._renew()

    def _collect(self) -> list[Finished]:
        """Return the runs of a micro-batch, at most one of each schedule; empty when it is time to renew."""
        batch: dict[int, Finished] = {}
        waiting, self._later = deque(self._later), []
        close_at, shortest_s = self._renew_at, math.inf
        while len(batch) < BATCH_RUNS:
            try:
                finished = waiting.popleft() if waiting else self._next(close_at)
            except Empty:
                break
            if finished is None:
                break
            patience_s = QUIET_BATCH_S if finished.is_quiet else BATCH_S
            # Only the first of those that are as patient has a say.
            if patience_s < shortest_s:
                shortest_s = patience_s
                close_at = min(close_at, time.monotonic() + patience_s)
            if finished.schedule_id in batch:
                self._later.append(finished)
            else:
                batch[finished.schedule_id] = finished
        self._later.extend(waiting)
        return list(batch.values())

    def _next(self, until: float) -> Finished | None:
        return self._inbox.get(timeout=max(0.0, until - time.monotonic()))

    def _write(self, batch: list[Finished]) -> None:
        """Record a batch; halve it on an error until the run at fault stands alone."""
        try:
            recorded = self._persist(batch)
        except Exception as error:
            if len(batch) > 1:
                logger.warning(
                    "a batch is halved, it cannot be recorded runs=%d error=%s",
                    len(batch),
                    type(error).__name__,
                )
                middle = len(batch) // 2
                self._write(batch[:middle])
                self._write(batch[middle:])
                return
            recorded = self._give_up(batch[0], error)
        if recorded is not None:
            self._on_recorded(recorded)

    def _persist(self, batch: list[Finished]) -> Recorded | None:
        """Record a batch, waiting for a database that is away. None: it stayed away until the end."""
        attempt = 0
        while True:
            try:
                return record(batch, may_extend=self._may_extend)
            except _AWAY as error:
                connection.close()
                if attempt >= len(RETRY_S) and self._database_answers():
                    raise
                wait_s = RETRY_S[min(attempt, len(RETRY_S) - 1)]
                attempt += 1
                if self._stop_by is not None and time.monotonic() + wait_s > self._stop_by:
                    logger.warning("results are lost, the database is away runs=%d", len(batch))
                    return None
                logger.warning(
                    "the database is away, results wait runs=%d error=%s",
                    len(batch),
                    type(error).__name__,
                )
                time.sleep(wait_s)

    def _database_answers(self) -> bool:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except DatabaseError:
            connection.close()
            return False
        return True

    def _give_up(self, finished: Finished, error: Exception) -> Recorded:
        logger.error(
            "a run cannot be recorded schedule=%s due_at=%s",
            finished.schedule_id,
            finished.due_at,
            exc_info=error,
        )
        reason = f"the platform could not record this run ({type(error).__name__}); see its log"
        try:
            return record_as_error(finished, reason=reason, may_extend=self._may_extend)
        except DatabaseError:
            logger.exception("not even its error schedule=%s", finished.schedule_id)
            connection.close()
            # Its lease lapses, and somebody runs it again.
            return Recorded(lost=[finished.flight])

    def _renew(self) -> None:
        self._renew_at = time.monotonic() + self._renew_s
        held = set(self._held())
        try:
            close_old_connections()
            still = leases.renew(held)
        except _AWAY:
            connection.close()
            logger.warning("leases not renewed, the database is away held=%d", len(held))
            self._renew_at = time.monotonic() + RETRY_S[-1]
            return
        if held - still:
            self._on_lost(held - still)
        self._appear()

    def _give_back(self) -> None:
        try:
            leases.give_back(set(self._held()))
        except DatabaseError:
            logger.warning("leases not given back; they lapse by themselves")
