"""GET /api/v1/identity: what a key is."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from apps.accounts.tokens import TokenLimits, create_token
from tests.factories import PERSON, MembershipFactory, PageFactory, UserFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db


def key_of(user: Any, **limits: Any) -> str:
    _, key = create_token(
        user=user, name="CI", limits=TokenLimits(**limits), actor=PERSON, at=timezone.now()
    )
    return key


def asked(authorization: str | None) -> Any:
    headers = {"Authorization": authorization} if authorization else {}
    return Client().get("/api/v1/identity", headers=headers)


@pytest.mark.parametrize("keyword", ["Bearer", "Token", "OAuth", "bearer"])
def test_a_key_is_told_what_it_is(keyword: str):
    person = UserFactory()
    workspace = MembershipFactory(user=person).workspace
    WorkspaceFactory()

    response = asked(f"{keyword} {key_of(person, scopes=['monitors.read'])}")

    assert response.status_code == 200
    assert response.json() == {
        "identity": {
            "name": "CI",
            "roles": ["monitors.read"],
            "dashboard_url": f"{settings.PUBLIC_URL}/admin/",
            "team_roles": [],
            "teams": [{"id": workspace.public_id, "name": workspace.name}],
        }
    }


def test_a_token_limited_to_a_workspace_tells_of_no_other():
    person = UserFactory()
    mine = [MembershipFactory(user=person).workspace for _ in range(2)]

    response = asked(f"Bearer {key_of(person, workspaces=mine[:1])}")

    assert [team["name"] for team in response.json()["identity"]["teams"]] == [mine[0].name]


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "missing_authorization_material"),
        ("Basic dXNlcjpwYXNz", "missing_authorization_material"),
        ("Bearer nonsense", "invalid_authorization_material"),
        ("Bearer", "invalid_authorization_material"),
    ],
)
def test_without_a_good_key_it_answers_401_in_the_contracts_form(
    authorization: str | None, code: str
):
    response = asked(authorization)

    body = response.json()
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert (body["type"], body["status"]) == ("authentication_error", 401)
    assert [error["code"] for error in body["errors"]] == [code]
    assert body["request_id"]


def test_a_session_is_no_key():
    client = Client()
    client.force_login(UserFactory(admin=True))

    assert client.get("/api/v1/identity").status_code == 401


def test_the_command_prints_the_key_alone():
    person, page = UserFactory(), PageFactory()
    out, err = StringIO(), StringIO()

    call_command(
        "create_token",
        person.username,
        "--name=Deploys",
        "--scope=monitors.read",
        f"--page={page.slug}",
        "--expires=30",
        stdout=out,
        stderr=err,
    )

    key = out.getvalue().removesuffix("\n")
    assert asked(f"Bearer {key}").status_code == 200
    assert "not shown again" in err.getvalue()
    assert [limit.page for limit in person.tokens.get().token_pages.all()] == [page]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody", "--name=CI"], "USER: there is no active person called nobody"),
        (["ann", "--name=CI", "--scope=all"], "scopes: 'all' is no scope"),
        (["ann", "--name=CI", "--page=none"], "--page: there is no page none"),
        (["ann", "--name=CI", "--expires=0"], "--expires: give between 1 and"),
        (["ann", "--name="], "name: This field cannot be blank"),
    ],
)
def test_the_command_says_what_is_wrong_and_makes_nothing(arguments: list[str], message: str):
    person = UserFactory(username="ann")

    with pytest.raises(CommandError) as refusal:
        call_command("create_token", *arguments, stdout=StringIO(), stderr=StringIO())

    assert str(refusal.value).startswith(message)
    assert not person.tokens.exists()
