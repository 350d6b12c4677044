"""Roles that come from groups: given and taken back at each log-in. What was given by hand is left alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import models

from apps.accounts.models import User
from apps.accounts.sso.mapping import role_at
from apps.core.actors import Actor
from apps.core.audit import record
from apps.core.models import PublicModel

SIGN_ON = Actor("automation", "single sign-on", "Single sign-on")


def set_roles(
    *,
    user: User,
    members: type[PublicModel],
    scopes: models.QuerySet[Any],
    names: str,
    roles: Mapping[str, str],
    actor: Actor,
    at: datetime,
) -> None:
    """Make the person's memberships by single sign-on exactly these; for use inside a transaction.

    `members` is the model (user, role, from_sign_on and a key to the scope, named as its model), `scopes` its live
    scopes, `names` the scope's column that `roles`, {name: role}, goes by. A role given by hand stays and wins. One
    event tells what changed.
    """
    key = str(scopes.model._meta.model_name)
    everything: Any = members._default_manager
    rows = everything.filter(user=user)
    held = {getattr(row, f"{key}_id"): row for row in rows.select_related(key)}
    wanted = {
        scope.pk: (scope, role)
        for scope in (scopes if roles else scopes.none())
        if (role := role_at(roles, getattr(scope, names)))
    }
    changes: dict[str, list[str]] = {}
    for pk, row in held.items():
        if not row.from_sign_on or (pk in wanted and wanted[pk][1] == row.role):
            continue
        role = wanted[pk][1] if pk in wanted else ""
        changes[f"{key} {getattr(getattr(row, key), names)}"] = [row.role, role]
        if role:
            rows.filter(pk=row.pk).update(role=role, updated_at=at)
        else:
            rows.filter(pk=row.pk).delete()
    new = {pk: pair for pk, pair in wanted.items() if pk not in held}
    everything.bulk_create(
        (
            members(
                **{f"{key}_id": pk, "user": user, "role": role, "from_sign_on": True},
                created_at=at,
                updated_at=at,
            )
            for pk, (_, role) in new.items()
        ),
        # Somebody gave one by hand in the same moment: that one stays.
        ignore_conflicts=True,
    )
    changes |= {f"{key} {getattr(scope, names)}": ["", role] for scope, role in new.values()}
    if changes:
        record(actor=actor, at=at, action="account.roles_set", row=user, changes=changes)
