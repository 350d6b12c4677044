"""`members[]`: roles in workspaces and on pages, by user name."""

from __future__ import annotations

import pytest

from apps.accounts.models import Membership
from apps.configuration.export import export
from apps.core.models import AuditEvent
from apps.pages.models import PageMembership
from tests.configuration.conftest import Apply
from tests.configuration.test_examples import MEMBERS
from tests.factories import MembershipFactory, PageMembershipFactory, UserFactory

PLACES = """
version: 1
workspaces: [{name: Shop}]
pages: [{slug: shop, name: Shop}]
"""
ROLES = (
    PLACES
    + """
members:
  - {user: ann, workspace: Shop, role: admin}
  - {user: robin, workspace: Shop, role: viewer}
  - {user: robin, page: shop, role: publisher}
"""
)


@pytest.fixture(autouse=True)
def _people(db: None) -> None:
    for name in ("ann", "robin"):
        UserFactory(username=name)


def roles() -> set[tuple[str, str, str]]:
    teams = Membership.objects.values_list("user__username", "workspace__name", "role")
    on_pages = PageMembership.objects.values_list("user__username", "page__slug", "role")
    return {*teams, *on_pages}


def test_roles_are_given_changed_and_taken(apply: Apply):
    first = apply(ROLES)
    assert roles() == {
        ("ann", "Shop", "admin"),
        ("robin", "Shop", "viewer"),
        ("robin", "shop", "publisher"),
    }
    assert "+ member robin (shop)" in first.lines()

    changed = apply(
        PLACES + "members:\n  - {user: robin, workspace: Shop, role: editor}\n", prune=True
    )

    assert changed.lines() == [
        "~ member robin (Shop): role: viewer → editor",
        "- member robin (shop)",
        "- member ann (Shop)",
        "0 added, 1 changed, 2 removed.",
    ]
    assert roles() == {("robin", "Shop", "editor")}
    assert AuditEvent.objects.filter(action="workspace.members_set").count() == 4


def test_twice_is_once_and_an_export_is_read_back(apply: Apply):
    apply(ROLES)

    assert apply(ROLES).lines() == ["Nothing to change."]
    assert apply(export(), prune=True).lines() == ["Nothing to change."]


def test_without_pruning_who_is_not_mentioned_stays(apply: Apply):
    apply(ROLES)

    report = apply(PLACES + "members: []")

    assert report.lines() == ["Nothing to change."]


def test_what_single_sign_on_gave_is_not_in_files(apply: Apply):
    apply(PLACES)
    given = MembershipFactory(user__username="kim", from_sign_on=True)
    PageMembershipFactory(user=given.user, from_sign_on=True)

    pruned = apply(PLACES + "members: []", prune=True)

    assert "kim" not in export()
    assert [line for line in pruned.lines() if "member" in line] == []
    assert Membership.objects.get().user == given.user


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (
            "{user: bob, workspace: Shop, role: viewer}",
            "members[0].user (line 6): there is no person 'bob'; allowed: ann, robin",
        ),
        (
            "{user: ann, workspace: Club, role: viewer}",
            "members[0].workspace (line 6): there is no 'Club'; allowed: Shop",
        ),
        (
            "{user: ann, page: club, role: viewer}",
            "members[0].page (line 6): there is no 'club'; allowed: shop",
        ),
        (
            "{user: ann, page: shop, role: owner}",
            "members[0].role (line 6): must be one of viewer, editor, publisher, admin, not 'owner'",
        ),
        ("{user: ann, role: viewer}", "members[0] (line 6): write either workspace or page"),
        (
            "{user: ann, page: shop, workspace: Shop, role: viewer}",
            "members[0] (line 6): write either workspace or page",
        ),
        ("{page: shop, role: viewer}", "members[0] (line 6): a member needs the key user"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(apply: Apply, line: str, problem: str):
    report = apply(f"{PLACES}members:\n  - {line}\n")

    assert [str(one) for one in report.problems] == [problem]
    assert roles() == set()


def test_a_role_is_said_once(apply: Apply):
    text = ROLES + "  - {user: ann, workspace: Shop, role: viewer}\n"

    assert "is named as members[0] is" in str(apply(text).problems[0])


def test_the_example_applies_twice_and_changes_nothing_the_second_time(apply: Apply):
    UserFactory(username="admin")

    assert apply(MEMBERS).is_ok
    assert apply(MEMBERS).lines() == ["Nothing to change."]


def test_an_entry_of_a_workspace_with_a_problem_adds_none_of_its_own(apply: Apply):
    report = apply(
        "\nversion: 1\nworkspaces: [{name: Shop, colour: red}]\n"
        "members: [{user: ann, workspace: Shop, role: viewer}]\n"
    )

    assert len(report.problems) == 1


def test_a_workspace_that_is_pruned_takes_its_members_along(apply: Apply):
    apply(ROLES)

    report = apply("\nversion: 1\nworkspaces: []\nmembers: []\n", prune=True)

    assert report.lines() == [
        "- member robin (shop)",
        "- workspace Shop",
        "0 added, 0 changed, 2 removed.",
    ]
