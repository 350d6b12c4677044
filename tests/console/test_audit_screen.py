"""The audit trail as staff see it: superusers only, narrowed, exported, and never dear."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.core.actors import AUTOMATION, Actor, command_actor
from apps.core.audit import record
from apps.core.audit_screen.changes import lines_of
from apps.core.audit_screen.export import harmless
from apps.core.models import AuditEvent
from apps.core.origins import Origin, coming_from
from apps.core.services.seals import seal_events
from apps.monitors.services import pause_monitor
from tests.console.forms import save
from tests.factories import (
    NOW,
    PERSON,
    TOKEN,
    MembershipFactory,
    MonitorFactory,
    PageFactory,
    UserFactory,
    WorkspaceFactory,
)

pytestmark = pytest.mark.django_db

LIST = "admin:core_auditevent_changelist"


def event(actor: Actor = PERSON, *, name: str = "Checkout", **fields: Any) -> AuditEvent:
    made = AuditEvent.objects.create(
        **{
            "at": NOW,
            "actor_kind": actor.kind,
            "actor_key": actor.key,
            "actor_label": actor.label,
            "action": "monitor.updated",
            "object_type": "monitors.monitor",
            "object_id": "m0n1t0r00000",
            "object_label": name,
            "changes": {"name": ["Old", name]},
        }
        | fields
    )
    return made


def shown(console: Client, **query: str) -> list[str]:
    """Return the names of the objects in the list."""
    response = console.get(reverse(LIST), query)
    assert response.status_code == 200
    return [one.object_label for one in response.context["cl"].result_list]


def test_the_list_says_who_did_what_from_where(console: Client):
    event(channel="admin", address="192.0.2.7")

    text = console.get(reverse(LIST)).content.decode()

    for part in (
        "Robin Doe",
        "Changed monitor Checkout",
        "192.0.2.7",
        "2026-03-02 12:00:00",
        "Name",
    ):
        assert part in text


NARROWED = [
    ({"text": "check"}, ["Checkout"]),
    ({"text": "0bj3ct000000"}, ["Shop"]),
    ({"who": "robin"}, ["Checkout"]),
    ({"who": "f1x3dt0k3n00"}, ["Shop"]),
    ({"kind": "automation"}, ["Outage"]),
    ({"channel": "api"}, ["Shop"]),
    ({"about": "pages.page"}, ["Shop"]),
    ({"what": "archived"}, ["Outage"]),
    ({"session": "abc"}, ["Checkout"]),
    ({"since": "2026-03-02", "until": "2026-03-02"}, ["Checkout", "Shop"][::-1]),
    ({"since": "2026-03-03"}, ["Outage"]),
    ({"until": "2026-03-01"}, []),
    ({"kind": "person", "channel": "api"}, []),
]


@pytest.mark.parametrize(("query", "expected"), NARROWED)
def test_the_form_narrows_the_list_and_the_files(console: Client, query, expected):
    event(session="abc", channel="admin")
    event(TOKEN, name="Shop", object_type="pages.page", object_id="0bj3ct000000", channel="api")
    event(AUTOMATION, name="Outage", action="monitor.archived", at=NOW + timedelta(days=1))

    assert shown(console, **query) == expected
    lines = b"".join(console.get(reverse("admin:core_auditevent_jsonl"), query)).decode()
    assert [json.loads(line)["object_label"] for line in lines.splitlines()] == expected


def test_a_day_that_is_none_is_said_at_its_field(console: Client):
    event()

    response = console.get(reverse(LIST), {"since": "soon"})

    assert "Enter a valid date" in response.content.decode()
    assert shown(console, since="soon") == []


@pytest.mark.parametrize(("name", "day"), [("since", "0001-01-01"), ("until", "9999-12-31")])
def test_the_first_and_the_last_day_there_are_may_be_asked_for(
    console: Client, name: str, day: str
):
    event()

    assert console.get(reverse(LIST), {name: day}).status_code == 200


def test_paging_keeps_what_was_asked_for(console: Client):
    for _ in range(60):
        event()
    event(TOKEN, name="Shop")

    response = console.get(reverse(LIST), {"who": "robin", "p": "2"})

    assert len(response.context["cl"].result_list) == 10
    assert "who=robin" in response.content.decode()


def test_the_list_costs_the_same_however_long_the_trail_is(console: Client):
    for _ in range(3):
        event()
    few = _statements(console)
    for _ in range(60):
        event()

    many = _statements(console)

    assert len(many) == len(few)
    counts = [one for one in many if "COUNT(" in one and "auditevent" in one]
    assert counts
    assert all("LIMIT 10000" in one for one in counts)


def _statements(console: Client) -> list[str]:
    with CaptureQueriesContext(connection) as caught:
        console.get(reverse(LIST))
    return [one["sql"] for one in caught]


def test_one_event_shows_before_and_after_field_by_field(console: Client):
    made = event(
        changes={"interval_s": [60, 30], "enabled": [True, False], "secret_variables": ["", "•••"]}
    )
    seal_events(at=NOW)

    response = console.get(reverse("admin:core_auditevent_change", args=[made.pk]))

    text = response.content.decode()
    assert [(line.field, line.before, line.after) for line in response.context["lines"]] == [
        ("Enabled", "Yes", "No"),
        ("Interval (s)", "60", "30"),
        ("Secret variables", "–", "•••"),
    ]
    assert "Robin Doe changed monitor Checkout" in text
    assert "by seal 1" in text


def test_what_an_event_only_tells_of_has_no_before():
    made = AuditEvent(object_type="gone.model", changes={"other": "abc", "components": {"a": "b"}})

    assert [(line.field, line.after, line.is_change) for line in lines_of(made)] == [
        ("Components", '{\n "a": "b"\n}', False),
        ("Other", "abc", False),
    ]


def test_an_event_leads_to_its_object_where_that_has_a_screen(console: Client):
    monitor = MonitorFactory(name="Checkout")
    record(actor=PERSON, at=NOW, action="monitor.updated", row=monitor)
    gone = event(object_type="gone.model")
    made = AuditEvent.objects.get(object_type="monitors.monitor", object_id=monitor.public_id)

    there = console.get(reverse("admin:core_auditevent_object", args=[made.pk]))
    nowhere = console.get(reverse("admin:core_auditevent_object", args=[gone.pk]), follow=True)

    assert there.url == reverse("admin:monitors_monitor_change", args=[monitor.pk])
    assert "has no screen of its own" in nowhere.content.decode()


@pytest.mark.parametrize("key", ["0", "x", "9" * 30])
def test_an_event_that_is_not_there_is_not_found(console: Client, key):
    assert console.get(reverse("admin:core_auditevent_change", args=[key])).status_code == 404


def test_the_csv_file_has_every_column_and_calculates_nothing(console: Client):
    event(name='=HYPERLINK("http://evil.test")', actor_label="@robin")

    response = console.get(reverse("admin:core_auditevent_csv"))

    rows = list(csv.DictReader(io.StringIO(b"".join(response).decode())))
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in response["Content-Disposition"]
    assert rows[0]["object_label"].startswith("'=")
    assert rows[0]["actor_label"] == "'@robin"
    assert rows[0]["at"] == "2026-03-02T12:00:00.000+00:00"
    assert json.loads(rows[0]["changes"])["name"][0] == "Old"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_would_be_calculated_begins_with_an_apostrophe(start):
    assert harmless(f"{start}1") == f"'{start}1"
    assert harmless(f"1{start}") == f"1{start}"


def test_a_file_is_made_in_chunks(console: Client):
    AuditEvent.objects.bulk_create(
        AuditEvent(at=NOW, actor_kind="person", actor_label=str(number)) for number in range(1201)
    )

    with CaptureQueriesContext(connection) as caught:
        lines = b"".join(console.get(reverse("admin:core_auditevent_jsonl"))).splitlines()

    assert [json.loads(line)["actor_label"] for line in lines] == [
        str(number) for number in reversed(range(1201))
    ]
    assert sum("auditevent" in one["sql"] for one in caught) == 3


URLS = ["changelist", "csv", "jsonl"]


@pytest.mark.parametrize("name", URLS)
def test_the_trail_is_for_superusers(name):
    event()
    client = Client()
    client.force_login(MembershipFactory(role="admin", user=UserFactory()).user)

    response = client.get(reverse(f"admin:core_auditevent_{name}"))

    assert response.status_code == 403


@pytest.mark.parametrize("name", ["change", "object", "history"])
def test_one_event_is_for_superusers(name):
    made = event()
    client = Client()
    client.force_login(MembershipFactory(role="admin", user=UserFactory()).user)

    response = client.get(reverse(f"admin:core_auditevent_{name}", args=[made.pk]), follow=True)

    assert response.status_code == 403


def test_nobody_changes_or_removes_an_event(console: Client):
    made = event()
    url = reverse("admin:core_auditevent_change", args=[made.pk])

    assert console.post(url, {"actor_label": "Nobody"}).status_code in {200, 403, 405}
    assert console.get(reverse("admin:core_auditevent_delete", args=[made.pk])).status_code == 403
    made.refresh_from_db()
    assert made.actor_label == "Robin Doe"


# From where.


def test_a_save_at_the_console_says_channel_address_and_session(console: Client):
    page = PageFactory()
    url = reverse("admin:pages_page_change", args=[page.pk])

    save(console, url, name="Other")

    made = AuditEvent.objects.get(action="page.updated")
    assert (made.channel, made.address) == ("admin", "127.0.0.1")
    key = console.session.session_key
    assert len(made.session) == 12
    assert made.session not in key


def test_two_sessions_are_told_apart(admin_user):
    for name in ("One", "Two"):
        client = Client()
        client.force_login(admin_user)
        save(client, reverse("admin:accounts_workspace_add"), name=name)

    sessions = set(
        AuditEvent.objects.filter(action="workspace.created").values_list("session", flat=True)
    )
    assert len(sessions) == 2


def test_a_command_and_automation_say_so_by_themselves():
    workspace = WorkspaceFactory()
    record(actor=command_actor("apply"), at=NOW, action="workspace.updated", row=workspace)
    with coming_from(Origin("admin", "192.0.2.7", "abc")):
        record(actor=AUTOMATION, at=NOW, action="workspace.updated", row=workspace)
        record(actor=PERSON, at=NOW, action="workspace.updated", row=workspace)

    found = AuditEvent.objects.order_by("id").values_list("channel", "address", "session")
    assert list(found) == [
        ("command", "", ""),
        ("automation", "", ""),
        ("admin", "192.0.2.7", "abc"),
    ]


def test_a_request_that_changes_nothing_opens_no_session_for_the_trail(client: Client):
    client.get("/admin/login/")

    assert not AuditEvent.objects.exists()


# The history of one object.


def test_a_history_tells_in_words_and_fields(console: Client):
    monitor = MonitorFactory(name="Checkout")
    pause_monitor(monitor_id=monitor.pk, actor=PERSON, at=NOW)
    record(
        actor=PERSON, at=NOW, action="monitor.updated", row=monitor, changes={"name": ["A", "B"]}
    )

    text = console.get(
        reverse("admin:monitors_monitor_history", args=[monitor.pk])
    ).content.decode()

    assert "Robin Doe paused monitor Checkout" in text
    assert "<td>A</td><td>B</td>" in text
    assert "Event</a>" in text


def test_a_history_shows_members_no_addresses():
    member = MembershipFactory(role="viewer")
    monitor = MonitorFactory(workspace=member.workspace)
    with coming_from(Origin("admin", "192.0.2.7", "abc")):
        pause_monitor(monitor_id=monitor.pk, actor=PERSON, at=NOW)
    client = Client()
    client.force_login(member.user)

    text = client.get(reverse("admin:monitors_monitor_history", args=[monitor.pk])).content.decode()

    assert "paused monitor" in text
    assert "192.0.2.7" not in text
    assert "Event</a>" not in text
