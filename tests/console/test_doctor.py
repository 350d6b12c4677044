"""The doctor says what does not work, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from apps.console.doctor import examine
from apps.core.clock import database_now
from apps.core.models import Heartbeat
from apps.core.services.heartbeats import record_heartbeats
from tests.factories import ScheduleFactory

pytestmark = pytest.mark.django_db


def found(subject: str) -> list[tuple[str, str]]:
    """(level, text) of what is found about a subject."""
    return [(one.level, one.text) for one in examine() if one.subject == subject]


def run() -> tuple[int, str]:
    """Run the command; return its exit code and what it printed."""
    out = StringIO()
    try:
        call_command("doctor", stdout=out)
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
