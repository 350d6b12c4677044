"""Closing days while the past changes, on two connections: what is kept is right or absent."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction

from apps.pages import services
from apps.pages.day_selectors import DayReader
from apps.pages.models import ClosedDays, Component, ComponentDay
from apps.pages.services import ContributionChange, Gap, Word
from tests import factories as make
from tests.factories import MACHINE, NOW, PERSON
from tests.racing import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def read(component):
    component = Component.objects.get(pk=component.pk)
    first = NOW.date() - timedelta(days=9)
    found = DayReader(lambda day: day).read([component], first=first, at=NOW, zone=ZoneInfo("UTC"))
    return found[component.pk]


@pytest.mark.parametrize("round_", range(3))
def test_days_are_closed_while_late_changes_come_in(round_):
    page = make.PageFactory()
    components = [
        make.ComponentFactory(page=page, status_since=NOW - timedelta(days=9)) for _ in range(4)
    ]
    late = NOW - timedelta(hours=20)

    def fail():
        changes = [
            ContributionChange(one.pk, "link", upsert=(Word("link", "major_outage", late),))
            for one in components
        ]
        services.apply_contributions(changes=changes, actor=MACHINE, at=late)

    def correct():
        services.correct_period(
            component_id=components[0].pk,
            started_at=NOW - timedelta(days=3),
            ended_at=NOW - timedelta(days=2),
            status="partial_outage",
            reason="Only one region.",
            actor=PERSON,
            at=NOW,
        )

    gaps = [Gap(one.pk, late - timedelta(hours=3), late) for one in components]
    outcomes = at_once(
        [
            partial(services.close_days, at=NOW),
            fail,
            partial(services.record_gaps, gaps=gaps),
            correct,
            partial(services.close_days, at=NOW),
        ]
    )

    assert not [one for one in outcomes if isinstance(one, Exception)]
    kept = [read(one) for one in components]
    ClosedDays.objects.all().delete()
    assert kept == [read(one) for one in components]
    assert kept[0][-2].tally.major == 8 * 3600
    assert kept[0][-4].tally.partial == 12 * 3600


def test_a_process_that_dies_while_it_closes_leaves_no_day():
    component = make.ComponentFactory(status_since=NOW - timedelta(days=9))

    class Killed(BaseException):
        pass

    @transaction.atomic
    def close_and_die():
        services.close_days(at=NOW)
        raise Killed

    with pytest.raises(Killed):
        close_and_die()

    assert not ComponentDay.objects.exists()
    assert not ClosedDays.objects.exists()
    assert read(component)[-2].tally.operational == 86_400
