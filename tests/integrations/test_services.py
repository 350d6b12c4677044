"""Definitions are checked as a whole, stored, described and audited."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.models import AuditEvent
from apps.integrations.definition import (
    IncidentDefinition,
    IntegrationDefinition,
    LinkDefinition,
    MetricDefinition,
)
from apps.integrations.mirror import native_connector
from apps.integrations.models import (
    Connector,
    Delivery,
    Integration,
)
from apps.integrations.selectors import (
    broken_integrations,
    components_named,
    definition_of,
    metrics_named,
    pages_named,
)
from apps.integrations.services import (
    archive_integration,
    create_integration,
    replay_delivery,
    set_enabled,
    update_integration,
)
from apps.monitors.models import Monitor
from apps.monitors.selectors import definition_of as monitor_definition
from apps.monitors.services import archive_monitor, update_monitor
from apps.pages.models import Page
from apps.pages.services import (
    archive_component,
    archive_metric,
    archive_page,
    create_component,
    create_group,
    update_component,
)
from tests.factories import (
    LONG_AGO,
    MACHINE,
    NOW,
    PERSON,
    IntegrationFactory,
    ScheduleFactory,
    WorkspaceFactory,
)
from tests.integrations.scene import (
    component,
    definition,
    fails,
    integrate,
    make_monitor,
    make_page,
    metric_definition,
    minutes,
    mirrored,
    mirrored_page,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def page() -> Page:
    return make_page(components=("Checkout", "Website"))


@pytest.fixture
def monitor() -> Monitor:
    return make_monitor()


@pytest.fixture
def whole(page: Page, monitor: Monitor) -> IntegrationDefinition:
    return definition(
        monitor,
        page,
        links={"Checkout": "major_outage", "Website": "partial_outage"},
        metric=metric_definition(page),
    )


def test_what_is_stored_is_what_was_defined(whole: IntegrationDefinition) -> None:
    integration = create_integration(definition=whole, actor=PERSON, at=NOW)

    assert definition_of(integration) == whole


def test_an_update_to_the_same_changes_nothing(whole: IntegrationDefinition) -> None:
    integration = create_integration(definition=whole, actor=PERSON, at=LONG_AGO)
    before = AuditEvent.objects.count(), Delivery.objects.count()
    turned = replace(whole, link_components=whole.link_components[::-1])

    update_integration(integration_id=integration.pk, definition=turned, actor=PERSON, at=NOW)

    integration.refresh_from_db()
    assert integration.updated_at == LONG_AGO
    assert (AuditEvent.objects.count(), Delivery.objects.count()) == before


def test_every_part_can_be_changed_taken_off_and_put_back(whole: IntegrationDefinition) -> None:
    integration = create_integration(definition=whole, actor=PERSON, at=LONG_AGO)
    changed = replace(
        whole,
        nickname="Renamed",
        enabled=False,
        link_components=(
            LinkDefinition(
                whole.link_components[1].component_id, "degraded_performance", "major_outage"
            ),
        ),
        create_incident=None,
        send_metric=None,
    )

    for wanted in (changed, whole, changed):
        update_integration(integration_id=integration.pk, definition=wanted, actor=PERSON, at=NOW)
        assert definition_of(Integration.objects.get()) == wanted


def _foreign(whole: IntegrationDefinition) -> IntegrationDefinition:
    other = make_page("Other", ("Shop",))
    metric = metric_definition(other)
    return replace(
        whole,
        link_components=(LinkDefinition(mirrored("Shop").pk),),
        send_metric=MetricDefinition(metric.metric_id),
    )


CASES = {
    "no action": (
        lambda one: replace(one, link_components=(), create_incident=None, send_metric=None),
        [""],
    ),
    "no nickname": (lambda one: replace(one, nickname=""), ["nickname"]),
    "another workspace's monitor": (
        lambda one: replace(one, workspace_id=make_monitor("Foreign").workspace_id),
        ["monitor"],
    ),
    "no such monitor": (lambda one: replace(one, monitor_id=0), ["monitor", "monitor"]),
    "another connector's page": (
        lambda one: replace(
            one, connector_id=Connector.objects.create(name="Other", provider="none").pk
        ),
        ["page"],
    ),
    "one component twice": (
        lambda one: replace(one, link_components=one.link_components[:1] * 2),
        ["link_components[1].component"],
    ),
    "no such status": (
        lambda one: replace(
            one,
            link_components=(
                replace(one.link_components[0], failure_status="broken"),
                replace(one.link_components[1], success_status="fine"),
            ),
        ),
        ["link_components[0].failure_status", "link_components[1].success_status"],
    ),
    "an incident that opens resolved": (
        lambda one: replace(one, create_incident=IncidentDefinition("Trouble", "resolved")),
        ["create_incident.status"],
    ),
    "an incident without a name": (
        lambda one: replace(one, create_incident=IncidentDefinition("", impact="huge")),
        ["create_incident.name", "create_incident.impact"],
    ),
    "no such measure": (
        lambda one: replace(one, send_metric=replace(one.send_metric, measure="bytes")),
        ["send_metric.measure"],
    ),
    "another page's component and metric": (
        _foreign,
        ["link_components[0].component", "send_metric.metric"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_fault_is_named_by_its_place(case: str, whole: IntegrationDefinition) -> None:
    change, places = CASES[case]

    with pytest.raises(Invalid) as refused:
        create_integration(definition=change(whole), actor=PERSON, at=NOW)

    assert sorted({path for path, _ in refused.value.errors}) == sorted(set(places))
    assert not Integration.objects.exists()


def test_a_nickname_is_free_again_once_its_integration_is_archived(
    whole: IntegrationDefinition,
) -> None:
    integration = create_integration(definition=whole, actor=PERSON, at=LONG_AGO)
    with pytest.raises(Invalid, match="nickname already"):
        create_integration(definition=whole, actor=PERSON, at=NOW)

    archive_integration(integration_id=integration.pk, actor=PERSON, at=NOW)

    assert create_integration(definition=whole, actor=PERSON, at=NOW).pk != integration.pk
    with pytest.raises(NotFound):
        set_enabled(integration_id=integration.pk, enabled=False, actor=PERSON, at=NOW)


def test_an_archived_monitor_component_or_metric_cannot_be_chosen(
    whole: IntegrationDefinition, page: Page, monitor: Monitor
) -> None:
    archive_monitor(monitor_id=monitor.pk, actor=PERSON, at=NOW)
    archive_component(component_id=component().pk, actor=PERSON, at=NOW)
    archive_metric(metric_id=page.metrics.get().pk, actor=PERSON, at=NOW)

    with pytest.raises(Invalid) as refused:
        create_integration(definition=whole, actor=PERSON, at=NOW)

    assert [path for path, _ in refused.value.errors] == [
        "monitor",
        "link_components[0].component",
        "send_metric.metric",
    ]


def test_a_persons_changes_are_audited_by_name_and_automations_are_not(
    whole: IntegrationDefinition,
) -> None:
    integration = create_integration(definition=whole, actor=PERSON, at=LONG_AGO)
    AuditEvent.objects.all().delete()
    moved = replace(whole, link_components=whole.link_components[:1])

    update_integration(integration_id=integration.pk, definition=moved, actor=PERSON, at=NOW)
    set_enabled(integration_id=integration.pk, enabled=False, actor=PERSON, at=NOW)
    set_enabled(integration_id=integration.pk, enabled=True, actor=MACHINE, at=NOW)
    archive_integration(integration_id=integration.pk, actor=PERSON, at=NOW)

    events = list(AuditEvent.objects.order_by("pk"))
    assert [event.action for event in events] == [
        "integration.updated",
        "integration.disabled",
        "integration.archived",
    ]
    assert list(events[0].changes) == ["link_components"]
    assert events[0].changes["link_components"][1][0]["component"] == "Checkout"
    assert events[0].object_id == integration.public_id


def broken(at_most: int = 10) -> dict[str, str]:
    rows = broken_integrations(Integration.objects.all(), at_most=at_most)
    return {one.integration.nickname: one.reason for one in rows}


def test_integrations_that_point_at_something_gone_are_shown_as_broken(page: Page) -> None:
    other = make_page("Other", ("Shop", "Cart"))
    monitors = {name: make_monitor(name) for name in ("a", "b", "c", "d", "e")}
    integrate(monitors["a"], page, nickname="a", links={"Checkout": "major_outage"})
    integrate(monitors["b"], page, nickname="b", links={"Website": "major_outage"})
    integrate(monitors["c"], other, nickname="c", links={"Shop": "major_outage"})
    integrate(monitors["d"], other, nickname="d", links={"Cart": "major_outage"})
    integrate(monitors["e"], other, nickname="e", links={}, metric=metric_definition(other))
    assert broken() == {}

    archive_component(component_id=component("Checkout").pk, actor=PERSON, at=NOW)
    archive_monitor(monitor_id=monitors["b"].pk, actor=PERSON, at=NOW)
    update_component(component_id=component("Shop").pk, page_id=page.pk, actor=PERSON, at=NOW)
    archive_metric(metric_id=other.metrics.get().pk, actor=PERSON, at=NOW)

    assert broken() == {
        "a": "The component Checkout is gone.",
        "b": "The monitor b was removed.",
        "c": "The component Shop moved to another page.",
        "e": "The metric Response time is gone.",
    }
    archive_page(page_id=other.pk, actor=PERSON, at=NOW)
    assert broken()["d"] == "The page Other is gone."
    assert list(broken(at_most=2)) == ["a", "b"]


def test_things_are_found_by_the_names_that_people_use(page: Page) -> None:
    metric_definition(page)
    group = create_group(page_id=page.pk, name="API", actor=PERSON, at=LONG_AGO)
    create_component(page_id=page.pk, group_id=group.pk, name="Checkout", actor=PERSON, at=LONG_AGO)
    seen = mirrored_page(page)

    def found(text: str) -> list[str]:
        return [str(one) for one in components_named(seen, text)]

    assert list(pages_named(native_connector(), "acme")) == [seen]
    assert list(pages_named(native_connector(), page.public_id)) == [seen]
    assert list(pages_named(native_connector(), "Acme")) == [seen]
    assert found("Website") == ["Website"]
    assert sorted(found("Checkout")) == ["API / Checkout", "Checkout"]
    assert found("API / Checkout") == ["API / Checkout"]
    assert found("Nothing") == []
    assert len(metrics_named(seen, "Response time")) == 1


def test_a_pending_delivery_is_not_replayed(page: Page, monitor: Monitor) -> None:
    integrate(monitor, page)
    fails(monitor, minutes(1))
    held = Delivery.objects.filter(state="pending").first()
    assert held is not None

    with pytest.raises(Conflict, match="still being attempted"):
        replay_delivery(delivery_id=held.pk, actor=PERSON, at=NOW)


def test_a_monitor_stays_with_the_integrations_that_use_it():
    integration = IntegrationFactory()
    monitor = integration.monitor
    ScheduleFactory(monitor=monitor)
    elsewhere = replace(monitor_definition(monitor), workspace_id=WorkspaceFactory().pk)
    move: dict[str, Any] = {"monitor_id": monitor.pk, "definition": elsewhere}

    with pytest.raises(Invalid, match="uses this monitor") as refusal:
        update_monitor(**move, actor=PERSON, at=NOW)

    assert refusal.value.field == "workspace"
    monitor.refresh_from_db()
    assert monitor.workspace_id == integration.workspace_id
    archive_integration(integration_id=integration.pk, actor=PERSON, at=NOW)
    update_monitor(**move, actor=PERSON, at=NOW)
    monitor.refresh_from_db()
    assert monitor.workspace_id == elsewhere.workspace_id
