"""/healthz and /readyz: always answered, in time, and telling the truth."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection

from apps.core.clock import database_now
from apps.core.models import Heartbeat
from apps.core.selectors import heartbeat_ages_s
from apps.core.services.heartbeats import record_heartbeats
from apps.core.tasks import heartbeat
from statusplatform.health import FRESH_S, LIMIT_S, MOST_WAITING, HealthEndpoints, Readiness
from statusplatform.readiness import HEARTBEAT_LIMIT_S, _broker, _database
from statusplatform.threads import DJANGO_THREADS, WEB_THREADS
from tests.factories import ScheduleFactory


def call(application: Any, path: str, method: str = "GET") -> tuple[int, Any]:
    """Return status and decoded body of a WSGI call."""
    answered: list[str] = []
    body = b"".join(
        application(
            {"PATH_INFO": path, "REQUEST_METHOD": method},
            lambda status, headers: answered.append(status),
        )
    )
    return int(answered[0].split()[0]), json.loads(body) if body else None


def refuse(*_: Any) -> Any:
    raise AssertionError("must not be asked")


def endpoints(look: Callable[[], dict[str, Any]] = refuse) -> HealthEndpoints:
    return HealthEndpoints(refuse, {"database": look})


def test_alive_asks_nobody() -> None:
    assert call(endpoints(), "/healthz") == (200, {"status": "alive"})


def test_ready_when_every_check_passes() -> None:
    status, body = call(endpoints(lambda: {"database": {"ok": True, "detail": ""}}), "/readyz")

    assert (status, body["status"]) == (200, "ready")


def test_not_ready_when_one_check_fails() -> None:
    checks = {"database": {"ok": True, "detail": ""}, "beat": {"ok": False, "detail": "never seen"}}

    status, body = call(endpoints(lambda: checks), "/readyz")

    assert (status, body) == (503, {"status": "not ready", "checks": checks})


def test_not_ready_when_the_look_itself_fails() -> None:
    def look() -> dict[str, Any]:
        raise RuntimeError("a secret address")

    status, body = call(endpoints(look), "/readyz")

    assert status == 503
    assert "secret" not in json.dumps(body)


def test_a_look_that_hangs_is_answered_in_time_and_not_repeated() -> None:
    go_on = threading.Event()
    looks: list[int] = []

    def look() -> dict[str, Any]:
        looks.append(1)
        go_on.wait(30)
        return {}

    application = endpoints(look)
    started = time.monotonic()

    status, _ = call(application, "/readyz")
    took_s = time.monotonic() - started
    others = [threading.Thread(target=call, args=(application, "/readyz")) for _ in range(5)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    go_on.set()

    assert status == 503
    assert took_s < LIMIT_S + 1
    assert looks == [1]


def test_many_who_ask_while_the_database_hangs_leave_threads_to_readers() -> None:
    go_on = threading.Event()
    application = endpoints(lambda: {"database": {"ok": go_on.wait(30), "detail": ""}})
    started = time.monotonic()
    took_s: list[float] = []

    def ask() -> None:
        assert call(application, "/readyz")[0] == 503
        took_s.append(time.monotonic() - started)

    askers = [threading.Thread(target=ask) for _ in range(20)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    late = time.monotonic()
    call(application, "/readyz")
    late_took_s = time.monotonic() - late
    go_on.set()

    assert sum(one > LIMIT_S / 2 for one in took_s) == MOST_WAITING < WEB_THREADS - DJANGO_THREADS
    assert len(took_s) == 20
    assert late_took_s < LIMIT_S / 2, "nobody waits for a look that is known to hang"


def test_who_cannot_wait_is_told_what_was_found_before() -> None:
    go_on = threading.Event()
    go_on.set()
    looks: list[int] = []

    def look() -> dict[str, Any]:
        looks.append(1)
        return {"database": {"ok": go_on.wait(30), "detail": ""}}

    application = endpoints(look)
    call(application, "/readyz")
    go_on.clear()
    time.sleep(FRESH_S + 0.1)
    waiting = [
        threading.Thread(target=call, args=(application, "/readyz")) for _ in range(MOST_WAITING)
    ]
    for one in waiting:
        one.start()
    time.sleep(0.1)

    status, body = call(application, "/readyz")
    go_on.set()
    for one in waiting:
        one.join()

    assert (status, body["status"], len(looks)) == (200, "ready", 2)


def test_one_need_that_hangs_does_not_hide_the_others() -> None:
    go_on = threading.Event()

    def hang() -> dict[str, Any]:
        go_on.wait(30)
        return {}

    looks = {"broker": hang, "database": lambda: {"database": {"ok": True, "detail": ""}}}

    status, body = call(HealthEndpoints(refuse, looks), "/readyz")
    go_on.set()

    assert status == 503
    assert {name: check["ok"] for name, check in body["checks"].items()} == {
        "broker": False,
        "database": True,
    }
    assert "no answer" in body["checks"]["broker"]["detail"]


def test_a_fresh_look_is_shared() -> None:
    looks: list[int] = []

    def look() -> dict[str, Any]:
        looks.append(1)
        return {}

    readiness = Readiness("database", look)

    for _ in range(10):
        readiness.start()
        readiness.wait()

    assert looks == [1]


def test_other_methods_are_refused_and_other_paths_handed_on() -> None:
    application = HealthEndpoints(lambda environ, start: [start("200 OK", []) or b"1"], {})

    assert call(application, "/healthz", "POST")[0] == 405
    assert call(application, "/elsewhere") == (200, 1)


@pytest.mark.django_db
def test_the_heartbeat_task_shows_worker_and_beat() -> None:
    heartbeat()

    ages = heartbeat_ages_s()
    checks = _database()
    assert {name.partition(":")[0] for name in ages} == {"beat", "worker"}
    assert all(age < 5 for age in ages.values())
    assert {name: check["ok"] for name, check in checks.items()} == {
        "database": True,
        "worker": True,
        "beat": True,
        "scheduler": True,
    }


@pytest.mark.django_db
def test_a_heartbeat_is_one_row_per_name() -> None:
    record_heartbeats(names=["beat"])
    Heartbeat.objects.update(at=database_now() - timedelta(hours=1))

    record_heartbeats(names=["beat"])

    assert Heartbeat.objects.count() == 1
    assert heartbeat_ages_s()["beat"] < 5


@pytest.mark.django_db
def test_silence_is_told() -> None:
    record_heartbeats(names=["beat", "worker:one", "worker:two"])
    old = database_now() - timedelta(seconds=HEARTBEAT_LIMIT_S + 5)
    Heartbeat.objects.exclude(name="worker:two").update(at=old)

    checks = _database()

    assert checks["worker"]["ok"], "one living worker is enough"
    assert not checks["beat"]["ok"]
    assert checks["beat"]["age_s"] > HEARTBEAT_LIMIT_S


@pytest.mark.django_db
def test_nobody_ever_seen_is_told() -> None:
    checks = _database()

    assert (checks["worker"]["detail"], checks["beat"]["detail"]) == ("never seen", "never seen")


@pytest.mark.django_db
def test_overdue_schedules_are_told() -> None:
    now = database_now()
    ScheduleFactory(next_run_at=now - timedelta(seconds=60))

    scheduler = _database()["scheduler"]

    assert not scheduler["ok"]
    assert 59 < scheduler["lag_s"] < 70


@pytest.mark.django_db
def test_schedules_that_wait_for_nobody_are_not_overdue() -> None:
    now = database_now()
    past = now - timedelta(seconds=60)
    ScheduleFactory(next_run_at=past, is_active=False)
    ScheduleFactory(next_run_at=past, leased_until=now + timedelta(seconds=15))
    ScheduleFactory(next_run_at=None)
    ScheduleFactory(next_run_at=now + timedelta(seconds=5))

    assert _database()["scheduler"] == {"ok": True, "detail": "", "lag_s": 0.0}


@pytest.mark.django_db
def test_a_database_that_is_away_fails_four_checks_and_names_no_address() -> None:
    def away(*_: Any) -> Any:
        raise OperationalError("connection to 10.1.2.3 refused")

    with connection.execute_wrapper(away):
        checks = _database()

    assert not any(check["ok"] for check in checks.values())
    assert set(checks) == {"database", "worker", "beat", "scheduler"}
    assert "10.1.2.3" not in json.dumps(checks)


def test_the_embedded_broker_is_reached_while_its_folder_can_be_written(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "CELERY_BROKER_URL", "filesystem://")
    monkeypatch.setattr(settings, "BROKER_DIR", tmp_path / "not-made-yet")

    assert _broker()["ok"]
