"""What goes out and what comes back: values, with no behaviour of the network in them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from apps.core.egress.urls import BadURL, Target, parse_target

MAX_BODY_BYTES = 1_000_000
MAX_REDIRECTS = 10

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_FIELD = re.compile(r"^([^:\n]*):(.*)$", re.MULTILINE)
# libcurl writes these from the body; a second one of its own would be two answers to one question.
_OWN_HEADERS = frozenset({"content-length", "transfer-encoding"})


@dataclass(frozen=True)
class EgressRequest:
    """One HTTP request.

    `timeout_s` is for the whole of it: name look-ups, every redirect, the body. `trusted_hosts` are the
    hosts (canonical, `urls.host_of`) whose addresses may be private, because staff wrote them down; a
    redirect to any other host is guarded like a stranger's. `credential_headers` (lower case) are left out,
    as Authorization and Cookie are, once a redirect leaves the origin. `cookies` is a jar in libcurl's lines, as
    an earlier answer gave it; None keeps none. Content-Length and Transfer-Encoding are libcurl's to write.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout_s: float = 10.0
    follow_redirects: bool = True
    max_redirects: int = MAX_REDIRECTS
    verify_tls: bool = True
    trusted_hosts: frozenset[str] = frozenset()
    credential_headers: frozenset[str] = frozenset()
    max_body_bytes: int = MAX_BODY_BYTES
    cookies: tuple[str, ...] | None = field(default=None, repr=False)

    @cached_property
    def prepared(self) -> Prepared:
        """The request as it is sent, checked and encoded. BadRequest names the field at fault."""
        return _prepare(self)


class Fault(StrEnum):
    """Whose an error is.

    `NETWORK`: the target, or the way to it, did not answer (the way may be ours). `TARGET`: it answered, wrongly.
    `REQUEST`: we would not send this. `PLATFORM`: we could not; nothing is known about the target.
    """

    NETWORK = "network"
    TARGET = "target"
    REQUEST = "request"
    PLATFORM = "platform"


@dataclass(frozen=True)
class EgressError:
    """Why there is no good answer. `code` is stable (see `failures`), `message` is a sentence for staff."""

    code: str
    message: str
    fault: Fault


@dataclass(frozen=True)
class Timings:
    """Milliseconds spent in each phase, over all hops. Zero: the phase was not reached or not needed.

    `first_byte_ms` is from the request's being ready to send to the first byte of the answer.
    """

    dns_ms: float = 0.0
    connect_ms: float = 0.0
    tls_ms: float = 0.0
    first_byte_ms: float = 0.0
    total_ms: float = 0.0


@dataclass(frozen=True)
class EgressResponse:
    """The answer, or why there is none. `status` and `error` may both be set (a body that is too large).

    `url` is the last hop's. `body` is decoded (gzip, br, …) and never longer than the cap.
    `certificate_expires_at` is there also when the certificate was refused. `finished_at` is aware UTC;
    `started_monotonic` is `time.monotonic()` when the request really began, after any wait for a slot.
    """

    url: str
    status: int | None = None
    header_lines: tuple[bytes, ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    body_truncated: bool = False
    http_version: str = ""
    timings: Timings = field(default_factory=Timings)
    certificate_expires_at: datetime | None = None
    remote_address: str = ""
    redirects: int = 0
    error: EgressError | None = None
    cookies: tuple[str, ...] = field(default=(), repr=False)
    finished_at: datetime | None = None
    started_monotonic: float = 0.0
    queued_ms: float = 0.0

    @cached_property
    def header_text(self) -> str:
        """The last answer's header lines as they came. libcurl ends a line where a line feed is, and nowhere else."""
        return b"".join(self.header_lines).decode("utf-8", "replace")

    @cached_property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The last answer's header fields in order, names as sent. Read here, off the transfer thread."""
        text = self.header_text
        if "\n " not in text and "\n\t" not in text:
            return tuple((name.strip(), value.strip()) for name, value in _FIELD.findall(text))
        fields: list[tuple[str, str]] = []
        for line in text.split("\n"):
            if line[:1] in (" ", "\t") and fields:  # obs-fold (RFC 9112, 5.2)
                name, value = fields.pop()
                fields.append((name, f"{value} {line.strip()}"))
                continue
            name, colon, value = line.partition(":")
            if colon:
                fields.append((name.strip(), value.strip()))
        return tuple(fields)

    def header(self, name: str) -> str | None:
        """Return the field's value, several joined by ", " (RFC 9110, 5.3); None when it is absent."""
        wanted = name.lower()
        values = [value for key, value in self.headers if key.lower() == wanted]
        return ", ".join(values) if values else None


class BadRequest(ValueError):
    """The request cannot be sent; the message names the field."""


@dataclass(frozen=True)
class Prepared:
    """A checked request: its first target, and its headers as libcurl takes them."""

    target: Target
    headers: tuple[tuple[str, bytes], ...]


def _prepare(request: EgressRequest) -> Prepared:
    if not _TOKEN.fullmatch(request.method):
        raise BadRequest("the method is not a word of letters")
    try:
        target = parse_target(request.url)
    except BadURL as error:
        raise BadRequest(str(error)) from None
    return Prepared(target, tuple(_encoded_headers(request.headers)))


def _encoded_headers(headers: tuple[tuple[str, str], ...]) -> list[tuple[str, bytes]]:
    encoded: list[tuple[str, bytes]] = []
    for name, value in headers:
        if not _TOKEN.fullmatch(name):
            raise BadRequest(f"the header name {name[:40]!r} holds characters that no name has")
        if name.lower() in _OWN_HEADERS:
            continue
        if _CONTROL.search(value):
            raise BadRequest(
                f"the header {name} holds a line break, NUL or another control character"
            )
        try:
            raw = value.strip().encode("utf-8")
        except UnicodeEncodeError:
            raise BadRequest(f"the header {name} holds text that is not Unicode") from None
        # libcurl's own notation: "Name;" sends the field empty, "Name:" would leave it out.
        line = f"{name}: ".encode("ascii") + raw if raw else f"{name};".encode("ascii")
        encoded.append((name.lower(), line))
    return encoded
