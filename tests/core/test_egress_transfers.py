"""Many requests at once: due times, hanging targets, hanging names, and stopping."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from apps.core.egress import EgressResponse, Fault, Lookup, Transfers
from tests.core.egress_support import Answers, request
from tests.core.loopback import answering, hanging, routing, serving


@contextmanager
def running(**options: Any) -> Iterator[Transfers]:
    transfers = Transfers(**options)
    with contextlib.closing(transfers):
        yield transfers


def test_each_request_starts_at_its_own_time_and_none_early() -> None:
    answers = Answers()
    with serving(answering()) as server, running() as transfers:
        base = time.monotonic() + 0.1
        due = {str(number): base + (number * 7 % 1000) / 2000 for number in range(1000)}
        # Refused by the guard when dialled: what is measured is the timer, not a thousand servers.
        for name, start_at in due.items():
            transfers.submit(
                request(server.url(), trusted_hosts=frozenset()),
                start_at=start_at,
                on_done=answers.take(name),
            )
        arrived = answers.wait_for(1000)

    late = sorted(response.started_monotonic - due[name] for name, response in arrived)
    assert late[0] >= 0
    assert late[500] < 0.05


def test_requests_submitted_out_of_order_start_in_the_order_of_their_times() -> None:
    answers = Answers()
    with serving(answering()) as server, running() as transfers:
        now = time.monotonic()
        for name, delay_s in (("late", 0.4), ("soon", 0.1), ("now", 0.0)):
            transfers.submit(
                request(server.url()), start_at=now + delay_s, on_done=answers.take(name)
            )
        arrived = answers.wait_for(3)

    assert [name for name, _ in arrived] == ["now", "soon", "late"]


def test_more_hanging_targets_than_slots_do_not_move_the_others() -> None:
    answers = Answers()
    with (
        serving(hanging()) as dead,
        serving(answering()) as alive,
        running(slots=8, slow_after_s=0.5) as transfers,
    ):
        assert transfers.fetch(request(alive.url())).status == 200
        start = time.monotonic()
        for number in range(60):
            transfers.submit(
                request(dead.url(), timeout_s=20), on_done=answers.take("dead"), key=f"dead{number}"
            )
        for number in range(30):
            transfers.submit(
                request(alive.url()), start_at=start + number / 30, on_done=answers.take("alive")
            )
        arrived = answers.wait_for(30, timeout_s=15)

        assert [name for name, _ in arrived] == ["alive"] * 30
        # Not one waited for a slot that a hanging target held: known to be good, it has its own.
        assert max(response.queued_ms for _, response in arrived) < 5_000


def test_new_targets_get_their_turn_while_hundreds_hang() -> None:
    answers = Answers()
    with (
        serving(hanging()) as dead,
        serving(answering()) as alive,
        running(slots=40, slow_after_s=0.05) as transfers,
    ):
        for number in range(200):
            transfers.submit(
                request(dead.url(), timeout_s=20), on_done=answers.take("dead"), key=number
            )
        for number in range(10):
            transfers.submit(
                request(alive.url()), on_done=answers.take("alive"), key=f"new{number}"
            )
        arrived = answers.wait_for(10, timeout_s=10)

    assert [name for name, _ in arrived[:10]] == ["alive"] * 10


def test_a_request_that_finds_no_slot_in_time_is_the_platforms_fault() -> None:
    answers = Answers()
    with (
        serving(hanging()) as dead,
        running(slots=1, max_wait_s=0.2, slow_after_s=5.0) as transfers,
    ):
        for name in ("first", "second"):
            transfers.submit(request(dead.url(), timeout_s=3), on_done=answers.take(name), key=name)
        ((name, response),) = answers.wait_for(1)

    assert name == "second"
    assert response.error is not None
    assert (response.error.code, response.error.fault) == ("no_slot", Fault.PLATFORM)


def test_names_that_hang_do_not_hold_up_other_names() -> None:
    release = threading.Event()

    def resolve(host: str) -> Lookup:
        if host.startswith("hang"):
            release.wait(20)
            return Lookup((), "no answer")
        return Lookup(("127.0.0.1",))

    answers = Answers()
    with serving(answering()) as server, running(resolve=resolve) as transfers:
        for number in range(100):
            transfers.submit(
                request(f"http://hang{number}.test/", timeout_s=15), on_done=answers.take("hung")
            )
        good = request(server.url(host="good.test"), trusted_hosts=frozenset({"good.test"}))
        transfers.submit(good, on_done=answers.take("good"))
        ((name, response),) = answers.wait_for(1, timeout_s=10)
        release.set()

    assert (name, response.status) == ("good", 200)


def test_a_name_that_hangs_times_out_with_its_request() -> None:
    release = threading.Event()

    def resolve(host: str) -> Lookup:
        release.wait(10)
        return Lookup(())

    with running(resolve=resolve) as transfers:
        response = transfers.fetch(request("http://hang.test/", timeout_s=0.2))
        release.set()

    assert response.error is not None
    assert response.error.code == "timeout"
    assert "the name was not resolved within 0.2 s" in response.error.message
    assert response.timings.dns_ms >= 190


def test_a_name_is_looked_up_anew_for_every_request() -> None:
    asked: list[str] = []

    def resolve(host: str) -> Lookup:
        asked.append(host)
        # The second answer is what an attacker's DNS would give once the first was checked.
        return Lookup(("127.0.0.1",) if len(asked) == 1 else ("169.254.169.254",))

    with serving(answering()) as server, running(resolve=resolve) as transfers:
        wanted = request(server.url(host="rebind.test"), trusted_hosts=frozenset({"rebind.test"}))
        first, second = transfers.fetch(wanted), transfers.fetch(wanted)

    assert first.status == 200
    assert second.error is not None
    assert second.error.code == "address_refused"


def test_a_second_address_is_tried_when_the_first_is_refused_by_the_guard() -> None:
    def resolve(host: str) -> Lookup:
        return Lookup(("169.254.169.254", "127.0.0.1"))

    with serving(answering()) as server, running(resolve=resolve) as transfers:
        response = transfers.fetch(
            request(server.url(host="two.test"), trusted_hosts=frozenset({"two.test"}))
        )

    assert response.status == 200


def test_a_receiver_that_raises_does_not_stop_the_others() -> None:
    def explode(_: EgressResponse) -> None:
        raise RuntimeError("receiver")

    with serving(answering()) as server, running() as transfers:
        transfers.submit(request(server.url()), on_done=explode)

        assert transfers.fetch(request(server.url())).status == 200


def test_a_receiver_may_submit_the_next_request() -> None:
    answers = Answers()
    with serving(answering()) as server, running() as transfers:
        transfers.submit(
            request(server.url()),
            on_done=lambda _: transfers.submit(
                request(server.url()), on_done=answers.take("second")
            ),
        )

        ((_, response),) = answers.wait_for(1)

    assert response.status == 200


def test_waiting_for_an_answer_on_the_transfer_thread_is_refused() -> None:
    caught: list[BaseException] = []
    done = threading.Event()

    def wait_for_itself(_: EgressResponse) -> None:
        try:
            transfers.fetch(request(server.url()))
        except RuntimeError as error:
            caught.append(error)
        done.set()

    with serving(answering()) as server, running() as transfers:
        transfers.submit(request(server.url()), on_done=wait_for_itself)
        assert done.wait(5)

    assert len(caught) == 1


def test_closing_answers_everything_as_stopped() -> None:
    answers = Answers()
    with serving(hanging()) as dead, running(slots=1) as transfers:
        later = time.monotonic() + 60
        transfers.submit(request(dead.url()), on_done=answers.take("moving"), key="a")
        transfers.submit(request(dead.url()), on_done=answers.take("waiting"), key="b")
        transfers.submit(request(dead.url()), start_at=later, on_done=answers.take("scheduled"))
        while not dead.asked:
            time.sleep(0.01)
        transfers.close()
        transfers.submit(request(dead.url()), on_done=answers.take("afterwards"))
        arrived = answers.wait_for(4)

    assert {name for name, _ in arrived} == {"moving", "waiting", "scheduled", "afterwards"}
    assert {response.error.code for _, response in arrived if response.error} == {"stopped"}


def test_descriptors_are_given_back() -> None:
    open_files = _open_files()
    with serving(routing({"/": answering()})) as server, running() as transfers:
        for _ in range(50):
            transfers.fetch(request(server.url()))
            transfers.fetch(request(server.url(), trusted_hosts=frozenset()))
        used = _open_files() - open_files

    # The server, the loop's own few, and the last connection that is being closed.
    assert used < 30


def test_a_want_of_descriptors_is_the_platforms_fault() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with serving(answering()) as server, running() as transfers:
        transfers.fetch(request(server.url()))
        lowest_free = os.dup(0)
        os.close(lowest_free)

        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
        try:
            response = transfers.fetch(request(server.url()))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert response.error is not None
    assert (response.error.code, response.error.fault) == ("internal", Fault.PLATFORM)


def test_a_time_that_ran_out_while_we_stood_still_is_the_platforms_fault() -> None:
    answers = Answers()
    with serving(hanging()) as dead, serving(answering()) as alive, running() as transfers:
        transfers.submit(request(dead.url(), timeout_s=1.0), on_done=answers.take("late"))
        transfers.submit(request(alive.url()), on_done=lambda _: time.sleep(2))
        ((_, stalled),) = answers.wait_for(1)

        transfers.submit(request(dead.url(), timeout_s=1.0), on_done=answers.take("later"))
        (_, awake) = answers.wait_for(2)[1]

    assert stalled.error is not None
    assert (stalled.error.code, stalled.error.fault) == ("stalled", Fault.PLATFORM)
    assert awake.error is not None
    assert (awake.error.code, awake.error.fault) == ("timeout", Fault.NETWORK)


def test_a_look_up_that_this_host_cannot_make_is_the_platforms_fault() -> None:
    def resolve(host: str) -> Lookup:
        raise OSError(errno.EMFILE, "Too many open files")

    with running(resolve=resolve) as transfers:
        response = transfers.fetch(request("http://shop.test/"))

    assert response.error is not None
    assert (response.error.code, response.error.fault) == ("internal", Fault.PLATFORM)


def _open_files() -> int:

    try:
        return len(os.listdir("/proc/self/fd"))
    except FileNotFoundError:
        pytest.skip("needs /proc")


def test_no_submission_is_slept_through() -> None:
    # Refused when dialled, so that waking the transfer thread is nearly all there is to do.
    refused = request("http://10.0.0.1/", timeout_s=0.5, trusted_hosts=frozenset())
    slowest: list[float] = []

    def fetch_often() -> None:
        for _ in range(150):
            began = time.monotonic()
            transfers.fetch(refused)
            slowest.append(time.monotonic() - began)

    with running(max_wait_s=1.0) as transfers:
        threads = [threading.Thread(target=fetch_often, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

    assert len(slowest) == 600
    assert max(slowest) < 3
