"""Steps of people who log in."""

from __future__ import annotations

import time
from typing import Any

from allauth.mfa.totp.internal import auth as totp
from django.test import Client

PASSWORD = "correct horse battery"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def log_in(client: Client, username: str = "ann", password: str = PASSWORD, **data: str) -> Any:
    """Send the form of the log-in page."""
    return client.post("/account/login/", {"username": username, "password": password, **data})


def code_of(secret: str = SECRET, steps: int = 0) -> str:
    """Return what an authenticator app shows now (RFC 6238), or so many half minutes later."""
    return totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30 + steps))


def give_app(user: Any, secret: str = SECRET) -> None:
    """Set up an authenticator app with this secret."""
    totp.TOTP.activate(user, secret)
