"""The list of monitors: how each stands at a glance, at the same price for ten thousand, and what is done to many."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import Membership
from apps.core.clock import database_now
from apps.core.models import AuditEvent
from apps.monitors.conditions import Condition
from apps.monitors.list_selectors import in_condition, seen
from apps.monitors.models import Monitor, Outage, Schedule
from tests.factories import (
    LocationFactory,
    MembershipFactory,
    MonitorFactory,
    OutageFactory,
    RunFactory,
    ScheduleFactory,
    UserFactory,
    WorkspaceFactory,
)

pytestmark = pytest.mark.django_db

LIST = "/admin/monitors/monitor/"


def placed(monitor: Monitor, *, worker: bool = True, lag_s: float = -30, **fields: Any) -> Schedule:
    """The monitor at a location of its own, due `lag_s` ago."""
    due = database_now() - timedelta(seconds=lag_s)
    schedule: Schedule = ScheduleFactory(
        monitor=monitor, location=LocationFactory(worker=worker), next_run_at=due, **fields
    )
    return schedule


def listed(console: Client, **query: Any) -> list[str]:
    """Names on the list."""
    response = console.get(LIST, query)
    assert response.status_code == 200, response
    return [row.name for row in response.context["cl"].result_list]


def asked(console: Client, url: str = LIST, **query: Any) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert console.get(url, query).status_code == 200
    return [one["sql"] for one in captured.captured_queries]


# How it stands.


def test_the_filter_finds_what_the_column_says():
    """Of every combination of what the rule looks at."""
    now = database_now()
    flags = (True, False)
    results = ("", "passed", "failed", "error")
    for archived, enabled, failing in product(flags, flags, flags):
        for worker, result, lag_s in product(flags, results, (-30.0, 60.0)):
            monitor = MonitorFactory(archived=archived, enabled=enabled)
            monitor.state.is_failing = failing
            monitor.state.save()
            placed(monitor, worker=worker, lag_s=lag_s, last_result=result)
    nowhere = MonitorFactory()
    placed(MonitorFactory(), removed_at=now)
    half = MonitorFactory()
    placed(half, worker=False)
    placed(half, last_result="passed")
    running = MonitorFactory()
    placed(running, lag_s=60, last_result="passed", leased_until=now + timedelta(seconds=9))
    stateless = MonitorFactory(state_row=False)
    placed(stateless, last_result="passed")

    rows = list(Monitor.objects.select_related("state"))
    said = {pk: one.condition for pk, one in seen(rows).items()}
    found = {
        condition: {row.pk for row in in_condition(Monitor.objects.all(), condition, now=now)}
        for condition in Condition
    }

    assert set(said.values()) == set(Condition)
    for condition in Condition:
        assert found[condition] == {pk for pk, one in said.items() if one is condition}
    assert said[nowhere.pk] is Condition.NOT_MEASURED
    assert said[half.pk] is said[running.pk] is said[stateless.pk] is Condition.PASSING


def test_a_row_says_state_runs_uptime_and_lag_in_words(console: Client):
    now = database_now()
    monitor = MonitorFactory(
        name="Orders", tags=["shop"], interval_s=300, created_at=now - timedelta(days=40)
    )
    schedule = placed(monitor, lag_s=90, last_result="failed", last_finished_at=now)
    for number, result in enumerate(["passed", "passed", "failed", "error"]):
        RunFactory(
            schedule=schedule,
            due_at=now - timedelta(minutes=9 - number),
            result=result,
            response_time_ms=None if result == "error" else 40 + number,
        )
    OutageFactory(
        monitor=monitor,
        started_at=now - timedelta(hours=2),
        opened_at=now - timedelta(hours=2),
        closed_at=now - timedelta(hours=1),
    )

    page = console.get(LIST).content.decode()

    assert 'console-late">Late<' in page
    assert "The newest 4 runs: 1 failed, 1 error; 40 ms to 42 ms" in page
    assert "95.83 %" in page
    assert "99.86 %" in page
    assert "every 5 min" in page
    assert re.search(r"1 min 3\d s", page)
    assert 'console-chip">shop<' in page


def test_uptime_leaves_out_what_was_not_measured_and_says_so(console: Client):
    now = database_now()
    monitor = MonitorFactory(created_at=now - timedelta(hours=10))
    placed(monitor, last_result="passed", last_finished_at=now, owed_since=None)
    Schedule.objects.get().unmeasured.create(
        started_at=now - timedelta(hours=6), ended_at=now - timedelta(hours=4)
    )

    (found,) = seen([monitor]).values()
    page = console.get(LIST).content.decode()

    day = found.uptimes["24 h"]
    assert round(day.not_measured / timedelta(hours=1)) == 2
    assert round(day.up / timedelta(hours=1)) == 8
    assert "not measured for 2 h" in page


def test_filters_narrow_the_list(console: Client):
    late, paused, tagged = (MonitorFactory(name=name) for name in ("late", "paused", "tagged"))
    schedule = placed(late, lag_s=700)
    placed(paused)
    placed(tagged, lag_s=20)
    Monitor.objects.filter(pk=paused.pk).update(enabled=False)
    Monitor.objects.filter(pk=tagged.pk).update(tags=["shop", "prod"])
    MonitorFactory(name="gone", archived=True)

    assert listed(console) == ["late", "paused", "tagged"]
    assert listed(console, state="paused") == ["paused"]
    assert listed(console, state="late") == ["late", "tagged"]
    assert listed(console, lag="15s") == ["late", "tagged"]
    assert listed(console, lag="10min") == ["late"]
    assert listed(console, location=schedule.location_id) == ["late"]
    assert listed(console, tag="prod") == ["tagged"]
    assert listed(console, workspace__id__exact=paused.workspace_id) == ["paused"]
    assert listed(console, archived="yes") == ["gone"]
    assert listed(console, q="TAG") == ["tagged"]
    assert listed(console, state="nonsense", lag="nonsense", location="nonsense") == [
        *("late", "paused", "tagged")
    ]


# What it costs.


def test_the_list_asks_the_same_of_ten_monitors_and_of_a_hundred(console: Client):
    for _ in range(10):
        RunFactory(schedule=placed(MonitorFactory(tags=["a"])))
    console.get(LIST)
    before = len(asked(console))
    for number in range(90):
        monitor = MonitorFactory(tags=[f"t{number}"])
        RunFactory(schedule=placed(monitor))
        OutageFactory(monitor=monitor)

    after = len(asked(console))

    assert after == before <= 20


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"p": 1},
        {"q": "Check"},
        {"state": "passing"},
        {"state": "late"},
        {"lag": "1h"},
        {"_facets": "True"},
    ],
)
def test_nothing_is_counted_without_a_bound(console: Client, query: dict[str, Any]):
    for _ in range(3):
        placed(MonitorFactory())

    statements = asked(console, **query)

    counting = [sql for sql in statements if "COUNT(" in sql]
    assert len(counting) == 1
    assert all("LIMIT 10000" in sql for sql in counting)


def test_every_statement_of_the_list_reads_a_page_or_is_bounded(console: Client):
    for _ in range(3):
        RunFactory(schedule=placed(MonitorFactory()))

    growing = ('"monitors_monitor"', '"monitors_schedule"', '"monitors_run"', '"monitors_outage"')
    for sql in asked(console):
        if any(table in sql for table in growing):
            by_key = any(f"{key} IN (" in sql.replace('"', "") for key in _KEYS)
            assert by_key or "LIMIT" in sql, sql


_KEYS = ("monitors_schedule.monitor_id", "monitors_outage.monitor_id")
_ROW = '"monitors_monitor"."public_id"'


def test_the_list_reads_its_page_along_an_index(console: Client):
    for _ in range(300):
        MonitorFactory(with_request=False)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    (page,) = [sql for sql in asked(console) if sql.endswith("LIMIT 100") and _ROW in sql]

    found = _plan(page)
    assert "monitor_live_by_name" in found, found
    assert "TEMP B-TREE" not in found


def test_autocomplete_is_bounded_and_counts_no_further_than_the_list(console: Client):
    first = MonitorFactory()
    for _ in range(30):
        MonitorFactory(workspace=first.workspace)
    query = {
        "app_label": "monitors",
        "model_name": "monitor",
        "field_name": "parents",
        "term": "Check",
        "dep_workspace": first.workspace_id,
    }

    statements = asked(console, "/admin/autocomplete/", **query)

    reading = [sql for sql in statements if '"monitors_monitor"' in sql]
    assert len(reading) == 2
    assert all("LIMIT" in sql for sql in reading)
    assert not any("GROUP BY" in sql or "_schedule" in sql for sql in reading)


def _plan(sql: str) -> str:
    how = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A few hundred rows are read and sorted sooner; thousands are not.
            cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(f"{how} {sql.replace('%', '%%')}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


# What is done to many.


def chosen(action: str, *monitors: Monitor, **more: Any) -> dict[str, Any]:
    return {"action": action, "_selected_action": [one.pk for one in monitors], "index": 0, **more}


def confirmed(client: Client, action: str, *monitors: Monitor, **more: Any) -> Any:
    """Ask, then press the button."""
    question = client.post(LIST, chosen(action, *monitors))
    assert question.status_code == 200
    data = chosen(action, *monitors) | {"expected": question.context["expected"], **more}
    return client.post(LIST, data, follow=True)


def said(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def test_what_will_happen_is_counted_and_named_before_anything_does(console: Client):
    running = [MonitorFactory(name=f"Check {number:02}") for number in range(12)]
    paused = MonitorFactory(enabled=False)

    page = console.post(LIST, chosen("pause_chosen", *running, paused)).content.decode()

    assert "Pause 12 monitors?" in page
    assert "12 monitors will be paused" in page
    assert "<li>Check 09</li>" in page
    assert "<li>and 2 more</li>" in page
    assert "1 monitor is paused already" in page
    assert Monitor.objects.filter(enabled=True).count() == 12
    assert not AuditEvent.objects.exists()


def test_what_was_done_is_said_in_one_sentence(console: Client):
    first, second = MonitorFactory(), MonitorFactory(enabled=False)

    paused = confirmed(console, "pause_chosen", first, second)
    resumed = confirmed(console, "resume_chosen", first, second)

    assert said(paused) == ["1 monitor is paused; 1 is paused already."]
    assert said(resumed) == ["2 monitors are running again."]
    assert Monitor.objects.filter(enabled=True).count() == 2


def test_a_run_of_many_is_asked_for(console: Client):
    schedule = placed(MonitorFactory())

    confirmed(console, "run_chosen", schedule.monitor)

    schedule.refresh_from_db()
    assert schedule.run_now_at is not None


def test_tags_are_given_to_many_and_taken_from_those_that_have_them(console: Client):
    first, second = MonitorFactory(tags=["old"]), MonitorFactory()

    tagged = confirmed(console, "tag_chosen", first, second, tag="shop")
    question = console.post(LIST, chosen("untag_chosen", first, second))
    untagged = confirmed(console, "untag_chosen", first, second, tag="old")

    assert said(tagged) == ["2 monitors are given the tag."]
    assert list(question.context["form"].fields["tag"].choices) == [
        ("old", "old"),
        ("shop", "shop"),
    ]
    assert said(untagged) == ["1 monitor is without the tag now; 1 needs no change."]
    assert [row.tags for row in Monitor.objects.order_by("pk")] == [["shop"], ["shop"]]


def test_a_missing_tag_is_asked_for_again(console: Client):
    monitor = MonitorFactory()

    response = console.post(LIST, chosen("tag_chosen", monitor, expected="1", tag=" "))

    assert response.status_code == 409
    assert "This field is required." in response.content.decode()


def test_what_was_chosen_across_pages_keeps_the_filter(console: Client):
    for number in range(130):
        MonitorFactory(name=f"Shop {number:03}", with_request=False)
    other = MonitorFactory(name="Other")
    url = f"{LIST}?q=Shop"
    some = Monitor.objects.filter(name__startswith="Shop").order_by("name")[:100]
    data = chosen("pause_chosen", *some, select_across="1")

    question = console.post(url, data)
    done = console.post(url, data | {"expected": question.context["expected"]}, follow=True)

    assert question.context["expected"] == 130
    assert said(done) == ["130 monitors are paused."]
    other.refresh_from_db()
    assert other.enabled


def test_what_changed_since_the_question_is_asked_anew(console: Client):
    first, second = MonitorFactory(), MonitorFactory()
    console.post(LIST, chosen("pause_chosen", first, second))
    Monitor.objects.filter(pk=second.pk).update(enabled=False)

    response = console.post(LIST, chosen("pause_chosen", first, second, expected="2"))

    assert response.status_code == 409
    assert "has changed since you were asked" in response.content.decode()
    first.refresh_from_db()
    assert first.enabled


@pytest.mark.parametrize("action", ["run_chosen", "pause_chosen", "resume_chosen", "tag_chosen"])
def test_only_monitors_where_the_person_is_an_editor_are_changed(client: Client, action: str):
    user = UserFactory()
    mine, seen_only, foreign = WorkspaceFactory(), WorkspaceFactory(), WorkspaceFactory()
    MembershipFactory(user=user, workspace=mine, role="editor")
    MembershipFactory(user=user, workspace=seen_only, role="viewer")
    client.force_login(user)
    enabled = action != "resume_chosen"
    monitors = [
        MonitorFactory(workspace=one, enabled=enabled) for one in (mine, seen_only, foreign)
    ]
    tag = {"tag": "x"} if action == "tag_chosen" else {}

    done = confirmed(client, action, *monitors, **tag)

    assert len(said(done)) == 1
    assert said(done)[0].startswith("1 monitor ")
    assert said(done)[0].endswith("1 is not yours to change.")
    assert {event.object_id for event in AuditEvent.objects.all()} == {monitors[0].public_id}


def test_a_viewer_is_offered_no_action(client: Client):
    user = UserFactory()
    workspace = WorkspaceFactory()
    MembershipFactory(user=user, workspace=workspace, role="viewer")
    client.force_login(user)
    monitor = MonitorFactory(workspace=workspace)

    page = client.get(LIST).content.decode()
    client.post(LIST, chosen("pause_chosen", monitor, expected="1"))

    assert "pause_chosen" not in page
    monitor.refresh_from_db()
    assert monitor.enabled
    assert Membership.objects.count() == 1


def test_chosen_monitors_are_done_in_as_many_statements_for_few_as_for_many(console: Client):
    counts = []
    for number in (2, 40):
        monitors = [MonitorFactory(with_request=False) for _ in range(number)]
        for monitor in monitors:
            placed(monitor)
        data = chosen("pause_chosen", *monitors, expected=str(number))
        with CaptureQueriesContext(connection) as captured:
            assert console.post(LIST, data).status_code == 302
        counts.append(len(captured))

    assert counts[0] == counts[1]
    assert not Outage.objects.exists()


def test_times_of_the_list_are_in_utc(console: Client):
    placed(MonitorFactory(), last_finished_at=datetime.fromisoformat("2026-03-02T12:00:00+00:00"))

    page = console.get(LIST).content.decode()

    assert 'title="2026-03-02 12:00:00 UTC"' in page
    assert reverse("admin:monitors_monitor_changelist") == LIST
