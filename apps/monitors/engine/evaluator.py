"""The thread that leads each run from request to request: it prepares what is sent and judges what came.

So that a page of a megabyte or a slow pattern delays no transfer, none of this happens on the transfer thread; it
asks no database either.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from queue import Empty, SimpleQueue

from apps.core.egress import EgressResponse, Transfers
from apps.monitors import slots
from apps.monitors.checkers.base import CheckOutcome, Done, Session, Step
from apps.monitors.checkers.registry import get_checker
from apps.monitors.engine.clock import DatabaseClock
from apps.monitors.engine.flights import Finished, Flight, storable_json, storable_text
from apps.monitors.engine.reference import PROBE_TIMEOUT_S, ReferenceWatch

logger = logging.getLogger(__name__)

_IDLE_S = 60.0
_LONGEST_WAIT_S = slots.HORIZON.total_seconds() + 1.0
# How often it is looked whether a probe is due.
_PROBING_S = 1.0
# A probe's own time, and a moment for its answer to come round.
_VERDICT_S = PROBE_TIMEOUT_S + 1.0
_OUR_FAULT = "no reference target of the location answers either, so its own network is at fault"
_NO_DETAIL = CheckOutcome("error", reason="the platform could not judge this run; see its log")


class Evaluator(threading.Thread):
    """Owns `session`, `waiting` and what belongs to them of every flight. `on_finished` gets each run."""

    def __init__(
        self,
        *,
        transfers: Transfers,
        clock: DatabaseClock,
        references: ReferenceWatch,
        on_finished: Callable[[Finished], None],
        verdict_s: float = _VERDICT_S,
    ) -> None:
        super().__init__(name="evaluator", daemon=True)
        self._transfers = transfers
        self._references = references
        self._clock = clock
        self._on_finished = on_finished
        self._verdict_s = verdict_s
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._is_stopping = False

    def fly(self, flight: Flight) -> None:
        """Run the flight's slots, each at its time."""
        self._inbox.put(partial(self._next_slot, flight))

    def extend(self, flight: Flight, due: Iterable[datetime]) -> None:
        """Give a flight further slots."""
        self._inbox.put(partial(self._extend, flight, tuple(due)))

    def ground(self, flights: Iterable[Flight]) -> list[Flight]:
        """Begin no further slot, and return those of the flights that have none in progress."""
        grounded: list[Flight] = []
        done = threading.Event()

        def stop() -> None:
            self._is_stopping = True
            now = time.monotonic()
            for flight in flights:
                if flight.session is None or (flight.began is None and flight.due > now):
                    flight.is_lost = True
                    grounded.append(flight)
            done.set()

        self._inbox.put(stop)
        done.wait(2)
        return grounded

    def finish(self) -> None:
        """End the thread, once what is in its inbox is done."""
        self._inbox.put(self._end)
        self.join(2)

    def run(self) -> None:
        self._inbox.put(self._probe_references)
        while True:
            try:
                self._turn()
            except SystemExit:
                return
            except Exception:
                logger.exception("a turn of the evaluator failed; going on")

    # Everything below runs on this thread.

    def _turn(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()
        wait_s = self._timers[0][0] - now if self._timers else _IDLE_S
        try:
            call = self._inbox.get(timeout=max(0.0, wait_s))
        except Empty:
            return
        call()

    def _end(self) -> None:
        raise SystemExit

    def _probe_references(self) -> None:
        self._at(time.monotonic() + _PROBING_S, self._probe_references)
        self._references.probe_due()

    def _at(self, when: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (when, next(self._order), call))

    def _next_slot(self, flight: Flight) -> None:
        if flight.is_lost or self._is_stopping or flight.session is not None or not flight.waiting:
            return
        flight.due_at = flight.waiting.popleft()
        # Slots are claimed no longer ahead than the horizon, unless the database's clock was set back since.
        latest = time.monotonic() + _LONGEST_WAIT_S
        flight.due = min(self._clock.monotonic_of(flight.due_at), latest)
        flight.began = None
        now = max(time.monotonic(), flight.due)
        try:
            spec = flight.spec
            if flight.adopted.is_manual:
                # Somebody waits for this run, and wants to see what passed as well.
                spec = replace(spec, is_told_in_full=True)
            session = flight.session = get_checker(spec.kind).begin(spec)
            step = session.first(now)
        except Exception:
            self._broke(flight)
            return
        self._follow(flight, session, step, base=flight.due)

    def _extend(self, flight: Flight, due: tuple[datetime, ...]) -> None:
        flight.waiting.extend(due)
        self._next_slot(flight)

    def _follow(self, flight: Flight, session: Session, step: Step, *, base: float) -> None:
        if isinstance(step, Done):
            if base > time.monotonic():
                # Nothing could be sent; it is the run of its slot all the same, and not before.
                self._at(base, partial(self._finish, flight, session, step.outcome))
            elif step.outcome.result == "failed" and step.outcome.transport_failure:
                self._doubt(flight, session, step.outcome)
            else:
                self._finish(flight, session, step.outcome)
            return
        self._transfers.submit(
            step.request,
            start_at=base + step.delay_s,
            on_done=partial(self._answered, flight, session),
            key=flight.adopted.monitor_id,
        )

    def _answered(self, flight: Flight, session: Session, response: EgressResponse) -> None:
        """Hand an answer over (called on the transfer thread)."""
        self._inbox.put(partial(self._receive, flight, session, response))

    def _receive(self, flight: Flight, session: Session, response: EgressResponse) -> None:
        if flight.is_lost or flight.session is not session:
            return
        if response.error is not None and response.error.code == "stopped":
            return
        now = time.monotonic()
        if flight.began is None:
            flight.began = response.started_monotonic or now
        try:
            step = session.receive(response, now)
        except Exception:
            self._broke(flight)
            return
        self._follow(flight, session, step, base=now)

    def _doubt(self, flight: Flight, session: Session, outcome: CheckOutcome) -> None:
        """Ask whose fault it is that no answer came, and finish the run with the verdict."""
        ended = time.monotonic()
        judge = partial(self._judge, flight, session, outcome, ended)

        def tell(is_ours: bool) -> None:
            self._inbox.put(partial(judge, is_ours))

        # By the inbox as well: a verdict that came while this thread was busy stands before it there.
        self._at(ended + self._verdict_s, partial(tell, False))
        since = ended if flight.began is None else flight.began
        self._references.ask(flight.adopted.location_id, since=since, tell=tell)

    def _judge(
        self, flight: Flight, session: Session, outcome: CheckOutcome, ended: float, is_ours: bool
    ) -> None:
        if is_ours:
            reason = f"{_OUR_FAULT}: {outcome.reason}"
            outcome = replace(outcome, result="error", reason=reason)
        self._finish(flight, session, outcome, ended=ended)

    def _broke(self, flight: Flight) -> None:
        logger.exception("a run could not be judged schedule=%s", flight.adopted.schedule_id)
        self._finish(flight, flight.session, _NO_DETAIL)

    def _finish(
        self,
        flight: Flight,
        session: Session | None,
        outcome: CheckOutcome,
        *,
        ended: float | None = None,
    ) -> None:
        if flight.is_lost or flight.session is not session or flight.due_at is None:
            return
        now = time.monotonic()
        waited_s = 0.0 if ended is None else now - ended
        began = max(flight.due, now - waited_s if flight.began is None else flight.began)
        began_at, finished_at = (
            self._clock.instant_of(began),
            self._clock.instant_of(max(now, began)),
        )
        skipped = []
        while flight.waiting and flight.waiting[0] <= finished_at:
            skipped.append(flight.waiting.popleft())
        finished = Finished(
            flight=flight,
            due_at=flight.due_at,
            # The slot lies ahead of its own run where the clock was set back.
            started_at=max(flight.due_at, began_at) if flight.due_at <= finished_at else began_at,
            finished_at=finished_at,
            outcome=outcome,
            detail=storable_json(outcome.detail_json),
            reason=storable_text(outcome.reason)[:300],
            skipped=tuple(skipped),
            waited_s=waited_s,
        )
        flight.session = None
        self._on_finished(finished)
        self._next_slot(flight)
