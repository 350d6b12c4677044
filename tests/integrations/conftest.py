from __future__ import annotations

from collections.abc import Iterator

import pytest

from apps.integrations import providers
from apps.integrations.definition import ConnectorDefinition
from apps.integrations.models import Connector
from apps.integrations.services import create_connector, refresh_catalogue
from tests.factories import LONG_AGO, PERSON
from tests.integrations.toy import API_KEY, ToyServer


@pytest.fixture
def toy_server() -> Iterator[ToyServer]:
    """Run the toy destination, and know its provider."""
    server = ToyServer()
    providers.register("toy", "tests.integrations.toy.ToyProvider")
    yield server
    providers.unregister("toy")
    server.shutdown()
    server.server_close()


@pytest.fixture
def toy(toy_server: ToyServer, db: None) -> Connector:
    """Create a connector to the toy destination, with its catalogue mirrored."""
    connector = create_connector(
        definition=ConnectorDefinition(
            "Elsewhere", "toy", {"api_key": API_KEY, "base_url": toy_server.url}
        ),
        actor=PERSON,
        at=LONG_AGO,
    )
    return refresh_catalogue(connector_id=connector.pk, at=LONG_AGO)
