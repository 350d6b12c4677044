"""Published files in memory, ready to be answered. Nothing of Django is imported here."""

from __future__ import annotations

import json
import logging
import os
import re
import threading
import time
from pathlib import Path

from apps.publishing import layout
from apps.publishing.front_answers import Environ, StartResponse, other_method
from apps.publishing.layout import Headers

logger = logging.getLogger(__name__)

OK = "200 OK"
LOOK_EVERY_S = 0.05
_MOST_ARCHIVED = 500
_PAGE_NUMBER = re.compile(r"(?:^|&)page=([0-9]{1,4})(?:&|$)")


class Document:
    """One file in its encodings, ready to be answered."""

    __slots__ = ("_bodies", "_not_modified", "_opaque")

    def __init__(self, encodings: dict[str, bytes], headers: Headers, etag: str) -> None:
        """Take {encoding: content} with the identity under ""."""
        tagged = [*headers, ("ETag", etag)]
        self._opaque = etag.removeprefix("W/")
        self._not_modified = tagged
        self._bodies = {
            encoding: (
                [
                    *tagged,
                    ("Content-Length", str(len(content))),
                    *([("Content-Encoding", encoding)] if encoding else []),
                ],
                [content],
            )
            for encoding, content in encodings.items()
        }

    def answer(
        self, environ: Environ, start_response: StartResponse, status: str = OK
    ) -> list[bytes]:
        """Answer GET and HEAD, with 304 to who has it already, unless it stands for something missing."""
        method = environ["REQUEST_METHOD"]
        if method != "GET" and method != "HEAD":
            return other_method(method, start_response)
        known = environ.get("HTTP_IF_NONE_MATCH")
        if known is not None and status == OK and (self._opaque in known or known.strip() == "*"):
            start_response("304 Not Modified", self._not_modified)
            return []
        wanted = _encoding_of(environ.get("HTTP_ACCEPT_ENCODING", ""))
        headers, body = self._bodies.get(wanted) or self._bodies[""]
        start_response(status, headers)
        return body if method == "GET" else []


class Page:
    """One page's version in place, in memory, with the archive files that were asked for of late."""

    def __init__(self, root: Path, page_id: str) -> None:
        self._root = root
        self._id = page_id
        self._link = str(layout.current_link(root, page_id))
        self._fresh_file = str(layout.fresh_file(root, page_id))
        self._name = ""
        self._next_look = 0.0
        self._lock = threading.Lock()
        self._documents: dict[str, Document] = {}
        self._stale: dict[str, Document] = {}
        self._archived: dict[str, tuple[int, Document, Document]] = {}
        self._is_stale = False
        self._quarter = ""

    def document(self, key: str, now: float) -> Document | None:
        """Return what is at an address below the page; None when there is nothing."""
        if now >= self._next_look:
            self.look(now)
        if self._is_stale:
            found = self._stale.get(key)
            if found is not None:
                return found
        return self._documents.get(key) or self._archive(key)

    def key_of_page(self, query: str) -> str:
        """Return where the page of `/history.json` is that a query asks for (`page=2`): the first is the present quarter's."""
        matched = _PAGE_NUMBER.search(query)
        before = int(matched.group(1)) - 1 if matched else 0
        if before < 1 or not self._quarter:
            return layout.PAGED
        year, quarter = divmod(int(self._quarter[:4]) * 4 + int(self._quarter[-1]) - 1 - before, 4)
        return f"history/{year:04d}-q{quarter + 1}.json"

    def holds(self, key: str) -> bool:
        """Say whether the version in place has this address."""
        return key in self._documents

    @property
    def is_there(self) -> bool:
        return bool(self._documents)

    def look(self, now: float) -> None:
        """Load the version in place if it is another than the one in memory.

        While one thread does, the others answer from memory; before the first one they wait.
        """
        if not self._lock.acquire(blocking=not self._documents):
            return
        try:
            if now >= self._next_look:
                self._load_newer()
                self._is_stale = self._fresh_until() < time.time()
                self._next_look = now + LOOK_EVERY_S
        finally:
            self._lock.release()

    def _load_newer(self) -> None:
        for _ in range(3):
            try:
                name = os.path.basename(os.readlink(self._link))
                if name == self._name:
                    return
                documents, stale, quarter = _load_version(
                    layout.version_dir(self._root, self._id, name)
                )
            except FileNotFoundError:
                # None yet, or replaced and removed while it was read.
                continue
            except (OSError, ValueError, KeyError):
                logger.exception("version not readable page=%s", self._id)
                return
            self._documents, self._stale, self._name = documents, stale, name
            self._quarter = quarter
            return

    def _fresh_until(self) -> float:
        try:
            with open(self._fresh_file, "rb") as file:
                return float(file.read())
        except (OSError, ValueError):
            # Not written yet: the version was put in place this moment.
            return float("inf")

    def _archive(self, key: str) -> Document | None:
        if not layout.ARCHIVE_KEY.fullmatch(key):
            return None
        path = layout.archive_dir(self._root, self._id) / layout.archive_name(key)
        try:
            stamp = os.stat(path).st_mtime_ns
            held = self._archived.get(key)
            if held is None or held[0] != stamp:
                kind = layout.archive_kind(key)
                headers = layout.HEADERS[kind]
                fresh = load_document(path, headers)
                stale_path = path.with_name(path.name + layout.STALE) if kind == "html" else path
                stale = load_document(stale_path, _stale_headers(headers))
                if len(self._archived) >= _MOST_ARCHIVED:
                    self._archived = {}
                held = self._archived[key] = (stamp, fresh, stale)
        except OSError:
            self._archived.pop(key, None)
            return None
        return held[2] if self._is_stale else held[1]


def _load_version(folder: Path) -> tuple[dict[str, Document], dict[str, Document], str]:
    """Return {key: document} and {key: stale copy} of a version, and the quarter in which it was made."""
    manifest = json.loads((folder / layout.MANIFEST).read_bytes())
    documents: dict[str, Document] = {}
    stale: dict[str, Document] = {}
    quarter = ""
    for entry in manifest["files"]:
        path = folder / entry["name"]
        headers = [(name, value) for name, value in entry["headers"]]
        documents[entry["key"]] = Document(_encodings(path), headers, entry["etag"])
        if path.stat().st_size != entry["size"]:
            raise ValueError(f"{entry['name']} is not whole")
        marked = _stale_headers(headers)
        if "stale_etag" in entry:
            copy = path.with_name(path.name + layout.STALE)
            stale[entry["key"]] = Document(_encodings(copy), marked, entry["stale_etag"])
        else:
            stale[entry["key"]] = Document(_encodings(path), marked, entry["etag"])
        if entry["key"] == layout.PAGED:
            quarter = path.stem
    return documents, stale, quarter


def load_document(path: Path, headers: Headers) -> Document:
    """Return a file with its encodings. OSError when it is not there."""
    encodings = _encodings(path)
    return Document(encodings, headers, layout.etag(encodings[""]))


def _encodings(path: Path) -> dict[str, bytes]:
    identity = path.read_bytes()
    if len(identity) < layout.LEAST_ENCODED:
        return {"": identity}
    return {
        encoding: path.with_name(path.name + suffix).read_bytes() if encoding else identity
        for encoding, suffix in layout.ENCODINGS
    }


def _stale_headers(headers: Headers) -> Headers:
    return [*headers, ("X-Page-Stale", "true")]


_known_encodings: dict[str, str] = {}


def _encoding_of(accepted: str) -> str:
    """Return the best encoding that an Accept-Encoding header allows; empty for none."""
    found = _known_encodings.get(accepted)
    if found is None:
        found = _parsed_encoding(accepted)
        if len(_known_encodings) < 1000:
            _known_encodings[accepted] = found
    return found


def _parsed_encoding(accepted: str) -> str:
    allowed: dict[str, bool] = {}
    for part in accepted.lower().split(","):
        name, _, parameters = part.partition(";")
        weight = parameters.strip().removeprefix("q=").strip() if parameters else "1"
        try:
            allowed[name.strip()] = float(weight) > 0
        except ValueError:
            allowed[name.strip()] = False
    for encoding in ("br", "gzip"):
        if allowed.get(encoding, allowed.get("*", False)):
            return encoding
    return ""
