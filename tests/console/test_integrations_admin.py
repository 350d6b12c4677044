"""Integrations and deliveries at the console."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.models import AuditEvent
from apps.incidents.models import Incident
from apps.integrations.definition import IntegrationDefinition, LinkDefinition
from apps.integrations.models import (
    ComponentLink,
    Connector,
    ConnectorComponent,
    ConnectorMetric,
    ConnectorPage,
    Delivery,
    Integration,
)
from apps.integrations.services import attempt_deliveries, create_integration
from apps.monitors.models import Monitor
from apps.monitors.services import archive_monitor
from apps.pages.models import Component
from apps.pages.services import create_component, create_metric, create_page
from tests.console.forms import errors, filled_in, save
from tests.factories import (
    NOW,
    PERSON,
    ConnectorFactory,
    ConnectorPageFactory,
    DeliveryFactory,
    DeliveryStreamFactory,
    MonitorFactory,
    OutageFactory,
    WorkspaceFactory,
)

pytestmark = pytest.mark.django_db

ADD = "admin:integrations_integration_add"


class World:
    """A page of this platform with a component and a metric, and a monitor."""

    def __init__(self) -> None:
        page = create_page(name="Acme", slug="acme", actor=PERSON, at=NOW)
        self.component = create_component(page_id=page.pk, name="Orders", actor=PERSON, at=NOW)
        create_metric(page_id=page.pk, name="Latency", unit="ms", actor=PERSON, at=NOW)
        self.monitor: Monitor = MonitorFactory()
        self.connector = Connector.objects.get(name="native")
        self.page = ConnectorPage.objects.get(remote_id=page.public_id)
        self.linked = ConnectorComponent.objects.get(page=self.page)
        self.metric = ConnectorMetric.objects.get(page=self.page)

    def fields(self, **changes: Any) -> dict[str, Any]:
        return {
            "nickname": "Orders to Acme",
            "workspace": self.monitor.workspace_id,
            "monitor": self.monitor.pk,
            "connector": self.connector.pk,
            "page": self.page.pk,
            "link_on": "on",
            "component_links__TOTAL_FORMS": "1",
            "component_links__0__component": self.linked.pk,
        } | changes


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def integration(world: World) -> Integration:
    """An integration that links the component."""
    definition = IntegrationDefinition(
        nickname="Orders to Acme",
        workspace_id=world.monitor.workspace_id,
        monitor_id=world.monitor.pk,
        connector_id=world.connector.pk,
        page_id=world.page.pk,
        link_components=(LinkDefinition(world.linked.pk),),
    )
    return create_integration(definition=definition, actor=PERSON, at=NOW)


def _change(row: Integration) -> str:
    return reverse("admin:integrations_integration_change", args=[row.pk])


def test_an_integration_with_all_three_actions_is_made_in_one_go(console: Client, world: World):
    response = save(
        console,
        reverse(ADD),
        **world.fields(
            incident_on="on",
            incident_name="Orders fail",
            metric_on="on",
            metric=world.metric.pk,
        ),
    )

    assert response.status_code == 302, errors(response)
    made = Integration.objects.get()
    assert made.component_links.get().failure_status == "major_outage"
    assert made.incident_rule.name == "Orders fail"
    assert made.metric_rule.measure == "response_time_ms"
    assert AuditEvent.objects.filter(action="integration.created", actor_kind="person").exists()


def test_one_saved_during_an_outage_turns_the_component_red(
    console: Client, world: World, django_capture_on_commit_callbacks: Any
):
    OutageFactory(monitor=world.monitor)

    save(console, reverse(ADD), **world.fields(incident_on="on", incident_name="Orders fail"))
    attempt_deliveries()

    assert Component.objects.get(pk=world.component.pk).status == "major_outage"
    assert Incident.objects.get().name == "Orders fail"


def test_without_an_action_it_is_refused(console: Client, world: World):
    response = save(console, reverse(ADD), **world.fields(link_on=""))

    assert "at least one action" in str(errors(response)[""])


def test_a_monitor_of_another_workspace_is_refused_at_its_field(console: Client, world: World):
    response = save(console, reverse(ADD), **world.fields(workspace=WorkspaceFactory().pk))

    assert errors(response)["monitor"] == ["Choose a monitor of the workspace."]


def test_a_component_of_another_page_is_refused_in_its_row(console: Client, world: World):
    other = ConnectorPageFactory(connector=world.connector)

    response = save(console, reverse(ADD), **world.fields(page=other.pk))

    assert errors(response)["component_links-0-component"] == ["Choose a component of the page."]


def test_a_page_of_another_connector_is_refused_at_its_field(console: Client, world: World):
    response = save(console, reverse(ADD), **world.fields(connector=ConnectorFactory().pk))

    assert errors(response)["page"] == ["Choose a page of the connector."]


def test_actions_without_what_they_need_are_refused_at_their_fields(console: Client, world: World):
    response = save(console, reverse(ADD), **world.fields(incident_on="on", metric_on="on"))

    assert {"incident_name", "metric"} <= errors(response).keys()


def test_the_form_shows_what_is_stored_and_saving_it_changes_nothing(
    console: Client, integration: Integration
):
    save(console, _change(integration), incident_on="on", incident_name="Orders fail")
    events = AuditEvent.objects.count()

    response = save(console, _change(integration))

    assert response.status_code == 302, errors(response)
    assert Integration.objects.get().incident_rule.name == "Orders fail"
    assert AuditEvent.objects.count() == events


def test_a_link_taken_away_is_archived(console: Client, integration: Integration):
    save(
        console,
        _change(integration),
        incident_on="on",
        incident_name="Orders fail",
        component_links__0__DELETE="on",
    )

    assert ComponentLink.objects.get().archived_at is not None


def test_an_action_taken_away_and_given_back_is_the_same_one(
    console: Client, integration: Integration
):
    save(console, _change(integration), incident_on="on", incident_name="One")
    save(console, _change(integration), incident_on="")
    response = save(console, _change(integration), incident_on="on", incident_name="Two")

    assert response.status_code == 302, errors(response)
    assert Integration.objects.get().incident_rule.name == "Two"


def test_chosen_integrations_are_disabled_and_enabled(console: Client, integration: Integration):
    url = reverse("admin:integrations_integration_changelist")

    console.post(url, {"action": "pause_chosen", "_selected_action": [integration.pk]})
    integration.refresh_from_db()
    assert not integration.enabled
    console.post(url, {"action": "resume_chosen", "_selected_action": [integration.pk]})

    integration.refresh_from_db()
    assert integration.enabled


def test_the_list_says_that_a_monitor_was_removed(console: Client, integration: Integration):
    archive_monitor(monitor_id=integration.monitor_id, actor=PERSON, at=NOW)

    response = console.get(reverse("admin:integrations_integration_changelist"))

    assert f"The monitor {integration.monitor.name} was removed." in response.content.decode()


def _asked(console: Client, model: str, field: str, **parents: Any) -> list[str]:
    query = {"app_label": "integrations", "model_name": model, "field_name": field}
    response = console.get(
        reverse("admin:autocomplete"),
        query | {f"dep_{name}": value for name, value in parents.items()},
    )
    assert response.status_code == 200
    return [result["text"] for result in response.json()["results"]]


def test_choices_depend_on_what_was_chosen_before(console: Client, world: World):
    MonitorFactory(name="Elsewhere")
    MonitorFactory(name="Gone", workspace=world.monitor.workspace, archived=True)

    assert _asked(console, "integration", "monitor", workspace=world.monitor.workspace_id) == [
        world.monitor.name
    ]
    assert _asked(console, "integration", "page", connector=world.connector.pk) == ["Acme"]
    assert _asked(console, "componentlink", "component", page=world.page.pk) == ["Orders"]
    assert _asked(console, "metricrule", "metric", page=world.page.pk) == ["Latency"]


@pytest.mark.parametrize("value", ["", "nonsense", "999999", "1 OR 1=1"])
def test_no_choices_without_a_sound_parent(console: Client, world: World, value: str):
    assert _asked(console, "integration", "monitor", workspace=value) == []


def test_what_narrows_is_decided_by_the_server(console: Client, world: World):
    found = _asked(console, "integration", "monitor", archived_at__isnull="False", name="x")

    assert found == []


def test_the_native_connector_is_read_only(console: Client, world: World):
    url = reverse("admin:integrations_connector_change", args=[world.connector.pk])

    response = console.get(url)

    assert response.status_code == 200
    assert not response.context["has_change_permission"]
    assert (
        console.post(
            reverse("admin:integrations_connector_archive_row", args=[world.connector.pk])
        ).status_code
        == 403
    )


def test_a_connectors_key_is_never_shown(console: Client):
    connector = ConnectorFactory(provider="elsewhere", api_key="s3cr3t-canary")
    change = reverse("admin:integrations_connector_change", args=[connector.pk])

    assert "s3cr3t-canary" not in console.get(change).content.decode()


def test_a_delivery_shows_its_attempts_and_is_sent_again_when_confirmed(console: Client):
    stream = DeliveryStreamFactory(last_sequence=5)
    delivery = DeliveryFactory(
        stream=stream, sequence=5, state=Delivery.State.DEAD, last_error="410 gone"
    )
    delivery.tries.create(at=NOW, duration_ms=12, error="410 gone")
    url = reverse("admin:integrations_delivery_replay", args=[delivery.pk])
    shown = console.get(reverse("admin:integrations_delivery_change", args=[delivery.pk]))

    assert "12 ms" in shown.content.decode()
    assert console.get(url).status_code == 200
    assert not delivery.replays.exists()
    console.post(url)

    assert delivery.replays.exists()
    assert AuditEvent.objects.filter(action="delivery.replayed").exists()


def test_a_pending_delivery_is_not_sent_again(console: Client):
    delivery = DeliveryFactory(state=Delivery.State.PENDING)

    response = console.post(reverse("admin:integrations_delivery_replay", args=[delivery.pk]))

    assert response.status_code == 403
    assert not delivery.replays.exists()


def test_who_disables_an_integration_is_told_which_incident_is_theirs(
    console: Client, world: World
):
    outage = OutageFactory(monitor=world.monitor)
    save(console, reverse(ADD), **world.fields(incident_on="on", incident_name="Orders fail"))
    attempt_deliveries()
    integration, incident = Integration.objects.get(), Incident.objects.get()
    incident_page = reverse("admin:incidents_incident_change", args=[incident.pk])
    before = console.get(incident_page).content.decode()

    shown = console.get(_change(integration))
    response = console.post(
        _change(integration), {**_without(shown, "enabled"), "_save": "Save"}, follow=True
    )

    assert "Orders fail” is open and nobody resolves it" in response.content.decode()
    assert outage.closed_at is None
    after = console.get(incident_page).content.decode()
    assert _change(integration) in before
    assert "left by its integration" not in before
    assert "left by its integration" in after
    listed = console.get(reverse("admin:incidents_incident_changelist")).content.decode()
    assert "left by its integration" in listed


def _without(response: Any, name: str) -> dict[str, Any]:
    return {key: value for key, value in filled_in(response).items() if key != name}
