"""Take one delivery to its provider, through the provider's interface only."""

from __future__ import annotations

from apps.integrations.changes import ComponentChange, IncidentChange, from_json
from apps.integrations.models import Delivery, DeliveryStream
from apps.integrations.providers.base import Account, Provider, ProviderError


def carry(
    *,
    provider: Provider,
    account: Account,
    stream: DeliveryStream,
    delivery: Delivery,
    may_have_arrived: bool,
) -> str:
    """Apply the delivery's change; return the incident's id at the destination ("" for a component).

    `may_have_arrived`: an earlier try may have reached the destination without our hearing of it, so our own
    mark is looked for before anything is opened. `stream` comes with its page and component.
    """
    change = from_json(delivery.change)
    if isinstance(change, ComponentChange):
        provider.apply_components(
            account,
            page_id=component_page_id(stream),
            changes={component_id(stream): change},
            at=delivery.at,
        )
        return ""
    page_id = stream.page.remote_id
    known = stream.remote_id or (
        _found(provider, account, page_id, change)
        if may_have_arrived or change.kind == "resolve"
        else ""
    )
    if change.kind == "open":
        return known or provider.open_incident(
            account, page_id=page_id, change=change, at=delivery.at
        )
    if known:
        provider.resolve_incident(
            account, page_id=page_id, remote_id=known, change=change, at=delivery.at
        )
    return known


def _found(provider: Provider, account: Account, page_id: str, change: IncidentChange) -> str:
    key = change.idempotency_key
    return provider.find_incident(account, page_id=page_id, idempotency_key=key) or ""


def component_id(stream: DeliveryStream) -> str:
    """Return the id, at the destination, of the component that the stream is about."""
    if stream.component is None:
        raise ProviderError(f"the stream {stream.key} has no component")
    return stream.component.remote_id


def component_page_id(stream: DeliveryStream) -> str:
    """Return the id of the page that the component is on now."""
    return stream.component.page.remote_id if stream.component else stream.page.remote_id
