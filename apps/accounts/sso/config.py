"""What the environment says about single sign-on. Pure: values in, values out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from apps.accounts.sso.mapping import Grant


class SecondFactor(StrEnum):
    """When a log-in by single sign-on counts as one with a second factor."""

    CLAIM = "claim"  # the token's `amr` says so (RFC 8176)
    ALWAYS = "always"  # the provider asks everybody for one
    NEVER = "never"


@dataclass(frozen=True)
class OIDCConfig:
    """One identity provider. `issuer` is kept exactly as it is in its tokens."""

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    name: str = "single sign-on"
    scope: str = "openid profile email"
    groups_claim: str = "groups"
    grants: tuple[Grant, ...] = ()
    second_factor: SecondFactor = SecondFactor.CLAIM


def checked_issuer(url: str) -> str:
    """Return the issuer's URL. ValueError where it cannot be one (OpenID Connect Discovery 1.0, section 3)."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("expected https://host[/path]")
    if parts.query or parts.fragment or parts.username:
        raise ValueError("expected https://host[/path] without a query, fragment or user")
    return url
