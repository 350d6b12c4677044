"""The script embed on a page of another origin that runs no inline script and no style sheet of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.simple_server import make_server

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Tab, _Quiet, _Server
from tests.publishing import models

pytestmark = pytest.mark.browser

OFF_SCREEN = -9000


@pytest.fixture
def foreign_site(address: str) -> Iterator[str]:
    """Serve a page of another origin that embeds the status page; return its address."""
    origin = address.removesuffix("/status/acme/")
    policy = f"default-src 'none'; script-src {origin}; frame-src {origin}"

    def site(environ: Any, start_response: Any) -> list[bytes]:
        start_response(
            "200 OK", [("Content-Type", "text/html"), ("Content-Security-Policy", policy)]
        )
        script = f'<script src="{address}embed/script.js"></script>'
        return [f"<!doctype html><title>Shop</title>{script}<h1>Shop</h1>".encode()]

    server = make_server("127.0.0.1", 0, site, server_class=_Server, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_port}/"
    server.shutdown()
    server.server_close()


def box(tab: Tab) -> dict[str, float]:
    found = tab.page.locator("iframe").evaluate(
        "frame => { const box = frame.getBoundingClientRect(); "
        "return {left: box.left, bottom: innerHeight - box.bottom, width: box.width, height: box.height}; }"
    )
    return dict(found)


def frame_of(tab: Tab) -> Any:
    return tab.page.frame_locator("iframe")


@pytest.mark.parametrize("state", ["in_trouble", "noticed", "maintained"])
def test_the_frame_shows_itself_while_there_is_something_to_tell(
    open_tab: Callable[..., Tab], publish: Any, foreign_site: str, state: str
) -> None:
    publish(models.STATES[state]())
    tab = open_tab(viewport={"width": 1280, "height": 800})

    tab.page.goto(foreign_site)

    expect(tab.page.locator("iframe")).to_be_in_viewport()
    found = box(tab)
    assert (found["width"], found["height"]) == (320, 115)
    assert found["left"] >= 0
    link = frame_of(tab).get_by_role("link", name="Details")
    expect(link).to_have_attribute("target", "_blank")
    assert tab.complaints == []


def test_the_frame_stays_away_while_all_is_well_and_is_shown_by_hand(
    open_tab: Callable[..., Tab], publish: Any, foreign_site: str
) -> None:
    publish(models.operational())
    tab = open_tab(viewport={"width": 1280, "height": 800})
    tab.page.goto(foreign_site)
    expect(frame_of(tab).get_by_text("All Systems Operational")).to_be_attached()
    tab.page.wait_for_timeout(200)
    assert box(tab)["left"] < OFF_SCREEN

    tab.page.evaluate("window.statusEmbedTest()")

    expect(tab.page.locator("iframe")).to_be_in_viewport()
    assert tab.complaints == []


def test_a_dismissed_frame_stays_away_until_there_is_something_new(
    open_tab: Callable[..., Tab], publish: Any, foreign_site: str
) -> None:
    publish(models.in_trouble())
    tab = open_tab(viewport={"width": 1280, "height": 800})
    tab.page.goto(foreign_site)
    expect(tab.page.locator("iframe")).to_be_in_viewport()

    frame_of(tab).get_by_role("button", name="Dismiss").click()

    expect(tab.page.locator("iframe")).not_to_be_in_viewport()
    tab.page.reload()
    expect(frame_of(tab).get_by_role("button", name="Dismiss")).to_be_attached()
    tab.page.wait_for_timeout(200)
    assert box(tab)["left"] < OFF_SCREEN
    publish(models.noticed())
    tab.page.reload()
    expect(tab.page.locator("iframe")).to_be_in_viewport()
    assert tab.complaints == []


def test_on_a_phone_it_is_a_strip_at_the_bottom(
    open_tab: Callable[..., Tab], publish: Any, foreign_site: str
) -> None:
    publish(models.in_trouble())
    tab = open_tab(viewport={"width": 400, "height": 800})

    tab.page.goto(foreign_site)

    expect(tab.page.locator("iframe")).to_be_in_viewport()
    assert str(tab.page.locator("iframe").get_attribute("src")).endswith("/frame?mobile=true")
    assert box(tab) == {"left": 0, "bottom": 0, "width": 400, "height": 160}


def test_messages_of_others_move_nothing(
    open_tab: Callable[..., Tab], publish: Any, foreign_site: str
) -> None:
    publish(models.operational())
    tab = open_tab(viewport={"width": 1280, "height": 800})
    tab.page.goto(foreign_site)

    tab.page.evaluate("window.postMessage({action: 'showFrame'}, '*')")

    tab.page.wait_for_timeout(200)
    assert box(tab)["left"] < OFF_SCREEN


def test_no_other_page_may_be_framed(
    open_tab: Callable[..., Tab], publish: Any, address: str, foreign_site: str
) -> None:
    publish(models.operational())
    tab = open_tab()
    tab.page.goto(foreign_site)

    tab.page.evaluate("address => { document.querySelector('iframe').src = address; }", address)

    tab.page.wait_for_timeout(300)
    assert any("frame-ancestors" in text or "refused" in text.lower() for text in tab.complaints)


def test_a_widget_reads_summary_json_at_the_hosts_root(
    open_tab: Callable[..., Tab], publish: Any, address: str, foreign_site: str
) -> None:
    publish(models.in_trouble())
    by_host = address.replace("127.0.0.1", "acme.localhost").removesuffix("/status/acme/")
    tab = open_tab(bypass_csp=True)
    tab.page.goto(foreign_site)

    # What Atlassian's status widget does: the path is replaced, the answer read across origins.
    found = tab.page.evaluate(
        """async host => {
          const url = new URL(host);
          url.pathname = "/api/v2/summary.json";
          const { status } = await (await fetch(url)).json();
          return [status.indicator, status.description];
        }""",
        by_host,
    )

    assert found == ["major", "Partial System Outage"]
