"""One engine a process: it adopts claims, runs each at its due time, and has the results recorded.

    take() ── adopts ──> Evaluator <──> Transfers (moves the bytes, starts on time)
                            └──> Recorder (results, leases, presence) ── after its commits ──> pump

The lease protects what is taken: a process that dies loses nothing but time.
"""

from __future__ import annotations

import gc
import logging
import os
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Collection, Iterable

from django.db import DatabaseError, Error, InterfaceError, connection

from apps.core import pump
from apps.core.clock import database_now
from apps.core.egress import Transfers
from apps.core.egress.shared import new_transfers
from apps.monitors.checkers.spec import MonitorSpec
from apps.monitors.engine import leases, presence
from apps.monitors.engine.clock import DatabaseClock
from apps.monitors.engine.evaluator import Evaluator
from apps.monitors.engine.flights import Finished, Flight
from apps.monitors.engine.leases import Adopted
from apps.monitors.engine.pulse import Pulse
from apps.monitors.engine.record import Recorded
from apps.monitors.engine.recorder import Recorder
from apps.monitors.engine.reference import ReferenceWatch
from apps.monitors.engine.sql import RENEW_S, Key, vendor
from apps.monitors.selectors import specs

logger = logging.getLogger(__name__)

DRAIN_S = 3.0
KEPT_SPECS = 5000
GC_THRESHOLDS = (10_000, 20, 20)
# Past its run limit by this much, a flight is a fault of ours: its lease is left to lapse.
STUCK_AFTER_S = 90.0
# No version is this one, so it is read anew for every run.
_NO_VERSION = -1
# There is no checker of this kind.
_UNREADABLE = MonitorSpec(kind="unreadable")


class Engine:
    """Runs what its process takes. `transfers` is closed with it; leases are renewed every `renew_s`."""

    def __init__(self, transfers: Transfers | None = None, *, renew_s: float = RENEW_S) -> None:
        self._transfers = transfers or new_transfers(name="checks")
        self._clock = DatabaseClock()
        self._lock = threading.Lock()
        self._flights: dict[Key, Flight] = {}
        self._specs: OrderedDict[int, tuple[int, MonitorSpec]] = OrderedDict()
        self._is_stopping = False
        self._served: frozenset[str] = frozenset()
        self._references = ReferenceWatch(self._transfers)
        self._pulse = Pulse()
        self._recorder = Recorder(
            held=self._held_keys,
            on_recorded=self._recorded,
            on_lost=self._lost,
            appear=self._appear,
            renew_s=renew_s,
        )
        self._evaluator = Evaluator(
            transfers=self._transfers,
            clock=self._clock,
            references=self._references,
            on_finished=self._finished,
        )
        self._recorder.start()
        self._evaluator.start()

    @property
    def in_flight(self) -> int:
        """How many schedules it holds."""
        return len(self._flights)

    def serve(self, codes: Collection[str]) -> None:
        """Say from now on, with every renewal, that these locations have a living worker."""
        self._served = frozenset(codes)
        self._recorder.renew_now()

    def take(self, claims: Iterable[Key]) -> int:
        """Adopt claims and start them when they are due; return how many are this engine's now.

        Taking the same claims twice does nothing the second time.
        """
        if self._is_stopping:
            return 0
        self._read_clock()
        adopted = leases.adopt(list(claims))
        known = self._known_specs(adopted)
        taken = 0
        for one in adopted:
            if one.monitor_id not in known:
                continue
            flight = Flight(
                one, known[one.monitor_id], deque(one.due), one.due, was_passing=one.was_passing
            )
            with self._lock:
                self._flights[flight.key] = flight
            self._evaluator.fly(flight)
            taken += 1
        return taken

    def stop_taking(self) -> None:
        """Adopt nothing more, and keep no schedule for its next slot."""
        self._is_stopping = True
        self._recorder.wind_down()

    def stop(self, drain_s: float = DRAIN_S) -> None:
        """Give back what has not begun, let the rest end for a moment, record it, and end all threads."""
        self.stop_taking()
        grounded = self._evaluator.ground(self._present())
        until = time.monotonic() + drain_s
        while time.monotonic() < until and len(self._flights) > len(grounded):
            time.sleep(0.02)
        self._transfers.close()
        self._evaluator.finish()
        self._recorder.stop(drain_s)

    def _read_clock(self) -> None:
        before = time.monotonic()
        reading = database_now()
        self._clock.observe(
            before=before,
            reading=reading,
            after=time.monotonic(),
            resolution_s=1e-6 if vendor() == "postgresql" else 1e-3,
        )

    def _known_specs(self, adopted: Collection[Adopted]) -> dict[int, MonitorSpec]:
        """Return what the checkers are told, read anew where the monitor's version has risen."""
        with self._lock:
            old = {
                one.monitor_id
                for one in adopted
                if self._specs.get(one.monitor_id, (_NO_VERSION,))[0] != one.version
            }
        fresh = _read_specs(old) if old else {}
        with self._lock:
            self._specs.update(fresh)
            found = {
                one.monitor_id: self._specs[one.monitor_id][1]
                for one in adopted
                if one.monitor_id in self._specs
            }
            for monitor_id in found:
                self._specs.move_to_end(monitor_id)
            while len(self._specs) > KEPT_SPECS:
                self._specs.popitem(last=False)
        return found

    def _present(self) -> list[Flight]:
        with self._lock:
            return list(self._flights.values())

    def _held_keys(self) -> list[Key]:
        now = time.monotonic()
        held = []
        for flight in self._present():
            if flight.due and now > flight.due + flight.spec.run_limit_s + STUCK_AFTER_S:
                logger.error("a run does not end schedule=%s", flight.adopted.schedule_id)
                self._lost([flight.key])
            else:
                held.append(flight.key)
        return held

    def _appear(self) -> None:
        """Note that the served locations have a worker, and learn their reference targets (on the recorder's thread)."""
        if not self._served or self._is_stopping:
            return
        try:
            found = presence.served_locations(self._served)
            self._references.watch({one.id: one.reference_targets for one in found})
            self._read_clock()
            presence.record_presence(
                location_ids=[one.id for one in found],
                references={
                    location_id: presence.References(
                        self._clock.instant_of(checked),
                        None if failing is None else self._clock.instant_of(failing),
                    )
                    for location_id, (checked, failing) in self._references.standings().items()
                },
            )
            self._pulse.write()
        except (DatabaseError, InterfaceError):
            connection.close()
            logger.warning("presence not noted, the database is away")

    def _finished(self, finished: Finished) -> None:
        self._pulse.note(due_at=finished.due_at, started_at=finished.started_at)
        self._recorder.put(finished)

    def _recorded(self, recorded: Recorded) -> None:
        """Go on with what a micro-batch left in flight (called on the recorder's thread)."""
        for flight, granted in recorded.granted.items():
            flight.granted = granted
            if flight in recorded.extended:
                self._evaluator.extend(flight, recorded.extended[flight])
        for flight in recorded.lost:
            flight.is_lost = True
        ended = [flight.key for flight, granted in recorded.granted.items() if not granted]
        ended += [flight.key for flight in recorded.lost]
        with self._lock:
            for key in ended:
                self._flights.pop(key, None)

    def _lost(self, keys: Collection[Key]) -> None:
        for key in keys:
            with self._lock:
                flight = self._flights.pop(key, None)
            if flight is not None:
                flight.is_lost = True
                logger.warning("a lease was lost schedule=%s", flight.adopted.schedule_id)


def _read_specs(monitor_ids: set[int]) -> dict[int, tuple[int, MonitorSpec]]:
    """Return {monitor id: (version, spec)}. One that cannot be read is alone in that: its runs are errors."""
    try:
        return specs(monitor_ids)
    except Error:
        raise
    except Exception:
        if len(monitor_ids) == 1:
            (monitor_id,) = monitor_ids
            logger.exception("a monitor cannot be read monitor=%s", monitor_id)
            return {monitor_id: (_NO_VERSION, _UNREADABLE)}
    return {key: spec for one in monitor_ids for key, spec in _read_specs({one}).items()}


_engine: tuple[int, Engine] | None = None
_engine_lock = threading.Lock()


def current() -> Engine:
    """Return this process's engine, started (with the pump) at first use."""
    global _engine
    with _engine_lock:
        if _engine is None or _engine[0] != os.getpid():
            _keep_collections_short()
            pump.start()
            pump.wake_all()
            _engine = os.getpid(), Engine()
        return _engine[1]


def _keep_collections_short() -> None:
    """Leave all that is imported by now out of garbage collection.

    A full collection walks it for 50 ms and more, during which no thread starts a check (measured: the worst
    interval errors were all of these).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def running() -> Engine | None:
    """Return this process's engine if it has one."""
    return _engine[1] if _engine is not None and _engine[0] == os.getpid() else None


def stop_current() -> None:
    """Stop this process's engine and pump, if it has them."""
    global _engine
    with _engine_lock:
        found, _engine = running(), None
    if found is not None:
        found.stop()
        pump.stop()
