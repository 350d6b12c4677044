"""How people log in: part of the settings, read from the environment only (see env.py and the README's table)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from apps.accounts.sso.config import OIDCConfig, SecondFactor, checked_issuer
from apps.accounts.sso.mapping import parse_grants
from statusplatform import env

_Value = TypeVar("_Value")


def _checked(name: str, raw: str, parse: Callable[[str], _Value]) -> _Value:
    try:
        return parse(raw)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from error


def _second_factor(raw: str) -> SecondFactor:
    if raw not in set(SecondFactor):
        raise ValueError(f"expected {', '.join(SecondFactor)}, not {raw!r}")
    return SecondFactor(raw)


def _oidc() -> OIDCConfig | None:
    """Return the identity provider; None where none is named."""
    issuer = env.text("OIDC_ISSUER")
    client_id = env.text("OIDC_CLIENT_ID")
    secret = env.text("OIDC_CLIENT_SECRET")
    name = env.text("OIDC_NAME", "single sign-on")
    scope = env.text("OIDC_SCOPE", "openid profile email")
    claim = env.text("OIDC_GROUPS_CLAIM", "groups")
    grants = _checked("OIDC_GROUP_ROLES", env.text("OIDC_GROUP_ROLES"), parse_grants)
    factor = _checked("OIDC_SECOND_FACTOR", env.text("OIDC_SECOND_FACTOR", "claim"), _second_factor)
    if not issuer:
        return None
    if not client_id:
        raise ImproperlyConfigured("OIDC_CLIENT_ID: needed with OIDC_ISSUER")
    if not grants:
        raise ImproperlyConfigured("OIDC_GROUP_ROLES: needed with OIDC_ISSUER, else nobody gets in")
    if "openid" not in scope.split():
        raise ImproperlyConfigured("OIDC_SCOPE: expected openid among the words")
    return OIDCConfig(
        issuer=_checked("OIDC_ISSUER", issuer, checked_issuer),
        client_id=client_id,
        client_secret=secret,
        name=name,
        scope=scope,
        groups_claim=claim,
        grants=grants,
        second_factor=factor,
    )


OIDC = _oidc()
REQUIRE_SECOND_FACTOR = env.boolean("REQUIRE_SECOND_FACTOR", default=False)
# A forgotten password is reset by mail where there is a way to send one.
PASSWORD_RESET_BY_MAIL = bool(env.text("EMAIL_URL"))

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/admin/"
LOGOUT_REDIRECT_URL = "account_login"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]

ACCOUNT_ADAPTER = "apps.accounts.login.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "apps.accounts.login.forms.LoginForm",
    "change_password": "apps.accounts.login.forms.ChangePasswordForm",
    "reauthenticate": "apps.accounts.login.forms.PasswordForm",
}
MFA_FORMS = {
    "authenticate": "apps.accounts.login.forms.AuthenticateForm",
    "reauthenticate": "apps.accounts.login.forms.ReauthenticateForm",
    "activate_totp": "apps.accounts.login.forms.ActivateForm",
    "add_webauthn": "apps.accounts.login.forms.AddKeyForm",
}
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = urlsplit(env.public_url()).scheme
# Kept in the cache, which outlives a restart (settings.CACHES). By name, so that nobody guesses one
# person's password from many places; by address, so that nobody tries many names from one.
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "30/10m/ip,5/5m/key"}

MFA_ADAPTER = "apps.accounts.login.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Status platform"
# A phone's clock may be half a minute off.
MFA_TOTP_TOLERANCE = 1
# Browsers make keys for https and for this very machine only; the library knows https alone.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = urlsplit(env.public_url()).hostname == "localhost"

CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.text("CACHE_URL"),
    }
    if env.text("CACHE_URL")
    else {
        # Failed log-ins are counted here: shared by the processes, and still there after a restart.
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "django_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
