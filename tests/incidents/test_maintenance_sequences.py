"""Whatever people and automation do to two maintenances of the same components, in any order."""

from __future__ import annotations

import contextlib

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.errors import DomainError
from apps.incidents.models import Maintenance
from apps.incidents.services import (
    archive_maintenance,
    cancel_maintenance,
    edit_maintenance,
    move_due_maintenances,
    post_maintenance_update,
    reschedule_maintenance,
)
from apps.incidents.services.maintenance_moves import next_move_at
from apps.pages.models import Component, StatusContribution, StatusPeriod
from tests.factories import PERSON, ComponentFactory
from tests.incidents.maintenance_scene import hours, plan

STATUSES = ("scheduled", "in_progress", "verifying", "completed")

which = st.sampled_from(["first", "second"])
steps = st.one_of(
    st.tuples(st.just("tick")),
    st.tuples(
        st.just("post"),
        which,
        st.sampled_from([None, *STATUSES]),
        st.booleans(),
        st.dictionaries(
            st.sampled_from(["a", "b"]),
            st.sampled_from(["operational", "under_maintenance"]),
            max_size=2,
        ),
    ),
    st.tuples(st.just("reschedule"), which, st.integers(-2, 6), st.integers(1, 5)),
    st.tuples(st.just("edit"), which, st.booleans(), st.booleans()),
    st.tuples(st.just("cancel"), which),
    st.tuples(st.just("archive"), which),
)


@pytest.mark.django_db
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.integers(1, 4), steps), min_size=1, max_size=9))
def test_what_is_covered_shown_and_due_always_agree(sequence):
    with transaction.atomic():
        a = ComponentFactory(name="a")
        b = ComponentFactory(name="b", page=a.page)
        rows = {
            "first": plan(a, scheduled_for=hours(2), scheduled_until=hours(5)),
            "second": plan(a, b, scheduled_for=hours(3), scheduled_until=hours(9)),
        }
        at = hours(0)
        for later, step in sequence:
            at = max(at, hours(0)) + (hours(later) - hours(0))
            with contextlib.suppress(DomainError), transaction.atomic():
                take(step, rows, {"a": a.pk, "b": b.pk}, at)
            check(at)
        move_due_maintenances(at=at)
        check(at)
        assert not Maintenance.objects.filter(next_move_at__lte=at).exists()
        transaction.set_rollback(True)


def take(step, rows, components, at):
    name, *rest = step
    if name == "tick":
        move_due_maintenances(at=at)
        return
    who = {"maintenance_id": rows[rest[0]].pk, "actor": PERSON, "at": at}
    if name == "post":
        _, status, stays, words = rest
        post_maintenance_update(
            status=status,
            stays_automated=stays,
            components={components[key]: word for key, word in words.items()},
            **who,
        )
    elif name == "reschedule":
        _, begins, lasts = rest
        start = at + (hours(begins) - hours(0))
        reschedule_maintenance(
            scheduled_for=start, scheduled_until=start + (hours(lasts) - hours(0)), **who
        )
    elif name == "edit":
        edit_maintenance(starts_itself=rest[1], ends_itself=rest[2], **who)
    elif name == "cancel":
        cancel_maintenance(**who)
    else:
        archive_maintenance(**who)


def check(at):
    expected = set()
    for row in Maintenance.objects.all():
        updates = list(row.updates.order_by("sequence"))
        assert [update.sequence for update in updates] == list(range(1, row.last_sequence + 1))
        assert updates[-1].status == row.status
        shown = [update.display_at for update in updates]
        assert shown == sorted(shown)
        assert shown[-1] <= at
        assert row.next_move_at == (None if row.is_archived else next_move_at(row))
        assert (row.completed_at is not None) == (row.status == "completed")
        assert (row.started_at is not None) or not row.is_active
        if row.started_at and row.completed_at:
            assert row.started_at <= row.completed_at
        for part in row.affected.all():
            covers = row.is_active and not row.is_archived and part.status == "under_maintenance"
            assert covers == (part.started_at is not None and part.ended_at is None)
            if covers:
                expected.add((part.component_id, row.public_id))
    held = StatusContribution.objects.filter(source="maintenance")
    assert set(held.values_list("component_id", "key")) == expected
    for component in Component.objects.all():
        covered = any(pk == component.pk for pk, _ in expected)
        assert component.status == ("under_maintenance" if covered else "operational")
        periods = list(StatusPeriod.objects.filter(component=component).order_by("started_at"))
        assert [one.ended_at for one in periods[:-1]] == [one.started_at for one in periods[1:]]
        assert periods[-1].status == component.status
        assert periods[-1].ended_at is None
