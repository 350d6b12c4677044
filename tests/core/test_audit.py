"""What the audit trail keeps of a row."""

from __future__ import annotations

import pytest

from apps.core.actors import Actor
from apps.core.audit import HIDDEN, changes_between, record, record_many, snapshot
from apps.core.models import AuditEvent
from tests.factories import (
    NOW,
    PERSON,
    ComponentFactory,
    ConnectorFactory,
    MonitorFactory,
    WorkspaceFactory,
)


def changes(row, **fields):
    before = snapshot(row)
    for name, value in fields.items():
        setattr(row, name, value)
    return changes_between(before, snapshot(row))


def test_only_what_differs_is_kept():
    workspace = WorkspaceFactory.build(name="One")

    assert changes(workspace, name="Two") == {"name": ["One", "Two"]}
    assert changes(workspace, name="Two", updated_at=NOW) == {}


def test_a_secret_is_kept_as_set_or_not():
    connector = ConnectorFactory.build(api_key="")

    assert changes(connector, api_key="hunter2") == {"api_key": ["", HIDDEN]}
    assert changes(connector, api_key="hunter3") == {"api_key": [HIDDEN, HIDDEN]}
    assert changes(connector, api_key="hunter3") == {}
    assert changes(connector, api_key="") == {"api_key": [HIDDEN, ""]}


def test_a_snapshot_does_not_print_a_secret():
    monitor = MonitorFactory.build(secret_variables={"pin": "hunter2"})

    assert "hunter2" not in repr(snapshot(monitor))


@pytest.mark.django_db
def test_a_saved_secret_that_did_not_change_is_no_change():
    connector = ConnectorFactory(api_key="hunter2")
    before = snapshot(connector)
    connector.save()
    connector.refresh_from_db()

    assert changes_between(before, snapshot(connector)) == {}


@pytest.mark.django_db
def test_an_event_outlives_the_row_it_is_about():
    workspace = WorkspaceFactory(name="Team")
    record(actor=PERSON, at=NOW, action="workspace.created", row=workspace)
    public_id = workspace.public_id

    workspace.delete()

    event = AuditEvent.objects.get()
    assert (event.object_type, event.object_id, event.object_label) == (
        "accounts.workspace",
        public_id,
        "Team",
    )


@pytest.mark.django_db
def test_many_events_are_one_statement(django_assert_num_queries):
    rows = ComponentFactory.create_batch(5)

    with django_assert_num_queries(1):
        record_many(actor=PERSON, at=NOW, action="component.archived", rows=rows)

    assert AuditEvent.objects.count() == 5


@pytest.mark.django_db
def test_a_long_name_of_who_did_it_is_cut_to_its_column():
    """PostgreSQL refuses what is longer, and so would the change itself be."""
    who = Actor("person", "r0b1n0000000", "R" * 301)

    record(actor=who, at=NOW, action="workspace.created", row=WorkspaceFactory())

    assert AuditEvent.objects.get().actor_label == "R" * 200
