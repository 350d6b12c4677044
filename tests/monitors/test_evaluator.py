"""A run that got no answer waits for a verdict, and what comes due meanwhile waits no longer than that."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.core.egress import Allow, Guard, Transfers
from apps.monitors.checkers.spec import MonitorSpec, RequestSpec
from apps.monitors.engine.clock import DatabaseClock
from apps.monitors.engine.evaluator import Evaluator
from apps.monitors.engine.flights import Finished, Flight
from apps.monitors.engine.leases import Adopted
from apps.monitors.engine.reference import ReferenceWatch
from tests.monitors.fixtures.targets import Target
from tests.services import free_port

LOCATION = 7


@pytest.fixture
def transfers() -> Iterator[Transfers]:
    made = Transfers(guard=Guard(Allow.parse([])), slots=50)
    yield made
    made.close()


def evaluator_of(
    transfers: Transfers, on_finished: Callable[[Finished], None], *references: str
) -> Evaluator:
    """An evaluator at a location with these reference targets, each of which has 0.3 s to answer."""
    clock = DatabaseClock()
    now = time.monotonic()
    clock.observe(before=now, reading=datetime.now(UTC), after=time.monotonic())
    watch = ReferenceWatch(transfers, timeout_s=0.3)
    watch.watch({LOCATION: references})
    made = Evaluator(
        transfers=transfers,
        clock=clock,
        references=watch,
        on_finished=on_finished,
        verdict_s=0.6,
    )
    made.start()
    return made


def flight(spec: MonitorSpec, *in_s: float) -> Flight:
    """A flight with slots so many seconds from now."""
    now = datetime.now(UTC)
    due = tuple(now + timedelta(seconds=one) for one in in_s)
    adopted = Adopted(1, 1, 1, 1, False, False, due, LOCATION)
    return Flight(adopted, spec, deque(due), due)


def unanswered() -> MonitorSpec:
    """A monitor whose target refuses connections."""
    url = f"http://127.0.0.1:{free_port()}/"
    return MonitorSpec(requests=(RequestSpec(name="Home", url=url),))


def wait_for(what: Callable[[], Any]) -> None:
    until = time.monotonic() + 10
    while not what():
        assert time.monotonic() < until, "nothing came"
        time.sleep(0.01)


def test_a_verdict_that_came_while_it_was_busy_counts(transfers: Transfers, target: Target):
    """It looks for the verdict only after the time for it is over."""
    finished: list[Finished] = []

    def keep(run: Finished) -> None:
        finished.append(run)
        if run.flight.spec.kind == "unreadable":
            time.sleep(1)

    evaluator = evaluator_of(transfers, keep, f"{target.url}/hang")
    doubted = flight(unanswered(), 0)

    evaluator.fly(doubted)
    wait_for(lambda: target.asked)
    evaluator.fly(flight(MonitorSpec(kind="unreadable"), 0))
    wait_for(lambda: len(finished) == 2)
    evaluator.finish()

    results = {run.flight: run.outcome.result for run in finished}
    assert results[doubted] == "error"


def test_slots_that_come_due_while_a_verdict_is_awaited_are_overruns(
    transfers: Transfers, target: Target
):
    finished: list[Finished] = []
    evaluator = evaluator_of(transfers, finished.append, f"{target.url}/hang")
    doubted = flight(unanswered(), 0, 0.1, 0.2, 30)
    slots = doubted.granted

    evaluator.fly(doubted)
    wait_for(lambda: finished)
    evaluator.finish()

    assert len(finished) == 1
    assert finished[0].skipped == slots[1:3]
    assert finished[0].duration_ms < 200
    assert finished[0].waited_s >= 0.2
