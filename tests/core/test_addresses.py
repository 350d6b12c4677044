"""Whom the platform takes a request to come from."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory

from apps.core.addresses import client_address


def asked_from(**meta: str) -> str:
    request = RequestFactory().get("/", **meta)  # type: ignore[arg-type]
    return client_address(request)


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("", ""),
        ("unix", ""),
    ],
)
def test_the_peer_is_believed(remote: str, expected: str) -> None:
    assert asked_from(REMOTE_ADDR=remote) == expected


def test_a_forwarded_address_is_not_believed_of_just_anybody(settings: Any) -> None:
    settings.TRUST_PROXY = False

    assert asked_from(REMOTE_ADDR="192.0.2.7", HTTP_X_FORWARDED_FOR="203.0.113.9") == "192.0.2.7"


def test_of_a_trusted_proxy_only_its_own_word_is_believed(settings: Any) -> None:
    settings.TRUST_PROXY = True

    found = asked_from(REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="1.1.1.1, 203.0.113.9")

    assert found == "203.0.113.9"
