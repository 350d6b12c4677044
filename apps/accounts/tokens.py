"""API tokens: made, revoked, recognised."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address, ip_network

from django.db import IntegrityError, transaction
from django.db.models import Q

from apps.accounts.models import ApiToken, User, Workspace
from apps.accounts.scopes import Scope
from apps.core.actors import Actor
from apps.core.audit import record
from apps.core.errors import Conflict, Invalid
from apps.core.validation import clean

KEY_START = "sp_"
PREFIX_LENGTH = 10
USE_WRITTEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class TokenLimits:
    """What a token may do and from where. Empty `workspaces` and `networks` limit nothing."""

    scopes: Sequence[str] = ()
    workspaces: Collection[Workspace] = ()
    networks: Sequence[str] = ()
    expires_at: datetime | None = None


@transaction.atomic
def create_token(
    *, user: User, name: str, limits: TokenLimits, actor: Actor, at: datetime
) -> tuple[ApiToken, str]:
    """Make a token; return it with its key, which is not kept and cannot be shown again.

    Invalid for a scope, network or time that is none; Conflict when the person has one of this name.
    """
    key = KEY_START + secrets.token_urlsafe(32)
    token = ApiToken(
        user=user,
        name=name.strip(),
        prefix=key[:PREFIX_LENGTH],
        key_hash=hashed(key),
        scopes=_known(limits.scopes),
        networks=[_network(text) for text in limits.networks],
        expires_at=_ahead(limits.expires_at, at),
        created_at=at,
        updated_at=at,
    )
    clean(token)
    try:
        with transaction.atomic():
            token.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("taken", "another token of this person has this name") from error
    token.workspaces.set(limits.workspaces)
    record(actor=actor, at=at, action="token.created", row=token, changes=_told(token, limits))
    return token, key


def _told(token: ApiToken, limits: TokenLimits) -> dict[str, list[object]]:
    facts = {
        "user": token.user.get_username(),
        "scopes": token.scopes,
        "networks": token.networks,
        "workspaces": sorted(workspace.name for workspace in limits.workspaces),
        "expires_at": token.expires_at and token.expires_at.isoformat(),
    }
    return {name: [None, value] for name, value in facts.items() if value}


@transaction.atomic
def revoke_token(*, token_id: int, actor: Actor, at: datetime) -> ApiToken:
    """End a token for good, from its next request on. Conflict when it is revoked already."""
    usable = ApiToken.objects.filter(pk=token_id, revoked_at__isnull=True)
    if not usable.update(revoked_at=at, updated_at=at):
        raise Conflict("token_revoked", "this token is revoked already")
    token = ApiToken.objects.get(pk=token_id)
    record(actor=actor, at=at, action="token.revoked", row=token)
    return token


def token_of(key: str, *, address: str, at: datetime) -> ApiToken | None:
    """Return the usable token of a key that comes from an address, with its person; None otherwise.

    Found by the key's hash: how long that takes tells nothing of the key.
    """
    token = ApiToken.objects.select_related("user").filter(key_hash=hashed(key)).first()
    if token is None or not token.is_usable(at):
        return None
    if not token.user.is_active or not _is_from(address, token.networks):
        return None
    return token


def note_use(token: ApiToken, *, address: str, at: datetime) -> None:
    """Write when and from where it was used, at most once a minute."""
    if token.last_used_at is not None and at - token.last_used_at < USE_WRITTEN_EVERY:
        return
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=at - USE_WRITTEN_EVERY)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=at, last_used_from=address)


def hashed(key: str) -> str:
    """Return what is kept of a key."""
    return sha256(key.encode()).hexdigest()


def token_actor(token: ApiToken) -> Actor:
    """Return the actor for a program that uses the token."""
    return Actor("token", token.public_id, f"{token.name} ({token.user.get_username()})")


def _known(scopes: Sequence[str]) -> list[str]:
    unknown = [scope for scope in scopes if scope not in Scope.values]
    if unknown:
        allowed = ", ".join(Scope.values)
        raise Invalid("invalid", f"{unknown[0]!r} is no scope; there are {allowed}", field="scopes")
    return [scope for scope in Scope.values if scope in scopes]


def _network(text: str) -> str:
    try:
        return str(ip_network(text.strip()))
    except ValueError as error:
        raise Invalid(
            "invalid", f"{text!r} is no network; write one such as 192.0.2.0/24", field="networks"
        ) from error


def _ahead(expires_at: datetime | None, at: datetime) -> datetime | None:
    if expires_at is not None and expires_at <= at:
        raise Invalid("invalid", "it has to be in the future", field="expires_at")
    return expires_at


def _is_from(address: str, networks: Sequence[str]) -> bool:
    if not networks:
        return True
    try:
        known = ip_address(address)
    except ValueError:
        return False
    # An IPv4 client of a socket that listens on both is seen as ::ffff:192.0.2.1.
    known = getattr(known, "ipv4_mapped", None) or known
    return any(known in ip_network(network) for network in networks)
