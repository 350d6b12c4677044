"""`connectors[]`: destination accounts, by name. `native` always exists and stays as it is."""

from __future__ import annotations

from apps.configuration.context import Context
from apps.configuration.sections.bringing import Bringer, NameKey, Present, Values
from apps.integrations import services
from apps.integrations.definition import ConnectorDefinition
from apps.integrations.models import Connector


def present() -> dict[NameKey, Present]:
    """Return the live connectors, by name, secrets included."""
    return {
        (connector.name,): Present(
            connector.pk,
            {
                "name": connector.name,
                "provider": connector.provider,
                "api_key": connector.api_key,
                "base_url": connector.base_url,
            },
        )
        for connector in Connector.objects.live().order_by("name")
    }


def bring(context: Context) -> None:
    _bringer(context).bring(context, context.entries("connectors"), present())


def remove_missing(context: Context) -> None:
    if context.has("connectors"):
        keep = frozenset({(Connector.NATIVE_NAME,)})
        _bringer(context).remove_missing(context, present(), keep=keep)


def _bringer(context: Context) -> Bringer:
    who = context.who

    def create(values: Values) -> None:
        services.create_connector(definition=_definition(values), **who)

    def update(connector_id: int, values: Values) -> None:
        services.update_connector(connector_id=connector_id, definition=_definition(values), **who)

    return Bringer(
        section="connectors",
        kind="connector",
        key_of=lambda values: (values["name"],),
        create=create,
        update=update,
        archive=lambda connector_id: services.archive_connector(connector_id=connector_id, **who),
    )


def _definition(values: Values) -> ConnectorDefinition:
    settings = {key: values[key] for key in ("api_key", "base_url") if values.get(key)}
    return ConnectorDefinition(values["name"], values["provider"], settings)
