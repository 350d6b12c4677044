"""A browser, and a page that is published by hand and served by the real front on loopback."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from apps.publishing import html, services, versions
from apps.publishing.assets import load_assets
from apps.publishing.front import Front
from apps.publishing.readmodel import PageModel
from tests.services import chromium_program


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_program(), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@dataclass
class Tab:
    """A browser's tab that remembers what went wrong in it."""

    page: Page
    complaints: list[str] = field(default_factory=list)


@pytest.fixture
def open_tab(browser: Browser) -> Iterator[Callable[..., Tab]]:
    contexts: list[Any] = []

    def open_one(**options: Any) -> Tab:
        context = browser.new_context(**options)
        contexts.append(context)
        tab = Tab(context.new_page())
        # Violations of the content security policy are console errors.
        tab.page.on(
            "console",
            lambda message: message.type == "error" and tab.complaints.append(message.text),
        )
        tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
        return tab

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def publish(published_dir: Path) -> Callable[[PageModel], None]:
    """Publish a page with its incident pages and a closed month, as a build does."""
    seqs = iter(range(1, 1000))

    def put(model: PageModel) -> None:
        assets, page_id = load_assets(), model.page.id
        model = replace(model, seq=next(seqs))
        archive = {
            f"incidents/{event.id}": html.event_page(model.page, event, assets)
            for event in (*model.incidents, *model.maintenances)
        }
        archive["history/2026-02"] = html.month_page(model.page, "2026-02", model.incidents, assets)
        versions.write_assets(published_dir, assets.files, html.unknown_address(assets))
        versions.write_hosts(published_dir, [(page_id, model.page.slug, "")])
        versions.write_archive(published_dir, page_id, archive)
        versions.install(published_dir, page_id, services.render_version(model, assets))

    return put


@pytest.fixture
def address(published_dir: Path) -> Iterator[str]:
    """Serve the published folder; return the page's address."""

    def nothing_else(environ: Any, start_response: Any) -> list[bytes]:
        start_response("404 Not Found", [])
        return []

    front = Front(
        nothing_else, published_dir=published_dir, pages_domain="localhost", main_host="127.0.0.1"
    )
    server = make_server("127.0.0.1", 0, front, server_class=_Server, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/status/acme/"
    server.shutdown()
    server.server_close()
