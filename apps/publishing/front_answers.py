"""Small answers of the front. Nothing of Django is imported here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from apps.publishing import layout

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]


def other_method(method: str, start_response: StartResponse) -> list[bytes]:
    """Answer a method other than GET and HEAD: what is allowed, to other origins too."""
    allowed = ("Allow", "GET, HEAD, OPTIONS")
    if method == "OPTIONS":
        start_response(
            "204 No Content",
            [
                allowed,
                ("Access-Control-Allow-Origin", "*"),
                ("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS"),
                ("Access-Control-Allow-Headers", "*"),
                ("Access-Control-Max-Age", "86400"),
            ],
        )
    else:
        start_response("405 Method Not Allowed", [allowed, ("Content-Length", "0")])
    return []


def redirect(location: str, status: str, start_response: StartResponse) -> list[bytes]:
    """Answer with another address."""
    start_response(status, [("Location", location), ("Content-Length", "0")])
    return []


def moved(location: str, environ: Environ, start_response: StartResponse) -> list[bytes]:
    """Answer with the address that a page has now; scripts of other origins follow it too.

    Kept for minutes only: another page may take the old address.
    """
    query = environ.get("QUERY_STRING", "")
    headers = [
        ("Location", f"{location}?{query}" if query else location),
        ("Cache-Control", "public, max-age=300"),
        ("Access-Control-Allow-Origin", "*"),
        ("Content-Length", "0"),
    ]
    start_response("301 Moved Permanently", headers)
    return []


def busy(sentence: str, environ: Environ, start_response: StartResponse) -> list[bytes]:
    """Answer 503: come back in two seconds."""
    is_json = _wants_json(environ)
    text = (
        json.dumps({"error": "busy", "detail": sentence})
        if is_json
        else f"{sentence} Please try again in a moment."
    )
    return plain(
        "503 Service Unavailable", text, is_json, environ, start_response, ("Retry-After", "2")
    )


def failed(environ: Environ, start_response: StartResponse) -> list[bytes]:
    """Answer 500: what failed is in the log."""
    is_json = _wants_json(environ)
    sentence = "Something went wrong here. The log of the web process says what."
    text = json.dumps({"error": "failed", "detail": sentence}) if is_json else sentence
    return plain("500 Internal Server Error", text, is_json, environ, start_response)


def _wants_json(environ: Environ) -> bool:
    return "json" in environ.get("HTTP_ACCEPT", "") or "/api/" in environ["PATH_INFO"]


def plain(
    status: str,
    text: str,
    is_json: bool,
    environ: Environ,
    start_response: StartResponse,
    *more: tuple[str, str],
) -> list[bytes]:
    """Answer a sentence: JSON, or HTML without any style."""
    kind = "json" if is_json else "html"
    if not is_json:
        text = (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{status}</title><p>{text}'
        )
    body = text.encode()
    headers = [(name, value) for name, value in layout.HEADERS[kind] if name != "Cache-Control"]
    headers += [("Cache-Control", "no-store"), ("Content-Length", str(len(body))), *more]
    start_response(status, headers)
    return [body] if environ["REQUEST_METHOD"] != "HEAD" else []
