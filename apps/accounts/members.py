"""Who belongs to a workspace or a page: the rules for changing it, the same for both."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from apps.accounts.models import User
from apps.accounts.roles import ADMINS, Role
from apps.core.actors import Actor
from apps.core.audit import record
from apps.core.errors import Conflict, Invalid
from apps.core.models import ArchivableModel, PublicModel

FIELD = "members"


def replace_members(
    *,
    scope: ArchivableModel,
    members: type[PublicModel],
    roles: Mapping[int, str],
    actor: Actor,
    at: datetime,
) -> None:
    """Make the members of the locked scope exactly these, {user's key: role}; one event tells who changed.

    A person does this as the scope's admin, so nobody gives a role that they do not have, and leaves it at
    least one admin who may log in; superusers and commands are free. `members` is the model: user, role and a
    key to the scope, named as its model. Nothing is written when nothing differs.
    """
    key = str(scope._meta.model_name)
    rows: Any = members._default_manager.filter(**{key: scope})
    held = {member.user_id: member for member in rows}
    before = {pk: member.role for pk, member in held.items()}
    differing = sorted(pk for pk in before.keys() | roles.keys() if before.get(pk) != roles.get(pk))
    if not differing:
        return
    people = User.objects.in_bulk(before.keys() | roles.keys())
    _check_input(roles, people)
    if not _is_free(actor):
        _check_person(scope, before, roles, people, actor)
    rows.filter(user__in=before.keys() - roles.keys()).delete()
    for pk in before.keys() & roles.keys() & set(differing):
        # Given by hand now: single sign-on does not take it back.
        rows.filter(pk=held[pk].pk).update(role=roles[pk], from_sign_on=False, updated_at=at)
    members._default_manager.bulk_create(
        members(**{key: scope, "user_id": pk, "role": roles[pk]}, created_at=at, updated_at=at)
        for pk in sorted(roles.keys() - before.keys())
    )
    record(
        actor=actor,
        at=at,
        action=f"{key}.members_set",
        row=scope,
        changes={
            people[pk].get_username(): [before.get(pk, ""), roles.get(pk, "")] for pk in differing
        },
    )


def _check_input(roles: Mapping[int, str], people: Mapping[int, User]) -> None:
    unknown = [role for role in roles.values() if role not in Role]
    if unknown:
        known = ", ".join(Role.values)
        raise Invalid("invalid", f"{unknown[0]!r} is no role; the roles are {known}", field=FIELD)
    if roles.keys() - people.keys():
        raise Invalid("invalid", "there is no such person", field=FIELD)


def _is_free(actor: Actor) -> bool:
    if actor.kind in ("command", "automation"):
        return True
    superusers = User.objects.filter(is_superuser=True, is_active=True)
    return actor.kind == "person" and superusers.filter(public_id=actor.key).exists()


def _check_person(
    scope: ArchivableModel,
    before: Mapping[int, str],
    after: Mapping[int, str],
    people: Mapping[int, User],
    actor: Actor,
) -> None:
    keys = {person.public_id: pk for pk, person in people.items()}
    if actor.kind == "person" and before.get(keys.get(actor.key, 0)) not in ADMINS:
        raise Conflict("not_admin", f"only admins of {scope} manage its members", field=FIELD)

    def has_admin(roles: Mapping[int, str]) -> bool:
        return any(
            role in ADMINS and people[pk].is_active and people[pk].is_staff
            for pk, role in roles.items()
        )

    if has_admin(before) and not has_admin(after):
        raise Conflict(
            "last_admin", f"{scope} needs an admin: make somebody else one first", field=FIELD
        )
