"""API tokens: hashed, limited, revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.models import ApiToken
from apps.accounts.tokens import TokenLimits, create_token, note_use, revoke_token, token_of
from apps.core.errors import Conflict, Invalid
from apps.core.models import AuditEvent
from tests.factories import NOW, PERSON, UserFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db

BY: dict[str, Any] = {"actor": PERSON, "at": NOW}
HOME = "192.0.2.7"


def made(**limits: Any) -> tuple[ApiToken, str]:
    return create_token(user=UserFactory(), name="Pipeline", limits=TokenLimits(**limits), **BY)


def test_the_key_opens_and_is_not_kept():
    token, key = made(scopes=["monitors.read"])

    found = token_of(key, address=HOME, at=NOW)

    assert found == token
    stored = repr(list(ApiToken.objects.values()) + list(AuditEvent.objects.values()))
    assert key not in stored
    assert key.startswith(token.prefix)


@pytest.mark.parametrize("key", ["", "sp_", "sp_" + "x" * 43])
def test_another_key_opens_nothing(key: str):
    made()

    assert token_of(key, address=HOME, at=NOW) is None


def test_a_revoked_token_opens_nothing_and_is_not_revoked_twice():
    token, key = made()

    revoke_token(token_id=token.pk, **BY)

    assert token_of(key, address=HOME, at=NOW) is None
    with pytest.raises(Conflict, match="revoked already"):
        revoke_token(token_id=token.pk, **BY)
    assert [event.action for event in AuditEvent.objects.order_by("id")] == [
        "token.created",
        "token.revoked",
    ]


def test_a_token_ends_at_its_time():
    _, key = made(expires_at=NOW + timedelta(days=1))

    assert token_of(key, address=HOME, at=NOW + timedelta(hours=23)) is not None
    assert token_of(key, address=HOME, at=NOW + timedelta(days=1)) is None


def test_the_token_of_a_deactivated_person_opens_nothing():
    token, key = made()
    type(token.user).objects.filter(pk=token.user.pk).update(is_active=False)

    assert token_of(key, address=HOME, at=NOW) is None


@pytest.mark.parametrize(
    ("address", "is_known"),
    [("192.0.2.7", True), ("::ffff:192.0.2.7", True), ("198.51.100.1", False), ("", False)],
)
def test_a_token_is_accepted_from_its_networks_only(address: str, is_known: bool):
    _, key = made(networks=["192.0.2.0/24"])

    assert (token_of(key, address=address, at=NOW) is not None) is is_known


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ({"scopes": ["all"]}, "scopes"),
        ({"networks": ["192.0.2.1/24"]}, "networks"),
        ({"networks": ["home"]}, "networks"),
        ({"expires_at": NOW}, "expires_at"),
    ],
)
def test_a_wrong_limit_is_refused_at_its_field(limits: dict[str, Any], field: str):
    with pytest.raises(Invalid) as refusal:
        made(**limits)

    assert refusal.value.field == field
    assert not ApiToken.objects.exists()


def test_a_name_is_free_again_after_revocation():
    person = UserFactory()
    token, _ = create_token(user=person, name="CI", limits=TokenLimits(), **BY)
    with pytest.raises(Invalid, match="this name already"):
        create_token(user=person, name="CI", limits=TokenLimits(), **BY)
    revoke_token(token_id=token.pk, **BY)

    again, _ = create_token(user=person, name="CI", limits=TokenLimits(), **BY)

    assert again.pk != token.pk


def test_its_use_is_written_once_a_minute(django_assert_num_queries: Any):
    token, _ = made()
    note_use(token, address=HOME, at=NOW)
    token.refresh_from_db()
    with django_assert_num_queries(0):
        note_use(token, address="192.0.2.8", at=NOW + timedelta(seconds=59))

    note_use(token, address="192.0.2.9", at=NOW + timedelta(seconds=60))

    token.refresh_from_db()
    assert (token.last_used_at, token.last_used_from) == (
        NOW + timedelta(seconds=60),
        "192.0.2.9",
    )


def test_workspaces_limit_it():
    workspace = WorkspaceFactory()

    token, _ = made(workspaces=[workspace])

    assert list(token.workspaces.all()) == [workspace]
