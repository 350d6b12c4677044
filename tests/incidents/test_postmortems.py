"""Post-mortems: drafts until they are published, and of resolved incidents only."""

from __future__ import annotations

import pytest

from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.models import AuditEvent
from apps.incidents.models import Postmortem
from apps.incidents.services import (
    delete_postmortem,
    publish_postmortem,
    revert_postmortem,
    save_postmortem,
)
from apps.publishing.models import Publication
from tests.factories import MACHINE, NOW, PERSON, PageFactory
from tests.incidents.scene import EVEN_LATER, LATER, opened, posted

pytestmark = pytest.mark.django_db


@pytest.fixture
def resolved():
    incident = opened(PageFactory())
    posted(incident, "resolved")
    return incident


def drafted(incident, body="We learnt.", at=EVEN_LATER):
    return save_postmortem(incident_id=incident.pk, body=body, actor=PERSON, at=at)


def published(incident, at=EVEN_LATER):
    return publish_postmortem(incident_id=incident.pk, actor=PERSON, at=at)


def asked_for(incident):
    return Publication.objects.get(pk=incident.page_id).requested_seq


def test_a_draft_is_staffs_alone(resolved):
    before = asked_for(resolved)

    row = drafted(resolved)

    assert (row.draft, row.body, row.is_published) == ("We learnt.", "", False)
    assert asked_for(resolved) == before


def test_publishing_shows_the_draft_and_asks_for_a_new_page(resolved):
    drafted(resolved)
    before = asked_for(resolved)

    row = published(resolved)

    assert (row.body, row.published_at, row.body_updated_at) == (
        "We learnt.",
        EVEN_LATER,
        EVEN_LATER,
    )
    assert row.author == "Robin Doe"
    assert asked_for(resolved) == before + 1


def test_a_new_draft_leaves_what_readers_see_until_it_is_published_again(resolved):
    drafted(resolved, at=NOW)
    published(resolved, at=LATER)

    row = drafted(resolved, "We learnt more.")
    assert (row.body, row.published_at) == ("We learnt.", LATER)
    row = published(resolved)

    assert (row.body, row.published_at, row.body_updated_at) == (
        "We learnt more.",
        LATER,
        EVEN_LATER,
    )


def test_reverted_it_is_a_draft_again(resolved):
    drafted(resolved)
    published(resolved)

    row = revert_postmortem(incident_id=resolved.pk, actor=PERSON, at=EVEN_LATER)

    assert (row.draft, row.body, row.published_at) == ("We learnt.", "", None)
    with pytest.raises(Conflict):
        revert_postmortem(incident_id=resolved.pk, actor=PERSON, at=EVEN_LATER)


def test_deleted_it_is_gone_but_for_the_audit_trail(resolved):
    drafted(resolved)
    published(resolved)
    before = asked_for(resolved)

    delete_postmortem(incident_id=resolved.pk, actor=PERSON, at=EVEN_LATER)

    assert not Postmortem.objects.exists()
    assert asked_for(resolved) == before + 1
    event = AuditEvent.objects.get(action="incident.postmortem_deleted")
    assert event.changes["body"] == ["We learnt.", None]
    with pytest.raises(NotFound):
        delete_postmortem(incident_id=resolved.pk, actor=PERSON, at=EVEN_LATER)


def test_an_open_incident_has_none():
    incident = opened(PageFactory())

    with pytest.raises(Conflict) as refused:
        drafted(incident)

    assert refused.value.code == "not_resolved"


def test_an_empty_one_is_refused(resolved):
    with pytest.raises(Invalid):
        drafted(resolved, " \n")


@pytest.mark.parametrize("actor", [PERSON, MACHINE])
def test_reopening_makes_the_published_one_a_draft_again(actor):
    incident = opened(PageFactory(), actor=MACHINE)
    posted(incident, "resolved", actor=MACHINE)
    drafted(incident, at=LATER)
    published(incident, at=LATER)

    posted(incident, "investigating", actor=actor, at=EVEN_LATER)

    row = Postmortem.objects.get()
    assert (row.is_published, row.body, row.draft) == (False, "", "We learnt.")
    with pytest.raises(Conflict):
        published(incident)


def test_published_after_the_second_end_it_is_shown_again():
    incident = opened(PageFactory())
    posted(incident, "resolved", at=NOW)
    drafted(incident, at=NOW)
    published(incident, at=NOW)
    posted(incident, "identified", at=LATER)
    posted(incident, "resolved", at=LATER)

    row = published(incident)

    assert (row.body, row.published_at) == ("We learnt.", EVEN_LATER)


def test_each_step_is_in_the_incidents_audit_trail(resolved):
    drafted(resolved)
    published(resolved)
    revert_postmortem(incident_id=resolved.pk, actor=PERSON, at=EVEN_LATER)

    actions = AuditEvent.objects.filter(object_id=resolved.public_id).order_by("pk")
    assert [event.action for event in actions][2:] == [
        "incident.postmortem_drafted",
        "incident.postmortem_published",
        "incident.postmortem_reverted",
    ]
