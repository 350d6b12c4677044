"""Whether an ID token is good (OpenID Connect Core 1.0, section 3.1.3.7), and what it says."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from apps.accounts.sso.client import SignOnError
from apps.accounts.sso.config import OIDCConfig, SecondFactor

# Clocks differ by so much at most.
LEEWAY_S = 60
# Never `none`, and nothing with a shared secret: who has the public key must not be able to sign.
_ALGORITHMS = {
    "RSA": ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
    "EC": ["ES256", "ES384", "ES512"],
    "OKP": ["EdDSA"],
}
# Authentication Method Reference values (RFC 8176) of more than a password.
_STRONG = frozenset(
    {"mfa", "otp", "hwk", "swk", "sc", "fpt", "face", "iris", "retina", "vbm", "sms", "tel"}
)


def claims_of(
    token: str, *, keys: Mapping[str, Any], config: OIDCConfig, nonce: str
) -> Mapping[str, Any]:
    """Return the token's claims. SignOnError when anything about it is wrong."""
    # Read at the first log-in by single sign-on: it costs every process megabytes.
    jwt: Any = import_module("jwt")
    try:
        key = _key(jwt, token, keys)
        claims: Mapping[str, Any] = jwt.decode(
            token,
            key.key,
            algorithms=_ALGORITHMS.get(key.key_type, []),
            audience=config.client_id,
            issuer=config.issuer,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iat", "sub", "aud", "iss"]},
        )
    except jwt.PyJWTError as error:
        raise SignOnError(f"The identity provider's token is not good: {error}.") from error
    audience = claims["aud"]
    party = claims.get("azp", config.client_id)
    if party != config.client_id or (
        isinstance(audience, list) and len(audience) > 1 and "azp" not in claims
    ):
        raise SignOnError("The identity provider's token is meant for somebody else.")
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise SignOnError("The identity provider's token belongs to another log-in.")
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
        raise SignOnError("The identity provider's token names nobody.")
    return claims


def _key(jwt: Any, token: str, keys: Mapping[str, Any]) -> Any:
    wanted = jwt.get_unverified_header(token).get("kid")
    fitting = [
        key
        for key in jwt.PyJWKSet.from_dict(dict(keys)).keys
        if key.public_key_use in (None, "sig") and (wanted is None or key.key_id == wanted)
    ]
    if len(fitting) != 1:
        raise SignOnError("The identity provider's token is signed by an unknown key.")
    return fitting[0]


def groups_of(claims: Mapping[str, Any], name: str) -> list[str]:
    """Return the groups in the claim, a list of texts or one text."""
    found = claims.get(name)
    if isinstance(found, str):
        return [found]
    return [group for group in found if isinstance(group, str)] if isinstance(found, list) else []


def had_second_factor(claims: Mapping[str, Any], rule: SecondFactor) -> bool:
    """Tell whether the provider asked for more than a password."""
    if rule is not SecondFactor.CLAIM:
        return rule is SecondFactor.ALWAYS
    found = claims.get("amr")
    return isinstance(found, list) and any(isinstance(one, str) and one in _STRONG for one in found)
