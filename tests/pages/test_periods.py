"""Periods never overlap and exactly one is open, whatever comes in whatever order."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.pages.models import StatusPeriod
from apps.pages.selectors import explain
from apps.pages.services import ContributionChange, Word, apply_contributions, set_staff_status
from apps.pages.status import ComponentStatus
from tests.factories import LONG_AGO, MACHINE, NOW, PERSON, ComponentFactory

pytestmark = pytest.mark.django_db

times = st.integers(0, 12).map(lambda minutes: NOW + timedelta(minutes=minutes))
statuses = st.sampled_from(ComponentStatus.values)
steps = st.one_of(
    st.tuples(st.just("staff"), times, statuses),
    st.tuples(st.just("link"), times, statuses),
    st.tuples(st.just("incident"), times, statuses),
    st.tuples(st.just("maintenance"), times, st.just("under_maintenance")),
    st.tuples(st.just("withdraw"), times, st.sampled_from(["link", "incident", "maintenance"])),
)


def take(component, step):
    kind, at, what = step
    if kind == "staff":
        set_staff_status(component_id=component.pk, status=what, actor=PERSON, at=at)
        return
    if kind == "withdraw":
        change = ContributionChange(component.pk, what, withdraw=("k",))
    else:
        change = ContributionChange(component.pk, kind, upsert=(Word("k", what, at),))
    apply_contributions(changes=[change], actor=MACHINE, at=at)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(steps, max_size=8))
def test_periods_are_one_unbroken_line_whatever_comes_however_late(some_steps):
    component = ComponentFactory()

    for step in some_steps:
        take(component, step)

    line = list(StatusPeriod.objects.filter(component=component).order_by("started_at", "pk"))
    component.refresh_from_db()
    assert line[0].started_at == LONG_AGO
    assert all(before.ended_at == after.started_at for before, after in pairwise(line))
    assert all(period.started_at < period.ended_at for period in line[:-1])
    assert line[-1].ended_at is None
    assert component.status == line[-1].status == explain(component.pk).status
    assert component.status_since in {period.started_at for period in line}
    assert not any(period.spoken for period in line if period.status == "operational")


def test_the_database_refuses_a_second_open_period():
    component = ComponentFactory()

    with pytest.raises(IntegrityError), transaction.atomic():
        StatusPeriod.objects.create(component=component, status="major_outage", started_at=NOW)


def test_the_database_refuses_a_period_without_length():
    component = ComponentFactory()

    with pytest.raises(IntegrityError), transaction.atomic():
        StatusPeriod.objects.create(
            component=component, status="major_outage", started_at=NOW, ended_at=NOW
        )
