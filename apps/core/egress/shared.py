"""The process's own `Transfers`, made from the settings: the edge where this package meets Django."""

from __future__ import annotations

import os
import ssl
import threading
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from django.conf import settings

from apps.core.egress.client import Transfers
from apps.core.egress.guard import Allow, Guard

# Where distributions keep the bundle, for when OpenSSL's own compiled-in place is empty.
_USUAL_CA_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/opt/homebrew/etc/ca-certificates/cert.pem",
)

_lock = threading.Lock()
_shared: tuple[int, Transfers] | None = None


def shared_transfers() -> Transfers:
    """Return this process's `Transfers`, made at first use. After a fork the child makes its own."""
    global _shared
    with _lock:
        if _shared is None or _shared[0] != os.getpid():
            _shared = os.getpid(), new_transfers()
        return _shared[1]


def new_transfers(*, slots: int = 1000, name: str = "egress") -> Transfers:
    """Make a `Transfers` with the operator's exceptions and trusted certificates."""
    return Transfers(
        guard=Guard(Allow.parse(settings.EGRESS_ALLOW)),
        user_agent=user_agent(),
        ca_file=find_ca_file(settings.EGRESS_CA_FILE),
        slots=slots,
        name=name,
    )


def user_agent() -> str:
    try:
        return f"statusplatform/{version('statusplatform')}"
    except PackageNotFoundError:
        return "statusplatform/0.1.0"


def find_ca_file(configured: str = "") -> str | None:
    """Return the file of trusted certificates: the configured one, else the system's. None: there is none.

    libcurl's wheel looks where its build machine kept the file, which is not where Debian does.
    """
    if configured:
        return configured
    own = ssl.get_default_verify_paths().cafile
    return next((path for path in (own, *_USUAL_CA_FILES) if path and Path(path).is_file()), None)
