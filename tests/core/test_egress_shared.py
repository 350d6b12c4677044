"""The process's own client, made from the settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import override_settings

from apps.core.egress.shared import find_ca_file, new_transfers, shared_transfers, user_agent
from tests.core.egress_support import request
from tests.core.loopback import answering, serving


def test_a_process_has_one_client() -> None:
    assert shared_transfers() is shared_transfers()


def test_the_operators_exceptions_come_from_the_settings() -> None:
    with serving(answering()) as server, override_settings(EGRESS_ALLOW=["127.0.0.0/8"]):
        transfers = new_transfers()
        response = transfers.fetch(request(server.url(), trusted_hosts=frozenset()))
        transfers.close()

    assert response.status == 200
    assert b"User-Agent: statusplatform/" in server.asked[0]


def test_without_exceptions_a_strangers_request_reaches_no_private_address() -> None:
    with serving(answering()) as server, override_settings(EGRESS_ALLOW=[]):
        transfers = new_transfers()
        response = transfers.fetch(request(server.url(), trusted_hosts=frozenset()))
        transfers.close()

    assert response.error is not None
    assert response.error.code == "address_refused"
    assert server.asked == []


def test_the_configured_file_of_trusted_certificates_wins(tmp_path: Path) -> None:
    assert find_ca_file(str(tmp_path / "own.pem")) == str(tmp_path / "own.pem")


def test_a_file_of_trusted_certificates_is_found_when_the_system_has_one() -> None:
    found = find_ca_file()

    if found is None:
        pytest.skip("this machine has no ca-certificates")
    assert "BEGIN CERTIFICATE" in Path(found).read_text(errors="replace")


def test_the_user_agent_names_product_and_version() -> None:
    product, _, version = user_agent().partition("/")

    assert product == "statusplatform"
    assert version
