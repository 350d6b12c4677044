"""Incidents told after they were over: they show a story, and touch nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.core.errors import Conflict, Invalid
from apps.incidents.models import Incident, IncidentUpdate
from apps.incidents.selectors import impact, live_incidents
from apps.incidents.services import PastUpdate, tell_past_incident
from apps.pages.models import Component, StatusContribution, StatusPeriod
from tests.factories import MACHINE, NOW, PERSON, ComponentFactory, PageFactory
from tests.incidents.scene import opened, posted

pytestmark = pytest.mark.django_db


def ago(**how_long):
    return NOW - timedelta(**how_long)


def told(page, *updates, actor=PERSON, **fields):
    incident, _ = tell_past_incident(
        page_id=page.pk, name="Fire", updates=updates, actor=actor, at=NOW, **fields
    )
    return incident


def story(**components):
    return [
        PastUpdate("investigating", "Smoke.", ago(days=3, hours=2), **components),
        PastUpdate("monitoring", "Water.", ago(days=3, hours=1)),
        PastUpdate("resolved", "Out.", ago(days=3)),
    ]


def test_it_stands_as_it_was_then():
    incident = told(PageFactory(), *story())

    assert incident.is_retrospective
    assert (incident.status, incident.started_at, incident.created_at) == (
        "resolved",
        ago(days=3, hours=2),
        NOW,
    )
    assert (incident.monitoring_at, incident.resolved_at) == (ago(days=3, hours=1), ago(days=3))
    updates = incident.updates.order_by("sequence")
    assert [(one.sequence, one.status, one.body, one.display_at) for one in updates] == [
        (1, "investigating", "Smoke.", ago(days=3, hours=2)),
        (2, "monitoring", "Water.", ago(days=3, hours=1)),
        (3, "resolved", "Out.", ago(days=3)),
    ]


def test_it_never_touches_components_periods_or_contributions():
    component = ComponentFactory()
    before = (list(Component.objects.values()), list(StatusPeriod.objects.values()))

    incident = told(component.page, *story(components={component.pk: "major_outage"}))

    assert (list(Component.objects.values()), list(StatusPeriod.objects.values())) == before
    assert not StatusContribution.objects.exists()
    assert impact(incident) == "critical"
    changes = [
        [(row.old_status, row.new_status) for row in update.components.all()]
        for update in incident.updates.order_by("sequence")
    ]
    assert changes == [
        [("operational", "major_outage")],
        [("major_outage", "major_outage")],
        [("major_outage", "operational")],
    ]


def test_it_notifies_nobody():
    told(PageFactory(), *story())

    assert not IncidentUpdate.objects.filter(deliver_notifications=True).exists()


def test_it_is_ordered_by_its_start():
    page = PageFactory()
    recent = opened(page, at=ago(days=1))
    old = opened(page, at=ago(days=9))

    past = told(page, *story())

    assert list(live_incidents()) == [recent, past, old]


@pytest.mark.parametrize(
    ("updates", "field"),
    [
        ([], "updates"),
        ([PastUpdate("resolved", "", NOW + timedelta(seconds=1))], "updates[0].at"),
        (
            [
                PastUpdate("investigating", "", ago(days=1)),
                PastUpdate("resolved", "", ago(days=1)),
            ],
            "updates[1].at",
        ),
        ([PastUpdate("monitoring", "", ago(days=1))], "updates[0].status"),
        (
            [PastUpdate("resolved", "", ago(days=2)), PastUpdate("resolved", "", ago(days=1))],
            "updates[0].status",
        ),
        ([PastUpdate("postmortem", "", ago(days=1))], "updates[0].status"),
        ([PastUpdate("resolved", "", ago(days=1), {1: "broken"})], "components"),
        ([PastUpdate("resolved", "", ago(days=1), {0: "major_outage"})], "components"),
    ],
)
def test_a_story_that_does_not_hold_is_refused_by_its_place(updates, field):
    page = PageFactory()

    with pytest.raises(Invalid) as refused:
        told(page, *updates)

    assert refused.value.field == field
    assert not Incident.objects.exists()


def test_a_note_may_follow_and_changes_nothing_either():
    component = ComponentFactory()
    incident = told(component.page, *story(components={component.pk: "major_outage"}))

    update = posted(incident, "resolved", components={component.pk: "partial_outage"})

    assert update.sequence == 4
    assert not update.deliver_notifications
    assert not StatusContribution.objects.exists()


@pytest.mark.parametrize("actor", [PERSON, MACHINE])
def test_it_is_not_reopened(actor):
    incident = told(PageFactory(), *story(), actor=PERSON)
    Incident.objects.update(is_automated=actor.is_automation)

    with pytest.raises(Conflict) as refused:
        posted(incident, "investigating", actor=actor)

    assert refused.value.code == "retrospective"


def test_the_same_key_again_answers_the_same():
    page = PageFactory()
    first = told(page, *story(), idempotency_key="once")

    second = told(page, *story(), idempotency_key="once")

    assert second == first
    assert Incident.objects.count() == 1
