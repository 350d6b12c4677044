"""Two connections at once on the same components: one line of periods, no deadlock, no word lost."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import pairwise

import pytest

from apps.pages.models import MeasurementGap, StatusPeriod
from apps.pages.selectors import explain
from apps.pages.services import (
    ContributionChange,
    Gap,
    Word,
    apply_contributions,
    record_gaps,
    set_staff_status,
)
from tests.factories import MACHINE, NOW, PERSON, ComponentFactory, PageFactory
from tests.racing import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def say(components, key, status, at):
    changes = [
        ContributionChange(one.pk, "link", upsert=(Word(key, status, at),)) for one in components
    ]
    apply_contributions(changes=changes, actor=MACHINE, at=at)


def test_words_at_once_in_opposite_orders_all_arrive_and_periods_stay_one_line():
    pages = PageFactory.create_batch(2)
    components = [ComponentFactory(page=pages[number % 2]) for number in range(6)]
    statuses = ["degraded_performance", "partial_outage", "major_outage", "operational"]

    outcomes = at_once(
        [
            partial(
                say,
                components if number % 2 else components[::-1],
                f"link{number}",
                status,
                NOW + timedelta(seconds=number),
            )
            for number, status in enumerate(statuses)
        ]
    )

    assert outcomes == [None] * 4
    for component in components:
        line = list(StatusPeriod.objects.filter(component=component))
        component.refresh_from_db()
        assert component.contributions.count() == 4
        assert component.status == explain(component.pk).status == "major_outage"
        assert [period.ended_at for period in line if period.ended_at is None] == [None]
        assert all(before.ended_at == after.started_at for before, after in pairwise(line))


def test_staff_and_a_monitor_at_once_are_both_heard():
    component = ComponentFactory()

    outcomes = at_once(
        [
            partial(say, [component], "link", "partial_outage", NOW),
            partial(
                set_staff_status,
                component_id=component.pk,
                status="degraded_performance",
                actor=PERSON,
                at=NOW,
            ),
        ]
    )

    assert not any(isinstance(one, Exception) for one in outcomes)
    component.refresh_from_db()
    assert component.status == "partial_outage"
    assert component.contributions.count() == 2


def test_gaps_that_touch_at_once_become_one():
    component = ComponentFactory()
    gaps = [
        Gap(component.pk, NOW + timedelta(minutes=n), NOW + timedelta(minutes=n + 1))
        for n in range(4)
    ]

    at_once([partial(record_gaps, gaps=[gap]) for gap in gaps])

    assert MeasurementGap.objects.count() == 1
