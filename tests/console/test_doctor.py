"""The doctor says what does not work, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.console.doctor import examine
from apps.core.clock import database_now
from apps.core.models import Heartbeat
from apps.core.services.heartbeats import record_heartbeats
from apps.monitors.upcoming import due_next
from tests.clocks import settable_database_clock
from tests.factories import MonitorFactory, ScheduleFactory

pytestmark = pytest.mark.django_db


def found(subject: str) -> list[tuple[str, str]]:
    """(level, text) of what is found about a subject."""
    return [(one.level, one.text) for one in examine() if one.subject == subject]


def run(*arguments: str) -> tuple[int, str]:
    """Run the command; return its exit code and what it printed."""
    out = StringIO()
    try:
        call_command("doctor", *arguments, stdout=out)
    except SystemExit as error:
        return int(error.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_a_healthy_installation_has_no_problem():
    record_heartbeats(names=["beat", "worker:here"])

    code, text = run()

    assert code == 0
    assert "OK       worker: is alive" in text
    assert "PROBLEM" not in text


def never_started() -> None:
    Heartbeat.objects.all().delete()


def stopped() -> None:
    record_heartbeats(names=["beat", "worker:here"])
    Heartbeat.objects.update(at=database_now() - timedelta(seconds=100))


def overdue() -> None:
    ScheduleFactory(next_run_at=database_now() - timedelta(seconds=60))


@pytest.mark.parametrize(
    ("broken", "subject", "said"),
    [
        (never_started, "worker", "never been seen"),
        (never_started, "scheduler", "never been seen"),
        (stopped, "worker", "last seen 100 s ago"),
        (overdue, "schedules", "has waited for 60 s"),
    ],
)
def test_what_does_not_work_is_told_with_what_to_do(
    broken: Callable[[], None], subject: str, said: str
):
    broken()

    code, text = run()

    assert code == 1
    assert found(subject)[0][0] == "problem"
    assert said in found(subject)[0][1]
    assert "→" in text


def test_the_next_five_due_times_of_a_crontab_are_told_in_its_zone_and_in_utc():
    monitor = MonitorFactory(
        name="Nightly",
        interval_s=None,
        crontab="30 2 * * *",
        crontab_time_zone="Europe/Berlin",
        with_request=False,
    )
    # The night after next, the clocks go back.
    first = datetime(2099, 10, 24, 0, 30, tzinfo=UTC)
    ScheduleFactory(monitor=monitor, interval_s=None, next_run_at=first)

    code, text = run("--monitor", "Nightly")

    assert code == 0
    assert "Sat 2099-10-24 02:30:00 CEST = Sat 2099-10-24 00:30:00 UTC" in text
    assert "Sun 2099-10-25 02:30:00 CEST = Sun 2099-10-25 00:30:00 UTC" in text
    assert "Mon 2099-10-26 02:30:00 CET = Mon 2099-10-26 01:30:00 UTC" in text
    assert text.count(" = ") == 5
    assert "(30 2 * * *)" in text


def test_slots_that_passed_without_a_worker_are_not_told_as_due():
    monitor = MonitorFactory(name="Orders", interval_s=60, with_request=False)
    now = database_now()
    ScheduleFactory(monitor=monitor, interval_s=60, next_run_at=now - timedelta(days=3))

    (due,) = due_next(limit=10, names=["Orders"])

    assert due.times[0] > now - timedelta(seconds=61)
    assert due.times[1] > now


def test_a_monitor_that_is_not_scheduled_is_said_to_be_so():
    MonitorFactory(name="Nightly", enabled=False, with_request=False)

    with pytest.raises(CommandError, match="no monitor of this name is scheduled"):
        run("--monitor", "Nightly")


@pytest.mark.parametrize(
    ("by", "said"), [(3600, "3600 s behind the database's"), (-3600, "3600 s ahead of")]
)
def test_a_clock_that_is_off_is_told(by: int, said: str):
    with settable_database_clock() as clock:
        clock.move(timedelta(seconds=by))

        ((level, text),) = found("clocks")

    assert level == "warning"
    assert said in text.replace("3599 s", "3600 s")
