"""The interface of a destination: where deliveries go. One contract test suite holds for every kind.

A provider uses no ORM, settings or clock (`native`, which calls services, is the exception). It translates our
words into the destination's at its edge. Every call is bounded by `limits.call_timeout_s`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from django import forms

from apps.integrations.changes import ComponentChange, IncidentChange


class ProviderError(Exception):
    """A delivery did not arrive.

    `retry_in_s` is the least wait before another try makes sense (0: the usual backoff alone decides);
    None: never again, the destination will always refuse it.
    """

    def __init__(self, message: str, *, retry_in_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_in_s = retry_in_s


@dataclass(frozen=True, slots=True)
class Account:
    """What a provider needs to reach the destination. Its `repr` shows no key."""

    api_key: str = field(default="", repr=False)
    base_url: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """`call_timeout_s` is the longest that one call takes, whatever the destination does."""

    call_timeout_s: float


@dataclass(frozen=True, slots=True)
class RemoteItem:
    """A component or a metric as the destination lists it."""

    remote_id: str
    name: str
    group_name: str = ""


@dataclass(frozen=True, slots=True)
class RemotePage:
    """A page as the destination lists it, with what is on it."""

    remote_id: str
    name: str
    slug: str = ""
    components: tuple[RemoteItem, ...] = ()
    metrics: tuple[RemoteItem, ...] = ()


@runtime_checkable
class Provider(Protocol):
    """A kind of destination.

    `is_local`: it writes to this platform's own database, so that its change and the delivery's end are one
    transaction; any other kind is called with no transaction open. `config_form` validates a connector's
    settings, `secret_fields` names those among them that are never shown again.
    """

    kind: str
    label: str
    is_local: bool
    limits: Limits
    config_form: type[forms.Form]
    secret_fields: frozenset[str]

    def catalogue(self, account: Account) -> tuple[RemotePage, ...]:
        """Return every page that the account may write to."""
        ...

    def apply_components(
        self,
        account: Account,
        *,
        page_id: str,
        changes: Mapping[str, ComponentChange],
        at: datetime,
    ) -> None:
        """Make the components ({remote id: change}) show what the changes say. Twice is harmless."""
        ...

    def open_incident(
        self, account: Account, *, page_id: str, change: IncidentChange, at: datetime
    ) -> str:
        """Open the incident with the change's idempotency key as its mark; return its remote id."""
        ...

    def find_incident(self, account: Account, *, page_id: str, idempotency_key: str) -> str | None:
        """Return the remote id of the incident that bears our mark, open or not, or None."""
        ...

    def resolve_incident(
        self,
        account: Account,
        *,
        page_id: str,
        remote_id: str,
        change: IncidentChange,
        at: datetime,
    ) -> None:
        """Resolve the incident. Nothing happens if it is resolved already, or a person took it over."""
        ...
