"""Members in the forms of workspaces and pages: their admins change them, the others see whom to ask."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from tests.console.forms import errors, save
from tests.factories import (
    MembershipFactory,
    PageFactory,
    PageMembershipFactory,
    UserFactory,
    WorkspaceFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["workspace", "page"])
def team(request: pytest.FixtureRequest, db: None) -> Any:
    return PageFactory() if request.param == "page" else WorkspaceFactory()


def form_of(team: Any) -> str:
    return reverse(f"admin:{team._meta.label_lower.replace('.', '_')}_change", args=[team.pk])


def roles_of(team: Any) -> dict[User, str]:
    rows: Any = team.memberships.select_related("user")
    return {row.user: row.role for row in rows}


def joined(team: Any, role: str, **person: Any) -> tuple[User, Client]:
    """Return a member of the team, and a browser in which they are logged in."""
    is_page = team._meta.model_name == "page"
    factory = PageMembershipFactory if is_page else MembershipFactory
    member: Any = factory(
        user=UserFactory(**person), role=role, **{"page" if is_page else "workspace": team}
    )
    client = Client()
    client.force_login(member.user)
    return member.user, client


def test_an_admin_adds_a_colleague_and_changes_a_role(team: Any):
    admin, browser = joined(team, "admin", username="a-admin")
    other, _ = joined(team, "viewer", username="b-viewer")
    coming = UserFactory()

    response = save(
        browser,
        form_of(team),
        memberships__TOTAL_FORMS="3",
        memberships__1__role="publisher",
        memberships__2__user=coming.pk,
        memberships__2__role="editor",
    )

    assert response.status_code == 302, errors(response)
    assert roles_of(team) == {admin: "admin", other: "publisher", coming: "editor"}


def test_who_a_member_is_stays(team: Any):
    admin, browser = joined(team, "admin")

    save(browser, form_of(team), memberships__0__user=UserFactory().pk)

    assert roles_of(team) == {admin: "admin"}


def test_the_last_admin_is_told_to_make_another_one_first(team: Any):
    admin, browser = joined(team, "admin")

    response = save(browser, form_of(team), memberships__0__role="viewer")

    assert "needs an admin: make somebody else one first" in str(errors(response))
    assert roles_of(team) == {admin: "admin"}


@pytest.mark.parametrize("role", ["viewer", "editor", "publisher"])
def test_others_see_whom_to_ask_and_change_nobody(team: Any, role: str):
    joined(team, "admin", first_name="Ada", last_name="Admin")
    _, browser = joined(team, role)
    before = roles_of(team)

    shown = browser.get(form_of(team))
    browser.post(
        form_of(team),
        {"memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "0", "name": "Ours"}
        | {"memberships-0-user": UserFactory().pk, "memberships-0-role": "admin"},
    )

    assert shown.status_code == 200
    text = shown.content.decode()
    assert "Ada Admin (" in text
    assert 'name="memberships-0-role"' not in text
    assert "/admin/accounts/user/" not in text
    assert roles_of(team) == before


@pytest.mark.parametrize("person", [{"is_active": False}, {"is_staff": False}])
def test_who_cannot_log_in_is_no_new_member_but_stays_one(team: Any, person: dict[str, bool]):
    _, browser = joined(team, "admin", username="a-admin")
    gone, _ = joined(team, "viewer", username="b-gone", **person)
    other = UserFactory(**person)

    refused = save(
        browser,
        form_of(team),
        memberships__TOTAL_FORMS="3",
        memberships__2__user=other.pk,
        memberships__2__role="editor",
    )
    kept = save(browser, form_of(team))

    assert "memberships-2-user" in errors(refused)
    assert kept.status_code == 302, errors(kept)
    assert gone in roles_of(team)


def test_people_are_found_by_two_letters_and_named_without_their_address(team: Any):
    UserFactory(username="kim", first_name="Kim", last_name="Roe", email="kim@secret.test")
    _, browser = joined(team, "admin", username="zed")
    is_page = team._meta.model_name == "page"
    asked = {
        "app_label": "pages" if is_page else "accounts",
        "model_name": "pagemembership" if is_page else "membership",
        "field_name": "user",
    }

    def found(term: str) -> list[str]:
        answer = browser.get(reverse("admin:autocomplete"), {**asked, "term": term})
        return [row["text"] for row in answer.json()["results"]]

    assert found("ro") == ["Kim Roe (kim)"]
    assert found("") == found("k") == found("secret.test") == []


def test_a_team_that_its_admin_archives_leads_back_to_the_list(team: Any):
    _, browser = joined(team, "admin")
    name = team._meta.label_lower.replace(".", "_")

    response = browser.post(reverse(f"admin:{name}_archive_row", args=[team.pk]), follow=True)

    assert response.redirect_chain == [(reverse(f"admin:{name}_changelist"), 302)]
    assert "is archived" in response.content.decode()


def test_rows_of_members_cost_no_query_each(team: Any):
    _, browser = joined(team, "admin")
    browser.get(form_of(team))

    with CaptureQueriesContext(connection) as one:
        browser.get(form_of(team))
    for _ in range(5):
        joined(team, "viewer")
    with CaptureQueriesContext(connection) as six:
        browser.get(form_of(team))

    assert len(six) == len(one)
