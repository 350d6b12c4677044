"""Jobs follow a commit: in their order, again when they ask for it, whatever one of them does."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import transaction

from apps.core import pump


class Job:
    """A job that notes its runs and can be told what to answer."""

    def __init__(self, name, log, answers=()):
        self.name, self.log, self.answers = name, log, list(answers)
        self.ran = threading.Semaphore(0)

    def __call__(self):
        self.log.append(self.name)
        self.ran.release()
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def wait(self, times=1):
        for _ in range(times):
            assert self.ran.acquire(timeout=10), f"{self.name} did not run"


@pytest.fixture
def register():
    """Return a function that registers a job under a name of the test's own."""
    names = []

    def add(name, order, job):
        pump.register(name=name, task=f"tests.{name}", run=job, order=order)
        names.append(name)
        return job

    yield add
    pump.stop()
    for name in names:
        pump._jobs.pop(name)


def test_a_woken_job_runs_soon(register):
    job = register("one", 1, Job("one", []))
    pump.start()

    started = time.monotonic()
    pump.wake("one")
    job.wait()

    assert time.monotonic() - started < 2


def test_jobs_woken_together_run_in_their_order(register):
    log, gate = [], threading.Event()

    def wait_at_the_gate():
        gate.wait(10)

    register("gate", 0, wait_at_the_gate)
    late, early = register("late", 20, Job("late", log)), register("early", 10, Job("early", log))
    pump.start()
    pump.wake("gate")

    pump.wake("late")
    pump.wake("early")
    pump.wake("late")
    gate.set()
    late.wait()
    early.wait()

    assert log == ["early", "late"]


def test_a_job_runs_again_when_it_asks_for_it(register):
    job = register("again", 1, Job("again", [], answers=[0.01, 0.01, None]))
    pump.start()

    pump.wake("again")

    job.wait(times=3)


def test_a_failing_job_is_tried_again_and_holds_nobody_up(register, caplog):
    log = []
    broken = register("broken", 1, Job("broken", log, answers=[RuntimeError("boom")]))
    healthy = register("healthy", 2, Job("healthy", log))
    pump.start()

    pump.wake("broken")
    pump.wake("healthy")
    healthy.wait()
    broken.wait(times=2)

    assert "job failed job=broken" in caplog.text
    assert "boom" in caplog.text


def test_starting_twice_is_one_pump(register):
    first = pump.start()

    assert pump.start() is first
    pump.stop()
    assert not first.is_alive()


def test_without_a_pump_a_waking_sends_the_jobs_task_to_a_worker(register, settings):
    register("elsewhere", 1, Job("elsewhere", []))
    before = {path.name for path in settings.BROKER_DIR.rglob("*")}

    pump.wake("elsewhere")

    new = [path for path in settings.BROKER_DIR.rglob("*") if path.name not in before]
    assert any("tests.elsewhere" in path.read_text() for path in new if path.is_file())


@pytest.mark.django_db(transaction=True)
def test_a_job_is_woken_by_the_commit_and_not_by_a_rollback(register):
    job = register("commit", 1, Job("commit", []))
    pump.start()

    with transaction.atomic():
        pump.wake_on_commit("commit")
        transaction.set_rollback(True)
    with transaction.atomic():
        pump.wake_on_commit("commit")
        assert job.log == []
    job.wait()

    assert job.log == ["commit"]
