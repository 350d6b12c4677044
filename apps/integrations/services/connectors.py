"""Changes of connectors. `native` is there from the start and stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.core.actors import Actor
from apps.core.editing import archive_row, create_row, edit_row, live_row
from apps.core.errors import Conflict, Invalid
from apps.core.validation import invalid
from apps.integrations.definition import ConnectorDefinition
from apps.integrations.mirror import mirror_catalogue
from apps.integrations.models import Connector, Integration
from apps.integrations.providers import kinds, provider_of
from apps.integrations.providers.base import Account, ProviderError


@transaction.atomic
def create_connector(*, definition: ConnectorDefinition, actor: Actor, at: datetime) -> Connector:
    """Create a connector. Invalid for an unknown provider, a second native one, or settings it refuses."""
    addable = [kind for kind in kinds() if not provider_of(kind).is_local]
    if definition.provider not in addable:
        allowed = ", ".join(addable) or "none in this version"
        raise Invalid(
            "invalid",
            f"{definition.provider!r} cannot be added; allowed: {allowed}",
            field="provider",
        )
    connector = Connector(
        name=definition.name,
        provider=definition.provider,
        created_at=at,
        updated_at=at,
        **_settings(definition.provider, definition.settings, kept={}),
    )
    return create_row(connector, action="connector.created", actor=actor, at=at)


@transaction.atomic
def update_connector(
    *, connector_id: int, definition: ConnectorDefinition, actor: Actor, at: datetime
) -> Connector:
    """Change name and settings. A secret that is absent or empty stays as it was; the provider stays."""
    connector = live_row(Connector, connector_id, lock=True)
    _refuse_native(connector)
    if definition.provider != connector.provider:
        raise Invalid("invalid", "a connector keeps its provider", field="provider")
    kept = {
        name: getattr(connector, name)
        for name in provider_of(connector.provider).secret_fields
        if not definition.settings.get(name)
    }
    settings = _settings(connector.provider, definition.settings, kept=kept)
    edit_row(
        connector,
        {"name": definition.name, **settings},
        action="connector.updated",
        actor=actor,
        at=at,
    )
    return connector


@transaction.atomic
def archive_connector(*, connector_id: int, actor: Actor, at: datetime) -> Connector:
    """Archive a connector. Conflict while an integration uses it."""
    connector = live_row(Connector, connector_id, lock=True)
    _refuse_native(connector)
    used_by = Integration.objects.live().filter(connector=connector).first()
    if used_by is not None:
        raise Conflict("connector_in_use", f"the integration {used_by} uses this connector")
    archive_row(connector, action="connector.archived", actor=actor, at=at)
    return connector


def refresh_catalogue(*, connector_id: int, at: datetime) -> Connector:
    """Ask the destination for its pages, components and metrics, and mirror them.

    The call is made with no transaction open. Conflict with the destination's reason when it fails.
    """
    connector = live_row(Connector, connector_id)
    try:
        pages = provider_of(connector.provider).catalogue(account_of(connector))
    except ProviderError as error:
        raise Conflict("destination_failed", error.message) from error
    with transaction.atomic():
        connector = live_row(Connector, connector_id, lock=True)
        mirror_catalogue(connector=connector, pages=pages, at=at)
    return connector


def account_of(connector: Connector) -> Account:
    """Return what the connector's provider needs to reach its destination."""
    return Account(api_key=connector.api_key, base_url=connector.base_url)


def _refuse_native(connector: Connector) -> None:
    if connector.provider == Connector.Provider.NATIVE:
        raise Conflict("connector_is_native", "this platform's own connector stays as it is")


def _settings(
    provider: str, settings: Mapping[str, Any], *, kept: Mapping[str, Any]
) -> dict[str, Any]:
    """Return {column: value} of the settings that the provider's form accepts; Invalid lists every refusal."""
    form = provider_of(provider).config_form(data={**settings, **kept})
    unknown = sorted(settings.keys() - form.fields.keys())
    if unknown:
        allowed = ", ".join(form.fields) or "nothing"
        raise Invalid(
            "invalid", f"not a setting of {provider}; allowed: {allowed}", field=unknown[0]
        )
    if not form.is_valid():
        raise invalid(ValidationError(form.errors.as_data()))
    return dict(form.cleaned_data)
