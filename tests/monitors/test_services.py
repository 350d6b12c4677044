"""Monitors are made, edited, paused, run and removed by services."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from apps.core.actors import AUTOMATION
from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.models import AuditEvent
from apps.monitors import signals
from apps.monitors.checkers.spec import (
    AssertionSpec,
    AuthSpec,
    ExtractionSpec,
    RequestSpec,
)
from apps.monitors.definition import CrontabSpec, MonitorDefinition
from apps.monitors.models import Location, Monitor, MonitorState, Outage, Schedule
from apps.monitors.selectors import definition_of, definitions, specs
from apps.monitors.services import (
    archive_monitor,
    create_location,
    create_monitor,
    pause_monitor,
    resume_monitor,
    run_now,
    update_location,
    update_monitor,
)
from tests.factories import NOW, PERSON, OutageFactory, WorkspaceFactory
from tests.racing import at_once

pytestmark = pytest.mark.django_db

LOGIN = RequestSpec(
    name="Log in",
    method="POST",
    url="{{base}}/login",
    headers=(("X-Client", "tests"), ("Accept", "application/json")),
    json={"user": "demo", "password": "{{password}}"},
    auth=AuthSpec("api_key", key="k", value="s3cret", location="query"),
    assertions=(AssertionSpec("status", "in", [200, 201]),),
    extractions=(ExtractionSpec("token", "json", path="$.token"),),
)
PLAIN = RequestSpec(name="Home", url="http://target.test/", body="hello")


def definition(**changes: Any) -> MonitorDefinition:
    workspace_id = changes.pop("workspace_id", None) or WorkspaceFactory().pk
    made = MonitorDefinition(
        workspace_id=workspace_id,
        name="Checkout",
        interval_s=20,
        variables={"base": "http://target.test"},
        secret_variables={"password": "hunter2"},
        tags=("shop",),
        requests=(LOGIN, PLAIN),
    )
    return replace(made, **changes)


def create(**changes: Any) -> Monitor:
    return create_monitor(definition=definition(**changes), actor=PERSON, at=NOW)


def only_schedule(monitor: Monitor) -> Schedule:
    return Schedule.objects.get(monitor=monitor, removed_at__isnull=True)


def test_a_definition_is_stored_and_read_back_the_same():
    wanted = definition()

    monitor = create_monitor(definition=wanted, actor=PERSON, at=NOW)

    assert definition_of(monitor).canonical() == wanted.canonical()
    assert specs([monitor.pk])[monitor.pk] == (1, definition_of(monitor).spec)
    assert MonitorState.objects.filter(monitor=monitor, is_failing=False).exists()


def test_reading_definitions_costs_the_same_for_one_and_for_many(django_assert_num_queries):
    first = create()
    many = [create(name=f"Monitor {number}") for number in range(5)]

    with django_assert_num_queries(6):
        definitions([first])
    with django_assert_num_queries(6):
        definitions([first, *many])


def test_a_new_monitor_is_due_within_its_interval():
    monitor = create(interval_s=20)

    schedule = only_schedule(monitor)

    assert schedule.is_active
    assert schedule.interval_s == 20
    assert schedule.next_run_at is not None


def test_a_disabled_monitor_is_due_never():
    monitor = create(enabled=False)

    schedule = only_schedule(monitor)

    assert not schedule.is_active
    assert schedule.next_run_at is None


def test_every_error_is_told_with_its_place():
    wrong = definition(
        interval_s=None,
        quorum=2,
        locations=("default", "nowhere"),
        parents=("Nobody",),
        retries=9,
        requests=(replace(LOGIN, name=""), PLAIN),
    )

    with pytest.raises(Invalid) as caught:
        create_monitor(definition=wrong, actor=PERSON, at=NOW)

    paths = {path for path, _ in caught.value.errors}
    assert {"retries", "interval_s", "locations[1]", "parents[0]", "requests[0].name"} <= paths
    assert not Monitor.objects.exists()


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"requests": ()}, "requests"),
        ({"locations": ()}, "locations"),
        ({"quorum": 2}, "quorum"),
        ({"kind": "telepathy"}, "kind"),
        ({"variables": {"a": 1}}, "variables.a"),
        ({"interval_s": None}, "interval_s"),
        ({"interval_s": 0}, "interval_s"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], path: str):
    with pytest.raises(Invalid) as caught:
        create(**changes)

    assert path in {found for found, _ in caught.value.errors}


def test_names_are_unique_among_the_live_monitors_of_a_workspace():
    first = create()
    same = definition(workspace_id=first.workspace_id)

    with pytest.raises(Invalid, match="already"):
        create_monitor(definition=same, actor=PERSON, at=NOW)

    archive_monitor(monitor_id=first.pk, actor=PERSON, at=NOW)
    assert create_monitor(definition=same, actor=PERSON, at=NOW).public_id != first.public_id


@pytest.mark.parametrize(
    ("crontab", "path"),
    [
        (CrontabSpec("30 6 * *", "UTC"), "crontab.expression"),
        (CrontabSpec("61 6 * * *", "UTC"), "crontab.expression"),
        (CrontabSpec("5-1 * * * *", "UTC"), "crontab.expression"),
        (CrontabSpec("0 0 30 2 *", "UTC"), "crontab.expression"),
        (CrontabSpec("0 0 31 4,6 *", "UTC"), "crontab.expression"),
        (CrontabSpec("* * * * *", "Mars/Olympus"), "crontab.time_zone"),
        (CrontabSpec("* * * * *", "../etc"), "crontab.time_zone"),
    ],
)
def test_a_crontab_that_cannot_be_read_is_refused(crontab: CrontabSpec, path: str):
    with pytest.raises(Invalid) as caught:
        create(enabled=False, interval_s=None, crontab=crontab)

    assert caught.value.field == path


def test_the_same_definition_again_changes_nothing():
    monitor = create()
    AuditEvent.objects.all().delete()

    again = update_monitor(
        monitor_id=monitor.pk, definition=definition_of(monitor), actor=PERSON, at=NOW
    )

    assert again.version == 1
    assert not AuditEvent.objects.exists()


def test_an_edit_keeps_the_requests_that_keep_their_name():
    monitor = create()
    before = {row.name: row.public_id for row in monitor.requests.all()}
    changed = replace(
        definition_of(monitor), requests=(replace(PLAIN, url="http://other.test/"), LOGIN)
    )

    update_monitor(monitor_id=monitor.pk, definition=changed, actor=PERSON, at=NOW)

    assert {row.name: row.public_id for row in monitor.requests.all()} == before
    assert definition_of(monitor).canonical() == changed.canonical()
    assert Monitor.objects.get(pk=monitor.pk).version == 2


def test_an_edit_of_anything_else_keeps_the_phase():
    monitor = create()
    due = only_schedule(monitor).next_run_at

    update_monitor(
        monitor_id=monitor.pk,
        definition=replace(definition_of(monitor), timeout_s=3, name="Other"),
        actor=PERSON,
        at=NOW,
    )

    assert only_schedule(monitor).next_run_at == due


def test_an_edited_interval_starts_with_a_new_phase():
    monitor = create(interval_s=20)
    Schedule.objects.update(slot_at=NOW, slot_count=1, claim_no=4)

    update_monitor(
        monitor_id=monitor.pk,
        definition=replace(definition_of(monitor), interval_s=3600),
        actor=PERSON,
        at=NOW,
    )

    schedule = only_schedule(monitor)
    assert schedule.interval_s == 3600
    assert (schedule.claim_no, schedule.slot_at) == (4, NOW), "what is in flight stays"


def test_pausing_leaves_nothing_due_and_takes_the_claim_away():
    monitor = create()
    Schedule.objects.update(slot_at=NOW, slot_count=1, leased_until=NOW, claim_no=4)
    outage = OutageFactory(monitor=monitor)

    pause_monitor(monitor_id=monitor.pk, actor=PERSON, at=NOW)

    schedule = only_schedule(monitor)
    assert (schedule.next_run_at, schedule.slot_at, schedule.leased_until) == (None, None, None)
    assert schedule.claim_no == 5
    assert not schedule.is_active
    outage.refresh_from_db()
    assert outage.is_open


def test_resuming_starts_at_the_next_slot_of_the_same_phase():
    monitor = create(interval_s=20)
    before = only_schedule(monitor).next_run_at
    pause_monitor(monitor_id=monitor.pk, actor=PERSON, at=NOW)

    resume_monitor(monitor_id=monitor.pk, actor=PERSON, at=NOW)

    after = only_schedule(monitor).next_run_at
    assert before is not None
    assert after is not None
    assert (after - before) % timedelta(seconds=20) == timedelta(0)


def test_pausing_twice_is_one_event():
    monitor = create()

    pause_monitor(monitor_id=monitor.pk, actor=PERSON, at=NOW)
    pause_monitor(monitor_id=monitor.pk, actor=PERSON, at=NOW)

    assert AuditEvent.objects.filter(action="monitor.paused").count() == 1


def test_archiving_closes_the_outage_as_removed_and_tells_both():
    monitor = create()
    outage = OutageFactory(monitor=monitor, opened_at=NOW - timedelta(minutes=3))
    told: list[Any] = []

    def hear_outages(opened: Any, closed: Any, **_: Any) -> None:
        told.append((opened, closed))

    def hear_removal(monitors: Any, **_: Any) -> None:
        told.append(monitors)

    signals.outages_changed.connect(hear_outages)
    signals.monitors_removed.connect(hear_removal)
    try:
        archive_monitor(monitor_id=monitor.pk, actor=PERSON, at=NOW)
    finally:
        signals.outages_changed.disconnect(hear_outages)
        signals.monitors_removed.disconnect(hear_removal)

    outage.refresh_from_db()
    assert (outage.closed_at, outage.close_reason) == (NOW, Outage.CloseReason.REMOVED)
    assert told == [([], [outage]), [monitor]]
    assert Monitor.objects.get(pk=monitor.pk).is_archived
    with pytest.raises(NotFound):
        archive_monitor(monitor_id=monitor.pk, actor=PERSON, at=NOW)


def test_run_now_is_due_at_once_and_asked_for_once():
    monitor = create()

    run_now(monitor_id=monitor.pk, actor=PERSON, at=NOW)
    first = only_schedule(monitor).run_now_at
    run_now(monitor_id=monitor.pk, actor=PERSON, at=NOW)

    assert first is not None
    assert only_schedule(monitor).run_now_at == first


def test_a_paused_monitor_does_not_run_now():
    monitor = create(enabled=False)

    with pytest.raises(Conflict, match="paused"):
        run_now(monitor_id=monitor.pk, actor=PERSON, at=NOW)


def test_a_location_taken_off_keeps_its_history_and_counts_no_more():
    create_location(code="eu-west", name="Europe", actor=PERSON, at=NOW)
    monitor = create(locations=("default", "eu-west"), quorum=1)
    Schedule.objects.filter(location__code="eu-west").update(
        is_failing=True, streak=1, streak_is_failing=True, streak_started_at=NOW
    )
    outage = OutageFactory(monitor=monitor)

    update_monitor(
        monitor_id=monitor.pk,
        definition=replace(definition_of(monitor), locations=("default",)),
        actor=PERSON,
        at=NOW,
    )

    gone = Schedule.objects.get(location__code="eu-west")
    assert (gone.is_active, gone.is_failing, gone.removed_at) == (False, False, NOW)
    assert definition_of(monitor).locations == ("default",)
    outage.refresh_from_db()
    assert not outage.is_open

    update_monitor(
        monitor_id=monitor.pk,
        definition=replace(definition_of(monitor), locations=("default", "eu-west")),
        actor=PERSON,
        at=NOW,
    )
    gone.refresh_from_db()
    assert (gone.is_active, gone.removed_at) == (True, None)


def test_a_raised_quorum_closes_the_outage_that_it_no_longer_supports():
    create_location(code="eu-west", name="Europe", actor=PERSON, at=NOW)
    monitor = create(locations=("default", "eu-west"), quorum=1)
    Schedule.objects.filter(location__code="eu-west").update(is_failing=True)
    OutageFactory(monitor=monitor)

    update_monitor(
        monitor_id=monitor.pk,
        definition=replace(definition_of(monitor), quorum=2),
        actor=PERSON,
        at=NOW,
    )

    assert not Outage.objects.open().exists()


def test_parents_make_no_circle():
    first = create(name="First")
    second = create(name="Second", workspace_id=first.workspace_id, parents=("First",))
    circle = replace(definition_of(first), parents=("Second",))

    with pytest.raises(Invalid, match="below it"):
        update_monitor(monitor_id=first.pk, definition=circle, actor=PERSON, at=NOW)

    assert definition_of(second).parents == ("First",)


@pytest.mark.parametrize(
    ("parent", "said"),
    [
        ("Nobody", "The workspace has no monitor 'Nobody'."),
        ("Foreign", "one of another workspace cannot be a parent"),
        ("Old", "'Old' is archived, and no parent any more."),
    ],
)
def test_what_cannot_be_a_parent_is_refused_by_name(parent: str, said: str):
    create(name="Foreign")
    old = create(name="Old")
    archive_monitor(monitor_id=old.pk, actor=PERSON, at=NOW)

    with pytest.raises(Invalid, match=said) as caught:
        create(name="Child", workspace_id=old.workspace_id, parents=(parent,))

    assert caught.value.field == "parents[0]"


def test_a_parent_that_is_archived_is_none_any_more():
    parent = create(name="Parent")
    child = create(name="Child", workspace_id=parent.workspace_id, parents=("Parent",))

    archive_monitor(monitor_id=parent.pk, actor=PERSON, at=NOW)

    assert definition_of(child).parents == ()


def test_a_monitor_is_not_moved_away_from_its_children():
    parent = create(name="Parent")
    create(name="Child", workspace_id=parent.workspace_id, parents=("Parent",))
    moved = replace(definition_of(parent), workspace_id=WorkspaceFactory().pk)

    with pytest.raises(Invalid, match="'Child' depend on it") as caught:
        update_monitor(monitor_id=parent.pk, definition=moved, actor=PERSON, at=NOW)

    assert caught.value.field == "workspace"


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_make_no_circle():
    first = create(name="First")
    second = create(name="Second", workspace_id=first.workspace_id)
    wanted = [
        (first.pk, replace(definition_of(first), parents=("Second",))),
        (second.pk, replace(definition_of(second), parents=("First",))),
    ]

    outcomes = at_once(
        [
            partial(update_monitor, monitor_id=pk, definition=one, actor=PERSON, at=NOW)
            for pk, one in wanted
        ]
    )

    assert sum(isinstance(outcome, Invalid) for outcome in outcomes) == 1
    assert Monitor.parents.through.objects.count() == 1


def test_the_audit_trail_names_what_changed_and_shows_no_secret():
    monitor = create()
    changed = replace(
        definition_of(monitor),
        interval_s=30,
        secret_variables={"password": "correct horse"},
        requests=(
            replace(LOGIN, url="{{base}}/session", auth=AuthSpec("bearer", token="t0ken")),
            PLAIN,
        ),
    )

    update_monitor(monitor_id=monitor.pk, definition=changed, actor=PERSON, at=NOW)

    changes = AuditEvent.objects.get(action="monitor.updated").changes
    assert changes["interval_s"] == [20, 30]
    assert changes["requests[0].url"] == ["{{base}}/login", "{{base}}/session"]
    assert changes["secret_variables"] == ["•••", "•••"]
    assert changes["requests[0].auth"] == ["•••", "•••"]
    for secret in ("hunter2", "correct horse", "s3cret", "t0ken"):
        assert secret not in str(changes)


def test_the_audit_trail_tells_of_headers_bodies_and_addresses_and_shows_no_secret_in_them():
    before = replace(
        PLAIN,
        url="https://ann:s3cret@target.test/",
        headers=(
            ("Authorization", "Bearer t0ken"),
            ("X-Api-Key", "s3cret"),
            ("X-Auth-Token", "{{token}}"),
            ("X-Client", "tests"),
        ),
        body="password=hunter2",
    )
    after = replace(
        before,
        url="https://ann:t0ken@target.test/",
        headers=(
            ("Authorization", "Bearer correct horse"),
            ("Cookie", "session=t0ken"),
            ("X-Auth-Token", "Bearer {{token}}"),
            ("X-Client", "probes"),
        ),
        body=None,
        json={"password": "correct horse"},
    )
    monitor = create(requests=(before,))
    changed = replace(definition_of(monitor), requests=(after,))

    update_monitor(monitor_id=monitor.pk, definition=changed, actor=PERSON, at=NOW)

    changes = AuditEvent.objects.get(action="monitor.updated").changes
    assert {name.removeprefix("requests[0]."): values for name, values in changes.items()} == {
        "url": ["•••", "•••"],
        "headers.Authorization": ["•••", "•••"],
        "headers.X-Api-Key": ["•••", None],
        "headers.Cookie": [None, "•••"],
        "headers.X-Auth-Token": ["{{token}}", "Bearer {{token}}"],
        "headers.X-Client": ["tests", "probes"],
        "body": ["•••", ""],
        "json": [None, "•••"],
        "body_kind": ["text", "json"],
    }


def test_a_request_does_not_print_what_it_sends():
    request = RequestSpec(
        "Home",
        "https://target.test/",
        headers=(("Authorization", "Bearer t0ken"),),
        body="hunter2",
        json={"password": "hunter2"},
    )

    assert "t0ken" not in repr(request)
    assert "hunter2" not in repr(request)


def test_what_the_platform_does_itself_leaves_no_event():
    create_monitor(definition=definition(), actor=AUTOMATION, at=NOW)

    assert not AuditEvent.objects.exists()


def test_the_default_location_is_always_there():
    assert Location.objects.live().filter(code="default").count() == 1


def test_a_location_is_renamed_and_its_code_stays():
    location = create_location(code="eu-west", name="Europe", actor=PERSON, at=NOW)

    update_location(
        location_id=location.pk,
        name="Ireland",
        reference_targets=["https://example.com/"],
        actor=PERSON,
        at=NOW,
    )

    location.refresh_from_db()
    assert (location.code, location.name) == ("eu-west", "Ireland")
    with pytest.raises(Invalid, match="already a location"):
        create_location(code="eu-west", name="Again", actor=PERSON, at=NOW)


@pytest.mark.parametrize(
    ("targets", "path"),
    [
        (["https://example.com/", "example.com"], "reference_targets[1]"),
        (["192.0.2.1:0"], "reference_targets[0]"),
        ([f"192.0.2.{number}:53" for number in range(11)], "reference_targets"),
    ],
)
def test_a_reference_target_that_cannot_be_asked_is_refused(targets: list[str], path: str):
    with pytest.raises(Invalid) as refused:
        create_location(
            code="eu-west", name="Europe", reference_targets=targets, actor=PERSON, at=NOW
        )

    assert refused.value.field == path
