"""URLs as they are sent. One parser decides what a URL means; libcurl sees only what it rebuilt.

Two parsers that disagree about where the host ends are how a guard is walked around, so the URL is
taken apart here, checked, and put together again from its parts.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address
from urllib.parse import quote, urlsplit

_SCHEMES = {"http": 80, "https": 443}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HOST_LABELS = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\.?")
_NUMERIC_HOST = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+)){0,3}\.?")
# Everything that RFC 3986 lets stand in a path or query, and "%", so that what is encoded stays so.
_PATH_SAFE = "%/:@!$&'()*+,;=~-._"
_QUERY_SAFE = _PATH_SAFE + "?[]"
_USERINFO_SAFE = "%!$&'()*+,;=~-._:"
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


class BadURL(ValueError):
    """The URL cannot be sent; the message says why and shows no part of it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart. `host` is canonical: lower case, ASCII, numbers as dotted quad, no brackets, no final dot."""

    url: str
    scheme: str
    host: str
    port: int

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def is_tls(self) -> bool:
        return self.scheme == "https"


@lru_cache(maxsize=8192)
def parse_target(url: str) -> Target:
    """Check `url` and rebuild it percent-encoded as UTF-8. BadURL says what is wrong with it."""
    if _CONTROL.search(url):
        raise BadURL("the URL holds a line break or another control character")
    try:
        parts = urlsplit(url.strip(" "))
        port = parts.port
    except ValueError as error:
        raise BadURL(f"the URL is malformed: {_plain(error)}") from None
    scheme = parts.scheme.lower()
    if scheme not in _SCHEMES:
        raise BadURL("the URL must begin with http:// or https://")
    userinfo, _, _ = parts.netloc.rpartition("@")
    host, shown = _canonical_host(parts.hostname or "")
    netloc = shown if port is None else f"{shown}:{port}"
    if userinfo:
        netloc = f"{_encode(userinfo, _USERINFO_SAFE)}@{netloc}"
    rebuilt = f"{scheme}://{netloc}{_encode(parts.path, _PATH_SAFE) or '/'}"
    if parts.query:
        rebuilt += f"?{_encode(parts.query, _QUERY_SAFE)}"
    return Target(rebuilt, scheme, host, port or _SCHEMES[scheme])


def spellings_in_urls(text: str) -> set[str]:
    """Return how a text reads in the path and in the query of a URL that was sent, also where a `#` in it ended the URL."""
    found = set()
    for part in {text, text.partition("#")[0]} - {""}:
        for safe in (_PATH_SAFE, _QUERY_SAFE):
            try:
                found.add(_encode(part, safe))
            except BadURL:
                continue
    return found


def host_of(url: str) -> str | None:
    """Return the canonical host of `url`, or None when it has none that could be dialled."""
    try:
        return parse_target(url).host
    except BadURL:
        return None


def _canonical_host(host: str) -> tuple[str, str]:
    """Return the host to compare, and the host to write in the URL."""
    if not host:
        raise BadURL("the URL names no host")
    if ":" in host:
        try:
            literal = str(IPv6Address(host))
        except ValueError:
            raise BadURL("the URL's host is no IPv6 address") from None
        # A scope (%eth0) belongs to this machine, and libcurl reads it in its own way.
        if "%" in literal:
            raise BadURL("the URL's host is an IPv6 address with a scope")
        return literal, f"[{literal}]"
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            raise BadURL("the URL's host is no valid international name") from None
    host = host.lower()
    if _NUMERIC_HOST.fullmatch(host):
        try:
            dotted = socket.inet_ntoa(socket.inet_aton(host.rstrip(".")))
        except OSError:
            raise BadURL("the URL's host is no IPv4 address") from None
        return dotted, dotted
    if len(host) > 253 or not _HOST_LABELS.fullmatch(host) or ".." in host:
        raise BadURL("the URL's host holds characters that no host name has")
    return host.rstrip("."), host


def _encode(text: str, safe: str) -> str:
    try:
        return quote(_STRAY_PERCENT.sub("%25", text), safe=safe, encoding="utf-8")
    except UnicodeEncodeError:
        raise BadURL("the URL holds text that is not Unicode") from None


def _plain(error: ValueError) -> str:
    # urlsplit quotes the offending text, which may be a secret.
    return str(error).partition(":")[0].split("'")[0].strip().lower() or "it cannot be read"
