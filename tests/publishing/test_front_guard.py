from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.test import RequestFactory

from apps.publishing.front import Front
from apps.publishing.front_guard import Guarded
from tests.publishing import models
from tests.publishing.conftest import Client

LIMIT = 4


class Hanging:
    """An application that hangs until it is told to go on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.inside = 0
        self.most_inside = 0
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        with self._lock:
            self.inside += 1
            self.most_inside = max(self.most_inside, self.inside)
        self.go_on.wait(timeout=20)
        with self._lock:
            self.inside -= 1
        start_response("200 OK", [])
        return [b"done"]


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    application = Hanging()
    yield application
    application.go_on.set()


def around(application: Any, published_dir: Any) -> Client:
    guarded = Guarded(lambda: application, limit=LIMIT)
    return Client(
        Front(
            guarded, published_dir=published_dir, pages_domain="pages.test", main_host="status.test"
        )
    )


def test_a_hundred_requests_that_hang_leave_readers_alone(hanging, published_dir, publish):
    publish(models.operational())
    client = around(hanging, published_dir)
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda: answers.append(client.get("/admin/"))) for _ in range(100)
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 5
    while len(answers) < 100 - LIMIT and time.monotonic() < deadline:
        time.sleep(0.01)

    started = time.monotonic()
    page = client.get("/status/acme/")

    assert page.status == 200
    assert time.monotonic() - started < 0.5
    assert [answer.status for answer in answers] == [503] * (100 - LIMIT)
    assert {answer.headers["Retry-After"] for answer in answers} == {"2"}
    hanging.go_on.set()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers)[:LIMIT] == [200] * LIMIT
    assert hanging.most_inside == LIMIT
    assert client.get("/admin/").status == 200


def test_who_asks_for_json_is_refused_in_json(hanging, published_dir):
    client = around(hanging, published_dir)
    threads = [threading.Thread(target=client.get, args=("/admin/",)) for _ in range(LIMIT)]
    for thread in threads:
        thread.start()
    while hanging.inside < LIMIT:
        time.sleep(0.005)

    answer = client.get("/api/v2/pages")

    assert answer.status == 503
    assert json.loads(answer.body)["error"] == "busy"
    hanging.go_on.set()
    for thread in threads:
        thread.join()


def test_a_place_is_given_back_after_an_error(published_dir, caplog):
    def failing(environ: Any, start_response: Any) -> Iterable[bytes]:
        raise RuntimeError("out of order")

    client = around(failing, published_dir)

    for _ in range(3 * LIMIT):
        answer = client.get("/admin/")

        assert answer.status == 500
        assert b"went wrong" in answer.body
        assert b"out of order" not in answer.body
    assert "RuntimeError: out of order" in caplog.text


def test_an_application_that_does_not_load_is_told_and_tried_again(published_dir, caplog):
    attempts: list[int] = []

    def load() -> Any:
        attempts.append(1)
        if len(attempts) == 1:
            raise RuntimeError("not yet")
        return lambda environ, start_response: start_response("200 OK", []) or [b"up"]

    client = Client(Guarded(load, limit=1))

    assert client.get("/admin/").status == 500
    assert client.get("/admin/").body == b"up"
    assert client.get("/admin/").body == b"up"
    assert len(attempts) == 2
    assert "RuntimeError: not yet" in caplog.text


def test_a_streamed_answer_keeps_its_place_until_it_is_read():
    def streaming(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return (chunk for chunk in (b"a", b"b"))

    guarded = Guarded(lambda: streaming, limit=1)
    environ = RequestFactory().get("/admin/").environ
    first = guarded(environ, lambda *answer: None)
    client = Client(guarded)
    assert client.get("/admin/").status == 503

    assert b"".join(first) == b"ab"

    assert client.get("/admin/").body == b"ab"


def test_a_streamed_answer_that_nobody_reads_gives_its_place_back():
    def streaming(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return (chunk for chunk in (b"a", b"b"))

    guarded = Guarded(lambda: streaming, limit=1)
    environ = RequestFactory().get("/admin/").environ

    for _ in range(3):
        guarded(environ, lambda *answer: None)

    assert Client(guarded).get("/admin/").status == 200
