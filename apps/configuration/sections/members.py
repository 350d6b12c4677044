"""`members[]`: who has which role in a workspace or on a page. The people themselves are added in the admin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from apps.accounts.models import Membership, User
from apps.accounts.services import set_members
from apps.configuration.context import Context
from apps.configuration.problems import shortened
from apps.configuration.reading import Entry
from apps.configuration.sections import workspaces
from apps.configuration.sections.bringing import Bringer, NameKey, Present, Values
from apps.configuration.sections.page_names import live_pages, page_of
from apps.pages.models import PageMembership
from apps.pages.services import set_page_members


def present(*, with_sign_on: bool = False) -> dict[NameKey, Present]:
    """Return the members of live workspaces and pages, by place and user name.

    What single sign-on gave is its own to give and to take back: neither exported nor removed.
    """
    own = {} if with_sign_on else {"from_sign_on": False}
    teams = Membership.objects.filter(workspace__archived_at__isnull=True, **own)
    on_pages = PageMembership.objects.filter(page__archived_at__isnull=True, **own)
    columns = ("user__username", "role")
    found = [
        *(
            {"user": user, "workspace": name, "role": role}
            for name, user, role in teams.values_list("workspace__name", *columns)
        ),
        *(
            {"user": user, "page": slug, "role": role}
            for slug, user, role in on_pages.values_list("page__slug", *columns)
        ),
    ]
    # Members of two kinds have no key in common: they are numbered.
    found.sort(key=_key)
    return {_key(values): Present(number, values) for number, values in enumerate(found)}


def bring(context: Context) -> None:
    if not context.entries("members"):
        return
    held, places = present(with_sign_on=True), _places(context)
    bringer = _bringer(context, places, held)
    for entry in context.entries("members"):
        if _check_people(context, entry, places) and _check_place(context, entry, places):
            bringer.bring_one(context, entry, held.get(_key(entry.values)))


def remove_missing(context: Context) -> None:
    if context.has("members"):
        places = _places(context)
        # Whose workspace is about to go goes with it.
        held = {
            key: row
            for key, row in present().items()
            if "page" in row.values or row.values["workspace"] in places.workspaces
        }
        _bringer(context, places, held).remove_missing(context, held)


@dataclass(frozen=True, slots=True)
class _Places:
    """{name: internal key} of people, workspaces and pages."""

    people: Mapping[str, int]
    workspaces: Mapping[str, int]
    pages: dict[str, int]


def _places(context: Context) -> _Places:
    people = dict(User.objects.values_list("username", "pk"))
    return _Places(people, workspaces.live(context), live_pages())


def _check_people(context: Context, entry: Entry, places: _Places) -> bool:
    name = entry.values["user"]
    if name in places.people:
        return True
    message = f"there is no person {name!r}; allowed: {shortened(places.people)}"
    context.refuse(entry.node, "user", message)
    return False


def _check_place(context: Context, entry: Entry, places: _Places) -> bool:
    if "page" in entry.values:
        return page_of(context, entry, places.pages) is not None
    name = entry.values["workspace"]
    if name in places.workspaces:
        return True
    if not context.is_broken("workspaces", name):
        known = shortened(places.workspaces)
        context.refuse(entry.node, "workspace", f"there is no {name!r}; allowed: {known}")
    return False


@dataclass(frozen=True, slots=True)
class _MemberBringer(Bringer):
    def context_of(self, key: NameKey) -> str:
        return "".join(key[:-1])


def _bringer(context: Context, places: _Places, held: Mapping[NameKey, Present]) -> Bringer:
    def give(values: Values, role: str = "") -> None:
        """Give the person the role at the place; none takes theirs."""
        roles, write = _roles_at(context, values, places)
        person = places.people[values["user"]]
        others = {pk: held for pk, held in roles.items() if pk != person}
        write(others | ({person: role} if role else {}))

    values_of = {row.id: row.values for row in held.values()}
    return _MemberBringer(
        section="members",
        kind="member",
        key_of=_key,
        create=lambda values: give(values, values["role"]),
        update=lambda _, values: give(values, values["role"]),
        archive=lambda number: give(values_of[number]),
    )


def _roles_at(
    context: Context, values: Values, places: _Places
) -> tuple[dict[int, str], Callable[[dict[int, str]], None]]:
    """Return {user's key: role} at the place that the values name, and what writes it anew."""
    who = context.who
    if "page" in values:
        page_id = places.pages[values["page"]]
        on_page = PageMembership.objects.filter(page=page_id)
        return (
            dict(on_page.values_list("user", "role")),
            lambda roles: set_page_members(page_id=page_id, roles=roles, **who),
        )
    workspace_id = places.workspaces[values["workspace"]]
    members = Membership.objects.filter(workspace=workspace_id)
    return (
        dict(members.values_list("user", "role")),
        lambda roles: set_members(workspace_id=workspace_id, roles=roles, **who),
    )


def _key(values: Mapping[str, str]) -> NameKey:
    return (values.get("workspace", ""), values.get("page", ""), values["user"])
