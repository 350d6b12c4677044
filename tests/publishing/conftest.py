"""A published page in a test's own folder, and the front over it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from apps.publishing import services, versions
from apps.publishing.assets import load_assets
from apps.publishing.front import Front
from apps.publishing.readmodel import PageModel


@dataclass
class Answer:
    """What a WSGI application answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Client:
    """Calls a WSGI application as a server does."""

    application: Any
    host: str = "status.test"
    seen: list[str] = field(default_factory=list)

    def request(
        self, method: str, path: str, *, host: str = "", query: str = "", **headers: str
    ) -> Answer:
        """Send a request; `accept_encoding="br"` sets a header."""
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "HTTP_HOST": host or self.host,
        }
        environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        told: list[Any] = []
        result = self.application(environ, lambda *answer: told.append(answer))
        body = b"".join(result)
        if hasattr(result, "close"):
            result.close()
        status, pairs = told[0][:2]
        return Answer(int(status.split()[0]), dict(pairs), body)

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, **headers)


def inner_application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Stand where Django stands."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the application"]


@pytest.fixture
def front(published_dir: Path) -> Front:
    return Front(
        inner_application,
        published_dir=published_dir,
        pages_domain="pages.test",
        main_host="status.test",
    )


@pytest.fixture
def client(front: Front) -> Client:
    return Client(front)


@pytest.fixture
def publish(published_dir: Path) -> Callable[[PageModel], str]:
    """Publish a hand-made page as a build does, without a database; return its id."""

    def put(model: PageModel, *, domain: str = "") -> str:
        assets = load_assets()
        versions.write_assets(published_dir, assets.files, b"unknown address")
        versions.write_hosts(published_dir, [(model.page.id, model.page.slug, domain)])
        versions.install(published_dir, model.page.id, services.render_version(model, assets))
        return model.page.id

    return put


@pytest.fixture
def build(db: None) -> Callable[[], None]:
    """Build everything that is asked for, as the pump does, without waiting between."""

    def run() -> None:
        services.Publication.objects.update(published_at=None, leased_until=None)
        while services.build_due() is not None:
            services.Publication.objects.update(published_at=None)

    return run
