"""Templates, post-mortems, corrections, merging and past incidents at the console."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from apps.incidents.models import Incident, IncidentTemplate, Postmortem, UpdateComponent
from apps.incidents.services import create_template, open_incident, post_update
from tests.console.composing import mistakes, shown, write
from tests.console.forms import errors, save
from tests.factories import NOW, PERSON, ComponentFactory, ComponentGroupFactory, PageFactory

pytestmark = pytest.mark.django_db

ADD = reverse("admin:incidents_incident_add")


@pytest.fixture
def incident() -> Incident:
    return opened(ComponentFactory(name="Orders"), "Orders fail")


def opened(component, name):
    row, _ = open_incident(
        page_id=component.page_id,
        name=name,
        status="investigating",
        message="We look.",
        components={component.pk: "major_outage"},
        actor=PERSON,
        at=NOW,
    )
    return row


def resolved(incident):
    post_update(incident_id=incident.pk, status="resolved", message="", actor=PERSON, at=NOW)
    return incident


def template(component, **fields):
    given = {
        "name": "Slow",
        "title": "{{components}} slow",
        "message": "{{page}} is slow: {{cause}}",
        "update_status": "identified",
        "component_status": "degraded_performance",
    }
    return create_template(
        page_id=component.page_id,
        component_ids=[component.pk],
        actor=PERSON,
        at=NOW,
        **given | fields,
    )


def screen(name, incident):
    return reverse(f"admin:incidents_incident_{name}", args=[incident.pk])


def test_a_template_is_made_changed_and_archived(console: Client):
    component = ComponentFactory()
    url = reverse("admin:incidents_incidenttemplate_add")

    response = save(
        console,
        url,
        page=component.page_id,
        name="Slow",
        title="{{components}} slow",
        message="{{cause}}",
        components=[component.pk],
    )
    assert response.status_code == 302, errors(response)
    row = IncidentTemplate.objects.get()
    change = reverse("admin:incidents_incidenttemplate_change", args=[row.pk])
    refused = save(console, change, message="{{oh no}}")
    assert "is no variable" in str(errors(refused)["message"])
    assert save(console, change, update_status="monitoring").status_code == 302
    console.post(reverse("admin:incidents_incidenttemplate_archive_row", args=[row.pk]))

    row.refresh_from_db()
    assert (row.title, row.update_status, row.is_archived) == (
        "{{components}} slow",
        "monitoring",
        True,
    )
    assert list(row.components.all()) == [component]


def test_a_new_incident_begins_with_a_template_and_asks_for_its_variables(console: Client):
    component = ComponentFactory(name="Orders", page=PageFactory(name="Acme"))
    url = f"{ADD}?template={template(component).public_id}"

    data = shown(console, url)
    assert (data["name"], data["status"]) == ("{{components}} slow", "identified")
    assert list(mistakes(write(console, url))) == ["variable_cause"]
    response = write(console, url, variable_cause="a full disk.")

    assert response.status_code == 302, mistakes(response)
    row = Incident.objects.get()
    assert (row.name, row.updates.get().body) == ("Orders slow", "Acme is slow: a full disk.")
    component.refresh_from_db()
    assert component.status == "degraded_performance"


@pytest.mark.parametrize("kind", ["incident", "maintenance"])
def test_a_template_leads_to_what_is_written_with_it(console: Client, kind: str):
    row = template(ComponentFactory(), kind=kind, update_status="")

    response = console.get(reverse("admin:incidents_incidenttemplate_use", args=[row.pk]))

    add = reverse(f"admin:incidents_{kind}_add")
    assert response.headers["Location"] == f"{add}?template={row.public_id}"
    assert console.get(response.headers["Location"]).context["form"]["name"].value() == row.title


def test_a_variable_that_was_typed_in_is_named_and_never_published(console: Client):
    component = ComponentFactory()
    url = f"{ADD}?template={template(component, message='').public_id}"

    response = write(console, url, message="{{who}} did it")

    assert "{{who}}" in str(mistakes(response)["message"])
    assert not Incident.objects.exists()


def test_another_pages_template_is_not_used(console: Client):
    foreign = template(ComponentFactory())
    page = ComponentFactory().page

    data = shown(console, f"{ADD}?page={page.pk}&template={foreign.public_id}")

    assert "name" not in data


def test_an_update_begins_with_a_template_of_its_page(console: Client, incident: Incident):
    component = incident.affected.get().component
    mine = template(component)
    foreign = template(ComponentFactory(), name="Foreign")
    url = screen("post_update", incident)

    shown = console.get(url, {"template": mine.public_id})
    assert "Slow" in shown.content.decode()
    assert "Foreign" not in shown.content.decode()
    form = shown.context["form"]
    data = {field.html_name: field.value() for field in form if field.value() is not None}
    assert data["message"] == "{{page}} is slow: {{cause}}"
    assert data[f"component_{component.pk}"] == "degraded_performance"
    url = f"{url}?template={mine.public_id}"
    assert console.post(url, data).status_code == 409
    assert console.post(url, data | {"variable_cause": "ants."}).status_code == 302

    assert incident.updates.first().body == f"{incident.page.name} is slow: ants."
    assert console.get(screen("post_update", incident), {"template": foreign.public_id}).context[
        "form"
    ]["message"].value() in (None, "")


def test_a_post_mortem_is_previewed_published_taken_back_and_deleted(
    console: Client, incident: Incident
):
    url = screen("postmortem", resolved(incident))
    body = "We **learnt**."

    preview = console.post(url, {"body": body, "do": "preview"})
    assert "<strong>learnt</strong>" in preview.content.decode()
    assert not Postmortem.objects.exists()
    console.post(url, {"body": body, "do": "save"})
    assert not Postmortem.objects.get().is_published
    console.post(url, {"body": body + " All.", "do": "publish"})
    assert Postmortem.objects.get().body == body + " All."
    assert "Readers see this since" in console.get(url).content.decode()
    console.post(url, {"do": "revert"})
    assert not Postmortem.objects.get().is_published
    delete = screen("delete_postmortem", incident)
    assert delete in console.get(url).content.decode()
    assert "cannot be taken back" in console.get(delete).content.decode()
    assert Postmortem.objects.exists()
    console.post(delete)

    assert not Postmortem.objects.exists()


def test_only_a_resolved_incident_offers_a_post_mortem(console: Client, incident: Incident):
    assert console.get(screen("postmortem", incident)).status_code == 403


def test_an_update_is_corrected(console: Client, incident: Incident):
    update = incident.updates.get()
    url = f"{screen('edit_update', incident)}?update={update.public_id}"

    assert url.replace("&", "&amp;") in console.get(screen("change", incident)).content.decode()
    response = console.post(
        url, {"body": "We look *hard*.", "display_at": "2026-03-02T11:00:00", "do": "save"}
    )

    assert response.status_code == 302
    update.refresh_from_db()
    assert (update.body, update.display_at.hour) == ("We look *hard*.", 11)


def test_an_untouched_time_stays_exact(console: Client, incident: Incident):
    exact = NOW.replace(microsecond=123456)
    incident.updates.update(display_at=exact)
    Incident.objects.update(started_at=exact)
    update = incident.updates.get()
    url = f"{screen('edit_update', incident)}?update={update.public_id}"

    console.post(url, {"body": "New.", "display_at": "2026-03-02T12:00:00", "do": "save"})
    save(console, screen("change", incident), name="New name")

    update.refresh_from_db()
    incident.refresh_from_db()
    assert (update.body, incident.name) == ("New.", "New name")
    assert update.display_at == incident.started_at == exact


def test_a_text_that_only_went_through_the_browser_stays_as_it_is(
    console: Client, incident: Incident
):
    incident.updates.update(body="We look.\n\nSoon more.")
    update = incident.updates.get()
    url = f"{screen('edit_update', incident)}?update={update.public_id}"

    console.post(
        url,
        {
            "body": "We look.\r\n\r\nSoon more.",
            "display_at": "2026-03-02T11:00:00",
            "do": "save",
        },
    )

    update.refresh_from_db()
    assert (update.body, update.display_at.hour) == ("We look.\n\nSoon more.", 11)


def test_the_start_is_corrected_in_the_pages_zone(console: Client, incident: Incident):
    incident.page.time_zone = "America/New_York"
    incident.page.save()

    save(console, screen("change", incident), started_at="2026-03-02T05:00:00")

    incident.refresh_from_db()
    assert incident.started_at == datetime(2026, 3, 2, 10, tzinfo=UTC)


def test_another_incidents_update_is_not_corrected_here(console: Client, incident: Incident):
    other = opened(ComponentFactory(), "Other").updates.get()

    response = console.get(screen("edit_update", incident), {"update": other.public_id})

    assert response.status_code == 404


def test_two_incidents_are_merged(console: Client, incident: Incident):
    component = incident.affected.get().component
    target = opened(component, "Fire")
    opened(ComponentFactory(), "Elsewhere")

    shown = console.get(screen("merge", incident))
    assert [str(label) for _, label in shown.context["form"].fields["into"].choices][1:] == ["Fire"]
    response = console.post(screen("merge", incident), {"into": target.pk})

    assert response.headers["Location"] == screen("change", target)
    incident.refresh_from_db()
    assert incident.merged_into == target
    page = console.get(screen("change", incident)).content.decode()
    assert screen("change", target) in page
    assert screen("post_update", incident) not in page


def test_a_past_incident_is_told_with_times_in_the_pages_zone(console: Client):
    page = PageFactory(time_zone="Europe/Berlin")
    group = ComponentGroupFactory(page=page, name="API")
    component = ComponentFactory(group=group, name="Orders")
    url = reverse("admin:incidents_incident_tell_past")
    data = {
        "page": page.pk,
        "name": "Fire",
        "updates": '- {at: "2026-03-01T10:00", status: investigating, message: "Smoke."}\n'
        '- {at: "2026-03-01T11:30", status: resolved, message: "Out."}',
        "components": f"- {{component: {component.public_id}, status: major_outage}}",
    }

    assert console.get(url).status_code == 200
    response = console.post(url, data)

    assert response.status_code == 302
    row = Incident.objects.get()
    assert (row.is_retrospective, row.started_at.hour, row.status) == (True, 9, "resolved")
    assert row.affected.get().component == component
    component.refresh_from_db()
    assert component.status == "operational"


def test_a_past_incident_says_with_each_update_what_it_said_of_components(console: Client):
    page = PageFactory()
    orders, search = (ComponentFactory(page=page, name=name) for name in ("Orders", "Search"))
    data = {
        "page": page.pk,
        "name": "Fire",
        "updates": '- {at: "2026-03-01 10:00", status: investigating}\n'
        '- {at: "2026-03-01 10:30", status: monitoring}\n'
        '- {at: "2026-03-01 11:30", status: resolved}',
        "components": f"- {{component: {orders.public_id}, status: major_outage}}\n"
        f'- {{component: {orders.public_id}, status: degraded_performance, update: "2"}}\n'
        f'- {{component: {search.public_id}, status: partial_outage, update: "2"}}',
    }

    response = console.post(reverse("admin:incidents_incident_tell_past"), data)

    assert response.status_code == 302, response.context["form"].errors
    said = UpdateComponent.objects.order_by("update__sequence", "component__name")
    assert list(said.values_list("update__sequence", "component__name", "new_status")) == [
        (1, "Orders", "major_outage"),
        (2, "Orders", "degraded_performance"),
        (2, "Search", "partial_outage"),
        (3, "Orders", "operational"),
        (3, "Search", "operational"),
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"updates": "- {at: soon, status: resolved}"}, "Row 1, time: choose a day and a time"),
        ({"updates": "- {at: 2026-03-01 10:00, status: monitoring}"}, "the last update resolves"),
        ({"components": "- {component: Nothing, status: major_outage}"}, "not on this page"),
        ({"components": "- {component: web, status: major_outage, update: 2}"}, "no update"),
        ({"components": "- {component: web, status: major_outage, update: x}"}, "no update"),
    ],
)
def test_a_past_incident_that_does_not_hold_is_refused_at_its_field(
    console: Client, changes, words
):
    data = {
        "page": ComponentFactory(name="Web", public_id="web").page.pk,
        "name": "Fire",
        "updates": '- {at: "2026-03-01 10:00", status: resolved}',
    }

    response = console.post(reverse("admin:incidents_incident_tell_past"), data | changes)

    assert response.status_code == 409
    assert words in str(response.context["form"].errors)
    assert not Incident.objects.exists()
