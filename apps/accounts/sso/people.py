"""Who comes in by single sign-on. Services: the person is found by issuer and subject, never by name or e-mail."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.accounts import signals
from apps.accounts.models import LoginSession, Membership, SignOnIdentity, User, Workspace
from apps.accounts.sessions import end_sessions
from apps.accounts.sso.mapping import Roles
from apps.accounts.sso.roles import set_roles
from apps.core.actors import Actor
from apps.core.audit import record

NAME_LENGTH = 150


@dataclass(frozen=True)
class Person:
    """What the identity provider says of somebody. Only `issuer` and `subject` identify them."""

    issuer: str
    subject: str
    username: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""


@transaction.atomic
def let_in(*, person: Person, roles: Roles, actor: Actor, at: datetime) -> User:
    """Return the person's user, made when they come for the first time, with the roles of their groups.

    Names and e-mail are taken over once: staff may change them here. IntegrityError where they come for the first
    time twice at once: try again.
    """
    identity = _identity(person.issuer, person.subject)
    user = identity.user if identity else _new_user(person)
    if identity is None:
        identity = SignOnIdentity.objects.create(
            user=user, issuer=person.issuer, subject=person.subject, created_at=at, updated_at=at
        )
        record(actor=actor, at=at, action="account.created_by_sign_on", row=user)
    identity.last_login_at = at
    identity.save(update_fields=["last_login_at"])
    if not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
    _apply(user, identity, roles, actor=actor, at=at)
    return user


@transaction.atomic
def turn_away(*, issuer: str, subject: str, actor: Actor, at: datetime) -> User | None:
    """Take from who has no mapped group any more what groups gave them, and end their sessions by single sign-on.

    Returns the user, None where they never came in.
    """
    identity = _identity(issuer, subject)
    if identity is None:
        return None
    _apply(identity.user, identity, Roles(), actor=actor, at=at)
    end_sessions(user_id=identity.user.pk, actor=actor, at=at, method=LoginSession.Method.SSO)
    return identity.user


def _identity(issuer: str, subject: str) -> SignOnIdentity | None:
    """Return the identity with its user locked: two log-ins at once set one set of roles."""
    identity = SignOnIdentity.objects.filter(issuer=issuer, subject=subject).first()
    if identity is not None:
        identity.user = User.objects.select_for_update().get(pk=identity.user_id)
    return identity


def _apply(
    user: User, identity: SignOnIdentity, roles: Roles, *, actor: Actor, at: datetime
) -> None:
    gives = roles.is_superuser
    if gives and not user.is_superuser:
        identity.gave_superuser = user.is_superuser = True
        record(actor=actor, at=at, action="account.superuser_given", row=user)
    elif not gives and identity.gave_superuser:
        identity.gave_superuser = user.is_superuser = False
        record(actor=actor, at=at, action="account.superuser_taken", row=user)
    user.save(update_fields=["is_superuser"])
    identity.save(update_fields=["gave_superuser"])
    set_roles(
        user=user,
        members=Membership,
        scopes=Workspace.objects.live(),
        names="name",
        roles=roles.workspaces,
        actor=actor,
        at=at,
    )
    signals.roles_came_from_groups.send(
        sender=User, user=user, roles=roles.pages, actor=actor, at=at
    )


def _new_user(person: Person) -> User:
    user = User(
        username=_free_name(person),
        first_name=person.first_name[:NAME_LENGTH],
        last_name=person.last_name[:NAME_LENGTH],
        email=person.email,
        is_staff=True,
    )
    user.set_unusable_password()
    user.save()
    return user


def _free_name(person: Person) -> str:
    """Return a username that nobody has. A name that is taken is another person's: nobody becomes them by it."""
    wanted = person.username or person.email.partition("@")[0] or "person"
    base = re.sub(r"[^\w.@+-]", "", wanted)[: NAME_LENGTH - 8] or "person"
    name, number = base, 1
    while User.objects.filter(username__iexact=name).exists():
        number += 1
        name = f"{base}-{number}"
    return name
