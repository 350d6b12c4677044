"""Two connections at once: one order, nothing lost, nothing doubled."""

from __future__ import annotations

from functools import partial

import pytest

from apps.core.errors import Conflict
from apps.incidents.models import Incident, IncidentUpdate
from apps.incidents.services import (
    edit_update,
    merge_incidents,
    open_incident,
    post_update,
    publish_postmortem,
    save_postmortem,
    take_over,
)
from apps.pages.models import StatusContribution
from tests.factories import MACHINE, NOW, PERSON, ComponentFactory, PageFactory
from tests.racing import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def an_incident(page, *, actor=PERSON, **fields):
    return open_incident(
        page_id=page.pk,
        name="Trouble",
        status="investigating",
        message="We look.",
        actor=actor,
        at=NOW,
        **fields,
    )


def refused(outcomes):
    return sorted(one.code for one in outcomes if isinstance(one, Conflict))


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


def test_two_people_without_an_expectation_are_both_kept_with_their_words_on_components():
    first, second = ComponentFactory.create_batch(2, page=PageFactory())
    incident, _ = an_incident(first.page)

    def post(component):
        return post_update(
            incident_id=incident.pk,
            status="identified",
            message=str(component),
            components={component.pk: "partial_outage"},
            actor=PERSON,
            at=NOW,
        )

    at_once([partial(post, first), partial(post, second)])

    bodies = set(incident.updates.values_list("body", flat=True))
    assert bodies == {"We look.", str(first), str(second)}
    assert set(incident.affected.values_list("component_id", "contributes")) == {
        (first.pk, True),
        (second.pk, True),
    }


def test_a_correction_and_a_step_at_once_are_both_kept():
    incident, _ = an_incident(PageFactory())
    first = incident.updates.get()
    post = partial(
        post_update, incident_id=incident.pk, status="resolved", message="", actor=PERSON, at=NOW
    )
    correct = partial(edit_update, update_id=first.pk, body="Corrected.", actor=PERSON, at=NOW)

    outcomes = at_once([post, correct])

    assert not [one for one in outcomes if isinstance(one, Exception)]
    incident.refresh_from_db()
    first.refresh_from_db()
    assert (incident.status, incident.resolved_at, first.body) == ("resolved", NOW, "Corrected.")


def test_of_two_merged_into_each_other_at_once_one_keeps_going():
    component = ComponentFactory()
    pair = [
        an_incident(component.page, components={component.pk: "major_outage"})[0] for _ in range(2)
    ]

    def merge(source, target):
        return merge_incidents(incident_id=source.pk, into_id=target.pk, actor=PERSON, at=NOW)

    outcomes = at_once([partial(merge, *pair), partial(merge, *reversed(pair))])

    assert refused(outcomes) == ["merged"]
    going = Incident.objects.get(merged_into=None)
    assert going.is_open
    said = StatusContribution.objects.get(source="incident")
    assert (said.key, said.status) == (going.public_id, "major_outage")


def test_automations_end_and_a_merge_at_once_leave_one_order():
    page = PageFactory()
    source, _ = an_incident(page, actor=MACHINE)
    target, _ = an_incident(page)
    end = partial(
        post_update, incident_id=source.pk, status="resolved", message="", actor=MACHINE, at=NOW
    )
    merge = partial(merge_incidents, incident_id=source.pk, into_id=target.pk, actor=PERSON, at=NOW)

    outcomes = at_once([end, merge])

    assert refused(outcomes) in ([], ["merged"])
    source.refresh_from_db()
    target.refresh_from_db()
    assert (source.merged_into, source.is_open, target.is_open) == (target, False, True)


def test_of_automations_end_and_a_take_over_at_once_nothing_is_lost():
    incident, _ = an_incident(PageFactory(), actor=MACHINE)
    end = partial(
        post_update, incident_id=incident.pk, status="resolved", message="", actor=MACHINE, at=NOW
    )
    take = partial(take_over, incident_id=incident.pk, actor=PERSON, at=NOW)

    outcomes = at_once([end, take])

    assert refused(outcomes) in ([], ["taken_over"])
    incident.refresh_from_db()
    assert incident.is_open is (refused(outcomes) == ["taken_over"])


def test_a_reopening_and_a_publication_at_once_never_show_a_post_mortem_of_an_open_incident():
    incident, _ = an_incident(PageFactory(), actor=MACHINE)
    post_update(incident_id=incident.pk, status="resolved", message="", actor=PERSON, at=NOW)
    save_postmortem(incident_id=incident.pk, body="Learnt.", actor=PERSON, at=NOW)
    reopen = partial(
        post_update,
        incident_id=incident.pk,
        status="investigating",
        message="",
        actor=PERSON,
        at=NOW,
    )
    publish = partial(publish_postmortem, incident_id=incident.pk, actor=PERSON, at=NOW)

    outcomes = at_once([reopen, publish])

    assert refused(outcomes) in ([], ["not_resolved"])
    incident.refresh_from_db()
    assert incident.is_open
    assert not incident.postmortem.is_published
