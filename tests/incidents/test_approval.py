"""A second person approves: exactly those words, never their own."""

from __future__ import annotations

import inspect
from datetime import date, time, timedelta
from functools import partial

import pytest

from apps.core.errors import Conflict, Invalid
from apps.core.models import AuditEvent
from apps.incidents import services
from apps.incidents.models import Draft, Incident, IncidentUpdate, Maintenance
from apps.incidents.services import (
    PastUpdate,
    cancel_maintenance,
    create_maintenance,
    create_series,
    edit_incident,
    edit_maintenance,
    edit_maintenance_update,
    edit_update,
    hand_over_draft,
    keep_draft,
    merge_incidents,
    open_incident,
    override_approval,
    post_draft,
    post_maintenance_update,
    post_update,
    publish_due_drafts,
    publish_postmortem,
    reschedule_maintenance,
    submit_post,
    tell_past_incident,
    update_series,
)
from apps.pages.services import update_page
from tests.factories import (
    MACHINE,
    NOW,
    PERSON,
    TOKEN,
    ComponentFactory,
    IncidentFactory,
    MaintenanceFactory,
    MaintenanceSeriesFactory,
    PageFactory,
    PostmortemFactory,
)
from tests.incidents.draft_scene import DUE, KIM, SOON, drafted, news, reworded
from tests.incidents.maintenance_scene import fresh
from tests.incidents.scene import EVEN_LATER, LATER, opened, posted

pytestmark = pytest.mark.django_db

ROBIN = {"actor": PERSON, "at": EVEN_LATER}
BY_KIM = {"actor": KIM, "at": EVEN_LATER}
RULE = {"rule": "FREQ=WEEKLY;BYDAY=SU", "first_date": "2026-03-01", "start_time": "03:00:00"}
WEEKLY = {"rule": "FREQ=WEEKLY;BYDAY=SU", "first_date": date(2026, 3, 1), "start_time": time(3)}


@pytest.fixture
def page():
    return PageFactory(requires_approval=True)


@pytest.fixture
def incident(page):
    return opened(page, actor=MACHINE)


@pytest.fixture
def waiting(incident):
    outcome = submit_post(
        page_id=incident.page_id,
        kind="post_update",
        incident_id=incident.pk,
        asked=news(),
        expected_sequence=1,
        actor=PERSON,
        at=LATER,
    )
    assert outcome.draft.state == "waiting"
    return outcome.draft


def every_post(page):
    """Return {name: what posts something on the page}."""
    incident = IncidentFactory(page=page)
    work = MaintenanceFactory(page=page)
    over = IncidentFactory(page=page, resolved=True)
    PostmortemFactory(incident=over, draft="Learnt.")
    past = [PastUpdate("resolved", "Over.", NOW - timedelta(hours=1))]
    return {
        "open": partial(
            open_incident, page_id=page.pk, name="Fire", status="identified", message="!"
        ),
        "update": partial(
            post_update, incident_id=incident.pk, status="identified", message="News."
        ),
        "correct": partial(edit_update, update_id=incident.updates.get().pk, body="Other."),
        "merge": partial(
            merge_incidents, incident_id=incident.pk, into_id=IncidentFactory(page=page).pk
        ),
        "postmortem": partial(publish_postmortem, incident_id=over.pk),
        "past": partial(tell_past_incident, page_id=page.pk, name="Fire", updates=past),
        "announce": partial(
            create_maintenance,
            page_id=page.pk,
            name="Work",
            scheduled_for=NOW + timedelta(days=1),
            scheduled_until=NOW + timedelta(days=2),
        ),
        "work": partial(post_maintenance_update, maintenance_id=work.pk, status="in_progress"),
        "correct work": partial(
            edit_maintenance_update, update_id=work.updates.get().pk, body="Other."
        ),
        "cancel": partial(cancel_maintenance, maintenance_id=work.pk),
        "rename": partial(edit_incident, incident_id=incident.pk, name="Everything burns"),
        "rename work": partial(edit_maintenance, maintenance_id=work.pk, name="Other work"),
        "move work": partial(
            reschedule_maintenance,
            maintenance_id=work.pk,
            scheduled_until=work.scheduled_until + timedelta(hours=1),
        ),
        "plan": partial(create_series, page_id=page.pk, name="Weekly", message="!", **WEEKLY),
        "plan anew": partial(
            update_series, series_id=MaintenanceSeriesFactory(page=page).pk, message="Other."
        ),
    }


POSTS = [
    "open",
    "update",
    "correct",
    "merge",
    "postmortem",
    "past",
    "announce",
    "work",
    "correct work",
    "cancel",
    "rename",
    "rename work",
    "move work",
    "plan",
    "plan anew",
]


@pytest.mark.parametrize("name", POSTS)
def test_nothing_that_a_person_posts_gets_past_the_second_one(page, name):
    call = every_post(page)[name]

    with pytest.raises(Conflict) as refusal:
        call(actor=PERSON, at=EVEN_LATER)

    assert refusal.value.code == "needs_approval"
    call(actor=PERSON, at=EVEN_LATER, approved=True)


def test_the_table_of_posts_is_the_services_that_know_of_approval():
    public = [getattr(services, name) for name in services.__all__]
    aware = [
        one
        for one in public
        if inspect.isfunction(one) and "approved" in inspect.signature(one).parameters
    ]

    assert len(aware) == len(POSTS)


@pytest.mark.parametrize("actor", [MACHINE, TOKEN])
@pytest.mark.parametrize("name", ["open", "update"])
def test_automation_and_tokens_are_not_held_up(page, name, actor):
    before = IncidentUpdate.objects.count()

    if name == "open":
        every_post(page)[name](actor=actor, at=EVEN_LATER)
    else:
        posted(opened(page, actor=MACHINE), "monitoring", actor=actor)

    assert IncidentUpdate.objects.count() > before
    assert not Draft.objects.filter(state=Draft.State.WAITING).exists()


def test_a_post_waits_for_another_and_its_writer_cannot_approve_it(waiting, incident):
    with pytest.raises(Conflict) as refusal:
        post_draft(draft_id=waiting.pk, **ROBIN)

    assert refusal.value.code == "own_words"
    assert incident.updates.count() == 1


def test_another_persons_approval_posts_it_in_the_writers_name(waiting, incident):
    post_draft(draft_id=waiting.pk, expected_digest=waiting.digest, **BY_KIM)

    update = incident.updates.latest("sequence")
    assert (update.body, update.author) == ("We know why.", "Robin Doe")
    assert (fresh(waiting).approved_by, waiting.state) == ("Kim Lee", "published")
    approval = AuditEvent.objects.get(action="draft.approved")
    assert (approval.actor_key, approval.changes) == (KIM.key, {"digest": waiting.digest})


def test_approval_holds_for_the_words_that_were_seen(waiting, incident):
    seen = waiting.digest
    reworded(waiting, message="Something else.")
    hand_over_draft(draft_id=waiting.pk, **ROBIN)

    with pytest.raises(Conflict) as refusal:
        post_draft(draft_id=waiting.pk, expected_digest=seen, **BY_KIM)

    assert refusal.value.code == "draft_moved"


def test_whoever_changed_the_words_last_is_their_writer(waiting, incident):
    reworded(waiting, actor=KIM, message="Better said.")

    with pytest.raises(Conflict):
        post_draft(draft_id=waiting.pk, **BY_KIM)
    post_draft(draft_id=waiting.pk, **ROBIN)

    assert incident.updates.latest("sequence").author == "Kim Lee"


def test_a_change_after_the_approval_voids_it(incident):
    draft = drafted(incident, publish_at=SOON)
    hand_over_draft(draft_id=draft.pk, **ROBIN)
    post_draft(draft_id=draft.pk, **BY_KIM)
    assert (fresh(draft).state, draft.approved_by) == ("scheduled", "Kim Lee")

    reworded(draft, message="Something else.")

    assert (fresh(draft).state, draft.approved_by, draft.approved_at) == ("draft", "", None)
    assert publish_due_drafts(at=DUE) == 0


def test_an_approved_draft_is_posted_at_its_time(incident):
    draft = drafted(incident, publish_at=SOON)
    hand_over_draft(draft_id=draft.pk, **ROBIN)
    post_draft(draft_id=draft.pk, **BY_KIM)

    assert publish_due_drafts(at=DUE) == 1

    assert incident.updates.latest("sequence").body == "We know why."


def test_one_scheduled_before_the_page_wanted_approval_is_not_posted_without(page):
    update_page(page_id=page.pk, requires_approval=False, **ROBIN)
    incident = opened(page)
    draft = drafted(incident, publish_at=SOON)
    post_draft(draft_id=draft.pk, **ROBIN)
    update_page(page_id=page.pk, requires_approval=True, **ROBIN)

    assert publish_due_drafts(at=DUE) == 0

    assert fresh(draft).state == "refused"
    assert "a second person" in draft.note


def test_an_override_needs_a_reason_and_leaves_it_in_the_audit_trail(waiting, incident):
    with pytest.raises(Invalid, match="cannot wait"):
        override_approval(draft_id=waiting.pk, reason=" ", **ROBIN)

    override_approval(draft_id=waiting.pk, reason="Nobody is awake.", **ROBIN)

    assert incident.updates.latest("sequence").body == "We know why."
    event = AuditEvent.objects.get(action="draft.overridden")
    assert (event.actor_key, event.changes["reason"]) == (PERSON.key, "Nobody is awake.")


def asked_for(kind, page):
    """Return the fields of a draft of this kind on the page."""
    component = ComponentFactory(page=page)
    incident, other = opened(page, actor=MACHINE), opened(page, actor=MACHINE, name="Fire")
    work = MaintenanceFactory(page=page)
    over = IncidentFactory(page=page, resolved=True)
    day = NOW + timedelta(days=1)
    match kind:
        case "open_incident":
            return {"asked": news(name="New", components={component.public_id: "major_outage"})}
        case "post_update":
            return {"asked": news(), "incident_id": incident.pk}
        case "correct_update":
            update = incident.updates.get()
            asked = {"update": update.public_id, "body": "Other.", "display_at": NOW.isoformat()}
            return {"asked": asked, "incident_id": incident.pk}
        case "merge":
            asked = {"into": other.public_id, "message": ""}
            return {"asked": asked, "incident_id": incident.pk}
        case "postmortem":
            return {"asked": {"body": "Learnt."}, "incident_id": over.pk}
        case "tell_past":
            told = {"status": "resolved", "message": "Over.", "at": NOW.isoformat()}
            said = {"components": {component.public_id: "operational"}}
            return {"asked": {"name": "Past", "updates": [told | said]}}
        case "announce":
            times = {"scheduled_for": day, "scheduled_until": day + timedelta(hours=1)}
            asked = {name: value.isoformat() for name, value in times.items()}
            said = {component.public_id: "under_maintenance"}
            return {"asked": asked | {"name": "Work", "message": "", "components": said}}
        case "post_maintenance":
            asked = {"status": "in_progress", "message": "", "components": {}}
            return {"asked": asked, "maintenance_id": work.pk}
        case "correct_maintenance":
            update = work.updates.get()
            asked = {"update": update.public_id, "body": "Other."}
            return {"asked": asked, "maintenance_id": work.pk}
        case "cancel_maintenance":
            return {"asked": {"message": "Not needed."}, "maintenance_id": work.pk}
        case "change_incident":
            asked = {"name": "Other", "impact_override": "", "started_at": NOW.isoformat()}
            return {"asked": asked, "incident_id": incident.pk}
        case "change_maintenance":
            asked = {"name": "Other", "starts_itself": False, "components": {}}
            asked["scheduled_until"] = (day + timedelta(days=9)).isoformat()
            return {"asked": asked, "maintenance_id": work.pk}
        case "plan_series":
            said = {component.public_id: "under_maintenance"}
            return {"asked": {"name": "Weekly", "components": said} | RULE}
        case "change_series":
            series = MaintenanceSeriesFactory(page=page)
            return {"asked": {"series": series.public_id, "message": "Other.", "components": {}}}


@pytest.mark.parametrize("kind", Draft.Kind.values)
def test_every_kind_of_post_waits_and_is_posted_by_the_second_person(page, kind):
    draft = keep_draft(page_id=page.pk, kind=kind, **asked_for(kind, page), **ROBIN)
    events = (Incident.objects.count(), Maintenance.objects.count())
    hand_over_draft(draft_id=draft.pk, **ROBIN)
    assert (Incident.objects.count(), Maintenance.objects.count()) == events

    outcome = post_draft(draft_id=draft.pk, **BY_KIM)

    assert outcome.posted.event.page == page
    assert fresh(draft).state == "published"
