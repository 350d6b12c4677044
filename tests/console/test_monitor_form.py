"""A monitor's form: how often, a pasted curl command, requests tried out, and the run that a person asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from apps.accounts.models import User
from apps.accounts.roles import Role
from apps.core.models import AuditEvent
from apps.monitors.admin.try_box import TRIES_A_MINUTE
from apps.monitors.models import LatestPass, Monitor, Run, RunDetail, Schedule
from apps.monitors.selectors import definition_of
from tests.console.forms import errors, filled_in, save
from tests.core.loopback import Loopback, answering, serving
from tests.factories import (
    NOW,
    MembershipFactory,
    MonitorFactory,
    MonitorRequestFactory,
    ScheduleFactory,
    UserFactory,
    WorkspaceFactory,
)

pytestmark = pytest.mark.django_db

ADD = "admin:monitors_monitor_add"
URL = "https://orders.example.com/health"


@pytest.fixture(autouse=True)
def _nobody_tried_before() -> None:
    cache.clear()


@pytest.fixture
def shop() -> Iterator[Loopback]:
    """A service that answers with JSON."""
    body = b'{"state": "ready", "items": [{"id": 7}], "token": "t0k-of-theirs"}'
    with serving(answering(body=body, headers=("Content-Type: application/json",))) as server:
        yield server


def _edit(monitor: Monitor) -> str:
    return reverse("admin:monitors_monitor_edit", args=[monitor.pk])


def _person(monitor: Monitor, role: Role) -> Client:
    user: User = UserFactory()
    MembershipFactory(user=user, workspace=monitor.workspace, role=role)
    client = Client()
    client.force_login(user)
    return client


# How often.


@pytest.mark.parametrize(
    ("given", "interval_s", "crontab"),
    [
        ({"how_often": "300"}, 300, ""),
        ({"how_often": "custom", "interval_s": "45"}, 45, ""),
        ({"how_often": "crontab", "crontab": "30 6 * * 1-5"}, None, "30 6 * * 1-5"),
        # What was chosen counts; what another field was left with does not.
        ({"how_often": "60", "interval_s": "7", "crontab": "1 * * * *"}, 60, ""),
        ({"how_often": "60", "interval_s": "nonsense"}, 60, ""),
        ({"how_often": "crontab", "crontab": "1 * * * *", "interval_s": "0"}, None, "1 * * * *"),
    ],
)
def test_how_often_is_chosen_and_nothing_else_gets_in_the_way(
    console: Client, given: dict[str, str], interval_s: int | None, crontab: str
):
    response = save(
        console,
        reverse(ADD),
        workspace=WorkspaceFactory().pk,
        name="Orders",
        requests__0__url=URL,
        **given,
    )

    assert response.status_code == 302, errors(response)
    monitor = Monitor.objects.get()
    assert (monitor.interval_s, monitor.crontab) == (interval_s, crontab)


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        ({"how_often": "custom", "interval_s": ""}, "interval_s", "Write the interval"),
        ({"how_often": "custom", "interval_s": "0"}, "interval_s", "greater than or equal to 1"),
        ({"how_often": "crontab", "crontab": ""}, "crontab", "Write the crontab"),
        ({"how_often": "crontab", "crontab": "often"}, "crontab", "five fields"),
    ],
)
def test_what_was_chosen_has_to_be_written(
    console: Client, given: dict[str, str], field: str, message: str
):
    monitor, _ = _monitor_with_schedule()

    response = save(console, _edit(monitor), **given)

    assert message.lower() in str(errors(response)[field]).lower()


@pytest.mark.parametrize(
    ("columns", "choice"),
    [
        ({"interval_s": 300}, "300"),
        ({"interval_s": 45}, "custom"),
        ({"interval_s": None, "crontab": "1 * * * *"}, "crontab"),
    ],
)
def test_the_form_shows_what_is_stored(console: Client, columns: dict[str, Any], choice: str):
    monitor = MonitorFactory(**columns)

    shown = filled_in(console.get(_edit(monitor)))

    assert shown["how_often"] == choice


# A pasted curl command.


def test_a_curl_command_is_read_for_the_forms_fields(console: Client):
    command = f"curl -X POST '{URL}' -H 'Authorization: Bearer t0k' --json '{{}}' -k -m 5 -s"

    response = console.post(reverse("admin:monitors_monitor_read_curl"), {"command": command})

    answer = response.json()
    assert response["Cache-Control"].startswith("no-store")
    assert answer["request"] == {
        "method": "POST",
        "url": URL,
        "header_lines": "Accept: application/json",
        "body_kind": "json",
        "body_text": "{}",
        "auth_type": "bearer",
        "auth_username": "",
        "auth_password": "",
        "auth_token": "t0k",
        "auth_key": "",
        "auth_value": "",
        "auth_in": "header",
    }
    assert answer["monitor"] == {"timeout_s": 5.0, "verify_tls": False}
    assert answer["notes"] == ["Left out, because a monitor has no use for it: -s."]


def test_a_curl_command_that_cannot_be_used_is_refused_by_name(console: Client):
    command = f"curl --proxy me:1 {URL}"

    answer = console.post(reverse("admin:monitors_monitor_read_curl"), {"command": command}).json()

    assert answer == {"error": "--proxy: monitors use no proxy."}


def test_reading_a_curl_command_needs_an_editor(console: Client):
    url = reverse("admin:monitors_monitor_read_curl")
    viewer = _person(MonitorFactory(), Role.VIEWER)

    assert console.get(url).status_code == 405
    assert viewer.post(url, {"command": f"curl {URL}"}).status_code == 403


def test_without_scripts_the_form_comes_back_filled_and_unsaved(console: Client):
    opened = filled_in(console.get(reverse(ADD)))
    command = f"curl -X PURGE {URL} -H 'X-Client: status' -u robin:s3cret -k"
    sent = {**opened, "requests-0-curl_command": command, "_fill_from_curl": "requests-0"}

    response = console.post(reverse(ADD), sent)

    page = response.content.decode()
    shown = filled_in(response)
    assert not Monitor.objects.exists()
    assert shown["requests-0-method"] == "PURGE"
    assert shown["requests-0-url"] == URL
    assert shown["requests-0-header_lines"] == "X-Client: status"
    assert shown["requests-0-auth_username"] == "robin"
    assert "verify_tls" not in shown
    assert "s3cret" not in page
    assert "Nothing is saved yet" in page
    assert "Typed, not saved yet" in page
    assert "This field is required" not in page


def test_without_scripts_a_command_that_is_refused_says_why(console: Client):
    opened = filled_in(console.get(reverse(ADD)))
    sent = {**opened, "requests-0-curl_command": "curl -F a=@b x", "_fill_from_curl": "requests-0"}

    page = console.post(reverse(ADD), sent).content.decode()

    assert "-F (--form): forms with files" in page


def test_a_command_that_was_not_read_is_not_lost_silently(console: Client):
    response = save(
        console, _edit(MonitorFactory()), requests__0__curl_command=f"curl {URL} -u a:s3cret"
    )

    assert "Fill in the fields" in str(errors(response)["requests-0-curl_command"])
    assert "s3cret" not in response.content.decode()


# Trying requests out.


def _try(
    client: Client, monitor: Monitor | None = None, prefix: str = "requests-0", **changes: str
) -> Any:
    """Press “Try it” in the opened form after some changes."""
    page = reverse(ADD) if monitor is None else _edit(monitor)
    where = (
        reverse("admin:monitors_monitor_try_new")
        if monitor is None
        else reverse("admin:monitors_monitor_try", args=[monitor.pk])
    )
    wanted = {name.replace("__", "-"): value for name, value in changes.items()}
    sent = {**filled_in(client.get(page)), **wanted, "_try": prefix}
    return client.post(where, sent, headers={"X-Requested-With": "fetch"})


def test_an_unsaved_request_is_tried_and_each_value_can_be_chosen(console: Client, shop: Loopback):
    page = _try(console, requests__0__url=shop.url("/health")).content.decode()

    assert "console-passed" in page
    for row in (
        {"source": "status", "operator": "equals", "value": 200},
        {"source": "json", "path": "$.state", "operator": "equals", "value": "ready"},
        {"source": "json", "path": "$.items[0].id", "operator": "equals", "value": 7},
        {"source": "json", "path": "$.token", "operator": "exists"},
    ):
        assert escape(json.dumps(row)) in page
    assert "t0k-of-theirs" not in page
    assert not Monitor.objects.exists()
    assert not Run.objects.exists()


def test_requests_are_tried_in_their_order_down_to_the_one_asked_for(
    console: Client, shop: Loopback
):
    monitor = MonitorFactory(with_request=False)
    for place, name in enumerate(("first", "second", "third"), 1):
        MonitorRequestFactory(monitor=monitor, name=name, url=shop.url(f"/{name}"), position=place)

    _try(console, monitor, "requests-1", requests__0__position="9", requests__2__position="0")

    asked = [request.split(b" ")[1] for request in shop.asked]
    assert asked == [b"/third", b"/second"]


def test_what_is_stored_and_secret_is_sent_and_not_shown(console: Client, shop: Loopback):
    monitor = MonitorFactory(with_request=False, secret_variables={"key": "ready"})
    MonitorRequestFactory(
        monitor=monitor,
        url=shop.url("/?key={{key}}"),
        headers={"X-Api-Key": "stored-canary"},
    )

    page = _try(console, monitor).content.decode()

    (sent,) = shop.asked
    assert b"/?key=ready " in sent
    assert b"stored-canary" in sent
    assert "stored-canary" not in page
    assert "ready" not in page
    event = AuditEvent.objects.get(action="monitor.tried")
    assert event.changes == {"requests": [None, [f"GET {shop.url('/?key={{key}}')}"]]}


def test_what_cannot_be_tried_is_said(console: Client):
    missing = _try(console)
    wrong = _try(console, requests__0__url="ftp://x", timeout_s="soon")

    assert "Write the request&#x27;s URL first" in missing.content.decode()
    assert "Timeout (s): Enter a number" in wrong.content.decode()
    assert "URL: " in wrong.content.decode()


def test_a_target_that_does_not_answer_is_told_as_in_a_run(console: Client):
    page = _try(console, requests__0__url="http://127.0.0.1:9/").content.decode()

    assert "console-failed" in page
    assert "Why it failed" in page


def test_trying_is_limited(console: Client, shop: Loopback):
    user = User.objects.get(username="root")
    cache.set(f"monitors.try.{user.pk}", TRIES_A_MINUTE)

    page = _try(console, requests__0__url=shop.url()).content.decode()

    assert "times in a minute" in page
    assert shop.asked == []


def test_trying_needs_an_editor_of_the_workspace(shop: Loopback):
    monitor, foreign = MonitorFactory(), MonitorFactory()
    url = reverse("admin:monitors_monitor_try", args=[monitor.pk])
    editor, viewer = _person(monitor, Role.EDITOR), _person(monitor, Role.VIEWER)

    assert editor.post(url, {}).status_code == 200
    assert editor.get(url).status_code == 405
    assert viewer.post(url, {}).status_code == 403
    assert _person(foreign, Role.ADMIN).post(url, {}).status_code == 404
    assert "data-try" not in viewer.get(_edit(monitor)).content.decode()


def test_without_scripts_a_trial_is_a_page_of_its_own(console: Client, shop: Loopback):
    sent = {
        **filled_in(console.get(reverse(ADD))),
        "requests-0-url": shop.url(),
        "_try": "requests-0",
    }

    page = console.post(reverse("admin:monitors_monitor_try_new"), sent).content.decode()

    assert "Nothing was saved" in page
    assert "Time spent" in page


def test_the_last_response_kept_is_shown_from_a_run_that_has_its_body(console: Client):
    monitor = MonitorFactory()
    schedule = ScheduleFactory(monitor=monitor)
    url = reverse("admin:monitors_monitor_last_answer", args=[monitor.pk])
    nothing = console.get(url, {"request": "Health"}).content.decode()
    attempt = {"state": "passed", "status": 200, "headers": [["X-Region", "eu"]], "body": None}
    request = {"name": "Health", "method": "GET", "state": "passed"}
    LatestPass.objects.create(
        schedule=schedule,
        due_at=NOW,
        detail={"requests": [{**request, "attempts": [attempt]}]},
    )
    RunDetail.objects.create(
        schedule=schedule,
        due_at=NOW - timedelta(hours=1),
        detail={"requests": [{**request, "attempts": [{**attempt, "body": '{"state": "up"}'}]}]},
    )

    page = console.get(
        url, {"request": "Health"}, headers={"X-Requested-With": "fetch"}
    ).content.decode()

    assert "No kept run" in nothing
    assert "$.state" in page
    assert "X-Region" in page


def _monitor_with_schedule() -> tuple[Monitor, Schedule]:
    monitor = MonitorFactory()
    return monitor, ScheduleFactory(monitor=monitor)


# Order and defaults.


def test_an_added_request_can_be_moved_before_a_stored_one(console: Client):
    monitor, _ = _monitor_with_schedule()

    save(
        console,
        _edit(monitor),
        requests__TOTAL_FORMS="2",
        requests__0__position="1",
        requests__1__url="https://orders.example.com/login",
        requests__1__position="0",
    )

    urls = [request.url for request in definition_of(monitor).requests]
    assert urls[0].endswith("/login")


def test_no_assertion_is_said_to_mean_a_status_below_400(console: Client):
    page = console.get(_edit(MonitorFactory())).content.decode()

    assert "No assertion: the status must be less than 400." in page


# Secrets that were typed beside a mistake.


def test_secrets_typed_beside_a_mistake_come_back_sealed_and_are_saved(console: Client):
    monitor, _ = _monitor_with_schedule()
    refused = save(
        console,
        _edit(monitor),
        name="",
        secrets="key=canary-one",
        requests__0__auth_type="bearer",
        requests__0__auth_token="canary-two",
        requests__0__header_lines="X-Api-Key: canary-three\nX-Plain: seen",
    )
    page = refused.content.decode()
    sealed = dict(re.findall(r'name="([^"]+-sealed)" value="([^"]+)"', page))
    sent = filled_in(refused) | sealed
    sent |= {"name": "Orders", "secrets": "other=canary-four", "_save": "Save"}
    sent["requests-0-header_lines"] = "X-Api-Key: •••\nX-Plain: seen"
    sent["requests-0-auth_token"] = ""

    accepted = console.post(_edit(monitor), sent)

    assert "canary" not in page
    assert "X-Api-Key: •••\nX-Plain: seen" in page
    assert sorted(sealed) == [
        "requests-0-auth_token-sealed",
        "requests-0-header_lines-sealed",
        "secrets-sealed",
    ]
    assert accepted.status_code == 302, errors(accepted)
    definition = definition_of(monitor)
    assert definition.secret_variables == {"key": "canary-one", "other": "canary-four"}
    assert definition.requests[0].auth.token == "canary-two"
    assert definition.requests[0].headers == (("X-Api-Key", "canary-three"), ("X-Plain", "seen"))


def test_a_seal_of_somebody_elses_making_holds_nothing(console: Client):
    monitor, _ = _monitor_with_schedule()

    save(
        console,
        _edit(monitor),
        requests__0__auth_type="basic",
        requests__0__auth_username="robin",
        **{"requests-0-auth_password-sealed": "gAAAAABforged"},
    )

    assert definition_of(monitor).requests[0].auth.password == ""
