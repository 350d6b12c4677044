"""What readers get, answered before Django: published files from memory, no middleware, no query.

The folder is looked at every 50 ms at most (one readlink while nothing changes). Whatever is no public page
goes on to the application. Nothing of Django is imported here.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from apps.publishing import layout
from apps.publishing.front_answers import (
    Environ,
    StartResponse,
    WSGIApp,
    busy,
    moved,
    plain,
    redirect,
)
from apps.publishing.front_documents import LOOK_EVERY_S, Document, Page, load_document

logger = logging.getLogger(__name__)

_MOST_ROUTES = 10_000
_PREFIX = "/status/"
_COMMON_ASSETS = "/status/-/assets/"


class Front:
    """The WSGI application around the application."""

    def __init__(
        self, application: WSGIApp, *, published_dir: Path, pages_domain: str, main_host: str
    ) -> None:
        """Take the host names in lower case and without ports. `main_host` is never a page's."""
        self._application = application
        self._root = published_dir
        self._suffix = f".{pages_domain.lower().strip('.')}" if pages_domain else None
        self._main_host = main_host.lower()
        self._hosts_file = str(published_dir / layout.HOSTS)
        self._hosts_stamp: tuple[int, int] | None = None
        self._next_look = 0.0
        self._lock = threading.Lock()
        self._slugs: dict[str, str] = {}
        self._domains: dict[str, str] = {}
        self._moved: dict[str, str] = {}
        self._pages: dict[str, Page] = {}
        self._assets: dict[str, Document] = {}
        self._routes: dict[tuple[str, str], tuple[Page, str]] = {}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        now = time.monotonic()
        if now >= self._next_look:
            self._look(now)
        path = environ["PATH_INFO"]
        route = self._routes.get((environ.get("HTTP_HOST", ""), path))
        if route is not None:
            document = route[0].document(route[1], now)
            if document is not None:
                return document.answer(environ, start_response)
        return self._resolve(environ, start_response, now)

    def _look(self, now: float) -> None:
        """Read the addresses again if they have changed. Who comes first waits, others go on with the old."""
        if not self._lock.acquire(blocking=self._hosts_stamp is None):
            return
        try:
            if now >= self._next_look:
                self._load_newer()
                self._next_look = now + LOOK_EVERY_S
        finally:
            self._lock.release()

    def _load_newer(self) -> None:
        try:
            found = os.stat(self._hosts_file)
            stamp = (found.st_mtime_ns, found.st_ino)
            if stamp == self._hosts_stamp:
                return
            hosts = json.loads(Path(self._hosts_file).read_bytes())
            # Written by a release before this one the file tells of none that moved.
            moved_slugs = dict(hosts.get("moved", {}))
            self._slugs, self._domains = dict(hosts["slugs"]), dict(hosts["domains"])
            self._moved = moved_slugs
        except FileNotFoundError:
            self._slugs, self._domains, self._moved, stamp = {}, {}, {}, None
        except (OSError, ValueError, KeyError):
            logger.exception("published addresses not readable")
            return
        self._hosts_stamp = stamp
        live = set(self._slugs.values())
        self._pages = {page_id: page for page_id, page in self._pages.items() if page_id in live}
        self._routes = {}

    def _resolve(
        self, environ: Environ, start_response: StartResponse, now: float
    ) -> Iterable[bytes]:
        host = layout.host_of(environ.get("HTTP_HOST", ""))
        path = environ["PATH_INFO"]
        if path.startswith(_COMMON_ASSETS):
            return self._asset(path.removeprefix(_COMMON_ASSETS), environ, start_response)
        if host != self._main_host:
            page_id = self._domains.get(host)
            if page_id is None and self._suffix and host.endswith(self._suffix):
                slug = host.removesuffix(self._suffix)
                page_id = self._slugs.get(slug, "")
                if not page_id and slug in self._moved:
                    # The port, and whether it is https, stay as they were asked for.
                    rest = environ["HTTP_HOST"].lower().partition(host)[2]
                    location = f"//{self._moved[slug]}{self._suffix}{rest}{_quoted(path)}"
                    return moved(location, environ, start_response)
            if page_id is not None:
                return self._page(
                    page_id, path[1:], layout.MISSING_BY_HOST, environ, start_response, now
                )
        if path == "/":
            return redirect("/admin/", "302 Found", start_response)
        if path == "/status" or path.startswith(_PREFIX):
            slug, slash, key = path[len(_PREFIX) :].partition("/")
            page_id = self._slugs.get(slug, "")
            if not page_id and slug in self._moved:
                location = f"{_PREFIX}{self._moved[slug]}/{_quoted(key)}"
                return moved(location, environ, start_response)
            if page_id and not slash:
                return redirect(f"{_PREFIX}{slug}/", "301 Moved Permanently", start_response)
            return self._page(page_id, key, layout.MISSING_BY_PATH, environ, start_response, now)
        return self._application(environ, start_response)

    def _page(
        self,
        page_id: str,
        key: str,
        missing: str,
        environ: Environ,
        start_response: StartResponse,
        now: float,
    ) -> Iterable[bytes]:
        if not page_id:
            return self._unknown(environ, start_response)
        if key.startswith("assets/"):
            return self._asset(key.removeprefix("assets/"), environ, start_response)
        page = self._pages.get(page_id)
        if page is None:
            page = self._pages.setdefault(page_id, Page(self._root, page_id))
        document = page.document(key, now)
        if not page.is_there:
            # A page that was made this moment: its first version comes within the second.
            return busy("The page is being written.", environ, start_response)
        if key == layout.PAGED and environ.get("QUERY_STRING"):
            key = page.key_of_page(environ["QUERY_STRING"])
            document = page.document(key, now)
        if document is not None and key != layout.MISSING_BY_HOST and key != layout.MISSING_BY_PATH:
            if page.holds(key) and key != layout.PAGED:
                if len(self._routes) >= _MOST_ROUTES:
                    self._routes = {}
                self._routes[environ.get("HTTP_HOST", ""), environ["PATH_INFO"]] = (page, key)
            return document.answer(environ, start_response)
        if key.startswith("api/") or key.endswith(".json"):
            return plain("404 Not Found", '{"error":"not found"}', True, environ, start_response)
        document = page.document(missing, now)
        if document is None:
            return self._unknown(environ, start_response)
        return document.answer(environ, start_response, "404 Not Found")

    def _asset(self, name: str, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        document = self._assets.get(name)
        if document is None:
            matched = layout.ASSET_NAME.fullmatch(name)
            try:
                if matched is None:
                    raise FileNotFoundError(name)
                headers = [
                    ("Content-Type", layout.ASSET_TYPES[matched.group(1)]),
                    *layout.ASSET_HEADERS,
                ]
                document = load_document(self._root / layout.ASSETS / name, headers)
            except OSError:
                return self._unknown(environ, start_response)
            # Names hold hashes: what was read once never changes.
            self._assets[name] = document
        return document.answer(environ, start_response)

    def _unknown(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        try:
            content = (self._root / layout.MISSING).read_bytes()
        except OSError:
            return plain("404 Not Found", "Not found.", False, environ, start_response)
        document = Document({"": content}, layout.HTML_HEADERS, layout.etag(content))
        return document.answer(environ, start_response, "404 Not Found")


def _quoted(path: str) -> str:
    """Return a path as addresses have it; WSGI gives its bytes as Latin-1."""
    return quote(path, encoding="latin-1")
