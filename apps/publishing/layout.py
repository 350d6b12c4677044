"""Where published files lie and how they are answered. Shared by who writes and who serves them.

    <published>/hosts.json                          {"slugs": {slug: page}, "domains": {host: page}, "moved": {slug: slug}}
    <published>/assets/<name>                       styles, script, icons; the name holds a hash
    <published>/missing.html                        for addresses of no page
    <published>/pages/<page>/versions/<version>/    one whole version: manifest.json and the files in it
    <published>/pages/<page>/current                link to the version in place
    <published>/pages/<page>/fresh                  until when it is true, in seconds since 1970
    <published>/pages/<page>/archive/…              pages of incidents and maintenances, closed months and quarters
    <published>/pages/<page>/archive/seq            how far the archive has been written here

Beside each file of some size lie `.gz` and `.br`, beside each HTML file a `.stale` copy of it. Standard library only:
the front imports this before Django.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

HOSTS = "hosts.json"
MISSING = "missing.html"
ASSETS = "assets"
MANIFEST = "manifest.json"
STALE = ".stale"
# Identity comes last: it is the file that the front looks at to see a change.
ENCODINGS = (("br", ".br"), ("gzip", ".gz"), ("", ""))
# Of shorter files there is only the identity: what encoding saves is less than a packet.
LEAST_ENCODED = 1000

ARCHIVE_KEY = re.compile(
    r"incidents/[0-9a-z]{12}(\.json)?|history/[0-9]{4}-[0-9]{2}|history/[0-9]{4}-q[1-4]\.json"
    r"|uptime(/[0-9]{4}-[0-9]{2})?"
)
ASSET_NAME = re.compile(r"[a-z0-9-]+\.[0-9a-f]{12}\.(css|js|svg)")

# The one document with pages; its file's name is the quarter that the first of them is of.
PAGED = "history.json"

# The page whose address is unknown is answered for the whole of a host or a path.
MISSING_BY_PATH = "404.path"
MISSING_BY_HOST = "404.host"

Headers = list[tuple[str, str]]

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
# The embedded frame, alone of all pages, may stand in others.
FRAME_SECURITY_POLICY = CONTENT_SECURITY_POLICY.replace(
    "frame-ancestors 'none'", "frame-ancestors *"
)
HTML_HEADERS: Headers = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-cache"),
    ("Vary", "Accept-Encoding"),
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
]
# Contract statuspage-public-v2, section 1, "Headers".
JSON_HEADERS: Headers = [
    ("Content-Type", "application/json; charset=utf-8"),
    (
        "Cache-Control",
        "max-age=10, public, s-maxage=10, stale-while-revalidate=20, stale-if-error=3600",
    ),
    ("Vary", "Accept,Accept-Encoding"),
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "ETag"),
    ("X-Content-Type-Options", "nosniff"),
]
ASSET_HEADERS: Headers = [
    ("Cache-Control", "public, max-age=31536000, immutable"),
    ("Vary", "Accept-Encoding"),
    ("Access-Control-Allow-Origin", "*"),
    ("X-Content-Type-Options", "nosniff"),
]
ASSET_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
FRAME_HEADERS: Headers = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-cache"),
    ("Vary", "Accept-Encoding"),
    ("Content-Security-Policy", FRAME_SECURITY_POLICY),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
]
# Its address holds no hash, and sites keep the tag for years.
SCRIPT_HEADERS: Headers = [
    ("Content-Type", "text/javascript; charset=utf-8"),
    ("Cache-Control", "max-age=300, public"),
    ("Vary", "Accept-Encoding"),
    ("Access-Control-Allow-Origin", "*"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
    ("X-Content-Type-Options", "nosniff"),
]


def _feed_headers(kind: str) -> Headers:
    return [("Content-Type", f"application/{kind}+xml; charset=utf-8"), *JSON_HEADERS[1:]]


HEADERS = {
    "html": HTML_HEADERS,
    "json": JSON_HEADERS,
    "atom": _feed_headers("atom"),
    "rss": _feed_headers("rss"),
    "frame": FRAME_HEADERS,
    "script": SCRIPT_HEADERS,
}

_STALE_OPENING, _STALE_ENDING = b"<!--stale ", b" stale-->"


def etag(content: bytes) -> str:
    """Return the weak tag of a file, the same for each of its encodings: W/"<32 hex>"."""
    return f'W/"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'


def stale_copy(content: bytes) -> bytes:
    """Return an HTML file with its notice, which sleeps in a comment, that it may be out of date."""
    return content.replace(_STALE_OPENING, b"", 1).replace(_STALE_ENDING, b"", 1)


def page_dir(root: Path, page_id: str) -> Path:
    return root / "pages" / page_id


def current_link(root: Path, page_id: str) -> Path:
    return page_dir(root, page_id) / "current"


def version_dir(root: Path, page_id: str, name: str) -> Path:
    return page_dir(root, page_id) / "versions" / name


def archive_dir(root: Path, page_id: str) -> Path:
    return page_dir(root, page_id) / "archive"


def archive_kind(key: str) -> str:
    """Return the kind of an archive file, html or json."""
    return "json" if key.endswith(".json") else "html"


def archive_name(key: str) -> str:
    """Return an archive file's path below the archive's folder."""
    return key if key.endswith(".json") else f"{key}.html"


def fresh_file(root: Path, page_id: str) -> Path:
    return page_dir(root, page_id) / "fresh"


def host_of(header: str) -> str:
    """Return a Host header's name: lower case, without port and final dot."""
    host = header.lower()
    if host.endswith("]"):
        return host
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).rstrip(".")
