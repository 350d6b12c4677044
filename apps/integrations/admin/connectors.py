"""Connectors, and what their destinations offer for choosing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from apps.accounts.scoping import SeenByMembers
from apps.core.actors import Actor
from apps.core.adminkit import ArchivedFilter, ServiceModelAdmin
from apps.core.adminkit.fields import SecretField
from apps.core.unfold import ModelForm, Select, display
from apps.integrations import services
from apps.integrations.definition import ConnectorDefinition
from apps.integrations.models import Connector
from apps.integrations.providers import kinds, provider_of


def addable() -> list[tuple[str, str]]:
    """Return the choices of providers that staff may add."""
    return [(kind, provider_of(kind).label) for kind in kinds() if not provider_of(kind).is_local]


def connector_label(connector: Connector) -> str:
    """Return how selects name a connector: our own pages by what they are."""
    if connector.provider == Connector.Provider.NATIVE:
        return f"{Connector.Provider.NATIVE.label} ({connector.name})"
    return connector.name


class ConnectorForm(ModelForm):
    """A destination account; its settings are checked by the provider's own form."""

    provider = forms.ChoiceField(choices=addable, widget=Select)
    key = SecretField(label="API key", can_clear=False)

    class Meta:
        model = Connector
        fields = ["name", "provider", "base_url"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        key: Any = self.fields.get("key")
        if key is not None:
            key.set_stored(bool(self.instance.api_key))


@admin.register(Connector)
class ConnectorAdmin(SeenByMembers, ServiceModelAdmin):
    """A destination account. `native`, this platform's own pages, always exists."""

    form = ConnectorForm
    list_display = ["name", "provider_label", "base_url"]
    list_filter = [ArchivedFilter]
    search_fields = ["name"]
    error_fields = {"api_key": "key"}
    archive_text = "No integration can use it any more."

    def choice_label(self, row: Any) -> str:
        return connector_label(row)

    @display(description="Provider", ordering="provider")
    def provider_label(self, connector: Connector) -> str:
        known = connector.provider in kinds()
        return provider_of(connector.provider).label if known else connector.provider

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            return ["name", "provider_label", "base_url"]
        return ["name", "provider", "key", "base_url"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["provider_label", *(["provider"] if obj else [])]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(addable()) and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        row = self.row_of_page(request, obj) if isinstance(obj, str) else obj
        if isinstance(row, Connector) and row.provider == Connector.Provider.NATIVE:
            return False
        return super().has_change_permission(request, row)

    def write(
        self,
        *,
        request: HttpRequest,
        row: Any,
        form: Any,
        formsets: Sequence[Any],
        is_new: bool,
        actor: Actor,
        at: datetime,
    ) -> Connector:
        data = form.cleaned_data
        provider = data["provider"] if is_new else row.provider
        given = {"base_url": data["base_url"], "api_key": data["key"].value or ""}
        known = provider_of(provider).config_form().fields
        definition = ConnectorDefinition(
            name=data["name"],
            provider=provider,
            settings={name: value for name, value in given.items() if name in known},
        )
        if is_new:
            return services.create_connector(definition=definition, actor=actor, at=at)
        return services.update_connector(
            connector_id=row.pk, definition=definition, actor=actor, at=at
        )

    def archive(self, *, row: Connector, actor: Actor, at: datetime) -> None:
        services.archive_connector(connector_id=row.pk, actor=actor, at=at)
