"""All of a page put in order at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.errors import Conflict, Invalid
from apps.core.models import AuditEvent
from apps.pages import services
from apps.pages.models import Component, ComponentGroup, Page
from apps.pages.services import Placed
from tests.factories import (
    MACHINE,
    NOW,
    PERSON,
    ComponentFactory,
    ComponentGroupFactory,
    PageFactory,
)

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def page() -> Page:
    """Web, then the group Europe with Checkout and Search, then Jobs."""
    page: Page = PageFactory(name="Acme")
    ComponentFactory(page=page, name="Web", position=1)
    group = ComponentGroupFactory(page=page, name="Europe", position=2)
    ComponentFactory(page=page, group=group, name="Checkout", position=1)
    ComponentFactory(page=page, group=group, name="Search", position=2)
    ComponentFactory(page=page, name="Jobs", position=5)
    return page


def key(name: str) -> str:
    row = Component.objects.filter(name=name).first() or ComponentGroup.objects.get(name=name)
    return str(row.public_id)


def arrange(page: Page, *entries: str | tuple[str, ...], actor=PERSON) -> None:
    """Arrange by names; a tuple is a group and what is in it."""
    placed = [
        Placed(key(one)) if isinstance(one, str) else Placed(key(one[0]), tuple(map(key, one[1:])))
        for one in entries
    ]
    services.arrange_page(page_id=page.pk, entries=placed, actor=actor, at=LATER)


def order(page: Page) -> list[str]:
    """Return the page's entries as its readers get them; what is in a group after a slash."""
    rows = [*page.groups.all(), *page.components.filter(group=None)]
    found = []
    for row in sorted(rows, key=lambda row: (row.position, row.name, row.pk)):
        found.append(row.name)
        if isinstance(row, ComponentGroup):
            found += [f"{row.name}/{one.name}" for one in row.components.order_by("position")]
    return found


def test_entries_move_and_components_change_their_group(page, listen):
    told, touched = listen("catalogue_changed"), listen("pages_changed")

    arrange(page, "Jobs", ("Europe", "Web", "Search"), "Checkout")

    assert order(page) == ["Jobs", "Europe", "Europe/Web", "Europe/Search", "Checkout"]
    assert {row.name for row in told[0]["components"]} == {"Web", "Checkout"}
    assert touched[0]["page_ids"] == {page.pk}
    (event,) = AuditEvent.objects.all()
    assert event.changes["order"] == [
        "Web; Europe (Checkout, Search); Jobs",
        "Jobs; Europe (Web, Search); Checkout",
    ]


def test_what_is_not_named_stays_in_its_level_after_the_rest(page):
    arrange(page, ("Europe", "Search"))

    assert order(page) == ["Europe", "Europe/Search", "Europe/Checkout", "Web", "Jobs"]


def test_nothing_is_written_when_nothing_moves(page, listen):
    touched = listen("pages_changed")

    arrange(page, "Web", ("Europe", "Checkout", "Search"), "Jobs")

    assert not touched
    assert not AuditEvent.objects.exists()
    assert Component.objects.get(name="Jobs").position == 5


def test_two_components_of_one_name_are_not_put_in_one_level(page):
    ComponentFactory(page=page, name="Search", position=9)

    with pytest.raises(Conflict, match="two components named Search outside of groups"):
        services.arrange_page(
            page_id=page.pk,
            entries=[Placed(one.public_id) for one in Component.objects.filter(name="Search")],
            actor=PERSON,
            at=LATER,
        )

    assert Component.objects.filter(name="Search", group=None).count() == 1


def test_two_of_one_name_that_change_places_are_refused_with_a_way_out(page):
    asia = ComponentGroupFactory(page=page, name="Asia", position=9)
    other = ComponentFactory(page=page, group=asia, name="Search")
    europe = ComponentGroup.objects.get(name="Europe")
    search = Component.objects.get(name="Search", group=europe)

    with pytest.raises(Conflict, match="move one, save, then the other"):
        services.arrange_page(
            page_id=page.pk,
            entries=[
                Placed(europe.public_id, (other.public_id,)),
                Placed(asia.public_id, (search.public_id,)),
            ],
            actor=PERSON,
            at=LATER,
        )


@pytest.mark.parametrize(
    "entries",
    [
        [Placed("000000000000")],
        [Placed("web"), Placed("web")],
        [Placed("europe", ("europe",))],
        [Placed("web", ("jobs",))],
        [Placed("europe", ("asia",))],
        [Placed("elsewhere")],
    ],
    ids=str,
)
def test_an_order_names_entries_of_its_page_once(page, entries):
    ComponentGroupFactory(page=page, name="Asia")
    ComponentFactory(name="Elsewhere")
    names = {name.lower(): name for name in ("Web", "Europe", "Jobs", "Asia", "Elsewhere")}

    def real(name: str) -> str:
        return key(names[name]) if name in names else name

    placed = [Placed(real(one.public_id), tuple(map(real, one.inside))) for one in entries]
    with pytest.raises(Invalid):
        services.arrange_page(page_id=page.pk, entries=placed, actor=PERSON, at=LATER)


def test_what_automation_arranges_is_not_in_the_audit_trail(page):
    arrange(page, "Jobs", actor=MACHINE)

    assert order(page)[0] == "Jobs"
    assert not AuditEvent.objects.exists()


def test_a_hundred_components_are_arranged_in_as_many_statements_as_three(page):
    def statements() -> int:
        rows = list(Component.objects.filter(group=None).order_by("-position", "-pk"))
        placed = [Placed(row.public_id) for row in rows]
        with CaptureQueriesContext(connection) as captured:
            services.arrange_page(page_id=page.pk, entries=placed, actor=PERSON, at=LATER)
        return len(captured)

    few = statements()
    for number in range(100):
        ComponentFactory(page=page, name=f"Service {number}", position=number + 10)

    assert statements() <= few + 1
