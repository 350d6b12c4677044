"""Members of workspaces and pages: who gives which role to whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.actors import person_actor
from apps.accounts.models import Membership, User
from apps.accounts.services import set_members
from apps.core.actors import Actor, command_actor
from apps.core.errors import Conflict, Invalid
from apps.core.models import AuditEvent
from apps.pages.models import PageMembership
from apps.pages.services import set_page_members
from tests.factories import (
    NOW,
    TOKEN,
    MembershipFactory,
    PageFactory,
    PageMembershipFactory,
    UserFactory,
    WorkspaceFactory,
)
from tests.racing import overlap

COMMAND = command_actor("apply")


class Team:
    """A workspace or a page with members: what is the same for both."""

    def __init__(self, kind: str) -> None:
        self.on_page = kind == "page"
        self.row = PageFactory() if self.on_page else WorkspaceFactory()

    def join(self, role: str, **person: Any) -> User:
        factory = PageMembershipFactory if self.on_page else MembershipFactory
        scope = {"page" if self.on_page else "workspace": self.row}
        member: Any = factory(user=UserFactory(**person), role=role, **scope)
        user: User = member.user
        return user

    def set(self, roles: dict[User, str], actor: Actor = COMMAND) -> None:
        keys = {user.pk: role for user, role in roles.items()}
        if self.on_page:
            set_page_members(page_id=self.row.pk, roles=keys, actor=actor, at=NOW)
        else:
            set_members(workspace_id=self.row.pk, roles=keys, actor=actor, at=NOW)

    @property
    def roles(self) -> dict[User, str]:
        if self.on_page:
            rows: Any = PageMembership.objects.filter(page=self.row)
        else:
            rows = Membership.objects.filter(workspace=self.row)
        return {row.user: row.role for row in rows.select_related("user")}


@pytest.fixture(params=["workspace", "page"])
def team(request: pytest.FixtureRequest, db: None) -> Team:
    return Team(request.param)


def test_members_become_exactly_those_that_are_named(team: Team):
    staying, leaving, coming = team.join("viewer"), team.join("editor"), UserFactory()

    team.set({staying: "admin", coming: "editor"})

    assert team.roles == {staying: "admin", coming: "editor"}
    event = AuditEvent.objects.get()
    assert event.action == ("page" if team.on_page else "workspace") + ".members_set"
    assert event.changes == {
        staying.username: ["viewer", "admin"],
        leaving.username: ["editor", ""],
        coming.username: ["", "editor"],
    }


def test_the_same_members_again_change_nothing(team: Team):
    member = team.join("viewer")

    team.set({member: "viewer"})

    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("role", ["king", "owner", ""])
def test_an_unknown_role_is_refused_with_those_there_are(team: Team, role: str):
    with pytest.raises(Invalid, match="viewer, editor, publisher, admin") as refused:
        team.set({UserFactory(): role})

    assert refused.value.field == "members"
    assert team.roles == {}


def test_an_unknown_person_is_refused(team: Team):
    with pytest.raises(Invalid, match="no such person"):
        team.set({User(pk=987654): "viewer"})


@pytest.mark.parametrize("role", ["viewer", "editor", "publisher"])
def test_who_is_no_admin_gives_nobody_a_role(team: Team, role: str):
    member = team.join(role)
    before = team.roles

    for wanted in ({member: "admin"}, {**before, UserFactory(): "viewer"}):
        with pytest.raises(Conflict, match="only admins of"):
            team.set(wanted, person_actor(member))

    assert team.roles == before


def test_a_stranger_gives_nobody_a_role(team: Team):
    stranger = UserFactory()

    with pytest.raises(Conflict, match="only admins of"):
        team.set({stranger: "admin"}, person_actor(stranger))


def test_an_admin_gives_every_role(team: Team):
    admin, *others = team.join("admin"), *UserFactory.create_batch(4)
    wanted = {admin: "admin"} | dict(
        zip(others, ["viewer", "editor", "publisher", "admin"], strict=True)
    )

    team.set(wanted, person_actor(admin))

    assert team.roles == wanted


@pytest.mark.parametrize("left", ["demoted", "removed"])
def test_the_last_admin_stays(team: Team, left: str):
    admin, other = team.join("admin"), team.join("publisher")
    roles = {other: "publisher"} | ({admin: "editor"} if left == "demoted" else {})

    with pytest.raises(Conflict, match="make somebody else one first"):
        team.set(roles, person_actor(admin))

    assert team.roles[admin] == "admin"


def test_an_admin_who_cannot_log_in_counts_as_none(team: Team):
    admin = team.join("admin")
    gone = team.join("admin", is_active=False)

    with pytest.raises(Conflict, match="needs an admin"):
        team.set({gone: "admin"}, person_actor(admin))


def test_an_admin_leaves_when_another_stays(team: Team):
    admin, other = team.join("admin"), team.join("admin")

    team.set({other: "admin"}, person_actor(admin))

    assert team.roles == {other: "admin"}


@pytest.mark.parametrize("who", ["superuser", "command"])
def test_superusers_and_commands_leave_a_team_without_an_admin(team: Team, who: str):
    team.join("admin")
    root = person_actor(UserFactory(admin=True))

    team.set({}, root if who == "superuser" else COMMAND)

    assert team.roles == {}


def test_a_superuser_who_was_deactivated_is_free_no_more(team: Team):
    team.join("admin")

    with pytest.raises(Conflict):
        team.set({}, person_actor(UserFactory(admin=True, is_active=False)))


def test_a_program_does_not_remove_the_last_admin(team: Team):
    team.join("admin")

    with pytest.raises(Conflict, match="needs an admin"):
        team.set({}, TOKEN)


def test_a_role_given_by_hand_is_not_single_sign_ons_any_more(team: Team):
    member = team.join("viewer")
    rows: Any = PageMembership.objects if team.on_page else Membership.objects
    rows.update(from_sign_on=True)

    team.set({member: "editor"})

    assert not rows.get().from_sign_on


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["workspace", "page"])
def test_two_admins_who_remove_each_other_do_not_both_succeed(kind: str):
    team = Team(kind)
    first, second = team.join("admin"), team.join("admin")

    def removing(who: User, by: User) -> Callable[[], None]:
        return lambda: team.set({by: "admin"}, person_actor(by))

    outcomes = overlap(removing(second, first), removing(first, second))

    assert outcomes[0] is None
    assert isinstance(outcomes[1], Conflict)
    assert team.roles == {first: "admin"}


def test_a_team_of_many_is_written_in_few_queries(team: Team, django_assert_max_num_queries: Any):
    people = UserFactory.create_batch(20)

    with django_assert_max_num_queries(10):
        team.set(dict.fromkeys(people, "viewer"))
