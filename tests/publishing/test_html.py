from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from apps.publishing import html, layout
from apps.publishing.assets import load_assets
from apps.publishing.services import render_version
from tests.factories import NOW
from tests.publishing import models

NASTY = '"><script>alert(1)</script><!--stale '


class Tags(HTMLParser):
    """Collects every tag with its attributes."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.append((tag, dict(attrs)))


def pages(state: str = "in_trouble") -> dict[str, bytes]:
    model, assets = models.STATES[state](), load_assets()
    version = render_version(model, assets)
    found = {file.key: file.content for file in version.files if file.kind == "html"}
    for event in (*model.incidents, *model.maintenances):
        found[f"incidents/{event.id}"] = html.event_page(model.page, event, assets)
    found["history/2026-02"] = html.month_page(model.page, "2026-02", model.incidents, assets)
    return found


@pytest.mark.parametrize("state", models.STATES)
def test_nothing_is_inline_and_nothing_comes_from_elsewhere(state):
    for content in pages(state).values():
        for tag, attributes in Tags(content).found:
            assert tag != "style"
            assert not any(name == "style" or name.startswith("on") for name in attributes)
            for name in ("src", "href"):
                address = attributes.get(name) or ""
                is_canonical = attributes.get("rel") == "canonical"
                assert is_canonical or not re.match(r"[a-z]+:|//", address), address
            assert tag != "script" or attributes.get("src")


@pytest.mark.parametrize("state", models.STATES)
def test_scrapers_find_their_hooks(state):
    model = models.STATES[state]()
    tags = Tags(pages(state)[""]).found

    assert any(
        tag == "div" and f"status-{model.status.indicator}" in (attributes.get("class") or "")
        for tag, attributes in tags
    )
    shown = {attributes["data-component-id"]: attributes["data-component-status"]
             for _, attributes in tags if "data-component-id" in attributes}  # fmt: skip
    assert shown == {one.id: one.status for one in (*model.components, *model.groups)}


def test_incident_pages_have_their_hooks_and_sentence():
    content = pages()["incidents/n00000000003"].decode()

    assert 'class="incident-name impact-critical"' in content
    assert "This incident affected: Checkout, Website." in content
    assert 'class="incident-title impact-critical"' in pages()[""].decode()


@pytest.mark.parametrize("state", models.STATES)
def test_links_are_relative_and_lead_to_what_is_published(state):
    found = pages(state)
    model = models.STATES[state]()
    months = {f"history/{month.key}" for month in model.months}
    for key, content in found.items():
        if key.startswith("404"):
            continue
        for tag, attributes in Tags(content).found:
            address = attributes.get("href") or ""
            if tag != "a" or address.startswith("#"):
                continue
            depth = key.count("/")
            assert address.startswith("../" * depth), (key, address)
            target = address.removeprefix("../" * depth).removeprefix("./")
            known = {
                *found,
                *months,
                "uptime",
                "api/v2/summary.json",
                "history.atom",
                "history.rss",
            }
            assert target.partition("#")[0] in known, (key, address)


def test_what_people_wrote_is_escaped():
    member = models.component(NASTY, 1, description=NASTY)
    incident = models.incident(
        NASTY, 1, models.update(1, "investigating", NASTY, NOW), affected=((member.id, NASTY),)
    )
    model = replace(
        models.empty(),
        page=replace(models.PAGE, name=NASTY, description=NASTY),
        top_level=(member, models.group(NASTY, 2, replace(member, id="c2"), description=NASTY)),
        incidents=(incident,),
        metrics=(replace(models.metric(), name=NASTY, unit=NASTY),),
    )

    for file in render_version(model, load_assets()).files:
        if file.kind == "html":
            assert b"<script>alert" not in file.content
            assert file.content.count(b"<!--stale ") == 1


def test_updates_are_markdown():
    content = pages()[""].decode()

    assert "<li>Carts are kept</li>" in content


def test_a_stale_copy_shows_the_notice_that_sleeps_in_every_page():
    for content in pages().values():
        assert "out of date" not in re.sub(rb"<!--.*?-->", b"", content, flags=re.S).decode()
        assert (
            '<div class="stale" role="status">'
            in re.sub(rb"<!--.*?-->", b"", layout.stale_copy(content), flags=re.S).decode()
        )


def test_the_canonical_address_is_the_pages_own():
    assert b'<link rel="canonical" href="https://status.acme.test/">' in pages()[""]
    canonical = b'<link rel="canonical" href="https://status.acme.test/history/2026-02">'
    assert canonical in pages()["history/2026-02"]


def test_months_of_earlier_years_are_listed_with_their_numbers():
    content = pages("operational")["history"].decode()

    assert (
        '<a href="history/2025-11">November</a> <span class="count">4 incidents</span>' in content
    )
    assert "history/2026-03" not in content


def test_rendering_twice_gives_the_same_bytes():
    assert pages() == pages()


def test_quiet_days_do_not_deny_an_incident_that_is_open():
    assert b"No other incidents." in pages("in_trouble")[""]
    assert b"No incidents." in pages("operational")[""]
