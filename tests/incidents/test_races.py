"""Two connections at once: one order, nothing lost, nothing doubled."""

from __future__ import annotations

from functools import partial

import pytest

from apps.core.errors import Conflict
from apps.incidents.models import Incident, IncidentUpdate
from apps.incidents.services import open_incident, post_update
from tests.factories import NOW, PERSON, ComponentFactory, PageFactory
from tests.racing import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def an_incident(page, **fields):
    return open_incident(
        page_id=page.pk,
        name="Trouble",
        status="investigating",
        message="We look.",
        actor=PERSON,
        at=NOW,
        **fields,
    )


def test_updates_at_once_come_into_one_order_and_none_is_lost():
    incident, _ = an_incident(PageFactory())
    post = partial(
        post_update, incident_id=incident.pk, status="identified", message="", actor=PERSON, at=NOW
    )

    outcomes = at_once([post] * 6)

    assert sorted(one.sequence for one in outcomes) == [2, 3, 4, 5, 6, 7]
    assert list(incident.updates.values_list("sequence", flat=True)) == [7, 6, 5, 4, 3, 2, 1]
    incident.refresh_from_db()
    assert incident.last_sequence == 7


def test_of_two_who_expect_the_same_sequence_one_is_refused():
    incident, _ = an_incident(PageFactory())

    def post(status):
        return post_update(
            incident_id=incident.pk,
            status=status,
            message="",
            expected_sequence=1,
            actor=PERSON,
            at=NOW,
        )

    outcomes = at_once([partial(post, "identified"), partial(post, "resolved")])

    refused = [one for one in outcomes if isinstance(one, Conflict)]
    assert [one.code for one in refused] == ["sequence_moved"]
    assert incident.updates.count() == 2


def test_the_same_key_at_once_makes_one_incident():
    component = ComponentFactory()
    ask = partial(
        an_incident,
        component.page,
        idempotency_key="once",
        components={component.pk: "major_outage"},
    )

    outcomes = at_once([ask] * 4)

    assert len({incident.pk for incident, _ in outcomes}) == 1
    assert sorted(created for _, created in outcomes) == [False, False, False, True]
    assert (Incident.objects.count(), IncidentUpdate.objects.count()) == (1, 1)
