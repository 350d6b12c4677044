"""Monitors at the console: one form makes a monitor, and nothing secret comes back out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from apps.core.clock import database_now
from apps.core.models import AuditEvent
from apps.monitors.checkers.spec import AssertionSpec, RequestSpec
from apps.monitors.definition import MonitorDefinition
from apps.monitors.models import (
    Assertion,
    LatestPass,
    Location,
    LocationState,
    Monitor,
    RunDetail,
    Schedule,
)
from apps.monitors.selectors import definition_of
from apps.monitors.services import archive_monitor, create_monitor
from tests.console.forms import errors, save
from tests.factories import NOW, PERSON, MonitorFactory, OutageFactory, RunFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db

ADD = "admin:monitors_monitor_add"
CANARY = "s3cr3t-canary"


def _page(monitor: Monitor) -> str:
    return reverse("admin:monitors_monitor_change", args=[monitor.pk])


def _edit(monitor: Monitor) -> str:
    return reverse("admin:monitors_monitor_edit", args=[monitor.pk])


@pytest.fixture
def monitor(console: Client) -> Monitor:
    """A monitor as the form makes it, at a location that has a worker."""
    location = Location.objects.get(code=Location.DEFAULT_CODE)
    LocationState.objects.create(location=location, seen_at=database_now())
    return create_monitor(
        definition=MonitorDefinition(
            workspace_id=WorkspaceFactory().pk,
            name="Orders",
            requests=(
                RequestSpec(
                    name="GET /health",
                    url="https://orders.example.com/health",
                    assertions=(AssertionSpec("status", "less_than", 400),),
                ),
            ),
        ),
        actor=PERSON,
        at=NOW,
    )


def test_a_url_and_the_assertion_offered_make_a_monitor_in_one_go(console: Client):
    response = save(
        console,
        reverse(ADD),
        workspace=WorkspaceFactory().pk,
        name="Orders",
        requests__0__url="https://orders.example.com/health",
    )

    assert response.status_code == 302, errors(response)
    monitor = Monitor.objects.get()
    definition = definition_of(monitor)

    (request,) = definition.requests
    assert request.name == "GET /health"
    assert [(a.source, a.operator, a.value) for a in request.assertions] == [
        ("status", "less_than", 400)
    ]
    assert definition.locations == ("default",)
    assert Schedule.objects.get(monitor=monitor).next_run_at is not None
    event = AuditEvent.objects.get(action="monitor.created")
    assert (event.actor_kind, event.actor_label) == ("person", "root")


def test_saving_what_the_form_shows_changes_nothing(console: Client, monitor: Monitor):
    before = definition_of(monitor)

    response = save(console, _edit(monitor))

    assert response.status_code == 302, errors(response)
    monitor.refresh_from_db()
    assert definition_of(monitor) == before
    assert monitor.version == 1


def test_every_key_of_a_monitor_can_be_set(console: Client, monitor: Monitor):
    Location.objects.create(code="eu-west", name="Europe West")

    response = save(
        console,
        _edit(monitor),
        how_often="custom",
        interval_s="20",
        run_at=list(Location.objects.values_list("pk", flat=True)),
        quorum="2",
        failure_threshold="3",
        retries="2",
        tag_lines="shop\nprod",
        variable_lines="base=https://orders.example.com\nuser=robin",
        secrets=f"password={CANARY}",
        requests__TOTAL_FORMS="2",
        requests__0__method="POST",
        requests__0__url="{{base}}/login",
        requests__0__header_lines="Accept: application/json\nX-Client: status",
        requests__0__body_kind="json",
        requests__0__body_text='{"user": "{{user}}", "password": "{{password}}"}',
        requests__0__assertion_rows="- {source: json, path: $.state, operator: in, value: [1, two]}",
        requests__0__extraction_rows="- {variable: token, source: json, path: $.token}",
        requests__1__url="{{base}}/orders",
        requests__1__name="Orders",
        requests__1__auth_type="bearer",
        requests__1__auth_token="{{token}}",
        requests__1__assertion_rows='- {"source": "header", "name": "X-Id", "operator": "exists"}',
    )

    assert response.status_code == 302, errors(response)
    definition = definition_of(Monitor.objects.get())
    login, orders = definition.requests
    assert definition.interval_s == 20
    assert definition.locations == ("default", "eu-west")
    assert definition.tags == ("shop", "prod")
    assert definition.variables == {"base": "https://orders.example.com", "user": "robin"}
    assert definition.secret_variables == {"password": CANARY}
    assert login.headers == (("Accept", "application/json"), ("X-Client", "status"))
    assert login.json == {"user": "{{user}}", "password": "{{password}}"}
    assert login.assertions[0].value == [1, "two"]
    assert login.extractions[0].path == "$.token"
    assert (orders.name, orders.auth.token) == ("Orders", "{{token}}")


def test_secrets_are_never_shown_and_kept_when_left_empty(console: Client, monitor: Monitor):
    save(
        console,
        _edit(monitor),
        secrets=f"password={CANARY}",
        requests__0__auth_type="basic",
        requests__0__auth_username="robin",
        requests__0__auth_password=CANARY,
        requests__0__header_lines=f"X-Api-Key: {CANARY}\nX-Auth-Token: {{{{token}}}}\nX-Client: status",
    )

    shown = console.get(_edit(monitor)).content.decode()
    save(console, _edit(monitor), name="Orders, renamed")

    definition = definition_of(Monitor.objects.get())
    assert CANARY not in shown
    assert "password" in shown
    assert "X-Api-Key: •••\nX-Auth-Token: {{token}}\nX-Client: status" in shown
    assert definition.name == "Orders, renamed"
    assert definition.secret_variables == {"password": CANARY}
    assert definition.requests[0].auth.password == CANARY
    assert definition.requests[0].headers == (
        ("X-Api-Key", CANARY),
        ("X-Auth-Token", "{{token}}"),
        ("X-Client", "status"),
    )
    assert CANARY not in str(_as_stored("monitors_monitorrequest"))
    assert CANARY not in str(list(AuditEvent.objects.values_list("changes", flat=True)))


def _as_stored(table: str) -> list[tuple[object, ...]]:
    """Return the table as the database holds it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        return list(cursor.fetchall())


def test_a_secret_that_was_just_typed_is_not_sent_back_with_an_error(
    console: Client, monitor: Monitor
):
    response = save(
        console,
        _edit(monitor),
        name="",
        secrets=f"password={CANARY}",
        requests__0__auth_type="bearer",
        requests__0__auth_token=CANARY,
    )

    assert "name" in errors(response)
    assert CANARY not in response.content.decode()


def test_a_secret_is_removed_only_when_asked_to(console: Client, monitor: Monitor):
    save(console, _edit(monitor), secrets=f"one={CANARY}\ntwo=2")

    save(console, _edit(monitor), **{"secrets-remove": "one"})

    assert definition_of(Monitor.objects.get()).secret_variables == {"two": "2"}


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("requests-0-url", "ftp://example.com", "must begin with http://"),
        ("requests-0-header_lines", "no colon here", "Line 1"),
        ("requests-0-header_lines", "X-Key: •••", "Nothing is stored for X-Key"),
        (
            "requests-0-assertion_rows",
            "- {source: status, operator: equals, value: 200}\n- {source: json, path: $., operator: exists}",
            "Row 2, path",
        ),
        ("requests-0-assertion_rows", "- {source: nose, operator: equals}", "Row 1, source"),
        ("requests-0-assertion_rows", "{not yaml", "Line"),
        ("requests-0-extraction_rows", "- {variable: x, source: body, pattern: '('}", "Row 1"),
        ("variable_lines", "a b c", "Line 1"),
        ("quorum", "2", "At most the number of locations"),
        ("requests-0-url", "http://no such host/", "The URL's host holds"),
    ],
)
def test_bad_input_is_refused_at_its_field(
    console: Client, monitor: Monitor, field: str, value: str, message: str
):
    response = save(console, _edit(monitor), **{field: value})

    found = errors(response)
    assert message in str(found.get(field, found.get("interval_s"))), found


def test_a_body_that_is_not_json_is_refused_at_its_field(console: Client, monitor: Monitor):
    response = save(
        console,
        _edit(monitor),
        requests__0__body_kind="json",
        requests__0__body_text="{oops",
    )

    assert "This is not JSON" in str(errors(response)["requests-0-body_text"])


def test_a_monitor_runs_by_a_crontab_in_its_zone(console: Client, monitor: Monitor):
    save(
        console,
        _edit(monitor),
        how_often="crontab",
        crontab="30 6 * * 1-5",
        crontab_time_zone="Europe/Berlin",
    )

    schedule = Schedule.objects.get(monitor=monitor)
    assert schedule.next_run_at is not None
    local = schedule.next_run_at.astimezone(ZoneInfo("Europe/Berlin"))
    assert (local.hour, local.minute, local.isoweekday() in range(1, 6)) == (6, 30, True)


def test_the_next_five_due_times_are_shown_in_the_zone_and_in_utc(
    console: Client, monitor: Monitor
):
    Monitor.objects.update(interval_s=None, crontab="30 2 * * *", crontab_time_zone="Asia/Tokyo")
    Schedule.objects.update(interval_s=None, next_run_at=datetime(2099, 3, 1, 17, 30, tzinfo=UTC))

    page = console.get(_page(monitor)).content.decode()

    assert "Mon 2099-03-02 02:30:00 JST (Sun 2099-03-01 17:30:00 UTC)" in page
    assert page.count(":30:00 JST (") == 5


def test_the_next_due_times_of_an_interval_are_shown_in_utc(console: Client, monitor: Monitor):
    Schedule.objects.update(next_run_at=datetime(2099, 3, 1, 17, 30, 7, tzinfo=UTC))

    page = console.get(_page(monitor)).content.decode()

    assert "<li>Sun 2099-03-01 17:30:07 UTC</li>" in page
    assert "<li>Sun 2099-03-01 17:34:07 UTC</li>" in page


def test_a_crontab_that_would_never_run_is_refused(console: Client, monitor: Monitor):
    response = save(console, _edit(monitor), how_often="crontab", crontab="0 0 30 2 *")

    assert "There is no day 30 in Feb" in str(errors(response)["crontab"])


def test_a_request_is_taken_away(console: Client, monitor: Monitor):
    save(
        console,
        _edit(monitor),
        requests__TOTAL_FORMS="2",
        requests__1__url="https://orders.example.com/second",
    )

    save(console, _edit(monitor), requests__0__DELETE="on")

    (request,) = definition_of(Monitor.objects.get()).requests
    assert request.url.endswith("/second")
    assert Assertion.objects.count() == 1


def test_requests_run_in_the_order_that_they_were_dragged_to(console: Client, monitor: Monitor):
    save(
        console,
        _edit(monitor),
        requests__TOTAL_FORMS="2",
        requests__1__url="https://orders.example.com/second",
    )

    save(console, _edit(monitor), requests__0__position="1", requests__1__position="0")

    urls = [request.url for request in definition_of(Monitor.objects.get()).requests]
    assert [url.rsplit("/")[-1] for url in urls] == ["second", "health"]


def test_run_now_asks_first_and_then_asks_for_a_run(console: Client, monitor: Monitor):
    url = reverse("admin:monitors_monitor_run_now", args=[monitor.pk])

    asked = console.get(url)
    assert asked.status_code == 200
    assert Schedule.objects.get().run_now_at is None
    console.post(url)

    assert Schedule.objects.get().run_now_at is not None
    assert AuditEvent.objects.filter(action="monitor.run_requested").exists()


def test_pausing_and_resuming_is_offered_by_state(console: Client, monitor: Monitor):
    pause = reverse("admin:monitors_monitor_pause", args=[monitor.pk])
    resume = reverse("admin:monitors_monitor_resume", args=[monitor.pk])

    assert console.post(resume).status_code == 403
    assert console.post(pause).status_code == 302

    monitor.refresh_from_db()
    assert not monitor.enabled
    page = console.get(_edit(monitor)).content.decode()
    assert (resume in page, pause in page) == (True, False)


def test_a_monitor_passes_only_once_it_has_run(console: Client, monitor: Monitor):
    url = reverse("admin:monitors_monitor_changelist")

    before = console.get(url).content.decode()
    Schedule.objects.filter(monitor=monitor).update(last_finished_at=NOW, last_result="passed")
    after = console.get(url).content.decode()

    assert 'console-waiting">Not run yet<' in before
    assert 'console-passing">Passing<' in after


def test_archiving_closes_the_outage(console: Client, monitor: Monitor):
    outage = OutageFactory(monitor=monitor)

    console.post(reverse("admin:monitors_monitor_archive_row", args=[monitor.pk]))

    outage.refresh_from_db()
    assert outage.close_reason == "removed"


def test_runs_are_paged_by_key_and_one_shows_its_details(console: Client, monitor: Monitor):
    schedule = Schedule.objects.get()
    for number in range(60):
        RunFactory(schedule=schedule, due_at=NOW + timedelta(seconds=number), result="failed")
    detail = {
        "requests": [
            {
                "name": "Orders",
                "method": "GET",
                "state": "failed",
                "attempts": [
                    {
                        "state": "failed",
                        "message": "status is 503",
                        "url": "https://orders.example.com/health",
                        "status": 503,
                        "timings": {"dns_ms": 1.2, "total_ms": 31.4},
                        "assertions": [
                            {"text": "status less than 400", "passed": False, "message": "was 503"}
                        ],
                        "extracted": [],
                    }
                ],
            }
        ]
    }
    RunDetail.objects.create(schedule=schedule, due_at=NOW + timedelta(seconds=59), detail=detail)
    url = reverse("admin:monitors_monitor_runs", args=[monitor.pk])

    first = console.get(url)
    second = console.get(f"{url}?before={first.context['older']}")
    shown = console.get(first.context["runs"][0]["url"]).content.decode()

    assert (len(first.context["runs"]), len(second.context["runs"])) == (50, 10)
    assert not second.context["older"]
    assert "<td>status less than 400</td><td>was 503</td>" in shown
    assert "31 ms" in shown


def test_the_newest_passed_run_shows_its_details(console: Client, monitor: Monitor):
    schedule = Schedule.objects.get()
    RunFactory(schedule=schedule, due_at=NOW, result="passed")
    LatestPass.objects.create(
        schedule=schedule,
        due_at=NOW,
        detail={"requests": [{"name": "Orders", "method": "GET", "state": "passed"}]},
    )
    runs = console.get(reverse("admin:monitors_monitor_runs", args=[monitor.pk])).context["runs"]

    response = console.get(runs[0]["url"])

    assert response.context["is_kept"]


def test_a_run_shows_each_phase_and_the_size_of_its_requests(console: Client, monitor: Monitor):
    schedule = Schedule.objects.get(monitor=monitor)
    RunFactory(schedule=schedule, due_at=NOW, result="failed")
    timings = {"dns_ms": 1.2, "connect_ms": 2.3, "tls_ms": 30.4, "first_byte_ms": 41.6}
    attempt = {
        "state": "failed",
        "url": "https://orders.example.com/health",
        "timings": timings | {"total_ms": 52.5},
        "size": 1234,
        "certificate_expires_at": "2026-12-01T00:00:00+00:00",
    }
    request = {"name": "Health", "method": "GET", "state": "failed", "attempts": [attempt]}
    RunDetail.objects.create(schedule=schedule, due_at=NOW, detail={"requests": [request]})
    key = f"{round(NOW.timestamp() * 1_000_000)}-{schedule.pk}"

    page = console.get(reverse("admin:monitors_monitor_run", args=[monitor.pk, key]))

    text = " ".join(page.content.decode().split())
    for label, value in (
        ("Size", "1234 bytes"),
        ("Certificate expires", "2026-12-01T00:00:00+00:00"),
    ):
        assert f"<dt>{label}</dt><dd>{value}</dd>" in text
    for label, value in (
        ("DNS", "1.2 ms"),
        ("Connect", "2.3 ms"),
        ("TLS", "30 ms"),
        ("First byte", "42 ms"),
        ("Transfer", "0 ms"),
        ("Total", "52 ms"),
    ):
        assert f'>{label}</th><td class="console-nowrap">{value}</td>' in text


def test_monitors_are_found_by_their_tags(console: Client):
    MonitorFactory(name="Café", tags=["shop", "café"], with_request=False)
    MonitorFactory(name="Depot", tags=["shop"], with_request=False)
    MonitorFactory(name="Bare", with_request=False)
    url = reverse("admin:monitors_monitor_changelist")

    def shown(tag: str) -> list[str]:
        rows = console.get(url, {"tag": tag}).context["cl"].result_list
        return sorted(row.name for row in rows)

    assert [shown("shop"), shown("café"), shown("none")] == [["Café", "Depot"], ["Café"], []]
    assert "?tag=caf%C3%A9" in console.get(url).content.decode()


def test_a_circle_of_parents_is_refused_at_the_field(console: Client, monitor: Monitor):
    child = MonitorFactory(name="Child", workspace=monitor.workspace, with_request=False)
    child.parents.add(monitor)

    response = save(console, _edit(monitor), parents=[child.pk])

    assert "is this monitor or below it" in str(errors(response)["parents"])


def test_a_parent_of_another_workspace_is_refused_at_the_field(console: Client, monitor: Monitor):
    response = save(console, _edit(monitor), parents=[MonitorFactory(with_request=False).pk])

    assert "is not in this workspace" in str(errors(response)["parents"])


def test_an_archived_parent_keeps_nobody_from_saving(console: Client, monitor: Monitor):
    parent = MonitorFactory(name="Old", workspace=monitor.workspace, with_request=False)
    monitor.parents.add(parent)
    archive_monitor(monitor_id=parent.pk, actor=PERSON, at=NOW)

    response = save(console, _edit(monitor), retries="2")

    assert response.status_code == 302, errors(response)
    assert definition_of(monitor).parents == ()


@pytest.mark.parametrize("key", ["nonsense", "1-1", "99999999999999999999-1", "1"])
def test_a_run_that_is_not_there_is_not_found(console: Client, monitor: Monitor, key: str):
    url = reverse("admin:monitors_monitor_run", args=[monitor.pk, key])

    assert console.get(url).status_code == 404


def test_queries_of_the_list_do_not_grow_with_monitors(
    console: Client, monitor: Monitor, django_assert_max_num_queries
):
    url = reverse("admin:monitors_monitor_changelist")
    console.get(url)
    with django_assert_max_num_queries(50) as few:
        console.get(url)
    MonitorFactory.create_batch(10)

    with django_assert_max_num_queries(len(few)):
        console.get(url)
