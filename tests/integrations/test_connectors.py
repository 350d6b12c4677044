"""Connectors are checked by their provider's form, keep their secrets, and mirror what their account has."""

from __future__ import annotations

import pytest

from apps.core.errors import Conflict, Invalid
from apps.core.models import AuditEvent
from apps.integrations.definition import (
    ConnectorDefinition,
    IntegrationDefinition,
    LinkDefinition,
)
from apps.integrations.mirror import native_connector
from apps.integrations.models import (
    Connector,
    ConnectorComponent,
)
from apps.integrations.services import (
    archive_connector,
    archive_integration,
    create_connector,
    create_integration,
    refresh_catalogue,
    update_connector,
)
from apps.monitors.models import Monitor
from tests.factories import NOW, PERSON
from tests.integrations.scene import (
    make_monitor,
)
from tests.integrations.toy import API_KEY, ToyServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def monitor() -> Monitor:
    return make_monitor()


def _settings(server: ToyServer, **more: str) -> dict[str, str]:
    return {"api_key": API_KEY, "base_url": server.url, **more}


def test_a_connector_is_checked_by_its_providers_form(toy_server: ToyServer) -> None:
    def create(name: str, provider: str, settings: dict[str, str]) -> Connector:
        return create_connector(
            definition=ConnectorDefinition(name, provider, settings), actor=PERSON, at=NOW
        )

    for provider, settings, field in [
        ("nonesuch", {}, "provider"),
        ("native", {}, "provider"),
        ("toy", {"base_url": toy_server.url}, "api_key"),
        ("toy", _settings(toy_server, colour="red"), "colour"),
    ]:
        with pytest.raises(Invalid) as refused:
            create("Elsewhere", provider, settings)
        assert refused.value.field == field

    connector = create("Elsewhere", "toy", _settings(toy_server))
    assert connector.api_key == API_KEY
    assert API_KEY not in str(list(AuditEvent.objects.values()))


def test_a_secret_left_out_stays_and_is_never_audited(
    toy: Connector, toy_server: ToyServer
) -> None:
    update_connector(
        connector_id=toy.pk,
        definition=ConnectorDefinition("Renamed", "toy", {"base_url": toy_server.url}),
        actor=PERSON,
        at=NOW,
    )
    update_connector(
        connector_id=toy.pk,
        definition=ConnectorDefinition("Renamed", "toy", _settings(toy_server, api_key="n3w-k3y")),
        actor=PERSON,
        at=NOW,
    )

    toy.refresh_from_db()
    assert (toy.name, toy.api_key) == ("Renamed", "n3w-k3y")
    audited = str(list(AuditEvent.objects.values()))
    assert API_KEY not in audited
    assert "n3w-k3y" not in audited


def test_a_catalogue_is_mirrored_and_what_is_gone_is_archived(
    toy: Connector, toy_server: ToyServer
) -> None:
    first = {
        one.remote_id: one.pk for one in ConnectorComponent.objects.filter(page__connector=toy)
    }
    del toy_server.state.components["c-web"]
    refresh_catalogue(connector_id=toy.pk, at=NOW)
    live = set(
        ConnectorComponent.objects.live()
        .filter(page__connector=toy)
        .values_list("remote_id", flat=True)
    )
    toy_server.state.components["c-web"] = "operational"

    refresh_catalogue(connector_id=toy.pk, at=NOW)

    assert live == {"c-api"}
    again = {
        one.remote_id: one.pk
        for one in ConnectorComponent.objects.live().filter(page__connector=toy)
    }
    assert again == first


def test_a_catalogue_that_cannot_be_read_is_a_refusal(
    toy: Connector, toy_server: ToyServer
) -> None:
    toy_server.state.faults.append("500")

    with pytest.raises(Conflict, match="answered 500"):
        refresh_catalogue(connector_id=toy.pk, at=NOW)


def test_the_native_connector_stays_and_one_in_use_is_not_archived(
    toy: Connector, toy_server: ToyServer, monitor: Monitor
) -> None:
    native = native_connector()
    with pytest.raises(Conflict, match="stays as it is"):
        archive_connector(connector_id=native.pk, actor=PERSON, at=NOW)
    target = ConnectorComponent.objects.get(remote_id="c-web")
    integration = create_integration(
        definition=IntegrationDefinition(
            "Elsewhere",
            monitor.workspace_id,
            monitor.pk,
            toy.pk,
            target.page_id,
            link_components=(LinkDefinition(target.pk),),
        ),
        actor=PERSON,
        at=NOW,
    )
    with pytest.raises(Conflict, match="uses this connector"):
        archive_connector(connector_id=toy.pk, actor=PERSON, at=NOW)

    archive_integration(integration_id=integration.pk, actor=PERSON, at=NOW)

    assert archive_connector(connector_id=toy.pk, actor=PERSON, at=NOW).is_archived
