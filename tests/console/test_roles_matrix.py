"""Every address and action of the console, for every role, on own and foreign rows: one table says what comes of it.

The table is tests/console/roles_table.py. An address that it does not name fails here, with the line to add.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib import admin
from django.core.exceptions import FieldError
from django.forms import ModelChoiceField
from django.urls import URLPattern, resolve, reverse

from apps.core.adminkit.dependent import lookups_of
from apps.integrations import providers
from tests.console.roles_scene import (
    MISSING,
    NOBODY,
    OUTSIDER,
    PEOPLE,
    SUPERUSER,
    Outcome,
    Place,
    Scene,
)
from tests.console.roles_table import ACTIONS, ANYONE, CHOICES, URLS, At

pytestmark = pytest.mark.django_db

assert resolve("/admin/")  # The site is filled where the addresses are read.
SITE = admin.site
TABLE = "tests/console/roles_table.py"
APPS = ("site", "accounts", "core", "incidents", "integrations", "monitors", "pages")
MEMBERS = PEOPLE[1:-1]
SHARED = {"accounts.user", "monitors.location", "integrations.connector"}


@dataclass(frozen=True, slots=True)
class Address:
    """A named address of the site and what it takes."""

    name: str
    takes: tuple[str, ...]

    @property
    def model(self) -> str:
        """Return the label of the model that it is about; "" for one of the site's own."""
        labels = [model._meta.label_lower for model in SITE._registry]
        fitting = [one for one in labels if self.name.startswith(one.replace(".", "_") + "_")]
        return max(fitting, key=len, default="")

    @property
    def app(self) -> str:
        return self.model.partition(".")[0] or "site"

    @property
    def is_about_a_row(self) -> bool:
        return bool({"object_id", "id"} & set(self.takes))

    def of(self, line: At, place: Place, *, key: Any = None) -> str:
        """Return the address for the place's row, or for another key."""
        given = line.kwargs(place)
        if self.is_about_a_row:
            row = place[line.row or self.model] if line.row or self.model else None
            found = key if key is not None else row.pk if row else MISSING
            given = {"object_id": found, "id": found} | given
        return reverse(f"admin:{self.name}", kwargs={name: given[name] for name in self.takes})


def addresses() -> list[Address]:
    """Return the site's named addresses; Django's catch-all has no name."""
    return list(_walk(SITE.urls[0]))


def _walk(patterns: Any) -> Iterator[Address]:
    for one in patterns:
        if not isinstance(one, URLPattern):
            yield from _walk(one.url_patterns)
        elif one.name:
            pattern: Any = one.pattern
            yield Address(one.name, tuple(pattern.converters or pattern.regex.groupindex))


def may(person: str, least: str) -> bool:
    """Tell whether the person is one of those that a name in the table means."""
    return least != NOBODY and PEOPLE.index(person) >= PEOPLE.index(least)


@pytest.fixture
def scene(db: None) -> Iterator[Scene]:
    providers.register("toy", "tests.integrations.toy.ToyProvider")
    yield Scene()
    providers.unregister("toy")


def _named_in_table() -> set[str]:
    return {key.partition(":")[0] for key in URLS}


def _lines(app: str) -> Iterator[tuple[str, Address, At]]:
    """Yield (key, address, line) of an app's lines in the table."""
    known = {address.name: address for address in addresses()}
    for key, line in URLS.items():
        address = known.get(key.partition(":")[0])
        if address is not None and address.app == app and line.opens != ANYONE:
            yield key, address, line


def test_the_table_names_every_address(scene: Scene):
    missing = [one for one in addresses() if one.name not in _named_in_table()]

    assert not missing, "\n".join(
        [f"Add to URLS in {TABLE}; they behave so now, see that they should:"]
        + [f"    {_as_it_is(scene, one)}" for one in missing]
    )


def test_the_table_names_no_more():
    gone = _named_in_table() - {one.name for one in addresses()}

    assert not gone, f"take them out of URLS in {TABLE}: {sorted(gone)}"


@pytest.mark.parametrize("app", APPS)
def test_an_address_is_for_whom_the_table_says(scene: Scene, app: str):
    wrong = []
    for key, address, line in _lines(app):
        for person in PEOPLE:
            wrong += [f"{key}: {what}" for what in _compared(scene, address, line, person)]
        for posts in (False, True):
            stranger = scene.ask("anonymous", address.of(line, scene.own), posts=posts)
            if stranger.status != 302 or "login" not in stranger.location or stranger.writes:
                wrong.append(f"{key}: not logged in they got {stranger}")

    assert not wrong, "\n".join(wrong)


def _compared(scene: Scene, address: Address, line: At, person: str) -> list[str]:
    """Return where the address does for the person another thing than the table says."""
    wrong = []
    for posts, least in ((False, line.opens), (True, line.sent_by)):
        if person not in _asked(least):
            continue
        verb = "POST" if posts else "GET"
        renders = not posts and person == "admin"
        got = _sent(scene, address, line, person, scene.own, posts, renders=renders)
        if renders and got.response is not None and "CANARY" in got.response.content.decode():
            wrong.append(f"{verb} by {person} shows a foreign row")
        refused = got.is_refused if address.is_about_a_row else got.status in (403, 404)
        if refused is may(person, least):
            wrong.append(f"{verb} by {person} of the own row gave {got}")
        if got.writes and (refused or not posts):
            wrong.append(f"{verb} by {person} wrote {got.writes}")
        # Who may most on their own rows, and who may nothing anywhere, stand for those between.
        if not address.is_about_a_row or line.is_shared or person not in ("admin", OUTSIDER):
            continue
        if person == "admin":
            got = _sent(scene, address, line, person, scene.seen, posts)
            if got.is_refused is may("viewer", least) or (got.is_refused and got.writes):
                wrong.append(f"{verb} by who is only viewer there gave {got}")
        foreign = _sent(scene, address, line, person, scene.foreign, posts)
        nothing = _sent(scene, address, line, person, scene.foreign, posts, key=MISSING)
        if not foreign.is_refused or foreign.writes:
            wrong.append(f"{verb} by {person} of a foreign row gave {foreign}")
        if foreign != nothing:
            wrong.append(
                f"{verb} by {person} tells a foreign row ({foreign}) from none ({nothing})"
            )
    return wrong


def _asked(least: str) -> set[str]:
    """Return who tries: all who may not, the first who may, and those with the most; between them nobody differs."""
    refused = {person for person in PEOPLE if not may(person, least)}
    return refused | {least, "admin", SUPERUSER}


def _sent(
    scene: Scene,
    address: Address,
    line: At,
    person: str,
    place: Place,
    posts: bool,
    *,
    key: Any = None,
    renders: bool = False,
) -> Outcome:
    url = address.of(line, place, key=key)
    query = line.query(place)
    if posts and query:
        url += "?" + "&".join(f"{name}={value}" for name, value in query.items())
    data = line.data(place) if posts else query
    return scene.ask(person, url, data, posts=posts, renders=renders)


def _as_it_is(scene: Scene, address: Address) -> str:
    """Return the line that says what the address does now."""
    line = At(OUTSIDER)
    found = []
    for posts in (False, True):
        try:
            least = next(
                person
                for person in PEOPLE
                if not _sent(scene, address, line, person, scene.own, posts).is_refused
            )
        except StopIteration:
            least = NOBODY
        except Exception as error:
            least = f"? {type(error).__name__}: {error}"
        found.append(least)
    opens, sends = found
    said = f'"{opens}"' if opens == sends else f'"{opens}", "{sends}"'
    return f'"{address.name}": At({said}),'


def test_the_table_names_every_action_of_the_lists():
    found = {
        f"{model._meta.label_lower}:{action}"
        for model, screen in SITE._registry.items()
        for action in (screen.actions or [])
    }

    assert not found - ACTIONS.keys(), f"add to ACTIONS in {TABLE}: {found - ACTIONS.keys()}"
    assert not ACTIONS.keys() - found, f"take out of ACTIONS: {ACTIONS.keys() - found}"


def test_an_action_of_a_list_changes_rows_for_whom_the_table_says(scene: Scene):
    for key, line in ACTIONS.items():
        changed = {person: _changes(scene, key, person, scene.own) for person in PEOPLE}

        assert changed == {person: may(person, line.opens) for person in PEOPLE}, key
        for person in MEMBERS:
            assert not _changes(scene, key, person, scene.seen), f"{key}: {person}, viewer there"
            assert not _changes(scene, key, person, scene.foreign), f"{key}: {person}"


def _changes(scene: Scene, key: str, person: str, place: Place) -> bool:
    model, _, action = key.partition(":")
    line = ACTIONS[key]
    url = reverse(f"admin:{model.replace('.', '_')}_changelist")
    chosen = {"action": action, "_selected_action": [place[line.row or model].pk], "index": "0"}
    return bool(scene.ask(person, url, chosen | line.data(place), posts=True).writes)


def selects() -> Iterator[tuple[str, Any, Any]]:
    """Yield (model.field, the field, the screen) of each select that asks for rows while one types."""
    for screen in SITE._registry.values():
        for part in (screen, *screen.inlines):
            names = {*part.autocomplete_fields, *getattr(part, "dependent_fields", {})}
            for name in names:
                yield _named(part.model, name), part.model._meta.get_field(name), screen
        for model, fields in getattr(screen, "dependent_parts", {}).items():
            for name in fields:
                yield _named(model, name), model._meta.get_field(name), screen


def _named(model: Any, field: str) -> str:
    return f"{model._meta.label_lower}.{field}"


def test_the_table_names_every_select_that_looks_for_rows():
    found = {key for key, _, _ in selects()}

    assert not found - CHOICES.keys(), (
        f"add to CHOICES in {TABLE}: {sorted(found - CHOICES.keys())}"
    )
    assert not CHOICES.keys() - found, f"take out of CHOICES: {CHOICES.keys() - found}"


def test_a_select_offers_rows_of_those_teams_where_the_person_may_use_them(scene: Scene):
    wrong = []
    for key, field, _ in selects():
        line = CHOICES.get(key, At(NOBODY))
        kind = line.row or field.remote_field.model._meta.label_lower
        for person in PEOPLE:
            offered = _offered(scene, person, field, kind, scene.own)
            if offered is not may(person, line.opens):
                wrong.append(f"{key}: {person} is{'' if offered else ' not'} offered the own row")
            if kind in SHARED or person == SUPERUSER:
                continue
            for place in (scene.seen, scene.foreign):
                if _offered(scene, person, field, kind, place):
                    wrong.append(f"{key}: {person} is offered a row of {place.mark}")

    assert not wrong, "\n".join(wrong)


def _offered(scene: Scene, person: str, field: Any, kind: str, place: Place) -> bool:
    asked = {
        "app_label": field.model._meta.app_label,
        "model_name": field.model._meta.model_name,
        "field_name": field.name,
        "term": place.mark if kind == "accounts.user" else "",
    }
    for parent, lookup in lookups_of(SITE, field.model, field.name).items():
        asked[f"dep_{parent}"] = getattr(place[kind], lookup)
    answer = scene.ask(person, reverse("admin:autocomplete"), asked)
    if answer.status != 200:
        return False
    found = {row["id"] for row in json.loads(answer.response.content)["results"]}
    return str(place[kind].pk) in found


def test_a_key_posted_by_hand_is_refused_where_the_person_may_not_use_the_row(scene: Scene):
    """Of every form of the site: the rows that its fields accept."""
    wrong = []
    for person in MEMBERS:
        for name, field in _form_fields(scene, person):
            if field.queryset is None:
                continue  # Filled when the form is made, from what the person sees.
            kind = field.queryset.model._meta.label_lower
            if kind in SHARED or kind not in scene.own.rows:
                continue
            places = [scene.foreign]
            if name.rpartition(" ")[2] != "view":
                places.append(scene.seen)
            for place in places:
                if field.queryset.filter(pk=place[kind].pk).exists():
                    wrong.append(f"{name}: {person} may choose a row of {place.mark}")

    assert not wrong, "\n".join(wrong)


def _form_fields(scene: Scene, person: str) -> Iterator[tuple[str, ModelChoiceField]]:  # type: ignore[type-arg]
    for model, screen in SITE._registry.items():
        label = model._meta.label_lower
        name = label.replace(".", "_")
        for verb, row in (
            ("add", None),
            ("change", scene.own[label] if label in scene.own.rows else None),
        ):
            if verb == "change" and row is None:
                continue
            url = reverse(f"admin:{name}_{verb}", args=[row.pk] if row else [])
            request = scene.request(person, url)
            allowed = (
                screen.has_change_permission(request, row)
                if row
                else screen.has_add_permission(request)
            )
            if not allowed:
                continue
            try:
                forms = [screen.get_form(request, row, change=row is not None)]
                forms += [
                    formset.form for formset, _ in screen.get_formsets_with_inlines(request, row)
                ]
            except FieldError:
                continue  # It is made on a screen of its own.
            for form in forms:
                for field_name, field in form.base_fields.items():
                    if isinstance(field, ModelChoiceField) and not field.disabled:
                        yield f"{label} {verb} {field_name}", field
