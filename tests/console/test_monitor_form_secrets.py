"""Secrets of a monitor are on no screen, in no trail, in no log and in no export: canaries are planted and looked for."""

from __future__ import annotations

import json
import logging
import socket
from base64 import b64encode
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from apps.configuration.export import export
from apps.core.clock import database_now
from apps.core.egress.shared import shared_transfers
from apps.core.models import AuditEvent
from apps.monitors.checkers import AssertionSpec, AuthSpec, RequestSpec
from apps.monitors.definition import MonitorDefinition
from apps.monitors.engine.flights import storable_json
from apps.monitors.models import Monitor, Run, RunDetail, Schedule
from apps.monitors.selectors import definition_of
from apps.monitors.services import create_monitor
from apps.monitors.trial import try_out
from tests.console.forms import filled_in, save
from tests.core.loopback import Loopback, serving
from tests.factories import NOW, PERSON, IntegrationFactory, OutageFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db

VARIABLE = "canary-of-a-variable/+&<"
PASSWORD = "canary-of-a-password"
BEARER = "canary-of-a-bearer"
KEY = "canary-of-a-key"
HEADER = "canary-of-a-header"
COOKIE = "canary-of-a-cookie"
SESSION = "canary-of-a-session"
EVERY = "canary-of-"


def _echo(connection: socket.socket, request: bytes) -> None:
    """Give back all that was asked: in the body, in a header, in a cookie, and in where a redirect leads."""
    head, _, body = request.partition(b"\r\n\r\n")
    target = head.split(b" ", 2)[1]
    if target.startswith(b"/moved"):
        location = target.replace(b"/moved", b"/echo")
        connection.sendall(
            b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            % location
        )
        return
    told = json.dumps(
        {"head": head.decode(), "body": body.decode(), "target": target.decode()}
    ).encode()
    answer = (
        b"HTTP/1.1 500 Oops\r\nContent-Type: application/json\r\nX-Echo: %s\r\nX-Auth-Token: %s\r\n"
        b"Set-Cookie: sid=%s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    )
    connection.sendall(answer % (target, HEADER.encode(), SESSION.encode(), len(told)) + told)


@pytest.fixture
def echo() -> Iterator[Loopback]:
    cache.clear()
    with serving(_echo) as server:
        yield server


@pytest.fixture
def monitor(echo: Loopback) -> Monitor:
    """A monitor full of secrets, whose target tells them all."""
    wrong = (
        AssertionSpec("header", "equals", "nothing", name="X-Echo"),
        AssertionSpec("json", "equals", "{{key}}", path="$.body"),
        AssertionSpec("body", "not_contains", "{{key}}"),
    )

    def request(name: str, path: str, auth: AuthSpec) -> RequestSpec:
        return RequestSpec(
            name=name,
            method="POST",
            url=echo.url(path),
            headers=(
                ("Cookie", f"sid={COOKIE}"),
                ("X-Api-Key", HEADER),
                ("X-Plain", "{{key}}"),
            ),
            body='{"said": "{{key}}"}',
            auth=auth,
            assertions=wrong,
        )

    made = create_monitor(
        definition=MonitorDefinition(
            workspace_id=WorkspaceFactory().pk,
            name="Orders",
            variables={"through": "{{key}}"},
            secret_variables={"key": VARIABLE},
            requests=(
                request("Basic", "/echo?q={{through}}", AuthSpec("basic", "robin", PASSWORD)),
                request("Bearer", "/moved?q={{key}}", AuthSpec("bearer", token=BEARER)),
                request("Key", "/echo", AuthSpec("api_key", key="k", value=KEY, location="query")),
            ),
        ),
        actor=PERSON,
        at=NOW,
    )
    IntegrationFactory(monitor=made)
    return made


def _recorded_run(monitor: Monitor, *, result: str) -> Run:
    """A run of the monitor, recorded as the engine does."""
    trial = try_out(definition_of(monitor).spec, fetch=shared_transfers().fetch)
    schedule = Schedule.objects.get(monitor=monitor)
    run = Run.objects.create(
        schedule=schedule,
        due_at=database_now(),
        started_at=database_now(),
        result=result,
        is_manual=True,
        duration_ms=1,
        reason=trial.outcome.reason,
    )
    RunDetail.objects.create(
        schedule=schedule,
        due_at=run.due_at,
        detail=json.loads(storable_json(trial.outcome.detail_json)),
    )
    OutageFactory(monitor=monitor, reason=trial.outcome.reason)
    return run


def test_the_target_really_tells_them_all(echo: Loopback, monitor: Monitor):
    trial = try_out(definition_of(monitor).spec, fetch=shared_transfers().fetch)

    told = b"".join(answer.body + answer.header_text.encode() for answer in trial.answers.values())
    # The password travels encoded.
    for canary in (
        BEARER,
        KEY,
        HEADER,
        COOKIE,
        SESSION,
        b64encode(f"robin:{PASSWORD}".encode()).decode(),
    ):
        assert canary.encode() in told
    assert trial.outcome.result == "failed"


def test_no_screen_of_a_monitor_shows_a_secret(
    console: Client, monitor: Monitor, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    run = _recorded_run(monitor, result="failed")
    edit = reverse("admin:monitors_monitor_edit", args=[monitor.pk])
    save(console, edit, name="Orders, renamed", requests__0__url="http://127.0.0.1:9/{{key}}")
    save(console, edit, retries="nonsense")

    def of(name: str, *more: object) -> str:
        return reverse(f"admin:monitors_monitor_{name}", args=[monitor.pk, *more])

    micros = round(run.due_at.timestamp() * 1_000_000)
    outage = monitor.outages.get()
    addresses = [
        reverse("admin:monitors_monitor_changelist"),
        *(of(name) for name in ("change", "edit", "runs", "history", "run_now")),
        of("run", f"{micros}-{run.schedule_id}"),
        of("asked", micros - 1),
        *(f"{of('last_answer')}?request={name}" for name in ("Basic", "Bearer", "Key")),
        reverse("admin:monitors_outage_changelist"),
        reverse("admin:monitors_outage_change", args=[outage.pk]),
        reverse("admin:core_auditevent_changelist"),
        *(
            reverse("admin:core_auditevent_change", args=[event.pk])
            for event in AuditEvent.objects.all()
        ),
        reverse("admin:index"),
    ]
    for address in addresses:
        response = console.get(address, follow=True)

        assert response.status_code == 200, address
        page = response.content.decode()
        assert EVERY not in page, f"{address}: {_around(page)}"
    assert "•••" in console.get(of("run", f"{micros}-{run.schedule_id}")).content.decode()
    assert EVERY not in caplog.text


def test_trying_requests_shows_no_secret(
    console: Client, monitor: Monitor, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    opened = filled_in(console.get(reverse("admin:monitors_monitor_edit", args=[monitor.pk])))
    typed = {"secrets": "typed=canary-of-typing", "requests-0-auth_password": "canary-of-typing"}

    for prefix in ("requests-0", "requests-1", "requests-2"):
        for headers in ({}, {"X-Requested-With": "fetch"}):
            page = console.post(
                reverse("admin:monitors_monitor_try", args=[monitor.pk]),
                {**opened, **typed, "_try": prefix},
                headers=headers,
            ).content.decode()

            assert "X-Echo" in page
            assert EVERY not in page, _around(page)
    assert EVERY not in caplog.text


def test_the_trail_and_the_export_hold_no_secret(console: Client, monitor: Monitor):
    save(
        console,
        reverse("admin:monitors_monitor_edit", args=[monitor.pk]),
        secrets="key=canary-of-a-change",
        requests__0__auth_password="canary-of-a-change",
        requests__1__header_lines="Authorization: canary-of-a-change",
    )

    changes = json.dumps(list(AuditEvent.objects.values_list("changes", flat=True)))

    assert EVERY not in changes
    assert EVERY not in export()


def _around(page: str) -> str:
    place = page.find(EVERY)
    return page[max(0, place - 200) : place + 60]
