"""A location whose own network is down blames no target; one whose network is up does."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from apps.core.clock import database_now
from apps.core.egress import (
    Allow,
    EgressError,
    EgressResponse,
    Fault,
    Guard,
    Timings,
    Transfers,
)
from apps.monitors.checkers.spec import AssertionSpec, RequestSpec
from apps.monitors.definition import MonitorDefinition
from apps.monitors.engine.claim import claim
from apps.monitors.engine.engine import Engine
from apps.monitors.engine.reference import (
    ReferenceTarget,
    ReferenceWatch,
    Standing,
    answers,
    parse_reference,
)
from apps.monitors.models import LocationState, Outage, Run, Schedule
from apps.monitors.services import create_monitor, update_location
from tests.factories import NOW, PERSON, WorkspaceFactory
from tests.monitors.conftest import default_location
from tests.monitors.fixtures.targets import Target
from tests.services import free_port

URL = ReferenceTarget("http://192.0.2.1/", "192.0.2.1", needs_answer=True)
PORT = ReferenceTarget("http://192.0.2.1:53/", "192.0.2.1", needs_answer=False)


def error(fault: Fault, *, connect_ms: float = 0.0) -> EgressResponse:
    return EgressResponse(
        url="", error=EgressError("code", "text", fault), timings=Timings(connect_ms=connect_ms)
    )


@pytest.mark.parametrize(
    ("target", "response", "expected"),
    [
        (URL, EgressResponse(url="", status=200), True),
        (URL, EgressResponse(url="", status=503), True),  # the way there works
        (URL, error(Fault.TARGET), True),
        (URL, error(Fault.NETWORK), False),
        (URL, error(Fault.NETWORK, connect_ms=3), False),  # a URL has to answer
        (PORT, error(Fault.NETWORK, connect_ms=3), True),  # a port has to accept a connection
        (PORT, error(Fault.NETWORK), False),
        (URL, error(Fault.REQUEST), None),  # we would not ask it: that tells nothing
        (URL, error(Fault.PLATFORM), None),
    ],
)
def test_what_an_answer_says_of_the_way(
    target: ReferenceTarget, response: EgressResponse, expected: bool | None
):
    assert answers(target, response) is expected


@pytest.mark.parametrize(
    ("text", "url", "needs_answer"),
    [
        ("https://www.example.com/health", "https://www.example.com/health", True),
        ("192.0.2.1:53", "http://192.0.2.1:53/", False),
        ("[2001:db8::1]:443", "http://[2001:db8::1]:443/", False),
        (" ns.example.com:53 ", "http://ns.example.com:53/", False),
    ],
)
def test_a_reference_target_is_a_url_or_a_host_and_port(text: str, url: str, needs_answer: bool):
    found = parse_reference(text)

    assert (found.url, found.needs_answer) == (url, needs_answer)


@pytest.mark.parametrize("text", ["", "example.com", "example.com:0", "a:99999", "ftp://a/", "::1"])
def test_anything_else_is_refused_with_a_reason(text: str):
    with pytest.raises(ValueError, match=r"Give a URL|The port is a number"):
        parse_reference(text)


def test_a_location_is_at_fault_from_the_first_round_without_an_answer_to_the_first_with_one():
    standing = Standing()

    standing.hear([False, True], began=0, ended=1)
    assert not standing.was_at_fault(0)
    standing.hear([False, False], began=10, ended=12)
    assert standing.failing_since == 10
    standing.hear([None, None], began=15, ended=16)  # nothing was told
    assert standing.was_at_fault(99)
    standing.hear([True, False], began=20, ended=20.1)

    assert standing.failing_since is None
    assert standing.was_at_fault(20)
    assert not standing.was_at_fault(20.2)


def test_a_target_that_tells_nothing_does_not_excuse_the_others():
    standing = Standing()

    standing.hear([None, False], began=0, ended=1)
    assert standing.was_at_fault(5)
    standing.hear([None, True], began=10, ended=11)

    assert not standing.was_at_fault(12)


@pytest.fixture
def transfers() -> Iterator[Transfers]:
    made = Transfers(guard=Guard(Allow.parse([])), slots=50)
    yield made
    made.close()


def verdict(watch: ReferenceWatch, location_id: int = 1, *, within_s: float = 4.0) -> bool:
    told: list[bool] = []
    arrived = threading.Event()

    def tell(is_ours: bool) -> None:
        told.append(is_ours)
        arrived.set()

    watch.ask(location_id, since=time.monotonic(), tell=tell)
    assert arrived.wait(within_s)
    return told[0]


def nowhere() -> str:
    """A port of ours at which nothing listens."""
    return f"127.0.0.1:{free_port()}"


def test_one_reference_that_answers_acquits_the_location(transfers: Transfers, target: Target):
    watch = ReferenceWatch(transfers)

    watch.watch({1: [nowhere(), target.url]})

    assert not verdict(watch)


def test_while_none_answers_the_location_is_at_fault(transfers: Transfers):
    watch = ReferenceWatch(transfers)
    watch.watch({1: [nowhere(), f"http://{nowhere()}/"]})

    assert verdict(watch)

    ((checked, failing_since),) = watch.standings().values()
    assert failing_since is not None
    assert failing_since <= checked


def test_a_port_that_accepts_and_says_nothing_is_reached(transfers: Transfers):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        watch = ReferenceWatch(transfers, timeout_s=0.3)
        watch.watch({1: [f"127.0.0.1:{listener.getsockname()[1]}"]})

        assert not verdict(watch)


def test_without_reference_targets_the_location_is_never_at_fault(transfers: Transfers):
    watch = ReferenceWatch(transfers)
    watch.watch({1: []})

    assert not verdict(watch)
    assert watch.standings() == {}


def test_a_target_that_hangs_holds_the_verdict_for_its_own_timeout_only(
    transfers: Transfers, target: Target
):
    watch = ReferenceWatch(transfers, timeout_s=0.3)
    watch.watch({1: [f"{target.url}/hang"]})
    began = time.monotonic()

    assert verdict(watch)

    assert time.monotonic() - began < 1.5


def test_many_doubts_at_once_are_one_round(transfers: Transfers, target: Target):
    watch = ReferenceWatch(transfers)
    watch.watch({1: [target.url]})
    told: list[bool] = []

    for _ in range(100):
        watch.ask(1, since=time.monotonic(), tell=told.append)
    wait_for(lambda: len(told) == 100)

    assert told == [False] * 100
    assert len(target.asked) == 1


# With an engine.


def wait_for(what: Callable[[], Any], within_s: float = 8.0) -> Any:
    until = time.monotonic() + within_s
    while not (value := what()):
        assert time.monotonic() < until, "nothing came"
        time.sleep(0.02)
    return value


@pytest.fixture
def engine(transfers: Transfers, transactional_db: None) -> Iterator[Engine]:
    made = Engine(transfers)
    yield made
    made.stop(drain_s=0.5)


def run_once(engine: Engine, url: str, *references: str) -> Run:
    """Run a monitor of this URL at a location with these reference targets."""
    update_location(
        location_id=default_location().pk, reference_targets=references, actor=PERSON, at=NOW
    )
    LocationState.objects.all().delete()
    engine.serve({"default"})
    wait_for(LocationState.objects.exists)
    request = RequestSpec(
        name="Home", url=url, assertions=(AssertionSpec("status", "equals", 200),)
    )
    monitor = create_monitor(
        definition=MonitorDefinition(
            workspace_id=WorkspaceFactory().pk,
            name="Shop",
            interval_s=600,
            timeout_s=1,
            requests=(request,),
        ),
        actor=PERSON,
        at=NOW,
    )
    Schedule.objects.filter(monitor=monitor).update(
        next_run_at=database_now() + timedelta(seconds=0.2)
    )
    engine.take([(found.schedule_id, found.claim_no) for found in claim(100)])
    found: Run = wait_for(lambda: Run.objects.first())
    return found


@pytest.mark.django_db(transaction=True)
def test_no_answer_while_no_reference_answers_is_an_error_and_no_outage(engine: Engine):
    run = run_once(engine, f"http://{nowhere()}/", nowhere())

    assert run.result == "error"
    assert run.reason.startswith("no reference target of the location answers either")
    assert "connection refused" in run.reason
    assert not Outage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_no_answer_while_a_reference_answers_is_a_failure(engine: Engine, target: Target):
    run = run_once(engine, f"http://{nowhere()}/", target.url)

    assert run.result == "failed"
    assert Outage.objects.open().exists()


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_is_wrong_is_a_failure_whatever_the_references_say(
    engine: Engine, target: Target
):
    target.status = 500

    run = run_once(engine, target.url, nowhere())

    assert run.result == "failed"
    assert "500" in run.reason


@pytest.mark.django_db(transaction=True)
def test_without_reference_targets_the_rule_is_off(engine: Engine):
    run = run_once(engine, f"http://{nowhere()}/")

    assert run.result == "failed"


@pytest.mark.django_db(transaction=True)
def test_a_verdict_that_is_awaited_is_not_part_of_the_runs_time(engine: Engine, target: Target):
    run = run_once(engine, f"http://{nowhere()}/", f"{target.url}/hang")

    assert run.result == "error"
    assert run.duration_ms < 1000


@pytest.mark.django_db(transaction=True)
def test_since_when_no_reference_answers_is_noted(target: Target, transfers: Transfers):
    location = default_location()
    update_location(location_id=location.pk, reference_targets=[nowhere()], actor=PERSON, at=NOW)
    engine = Engine(transfers, renew_s=0.2)
    before = database_now()

    try:
        engine.serve({"default"})
        state = wait_for(
            lambda: LocationState.objects.filter(references_failing_since__isnull=False).first()
        )
        update_location(
            location_id=location.pk, reference_targets=[target.url], actor=PERSON, at=NOW
        )
        wait_for(
            lambda: LocationState.objects.filter(
                references_failing_since=None, references_checked_at__gt=state.references_checked_at
            ).exists()
        )
    finally:
        engine.stop(drain_s=0)

    second = timedelta(seconds=1)
    assert before - second <= state.references_failing_since <= state.references_checked_at
