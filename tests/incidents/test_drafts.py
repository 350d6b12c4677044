"""Drafts: nothing public before they are posted, everything of them when they are."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
from django.db import transaction

from apps.core.errors import Conflict, DomainError, Invalid, NotFound
from apps.core.models import AuditEvent
from apps.incidents.models import Draft, Incident, IncidentUpdate, Maintenance
from apps.incidents.services import (
    archive_incident,
    discard_draft,
    hand_over_draft,
    keep_draft,
    merge_incidents,
    post_draft,
    post_maintenance_update,
    publish_due_drafts,
    send_back_draft,
    submit_post,
)
from apps.incidents.services.maintenance_moves import move_due_maintenances
from apps.incidents.tasks import publish_drafts
from apps.pages.models import Page, StatusContribution
from statusplatform.schedule import BEAT_SCHEDULE
from tests.factories import NOW, PERSON, ComponentFactory, PageFactory
from tests.incidents.draft_scene import DUE, KIM, SOON, drafted, news, reworded
from tests.incidents.maintenance_scene import fresh, hours, plan
from tests.incidents.scene import EVEN_LATER, LATER, opened, posted, status_of

pytestmark = pytest.mark.django_db

BY = {"actor": PERSON, "at": EVEN_LATER}


@pytest.fixture
def incident():
    return opened(PageFactory())


def new_incident(component, *, publish_at=None, **fields):
    return keep_draft(
        page_id=component.page_id,
        kind="open_incident",
        asked={
            "name": "Orders fail",
            "status": "investigating",
            "message": "We look.",
            "components": {component.public_id: "major_outage"},
        }
        | fields,
        publish_at=publish_at,
        actor=PERSON,
        at=LATER,
    )


# Nothing of a draft is public.


def test_a_draft_changes_neither_incident_nor_component_nor_page(incident):
    component = ComponentFactory(page=incident.page)
    before = Page.objects.get(pk=incident.page_id).updated_at

    drafted(incident, status="resolved", components={component.public_id: "major_outage"})
    new_incident(component)

    assert (incident.updates.count(), Incident.objects.count()) == (1, 1)
    assert fresh(incident).status == "investigating"
    assert status_of(component) == "operational"
    assert not StatusContribution.objects.exists()
    assert Page.objects.get(pk=incident.page_id).updated_at == before


def test_a_posted_draft_is_an_update_like_any_other(incident):
    component = ComponentFactory(page=incident.page)
    draft = drafted(incident, components={component.public_id: "partial_outage"})

    outcome = post_draft(draft_id=draft.pk, expected_sequence=1, **BY)

    update = incident.updates.latest("sequence")
    assert outcome.posted is not None
    assert (update.sequence, update.body, update.author) == (2, "We know why.", "Robin Doe")
    assert (update.display_at, status_of(component)) == (EVEN_LATER, "partial_outage")
    draft.refresh_from_db()
    assert (draft.state, draft.update, draft.settled_at) == ("published", update, EVEN_LATER)


def test_a_whole_incident_is_kept_and_posted(incident):
    component = ComponentFactory()
    draft = new_incident(component, impact_override="minor")

    post_draft(draft_id=draft.pk, **BY)

    made = Incident.objects.get(name="Orders fail")
    assert (made.started_at, made.impact_override, made.is_automated) == (
        EVEN_LATER,
        "minor",
        False,
    )
    assert status_of(component) == "major_outage"
    assert fresh(draft).incident == made


def test_what_is_posted_goes_on_after_what_was_posted_meanwhile_and_takes_the_next_sequence(
    incident,
):
    draft = drafted(incident)
    posted(incident, "monitoring", actor=KIM)

    with pytest.raises(Conflict, match="at update 2, not 1"):
        post_draft(draft_id=draft.pk, expected_sequence=1, **BY)
    post_draft(draft_id=draft.pk, expected_sequence=2, **BY)

    assert incident.updates.latest("sequence").sequence == 3


def test_a_discarded_draft_stays_so_and_keeps_its_words(incident):
    draft = drafted(incident)

    discard_draft(draft_id=draft.pk, **BY)

    for step in (post_draft, discard_draft, hand_over_draft):
        with pytest.raises(Conflict, match="discarded"):
            step(draft_id=draft.pk, **BY)
    assert fresh(draft).asked["message"] == "We know why."
    assert incident.updates.count() == 1


def test_changed_words_are_their_writers_and_unapproved(incident):
    draft = drafted(incident, publish_at=SOON)
    post_draft(draft_id=draft.pk, **BY)
    assert fresh(draft).state == "scheduled"

    reworded(draft, actor=KIM, message="Better said.")

    draft.refresh_from_db()
    assert (draft.state, draft.author, draft.publish_at) == ("draft", "Kim Lee", SOON)
    event = AuditEvent.objects.get(action="draft.edited")
    assert event.changes["message"] == ["We know why.", "Better said."]


def test_a_draft_that_was_opened_and_saved_unchanged_keeps_its_writer(incident):
    draft = drafted(incident)

    reworded(draft, actor=KIM)

    assert fresh(draft).author == "Robin Doe"


def test_words_that_another_changed_meanwhile_are_neither_posted_nor_overwritten(incident):
    draft = drafted(incident)
    seen = draft.digest
    reworded(draft, actor=KIM, message="Better said.")

    with pytest.raises(Conflict) as refusal:
        post_draft(draft_id=draft.pk, expected_digest=seen, **BY)

    assert refusal.value.code == "draft_moved"
    assert incident.updates.count() == 1


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("post_update", {}),
        ("open_incident", {"incident_id": True}),
        ("gossip", {}),
    ],
)
def test_a_draft_is_about_what_its_kind_says(incident, kind, fields):
    given = dict.fromkeys(fields, incident.pk)

    with pytest.raises(Invalid):
        keep_draft(page_id=incident.page_id, kind=kind, asked=news(), **given, **BY)


def test_a_draft_is_about_an_event_of_its_page(incident):
    with pytest.raises(NotFound, match="another page"):
        keep_draft(
            page_id=PageFactory().pk,
            kind="post_update",
            incident_id=incident.pk,
            asked=news(),
            **BY,
        )


# Handed over.


def test_an_unfinished_draft_may_be_kept_and_is_refused_where_it_is_handed_over(incident):
    draft = drafted(incident, status="")

    with pytest.raises(Invalid, match="no incident status"):
        hand_over_draft(draft_id=draft.pk, **BY)

    assert fresh(draft).state == "draft"
    assert incident.updates.count() == 1


def test_a_rehearsal_leaves_nothing(incident):
    component = ComponentFactory()
    draft = new_incident(component)

    hand_over_draft(draft_id=draft.pk, **BY)

    assert Incident.objects.count() == 1
    assert status_of(component) == "operational"
    assert fresh(draft).state == "waiting"


def test_one_that_is_sent_back_comes_with_a_note_and_may_be_handed_over_again(incident):
    draft = drafted(incident)
    hand_over_draft(draft_id=draft.pk, **BY)
    with pytest.raises(Invalid, match="what is to be changed"):
        send_back_draft(draft_id=draft.pk, note=" ", **BY)

    send_back_draft(draft_id=draft.pk, note="Say since when.", actor=KIM, at=EVEN_LATER)

    assert (fresh(draft).state, draft.note) == ("sent_back", "Say since when.")
    hand_over_draft(draft_id=draft.pk, **BY)
    assert fresh(draft).state == "waiting"


# Scheduled.


def test_a_scheduled_draft_is_posted_at_its_time_and_once(incident):
    draft = drafted(incident, publish_at=SOON)
    post_draft(draft_id=draft.pk, **BY)

    early = publish_due_drafts(at=SOON - timedelta(seconds=1))
    due = publish_due_drafts(at=DUE)
    again = publish_due_drafts(at=DUE)

    assert (early, due, again) == (0, 1, 0)
    update = incident.updates.latest("sequence")
    assert (update.sequence, update.author, update.is_automated) == (2, "Robin Doe", False)
    assert AuditEvent.objects.get(action="draft.published").actor_kind == "automation"


class Killed(Exception):
    """Stands for the end of the process before its transaction was committed."""


def test_one_whose_process_was_killed_is_posted_by_the_next(incident):
    draft = drafted(incident, publish_at=SOON)
    post_draft(draft_id=draft.pk, **BY)

    with contextlib.suppress(Killed), transaction.atomic():
        assert publish_due_drafts(at=DUE) == 1
        raise Killed

    assert (fresh(draft).state, incident.updates.count()) == ("scheduled", 1)
    assert publish_due_drafts(at=DUE) == 1
    assert incident.updates.count() == 2


def test_a_scheduled_incident_is_opened_at_its_time():
    component = ComponentFactory()
    draft = new_incident(component, publish_at=SOON)
    post_draft(draft_id=draft.pk, **BY)

    publish_due_drafts(at=DUE)

    assert Incident.objects.get().started_at == DUE
    assert status_of(component) == "major_outage"


@pytest.mark.parametrize(
    ("move", "said"),
    [
        (lambda row: posted(row, "monitoring", actor=KIM), "another update was posted"),
        (lambda row: posted(row, "resolved", actor=KIM), "another update was posted"),
        (
            lambda row: merge_incidents(
                incident_id=row.pk, into_id=opened(row.page, name="Fire").pk, **BY
            ),
            "another update was posted",
        ),
        (lambda row: archive_incident(incident_id=row.pk, **BY), "no such incident"),
    ],
    ids=["updated", "resolved", "merged", "archived"],
)
def test_a_draft_whose_incident_moved_on_is_refused_and_told(incident, move, said):
    draft = drafted(incident, publish_at=SOON)
    post_draft(draft_id=draft.pk, **BY)
    move(incident)
    updates = IncidentUpdate.objects.count()

    assert publish_due_drafts(at=DUE) == 0
    assert publish_due_drafts(at=DUE) == 0

    draft.refresh_from_db()
    assert draft.state == "refused"
    assert said in draft.note
    assert IncidentUpdate.objects.count() == updates
    assert AuditEvent.objects.filter(action="draft.refused").count() == 1


def test_one_that_cannot_be_posted_does_not_hold_up_the_others(incident):
    other = opened(PageFactory())
    for row in (incident, other):
        draft = drafted(row, publish_at=SOON)
        post_draft(draft_id=draft.pk, **BY)
    posted(incident, "resolved")

    assert publish_due_drafts(at=DUE) == 1
    assert other.updates.latest("sequence").body == "We know why."


def test_a_scheduled_draft_is_posted_earlier_by_hand(incident):
    draft = drafted(incident, publish_at=SOON)
    post_draft(draft_id=draft.pk, **BY)

    post_draft(draft_id=draft.pk, **BY)

    assert fresh(draft).state == "published"
    assert publish_due_drafts(at=DUE) == 0


def test_what_could_not_be_posted_now_is_not_scheduled(incident):
    draft = drafted(incident, status="done", publish_at=SOON)

    with pytest.raises(Invalid, match="no incident status"):
        post_draft(draft_id=draft.pk, **BY)

    assert fresh(draft).state == "draft"


def test_beat_asks_each_second(incident):
    draft = drafted(incident, publish_at=SOON)
    post_draft(draft_id=draft.pk, **BY)

    publish_drafts()

    # The database's clock is long past SOON.
    assert fresh(draft).state == "published"
    entry = BEAT_SCHEDULE["post scheduled drafts"]
    assert (entry["task"], entry["schedule"]) == (publish_drafts.name, 1)


# Maintenance.


def work_news(maintenance, **fields):
    asked = {"status": "", "message": "Half way.", "components": {}}
    return keep_draft(
        page_id=maintenance.page_id,
        kind="post_maintenance",
        maintenance_id=maintenance.pk,
        asked=asked,
        seen_sequence=maintenance.last_sequence,
        actor=PERSON,
        at=NOW,
        **fields,
    )


def test_an_update_of_a_maintenance_is_posted_at_its_time_although_that_began_by_itself():
    maintenance = plan(ComponentFactory())
    draft = work_news(maintenance, publish_at=hours(1.5))
    post_draft(draft_id=draft.pk, actor=PERSON, at=NOW)
    move_due_maintenances(at=hours(1.1))

    assert publish_due_drafts(at=hours(1.5)) == 1

    assert maintenance.updates.latest("sequence").body == "Half way."
    assert fresh(maintenance).status == "in_progress"


@pytest.mark.parametrize(("status", "said"), [("verifying", "posted"), ("completed", "by now")])
def test_an_update_of_a_maintenance_that_a_person_moved_is_refused(status, said):
    maintenance = plan(ComponentFactory())
    draft = work_news(maintenance, publish_at=hours(1.5))
    post_draft(draft_id=draft.pk, actor=PERSON, at=NOW)
    post_maintenance_update(maintenance_id=maintenance.pk, status=status, actor=KIM, at=hours(1))

    assert publish_due_drafts(at=hours(1.5)) == 0

    assert said in fresh(draft).note


def test_a_new_maintenance_is_kept_and_announced():
    component = ComponentFactory()
    draft = keep_draft(
        page_id=component.page_id,
        kind="announce",
        asked={
            "name": "Upgrade",
            "message": "We upgrade.",
            "scheduled_for": hours(4).isoformat(),
            "scheduled_until": hours(5).isoformat(),
            "components": {component.public_id: "under_maintenance"},
            "ends_itself": False,
        },
        actor=PERSON,
        at=NOW,
    )
    assert not Maintenance.objects.exists()

    post_draft(draft_id=draft.pk, **BY)

    made = Maintenance.objects.get()
    assert (made.scheduled_for, made.ends_itself) == (hours(4), False)
    assert made.affected.get().component == component


# Submitted.


def submit(incident, **fields):
    given = {"asked": news(), "expected_sequence": incident.last_sequence} | fields
    return submit_post(
        page_id=incident.page_id, kind="post_update", incident_id=incident.pk, **given, **BY
    )


def test_what_waits_for_nobody_and_nothing_is_posted_without_a_draft(incident):
    outcome = submit(incident)

    assert outcome.posted.update == incident.updates.latest("sequence")
    assert not Draft.objects.exists()


def test_with_a_time_to_come_it_is_scheduled(incident):
    outcome = submit(incident, publish_at=SOON)

    assert (outcome.posted, outcome.draft.state) == (None, "scheduled")
    assert incident.updates.count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"publish_at": LATER},
        {"expected_sequence": 7},
        {"expected_sequence": 7, "publish_at": SOON},
        {"asked": news(components={"000000000000": "major_outage"})},
    ],
)
def test_nothing_is_kept_of_a_post_that_is_refused(incident, fields):
    with pytest.raises(DomainError):
        submit(incident, **fields)

    assert not Draft.objects.exists()
    assert incident.updates.count() == 1
