"""Static files, answered before Django: a page of the admin asks for twenty at once, and Django has few places."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from wsgiref.headers import Headers

from whitenoise.base import WhiteNoise

from apps.publishing.front_answers import Environ, StartResponse, WSGIApp

# A name that holds the digest of its content (ManifestStaticFilesStorage) never means another content.
HASHED = re.compile(r"\.[0-9a-f]{12}\.[^./]+$")
DAY_S = 86_400


class StaticFiles:
    """Serves the collected files below `/static/`; hands everything else on."""

    def __init__(self, application: WSGIApp, *, root: Path) -> None:
        self._files = WhiteNoise(
            application,
            root=str(root) if root.is_dir() else None,
            prefix="static/",
            max_age=DAY_S,
            immutable_file_test=lambda path, url: bool(HASHED.search(url)),
            add_headers_function=_add_headers,
        )

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        answer: Iterable[bytes] = self._files(environ, start_response)
        return answer


def _add_headers(headers: Headers, path: str, url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
