"""The screen of posts, quick resolve, the previews, and what an incident leads to."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.actors import AUTOMATION
from apps.incidents.models import Incident
from apps.incidents.services import open_incident, post_update
from apps.monitors.models import Outage
from apps.pages.models import Component
from tests.console.composing import shown, write
from tests.factories import (
    NOW,
    PERSON,
    ComponentFactory,
    ComponentGroupFactory,
    PageFactory,
    PageMembershipFactory,
    StatusContributionFactory,
    UserFactory,
)
from tests.integrations.scene import deliver_all, fails, integrate, make_monitor, make_page, minutes

pytestmark = pytest.mark.django_db

PREVIEW = reverse("admin:incidents_incident_preview")
NEXT = reverse("admin:incidents_maintenanceseries_next_starts")


@pytest.fixture
def component() -> Component:
    page = PageFactory(name="Acme", time_zone="Europe/Berlin")
    row: Component = ComponentFactory(
        name="Checkout", page=page, group=ComponentGroupFactory(page=page, name="API")
    )
    return row


@pytest.fixture
def incident(component: Component) -> Incident:
    row, _ = open_incident(
        page_id=component.page_id,
        name="Orders fail",
        status="investigating",
        message="We **look**.",
        components={component.pk: "major_outage"},
        actor=PERSON,
        at=NOW,
    )
    return row


def at(name: str, incident: Incident) -> str:
    return reverse(f"admin:incidents_incident_{name}", args=[incident.pk])


def fresh(row):
    row.refresh_from_db()
    return row


def page_of(client: Client, address: str) -> str:
    return str(client.get(address).content.decode())


# The screen.


def test_what_was_told_so_far_stands_beside_the_form(console: Client, incident: Incident):
    screen = page_of(console, at("post_update", incident))

    assert "Told so far" in screen
    assert "We <strong>look</strong>." in screen
    assert "2026-03-02 13:00:00 CET, Robin Doe" in screen


def test_affected_components_come_first_and_each_field_is_named(
    console: Client, incident: Incident
):
    ComponentFactory(name="Website", page=incident.page)

    response = console.get(at("post_update", incident))

    screen = response.content.decode()
    assert [row.name for row in response.context["affected_rows"]] == ["API / Checkout"]
    assert [row.name for row in response.context["other_rows"]] == ["Website"]
    for row in (*response.context["affected_rows"], *response.context["other_rows"]):
        assert f'for="{row.field.id_for_label}"' in screen


def test_all_are_set_back_to_operational_without_a_script_and_nothing_is_posted(
    console: Client, incident: Incident, component: Component
):
    response = write(console, at("post_update", incident), do="operational", message="Soon over.")

    form = response.context["form"]
    assert response.status_code == 200
    assert form[f"component_{component.pk}"].value() == "operational"
    assert form["message"].value() == "Soon over."
    assert incident.updates.count() == 1


def test_a_preview_without_a_script_posts_nothing(console: Client, incident: Incident):
    response = write(console, at("post_update", incident), do="preview", message="It is *over*.")

    assert "It is <em>over</em>." in response.content.decode()
    assert incident.updates.count() == 1


def test_the_enter_key_presses_the_preview(console: Client, incident: Incident):
    screen = page_of(console, at("post_update", incident))

    form = screen[screen.index("data-console-compose") :]
    assert form.index('value="preview"') < form.index('value="operational"')
    assert form.index('value="preview"') < form.index('value="post"')


# The live preview.


def test_the_preview_is_what_readers_get(console: Client, component: Component):
    response = console.post(PREVIEW, {"text": "We **know**.<script>alert(1)</script>"})

    assert "<strong>know</strong>" in response.content.decode()
    assert "<script>" not in response.content.decode()


def test_the_preview_fills_in_what_is_known_of_a_template(console: Client, component: Component):
    text = "{{page}}: {{components}} at fault: {{cause}}, {{since}}"
    typed = {
        "text": text,
        "page": component.page_id,
        "variable_cause": "a disk",
        f"component_{component.pk}": "major_outage",
    }

    response = console.post(PREVIEW, typed)

    assert "Acme: Checkout at fault: a disk, {{since}}" in response.content.decode()


def test_the_preview_names_what_is_affected_while_nothing_is_chosen(
    console: Client, component: Component
):
    typed = {"text": "{{components}}", "page": component.page_id, "affected": f"{component.pk}"}

    response = console.post(PREVIEW, typed)

    assert "Checkout" in response.content.decode()


def test_the_preview_tells_nothing_of_pages_of_others(client: Client, component: Component):
    hidden = ComponentFactory(page=PageFactory(name="Secret"), name="Vault")
    user = UserFactory()
    PageMembershipFactory(user=user, page=component.page, role="viewer")
    client.force_login(user)

    response = client.post(
        PREVIEW,
        {
            "text": "{{page}} {{components}}",
            "page": hidden.page_id,
            f"component_{hidden.pk}": "major_outage",
        },
    )

    assert "{{page}} {{components}}" in response.content.decode()
    client.force_login(UserFactory(username="stranger"))
    assert client.post(PREVIEW, {"text": "x"}).status_code == 403


# Quick resolve.


def test_who_only_reads_is_offered_no_correction(
    client: Client, incident: Incident, component: Component
):
    user = PageMembershipFactory(page=incident.page, role="viewer").user
    client.force_login(user)

    text = page_of(client, at("change", incident))

    assert "edit-update" not in text


def test_an_incident_is_resolved_with_one_confirmation(
    console: Client, incident: Incident, component: Component
):
    listed = page_of(console, reverse("admin:incidents_incident_changelist"))
    assert at("resolve", incident) in listed
    asked = page_of(console, at("resolve", incident))
    assert "API / Checkout" in asked
    assert "This incident is resolved. Checkout is operational again." in asked

    write(console, at("resolve", incident))

    assert (fresh(incident).status, fresh(component).status) == ("resolved", "operational")
    assert incident.updates.latest("sequence").body.startswith("This incident is resolved.")
    assert at("resolve", incident) not in page_of(
        console, reverse("admin:incidents_incident_changelist")
    )


def test_who_keeps_a_component_from_being_operational_is_said_before(
    console: Client, incident: Incident, component: Component
):
    StatusContributionFactory(
        component=component, source="link", status="partial_outage", label="Order check"
    )

    asked = page_of(console, at("resolve", incident))

    assert "still said by" in asked
    assert "Order check" in asked


def test_resolving_over_a_colleagues_update_shows_it_first(console: Client, incident: Incident):
    before = shown(console, at("resolve", incident))
    post_update(incident_id=incident.pk, status="identified", message="Aha!", actor=PERSON, at=NOW)

    refused = console.post(at("resolve", incident), before | {"message": "All over."})

    assert refused.status_code == 409
    assert "Aha!" in refused.content.decode()
    form = refused.context["form"]
    assert form["message"].value() == "All over."
    again = {name: form[name].value() for name in ("message", "sequence")}
    assert console.post(at("resolve", incident), again).status_code == 302
    assert fresh(incident).status == "resolved"


def test_the_default_text_names_no_hidden_component(
    console: Client, incident: Incident, component: Component
):
    Component.objects.filter(pk=component.pk).update(hidden=True)

    assert shown(console, at("resolve", incident))["message"] == "This incident is resolved."


# Where it leads.


def test_the_page_of_an_incident_offers_the_usual_and_tells_of_the_rest(
    console: Client, component: Component
):
    incident, _ = open_incident(
        page_id=component.page_id,
        name="Orders fail",
        status="investigating",
        message="",
        actor=AUTOMATION,
        at=NOW,
    )

    doings = console.get(at("change", incident)).context["doings"]

    assert [one.label for one in doings["usual"]] == ["Post update", "Resolve"]
    assert [one.label for one in doings["more"]] == ["Take over", "Merge", "Archive"]
    assert all(one.text for one in doings["more"])


def test_an_incident_leads_to_its_outage_and_runs_and_that_back(console: Client):
    integration = integrate(make_monitor(), make_page())
    fails(integration.monitor, minutes(1))
    deliver_all()
    incident, outage = Incident.objects.get(), Outage.objects.get()
    outage_url = reverse("admin:monitors_outage_change", args=[outage.pk])

    screen = page_of(console, at("change", incident))

    assert outage_url in screen
    assert reverse("admin:monitors_monitor_runs", args=[integration.monitor_id]) in screen
    assert at("change", incident) in page_of(console, outage_url)


def test_who_is_no_member_of_the_workspace_learns_nothing_of_the_monitor(client: Client):
    integration = integrate(make_monitor(), make_page())
    fails(integration.monitor, minutes(1))
    deliver_all()
    incident = Incident.objects.get()
    user = UserFactory()
    PageMembershipFactory(user=user, page=incident.page, role="publisher")
    client.force_login(user)

    screen = page_of(client, at("change", incident))

    assert "a workspace that you are not a member of" in screen
    assert reverse("admin:monitors_monitor_runs", args=[integration.monitor_id]) not in screen
    assert integration.nickname not in screen


def test_what_the_incidents_word_does_is_said_beside_the_components_status(
    console: Client, incident: Incident, component: Component
):
    screen = page_of(console, at("change", incident))

    assert "Counts for its status" in screen
    assert reverse("admin:pages_component_why", args=[component.pk]) in screen


# What a rule gives.


def asked(console: Client, **fields: str) -> str:
    rule = {
        "rule": "FREQ=WEEKLY;BYDAY=SU",
        "time_zone": "Europe/Berlin",
        "first_date": "2036-03-16",
        "start_time": "02:30",
        "duration_minutes": "90",
    }
    return str(console.post(NEXT, rule | fields).content.decode())


def test_the_next_five_of_a_rule_are_shown_before_it_is_saved(console: Client):
    text = asked(console)

    assert "Every week on Sunday" in text
    assert "Sun 2036-03-16 02:30 – 04:00 (Europe/Berlin)" in text
    assert text.count("<li>") == 5
    assert "On 2036-03-30 clocks skip 02:30: it starts at 03:00." in text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"rule": "FREQ=HOURLY"}, "Rule: FREQ must be one of"),
        ({"rule": ""}, "Fill in Rule to see"),
        ({"rule": "", "first_date": ""}, "Fill in Rule, First day to see"),
        ({"time_zone": "Berlin"}, "IANA"),
        ({"first_date": "soon"}, "First day:"),
        ({"rule": "FREQ=DAILY;COUNT=2", "first_date": "2020-01-01"}, "gives none any more"),
        ({"rule": "FREQ=DAILY;COUNT=2"}, "All that are still to come"),
    ],
)
def test_what_is_missing_or_wrong_with_a_rule_is_said(console: Client, fields, said):
    assert said in asked(console, **fields)


def test_a_rule_without_a_zone_is_reckoned_in_its_pages(console: Client, component: Component):
    assert "(Europe/Berlin)" in asked(console, time_zone="", page=str(component.page_id))
