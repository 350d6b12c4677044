"""One person in two browsers at the same moment."""

from __future__ import annotations

import pytest
from django.db import IntegrityError

from apps.accounts.models import Membership, SignOnIdentity, User
from apps.accounts.sessions import end_sessions
from apps.accounts.sso.mapping import Roles
from apps.accounts.sso.people import Person, let_in
from apps.accounts.sso.roles import SIGN_ON
from apps.core.models import AuditEvent
from tests.factories import NOW, PERSON, LoginSessionFactory, WorkspaceFactory
from tests.racing import at_once, overlap

pytestmark = pytest.mark.django_db(transaction=True)

MIRA = Person("https://id.example.com", "s-1", username="mira")


def come(role="editor"):
    return let_in(person=MIRA, roles=Roles(workspaces={"Shop": role}), actor=SIGN_ON, at=NOW)


def test_coming_for_the_first_time_twice_at_once_makes_one_person():
    WorkspaceFactory(name="Shop")

    outcomes = at_once([come, come])

    # On PostgreSQL the second one is refused and tries again, as the view does.
    refused = [one for one in outcomes if isinstance(one, Exception)]
    assert all(isinstance(one, IntegrityError) for one in refused)
    assert come() == User.objects.get()
    assert SignOnIdentity.objects.count() == Membership.objects.count() == 1


def test_two_log_ins_at_once_leave_the_roles_of_one():
    WorkspaceFactory(name="Shop")
    come("viewer")

    outcomes = overlap(lambda: come("editor"), lambda: come("admin"))

    assert not any(isinstance(one, Exception) for one in outcomes)
    assert Membership.objects.get().role == "admin"


def test_ending_the_same_sessions_twice_at_once_ends_them_once():
    user = LoginSessionFactory().user

    def end():
        return end_sessions(user_id=user.pk, actor=PERSON, at=NOW)

    outcomes = overlap(end, end)

    assert sorted(outcomes) == [0, 1]
    assert AuditEvent.objects.filter(action="account.sessions_ended").count() == 1
