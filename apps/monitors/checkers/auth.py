"""How a request proves who asks (RFC 7617, RFC 6750, and keys in a header or the query)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from urllib.parse import quote

from apps.monitors.checkers.spec import AuthSpec
from apps.monitors.checkers.substitute import Scope


@dataclass(frozen=True)
class Credentials:
    """What to add to a request: a header field, or a query member; and the texts never to be recorded."""

    header: tuple[str, str] | None = None
    query: str = ""
    secrets: tuple[str, ...] = ()


def credentials(auth: AuthSpec, scope: Scope) -> Credentials:
    """Fill in an authentication. UnsetVariable names a variable that has no value."""
    match auth.type:
        case "basic":
            user, password = scope.text(auth.username), scope.text(auth.password)
            encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
            return Credentials(("Authorization", f"Basic {encoded}"), secrets=(password, encoded))
        case "bearer":
            token = scope.text(auth.token)
            return Credentials(("Authorization", f"Bearer {token}"), secrets=(token,))
        case "api_key":
            key, value = scope.text(auth.key), scope.text(auth.value)
            if auth.location == "query":
                member = f"{quote(key, safe='')}={quote(value, safe='')}"
                return Credentials(query=member, secrets=(value,))
            return Credentials((key, value), secrets=(value,))
        case _:
            return Credentials()


def with_query(url: str, member: str) -> str:
    """Append a query member to a URL."""
    if not member:
        return url
    base, _, _ = url.partition("#")
    return f"{base}{'&' if '?' in base else '?'}{member}"
