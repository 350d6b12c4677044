"""Messages: JSON only, no results, and none that lives for ever."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django_celery_beat.models import PeriodicTask
from kombu import Connection

from statusplatform.beat import ASK_EVERY_S, Scheduler
from statusplatform.celery import DEFAULT_EXPIRES_S, app
from statusplatform.file_transport import Transport
from statusplatform.schedule import BEAT_SCHEDULE


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Connection]:
    """The embedded broker in a folder of this test's own."""
    with Connection(transport=Transport, transport_options={"folder": str(tmp_path)}) as made:
        yield made


def sent(broker: Connection, queue: str = "default") -> list[dict[str, Any]]:
    paths = Path(broker.transport_options["folder"], queue).glob("*.msg")
    return [json.loads(path.read_bytes()) for path in paths]


def lifetime(message: dict[str, Any]) -> timedelta:
    return datetime.fromisoformat(message["headers"]["expires"]) - datetime.now(UTC)


@pytest.mark.parametrize("name", ["core.heartbeat", "a.task.that.is.not.known.here"])
def test_a_message_expires_unless_told_otherwise(broker: Connection, name: str) -> None:
    app.send_task(name, connection=broker)

    (message,) = sent(broker)
    assert timedelta(0) < lifetime(message) <= timedelta(seconds=DEFAULT_EXPIRES_S)


def test_a_message_can_have_a_lifetime_of_its_own(broker: Connection) -> None:
    app.send_task("core.heartbeat", expires=5, connection=broker)

    (message,) = sent(broker)
    assert lifetime(message) <= timedelta(seconds=5)


def test_every_periodic_entry_names_a_task_that_exists() -> None:
    app.loader.import_default_modules()

    missing = {entry["task"] for entry in BEAT_SCHEDULE.values()} - set(app.tasks)

    assert missing == set()


@pytest.mark.django_db(transaction=True)
def test_beat_keeps_the_entries_with_their_lifetimes() -> None:
    scheduler = Scheduler(app=app)

    lifetimes = dict(PeriodicTask.objects.values_list("task", "expire_seconds"))
    assert lifetimes == {
        entry["task"]: entry["options"]["expire_seconds"] for entry in BEAT_SCHEDULE.values()
    }
    assert all(entry.options["expires"] for entry in scheduler.schedule.values()), (
        "the scheduler sends them along"
    )


@pytest.mark.django_db(transaction=True)
def test_beat_notices_an_edited_entry() -> None:
    scheduler = Scheduler(app=app)
    scheduler._ask_at = 0.0
    assert "claim due schedules" in scheduler.schedule

    PeriodicTask.objects.get(name="claim due schedules").delete()
    scheduler._ask_at = 0.0

    assert "claim due schedules" not in scheduler.schedule


@pytest.mark.django_db(transaction=True)
def test_beat_asks_for_changes_once_a_second(django_assert_num_queries: Any) -> None:
    scheduler = Scheduler(app=app)
    scheduler._ask_at = time.monotonic() + ASK_EVERY_S

    with django_assert_num_queries(0):
        for _ in range(10):
            _ = scheduler.schedule


def test_only_json_is_read() -> None:
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_serializer == "json"


def test_nothing_waits_for_results() -> None:
    assert app.conf.task_ignore_result
    assert app.conf.result_backend is None
    assert not app.conf.worker_send_task_events


def test_system_checks_are_left_to_up_and_ci() -> None:
    assert os.environ["CELERY_SKIP_CHECKS"] == "1"


class Noting(Scheduler):
    """A scheduler that notes what it would send."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.noted: list[str] = []
        super().__init__(*args, **kwargs)

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        self.noted.append(entry.task)

    def run_for(self, seconds: float) -> list[str]:
        self.noted.clear()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(max(0.0, min(0.1, self.tick())))
        return list(self.noted)


@pytest.mark.django_db(transaction=True)
def test_beat_goes_on_where_the_clock_was_set_back_by_an_hour() -> None:
    scheduler = Noting(app=app)
    scheduler.run_for(1.2)
    # What it remembers lies ahead by an hour, as after the clock was set back.
    scheduler._seen_at += 3600
    for entry in scheduler.schedule.values():
        entry.last_run_at += timedelta(hours=1)
    scheduler._heap = [event._replace(time=event.time + 3600) for event in scheduler._heap]

    sent_then = scheduler.run_for(1.6)

    assert {"monitors.dispatch_due", "publishing.sweep"} <= set(sent_then)
    assert all(sent_then.count(task) <= 2 for task in set(sent_then))
    # What it notes of its entries at its end belongs to this test's database.
    scheduler.sync()
