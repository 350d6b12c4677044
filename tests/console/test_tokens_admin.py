"""API tokens in the admin: made, shown once, revoked."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import ApiToken, User
from apps.accounts.tokens import TokenLimits, create_token
from apps.core.models import AuditEvent
from tests.factories import (
    PERSON,
    MembershipFactory,
    PageMembershipFactory,
    UserFactory,
    WorkspaceFactory,
)

pytestmark = pytest.mark.django_db

ADD = "admin:accounts_apitoken_add"


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def made_by(client: Client, **data: Any) -> Any:
    return client.post(reverse(ADD), {"name": "Pipeline", "lifetime": "90", **data})


def key_in(response: Any) -> str:
    found = re.search(r'value="(sp_[^"]+)"', response.content.decode())
    assert found is not None
    return found[1]


def token_of(user: User, name: str = "CI") -> ApiToken:
    limits = TokenLimits()
    token, _ = create_token(user=user, name=name, limits=limits, actor=PERSON, at=timezone.now())
    return token


def test_the_key_is_shown_once_and_opens():
    member = UserFactory()
    client = logged_in(member)

    response = made_by(client, chosen_scopes=["monitors.read"])

    key = key_in(response)
    assert "no-store" in response.headers["Cache-Control"]
    identity = Client().get("/api/v1/identity", headers={"Authorization": f"Bearer {key}"})
    assert identity.json()["identity"]["roles"] == ["monitors.read"]
    token = ApiToken.objects.get()
    page = client.get(reverse("admin:accounts_apitoken_change", args=[token.pk]))
    assert key not in page.content.decode()
    assert token.prefix in page.content.decode()
    assert key not in str(list(AuditEvent.objects.values()))


def test_people_make_their_own_only():
    other, member = UserFactory(), UserFactory()

    made_by(logged_in(member), user=other.pk)

    assert ApiToken.objects.get().user == member


def test_a_superuser_makes_one_for_another(console: Client):
    other = UserFactory()

    made_by(console, user=other.pk)

    assert ApiToken.objects.get().user == other


def test_limits_are_kept():
    membership = MembershipFactory()
    page = PageMembershipFactory(user=membership.user).page

    made_by(
        logged_in(membership.user),
        lifetime="",
        chosen_workspaces=[membership.workspace.pk],
        chosen_pages=[page.pk],
        network_lines="192.0.2.0/24\n2001:db8::/32",
    )

    token = ApiToken.objects.get()
    assert token.expires_at is None
    assert list(token.workspaces.all()) == [membership.workspace]
    assert [limit.page for limit in token.token_pages.all()] == [page]
    assert token.networks == ["192.0.2.0/24", "2001:db8::/32"]


def test_a_foreign_workspace_is_no_choice():
    member = UserFactory()

    response = made_by(logged_in(member), chosen_workspaces=[WorkspaceFactory().pk])

    assert response.status_code == 200
    assert "is not one of the available choices" in response.content.decode()
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"network_lines": "home"}, "is no network"),
        ({"name": ""}, "This field is required"),
        ({"chosen_scopes": ["all"]}, "is not one of the available choices"),
    ],
)
def test_a_mistake_is_told_at_its_field_and_nothing_is_made(data: dict[str, Any], message: str):
    response = made_by(logged_in(UserFactory()), **data)

    assert message in response.content.decode()
    assert not ApiToken.objects.exists()


def test_posting_twice_makes_one():
    client = logged_in(UserFactory())

    made_by(client)
    again = made_by(client)

    assert "a token with this name already" in again.content.decode()
    assert ApiToken.objects.count() == 1


def test_a_revoked_token_is_marked_and_opens_nothing():
    member = UserFactory()
    client, token = logged_in(member), token_of(member)

    client.post(reverse("admin:accounts_apitoken_revoke", args=[token.pk]))

    token.refresh_from_db()
    assert token.revoked_at is not None
    listed = client.get(reverse("admin:accounts_apitoken_changelist")).content.decode()
    assert "Revoked" in listed


def test_foreign_tokens_are_not_seen_or_revoked():
    token = token_of(UserFactory(), "Secret project")
    client = logged_in(UserFactory())

    listed = client.get(reverse("admin:accounts_apitoken_changelist")).content.decode()
    refused = client.post(reverse("admin:accounts_apitoken_revoke", args=[token.pk]))

    assert "Secret project" not in listed
    assert refused.status_code in (302, 403, 404)
    token.refresh_from_db()
    assert token.revoked_at is None
