"""Which groups of the identity provider give which roles: the syntax of OIDC_GROUP_ROLES. Pure.

    GROUP -> superuser
    GROUP -> workspace:NAME:ROLE
    GROUP -> page:SLUG:ROLE

Entries are separated by semicolons or line breaks; a group may stand in several. `*` instead of a name is every live
workspace or page. ROLE is viewer, editor, publisher or admin.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from apps.accounts.roles import LADDER, rank

EVERY = "*"
Scope = Literal["workspace", "page"]
_ROLES = ", ".join(role.value for role in LADDER)


@dataclass(frozen=True)
class Grant:
    """What one group gives: a role at a target of a scope, or (`scope` None) everything."""

    group: str
    scope: Scope | None
    target: str = ""
    role: str = ""


@dataclass(frozen=True)
class Roles:
    """What a person's groups give together. {name or slug: role}; `*` is every one."""

    is_superuser: bool = False
    workspaces: Mapping[str, str] = field(default_factory=dict)
    pages: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_nothing(self) -> bool:
        return not (self.is_superuser or self.workspaces or self.pages)


def parse_grants(text: str) -> tuple[Grant, ...]:
    """Return the entries of the text. ValueError says which one is wrong and why."""
    entries = [entry.strip() for entry in re.split(r"[;\n]", text)]
    return tuple(_parse(entry) for entry in entries if entry)


def _parse(entry: str) -> Grant:
    group, arrow, gives = (part.strip() for part in entry.rpartition("->"))
    if not arrow or not group:
        raise ValueError(f"{entry!r} is not GROUP -> ROLES")
    if gives == "superuser":
        return Grant(group, None)
    scope, _, rest = gives.partition(":")
    target, _, role = (part.strip() for part in rest.rpartition(":"))
    if scope not in ("workspace", "page") or not target:
        raise ValueError(
            f"{entry!r} gives neither superuser, workspace:NAME:ROLE nor page:SLUG:ROLE"
        )
    if rank(role) < 0:
        raise ValueError(f"{entry!r} names no role: expected one of {_ROLES}")
    return Grant(group, "workspace" if scope == "workspace" else "page", target, role)


def roles_of(grants: Iterable[Grant], groups: Iterable[str]) -> Roles:
    """Return what the groups give; of several roles at one place the highest."""
    held = set(groups)
    superuser = False
    given: dict[str, dict[str, str]] = {"workspace": {}, "page": {}}
    for grant in grants:
        if grant.group not in held:
            continue
        if grant.scope is None:
            superuser = True
        elif rank(grant.role) > rank(given[grant.scope].get(grant.target, "")):
            given[grant.scope][grant.target] = grant.role
    return Roles(superuser, given["workspace"], given["page"])


def role_at(roles: Mapping[str, str], name: str) -> str:
    """Return the higher of the role at `name` and the one that holds everywhere, "" for none."""
    return max(roles.get(name, ""), roles.get(EVERY, ""), key=rank)
