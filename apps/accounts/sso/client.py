"""The protocol: OpenID Connect's code flow with PKCE (OpenID Connect Core 1.0, RFC 7636), through the guarded client.

The library for log-ins would use an HTTP client of its own, and believe an ID token without its signature and without
a nonce. Here every token is checked whole, and every request passes `core.egress`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from apps.accounts.sso.config import OIDCConfig
from apps.core.egress import EgressRequest, host_of
from apps.core.egress.shared import shared_transfers

WELL_KNOWN = "/.well-known/openid-configuration"
TIMEOUT_S = 5.0
MAX_BODY_BYTES = 500_000


class SignOnError(Exception):
    """The log-in cannot go on. The text is a sentence for the person and for the log; it holds no secret."""


@dataclass(frozen=True)
class Attempt:
    """What is kept in the session between leaving for the provider and coming back."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> Attempt:
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))


@dataclass(frozen=True)
class Provider:
    """What the provider's discovery document says (OpenID Connect Discovery 1.0, section 3)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    wants_basic: bool


def discover(config: OIDCConfig) -> Provider:
    """Ask the provider where its endpoints are. SignOnError when it does not answer, or for somebody else."""
    found = _ask(config, "GET", config.issuer.rstrip("/") + WELL_KNOWN)
    if found.get("issuer") != config.issuer:
        raise SignOnError("The identity provider calls itself by another name than OIDC_ISSUER.")
    methods = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return Provider(
        authorization_endpoint=_endpoint(config, found, "authorization_endpoint"),
        token_endpoint=_endpoint(config, found, "token_endpoint"),
        jwks_uri=_endpoint(config, found, "jwks_uri"),
        userinfo_endpoint=_endpoint(config, found, "userinfo_endpoint", optional=True),
        wants_basic="client_secret_basic" in methods,
    )


def authorization_url(
    config: OIDCConfig, provider: Provider, attempt: Attempt, redirect_uri: str
) -> str:
    """Return where the person's browser goes (Core, section 3.1.2.1)."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest())
    query = urlencode(
        {
            "response_type": "code",
            "client_id": config.client_id,
            "redirect_uri": redirect_uri,
            "scope": config.scope,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge.rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
    )
    joint = "&" if urlsplit(provider.authorization_endpoint).query else "?"
    return f"{provider.authorization_endpoint}{joint}{query}"


def exchange(
    config: OIDCConfig, provider: Provider, attempt: Attempt, code: str, redirect_uri: str
) -> tuple[str, str]:
    """Return (ID token, access token) for the code (Core, section 3.1.3)."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": attempt.verifier,
    }
    headers = [("Content-Type", "application/x-www-form-urlencoded")]
    if config.client_secret and provider.wants_basic:
        pair = f"{quote_plus(config.client_id)}:{quote_plus(config.client_secret)}"
        headers.append(("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"))
    else:
        form["client_id"] = config.client_id
        if config.client_secret:
            form["client_secret"] = config.client_secret
    answer = _ask(config, "POST", provider.token_endpoint, headers, urlencode(form).encode())
    id_token, access_token = answer.get("id_token"), answer.get("access_token")
    if not isinstance(id_token, str):
        raise SignOnError("The identity provider sent no ID token.")
    return id_token, access_token if isinstance(access_token, str) else ""


def keys(config: OIDCConfig, provider: Provider) -> Mapping[str, Any]:
    """Return the provider's keys, a JSON Web Key Set (RFC 7517)."""
    return _ask(config, "GET", provider.jwks_uri)


def userinfo(
    config: OIDCConfig, provider: Provider, access_token: str, subject: str
) -> Mapping[str, Any]:
    """Return more claims of the person (Core, section 5.3); none where the provider has no such place."""
    if not provider.userinfo_endpoint or not access_token:
        return {}
    headers = [("Authorization", f"Bearer {access_token}")]
    claims = _ask(config, "GET", provider.userinfo_endpoint, headers)
    if claims.get("sub") != subject:
        raise SignOnError("The identity provider answered about another person.")
    return claims


def _endpoint(
    config: OIDCConfig, found: Mapping[str, Any], name: str, *, optional: bool = False
) -> str:
    url = found.get(name)
    if optional and not url:
        return ""
    if not isinstance(url, str) or urlsplit(url).scheme not in ("https", "http"):
        raise SignOnError(f"The identity provider does not say its {name}.")
    if config.issuer.startswith("https:") and not url.startswith("https:"):
        raise SignOnError(f"The identity provider's {name} is not on https.")
    return url


def _ask(
    config: OIDCConfig,
    method: str,
    url: str,
    headers: list[tuple[str, str]] | None = None,
    body: bytes | None = None,
) -> Mapping[str, Any]:
    """Return the JSON object that the address answers with."""
    host = host_of(config.issuer)
    response = shared_transfers().fetch(
        EgressRequest(
            method=method,
            url=url,
            headers=(("Accept", "application/json"), *(headers or [])),
            body=body,
            timeout_s=TIMEOUT_S,
            follow_redirects=False,
            # The operator named this host: it may be in a private network. No other may.
            trusted_hosts=frozenset({host} if host else ()),
            max_body_bytes=MAX_BODY_BYTES,
        ),
        key="sign-on",
    )
    if response.error is not None:
        raise SignOnError(f"The identity provider does not answer: {response.error.message}.")
    if response.status != 200:
        raise SignOnError(f"The identity provider refused ({response.status}).")
    try:
        found = json.loads(response.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise SignOnError("The identity provider's answer is not a JSON object.")
    return found
