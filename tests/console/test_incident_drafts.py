"""Drafts at the console: who writes, who posts, who approves, and what two people at once see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.core.models import AuditEvent
from apps.incidents.models import Draft, Incident, Maintenance
from apps.incidents.services import create_maintenance, post_update
from apps.pages.models import Page
from tests.console.composing import mistakes, shown, write
from tests.factories import (
    NOW,
    PERSON,
    ComponentFactory,
    DraftFactory,
    IncidentFactory,
    PageFactory,
    PageMembershipFactory,
    UserFactory,
)
from tests.incidents.scene import opened

pytestmark = pytest.mark.django_db

ADD = reverse("admin:incidents_incident_add")


@pytest.fixture
def page() -> Page:
    row: Page = PageFactory(name="Acme", time_zone="Europe/Berlin")
    return row


@pytest.fixture
def incident(page: Page) -> Incident:
    component = ComponentFactory(page=page, name="Orders")
    return opened(page, components={component.pk: "major_outage"})


@pytest.fixture
def member(page: Page) -> Callable[..., Client]:
    """Return a browser in which a new person with this role on the page is logged in."""

    def log_in(role: str, name: str = "") -> Client:
        user: User = UserFactory(username=name or role)
        PageMembershipFactory(user=user, page=page, role=role)
        client = Client()
        client.force_login(user)
        return client

    return log_in


def url(name: str, draft: Draft) -> str:
    return reverse(f"admin:incidents_draft_{name}", args=[draft.pk])


def update_of(incident: Incident) -> str:
    return reverse("admin:incidents_incident_post_update", args=[incident.pk])


def seen(draft: Draft) -> dict[str, str]:
    event = draft.incident
    return {
        "digest": draft.digest,
        "sequence": str(event.last_sequence if event else 0),
    }


def fresh(row):
    row.refresh_from_db()
    return row


def text(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, response
    return str(response.content.decode())


# Kept, changed, posted.


def test_an_update_is_kept_as_a_draft_changed_and_posted(console: Client, incident: Incident):
    component = incident.affected.get().component
    said = {f"component_{component.pk}": "degraded_performance"}

    kept = write(console, update_of(incident), do="keep", message="Nearly.", **said)
    draft = Draft.objects.get()
    assert kept.headers["Location"] == url("change", draft)
    assert incident.updates.count() == 1
    page = text(console, url("change", draft))
    assert "What readers would be told" in page
    assert "Nearly." in page
    assert shown(console, url("edit", draft))["message"] == "Nearly."
    write(console, url("edit", draft), do="keep", message="Nearly *there*.")
    draft.refresh_from_db()
    assert "<em>there</em>" in text(console, url("change", draft))
    posted = console.post(url("post", draft), seen(draft))

    assert posted.status_code == 302
    update = incident.updates.latest("sequence")
    assert (update.body, fresh(component).status) == ("Nearly *there*.", "degraded_performance")
    assert fresh(draft).state == "published"


def test_a_whole_incident_is_kept_and_opened_from_its_draft(console: Client, page: Page):
    component = ComponentFactory(page=page)
    said = {f"component_{component.pk}": "major_outage"}
    write(console, ADD, do="keep", name="Fire", message="It burns.", **said)
    draft = Draft.objects.get()
    assert not Incident.objects.exists()

    write(console, url("edit", draft), name="Fire!")

    row = Incident.objects.get()
    assert (row.name, row.affected.get().component) == ("Fire!", component)
    assert fresh(draft).state == "published"


def test_a_maintenance_is_kept_and_announced_from_its_draft(console: Client, page: Page):
    times = {"scheduled_for": "2036-07-01T02:00", "scheduled_until": "2036-07-01T04:00"}
    write(console, reverse("admin:incidents_maintenance_add"), do="keep", name="Work", **times)
    draft = Draft.objects.get()
    assert "Starts at" in text(console, url("change", draft))
    assert shown(console, url("edit", draft))["starts_itself"] == "on"

    write(console, url("edit", draft), message="We work.")

    assert Maintenance.objects.get().updates.get().body == "We work."


def test_an_update_of_a_maintenance_is_kept_and_posted(console: Client, page: Page):
    at = timezone.now()
    maintenance, _ = create_maintenance(
        page_id=page.pk,
        name="Work",
        scheduled_for=at + timedelta(hours=1),
        scheduled_until=at + timedelta(hours=2),
        actor=PERSON,
        at=at,
    )
    address = reverse("admin:incidents_maintenance_post_update", args=[maintenance.pk])
    write(console, address, do="keep", message="Half way.")
    draft = Draft.objects.get()

    write(console, url("edit", draft))

    assert maintenance.updates.latest("sequence").body == "Half way."
    assert text(console, reverse("admin:incidents_maintenance_change", args=[maintenance.pk]))


def test_with_a_time_to_come_it_is_scheduled_in_the_pages_zone(console: Client, incident: Incident):
    response = write(console, update_of(incident), message="Later.", publish_at="2036-07-01T12:00")

    draft = Draft.objects.get()
    assert response.headers["Location"] == url("change", draft)
    assert (draft.state, f"{draft.publish_at:%H:%M}") == ("scheduled", "10:00")
    assert "Tue 2036-07-01 12:00 (Europe/Berlin)" in text(console, url("change", draft))


def test_a_time_that_has_passed_is_refused_at_its_field(console: Client, incident: Incident):
    response = write(console, update_of(incident), publish_at="2020-07-01T12:00")

    assert "has passed" in str(mistakes(response)["publish_at"])
    assert not Draft.objects.exists()


def test_a_draft_without_a_time_waits_for_a_person(console: Client, incident: Incident):
    write(console, update_of(incident), do="keep", message="We know.")

    listed = text(console, reverse("admin:incidents_draft_changelist"))

    assert "When a person posts it" in listed


def test_a_draft_is_discarded_after_a_question(console: Client, incident: Incident):
    write(console, update_of(incident), do="keep", message="Nearly.")
    draft = Draft.objects.get()

    assert "Discard this draft?" in text(console, url("discard", draft))
    console.post(url("discard", draft))

    assert fresh(draft).state == "discarded"
    page = text(console, url("change", draft))
    assert url("edit", draft) not in page
    assert url("post", draft) not in page


def test_drafts_are_named_on_the_incident_and_on_the_screen_of_the_next_update(
    console: Client, incident: Incident
):
    write(console, update_of(incident), do="keep", message="Nearly.")
    address = url("change", Draft.objects.get())

    assert address in text(console, reverse("admin:incidents_incident_change", args=[incident.pk]))
    assert address in text(console, update_of(incident))


# Two people at once.


def test_a_draft_that_another_changed_meanwhile_keeps_both_texts(
    console: Client, incident: Incident
):
    write(console, update_of(incident), do="keep", message="First.")
    draft = Draft.objects.get()
    mine = shown(console, url("edit", draft))
    write(console, url("edit", draft), do="keep", message="Theirs.")

    refused = console.post(url("edit", draft), {**mine, "message": "Mine.", "do": "keep"})

    assert refused.status_code == 409
    assert "root changed it meanwhile" in refused.content.decode()
    assert "Theirs." in refused.content.decode()
    form = refused.context["form"]
    assert form["message"].value() == "Mine."
    again = {name: form[name].value() for name in ("status", "message", "digest", "sequence")}
    assert console.post(url("edit", draft), {**again, "do": "keep"}).status_code == 302
    assert fresh(draft).asked["message"] == "Mine."


def test_what_was_posted_since_is_shown_before_a_draft_is_posted(
    console: Client, incident: Incident
):
    write(console, update_of(incident), do="keep", message="Nearly.")
    draft = Draft.objects.get()
    before = seen(draft)
    post_update(incident_id=incident.pk, status="identified", message="Aha.", actor=PERSON, at=NOW)

    refused = console.post(url("post", draft), before)

    assert refused.status_code == 409
    page = refused.content.decode()
    assert "Another update was posted meanwhile" in page
    assert "Robin Doe posted since this was written" in page
    assert 'name="sequence" value="2"' in page
    assert console.post(url("post", draft), {**before, "sequence": "2"}).status_code == 302
    assert incident.updates.latest("sequence").body == "Nearly."


# Roles.


def test_an_editor_writes_and_a_publisher_posts(member: Callable[..., Client], incident: Incident):
    editor, publisher = member("editor"), member("publisher")

    screen = text(editor, update_of(incident))
    assert "Hand to a publisher" in screen
    assert ">Post update<" not in screen
    assert write(editor, update_of(incident), message="Mine.").status_code == 403
    write(editor, update_of(incident), do="hand", message="Please post.")
    draft = Draft.objects.get()
    assert (draft.state, draft.author) == ("waiting", "editor")
    assert editor.post(url("post", draft), seen(draft)).status_code == 403
    assert (
        editor.get(reverse("admin:incidents_incident_resolve", args=[incident.pk])).status_code
        == 403
    )
    publisher.post(url("post", draft), seen(draft))

    assert incident.updates.latest("sequence").author == "editor"


def test_a_viewer_reads_drafts_and_nothing_more(member: Callable[..., Client], incident: Incident):
    draft = DraftFactory(incident=incident)
    viewer = member("viewer")

    page = text(viewer, url("change", draft))

    assert "We know why." in page
    for name in ("edit", "post", "send_back", "discard", "override"):
        assert url(name, draft) not in page
        assert viewer.post(url(name, draft)).status_code == 403
    assert viewer.get(update_of(incident)).status_code == 403
    assert viewer.get(ADD).status_code == 403


def test_what_a_publisher_scheduled_no_editor_takes_back(
    member: Callable[..., Client], incident: Incident
):
    write(member("publisher"), update_of(incident), publish_at="2036-07-01T12:00", message="Later.")
    draft = Draft.objects.get(state="scheduled")
    editor = member("editor")

    page = text(editor, url("change", draft))

    for name in ("edit", "discard"):
        assert url(name, draft) not in page
        assert editor.get(url(name, draft)).status_code == 403
        assert editor.post(url(name, draft), {"do": "keep"}).status_code == 403
    assert fresh(draft).state == "scheduled"


def test_drafts_of_other_pages_are_not_there(member: Callable[..., Client], incident: Incident):
    foreign = DraftFactory()
    own = DraftFactory(incident=incident)
    client = member("admin")

    listed = text(client, reverse("admin:incidents_draft_changelist"))

    assert url("change", own) in listed
    assert url("change", foreign) not in listed
    for name in ("change", "edit", "post", "send_back", "discard"):
        assert client.get(url(name, foreign)).status_code == 404


# A second person.


@pytest.fixture
def approving(page: Page, incident: Incident) -> Incident:
    Page.objects.filter(pk=page.pk).update(requires_approval=True)
    incident.refresh_from_db()
    return incident


def test_a_publishers_post_waits_and_another_approves_it(
    member: Callable[..., Client], approving: Incident
):
    kim, mira = member("publisher", "kim"), member("publisher", "mira")

    assert "Ask for approval" in text(kim, update_of(approving))
    write(kim, update_of(approving), message="We know.", status="identified")
    draft = Draft.objects.get()
    assert "another publisher of Acme has to approve" in text(kim, url("change", draft))
    own = kim.post(url("post", draft), seen(draft))
    assert own.status_code == 409
    assert "cannot approve them" in own.content.decode()
    assert "Approve and post" in text(mira, url("change", draft))
    mira.post(url("post", draft), seen(draft))

    assert approving.updates.latest("sequence").body == "We know."
    assert "Approved by" in text(kim, url("change", draft))
    assert fresh(draft).approved_by == "mira"


def test_words_that_changed_after_they_were_seen_are_not_approved(
    member: Callable[..., Client], approving: Incident
):
    kim, mira = member("publisher", "kim"), member("publisher", "mira")
    write(kim, update_of(approving), message="We know.")
    draft = Draft.objects.get()
    before = seen(draft)
    write(kim, url("edit", draft), message="We do not know.")

    refused = mira.post(url("post", draft), before)

    assert refused.status_code == 409
    assert "We do not know." in refused.content.decode()
    assert approving.updates.count() == 1


def test_it_is_sent_back_with_a_note_that_its_writer_reads(
    member: Callable[..., Client], approving: Incident
):
    kim, mira = member("publisher", "kim"), member("publisher", "mira")
    write(kim, update_of(approving), message="We know.")
    draft = Draft.objects.get()

    assert mira.post(url("send_back", draft), {"note": ""}).status_code == 409
    mira.post(url("send_back", draft), {"note": "Say what."})

    assert "Say what." in text(kim, url("change", draft))
    write(kim, url("edit", draft), message="We know: a disk.")
    assert fresh(draft).state == "waiting"


def test_only_a_superuser_posts_without_a_second_person_and_says_why(
    member: Callable[..., Client], console: Client, approving: Incident
):
    kim = member("publisher", "kim")
    write(kim, update_of(approving), message="We know.")
    draft = Draft.objects.get()

    assert url("override", draft) not in text(kim, url("change", draft))
    assert kim.post(url("override", draft), {"reason": "Now!"}).status_code == 403
    data = {"digest": draft.digest}
    assert console.post(url("override", draft), data).status_code == 409
    console.post(url("override", draft), {**data, "reason": "Nobody is awake."})

    assert approving.updates.latest("sequence").body == "We know."
    event = AuditEvent.objects.get(action="draft.overridden")
    assert event.changes["reason"] == "Nobody is awake."


def test_every_other_post_of_the_console_waits_too(console: Client, approving: Incident):
    page = approving.page
    component = approving.affected.get().component
    over = IncidentFactory(page=page, resolved=True)
    other = IncidentFactory(page=page)
    at = timezone.now()
    work, _ = create_maintenance(
        page_id=page.pk,
        name="Work",
        scheduled_for=at + timedelta(hours=1),
        scheduled_until=at + timedelta(hours=2),
        actor=PERSON,
        at=at,
        approved=True,
    )
    screens = {
        ("incident", "resolve", approving.pk, ""): {"message": "Over.", "sequence": "1"},
        ("incident", "merge", approving.pk, ""): {"into": other.pk},
        ("incident", "postmortem", over.pk, ""): {"body": "Learnt.", "do": "publish"},
        ("incident", "edit_update", approving.pk, approving.updates.get().public_id): {
            "body": "Other.",
            "display_at": "2026-03-02T13:00:00",
        },
        ("incident", "tell_past", None, ""): {
            "name": "Fire",
            "updates": '- {at: "2026-03-01T10:00", status: resolved}',
            "components": f"- {{component: {component.public_id}, status: major_outage}}",
        },
        ("maintenance", "start_now", work.pk, ""): {"message": "Off we go."},
        ("maintenance", "cancel_maintenance", work.pk, ""): {"message": "Not needed."},
        ("maintenance", "edit_update", work.pk, work.updates.get().public_id): {
            "body": "Other.",
            "display_at": "2026-03-02T13:00:00",
        },
    }

    for (model, name, pk, update), data in screens.items():
        address = reverse(f"admin:incidents_{model}_{name}", args=[pk] if pk else [])
        answer = console.post(f"{address}?update={update}" if update else address, data)
        assert answer.status_code == 302, (name, answer.content.decode()[:2000])

    kinds = Draft.objects.values_list("kind", "state")
    assert sorted(kinds) == sorted(
        (kind, "waiting")
        for kind in (
            "post_update",
            "merge",
            "postmortem",
            "correct_update",
            "tell_past",
            "post_maintenance",
            "cancel_maintenance",
            "correct_maintenance",
        )
    )
    assert fresh(approving).status == "investigating"
    for draft in Draft.objects.all():
        assert "What readers would be told" in text(console, url("change", draft))


def test_the_lists_and_screens_cost_the_same_with_more_drafts(
    console: Client, incident: Incident, django_assert_max_num_queries
):
    listed = reverse("admin:incidents_draft_changelist")
    DraftFactory(incident=incident)
    for address in (listed, update_of(incident)):
        console.get(address)
        with django_assert_max_num_queries(40) as few:
            console.get(address)
        DraftFactory.create_batch(5, incident=incident)
        ComponentFactory.create_batch(5, page=incident.page)

        with django_assert_max_num_queries(len(few)):
            console.get(address)
