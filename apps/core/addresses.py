"""Where a request comes from."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the client's IP address, "" where it is none (a socket file).

    The last entry of X-Forwarded-For is the proxy's own word and believed with TRUST_PROXY; those before it are the
    client's, who may write anything.
    """
    found = str(request.META.get("REMOTE_ADDR", ""))
    if settings.TRUST_PROXY:
        found = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip() or found
    try:
        known = ip_address(found)
    except ValueError:
        return ""
    return str(getattr(known, "ipv4_mapped", None) or known)
