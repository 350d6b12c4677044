"""One request on its way: the options of a hop, libcurl's callbacks, redirects, and the answer.

Everything here runs on the thread of `client.Transfers`. Redirects are not libcurl's: each hop is a new
connection whose host is looked up, guarded and trusted, or not, for itself.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

import pycurl

from apps.core.egress import failures
from apps.core.egress.guard import Refusal
from apps.core.egress.handles import Handle, Manner
from apps.core.egress.request import (
    EgressError,
    EgressRequest,
    EgressResponse,
    Fault,
    Prepared,
    Timings,
)
from apps.core.egress.slots import Admission
from apps.core.egress.urls import BadURL, parse_target

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HTTP_VERSIONS = {1: "1.0", 2: "1.1", 3: "2", 30: "3"}
_LEFT_BEHIND = frozenset({"authorization", "cookie", "proxy-authorization", "host"})
_OF_A_BODY = frozenset({"content-type", "content-encoding", "content-language", "content-location"})
_MAX_COOKIES = 200
_NONE_YET = Timings()
# Long enough for the hop that brought the address to find it, too short for another to rely on it.
_PINNED_S = 5


class Transfer:
    """A request from its submission to its answer. `on_done` is called once, by the client."""

    __slots__ = (
        "_body",
        "_chunks",
        "_expires_at",
        "_headers",
        "_manner",
        "_method",
        "_received",
        "_refusal",
        "_timings",
        "_truncated",
        "_want",
        "admission",
        "cookies",
        "deadline",
        "has_left_origin",
        "is_done",
        "key",
        "lookup_began",
        "on_done",
        "origin",
        "queued_ms",
        "redirects",
        "request",
        "start_at",
        "started",
        "target",
    )

    def __init__(
        self,
        request: EgressRequest,
        prepared: Prepared,
        manner: Manner,
        *,
        key: Hashable,
        start_at: float,
        on_done: Callable[[EgressResponse], None],
    ) -> None:
        self.request = request
        self.key = key
        self.start_at = start_at
        self.on_done = on_done
        self.target = prepared.target
        self.origin = prepared.target.origin
        self.admission: Admission[Transfer] | None = None
        self.started = 0.0
        self.queued_ms = 0.0
        self.deadline = 0.0
        self.lookup_began: float | None = None
        self.is_done = False
        self.redirects = 0
        self.has_left_origin = False
        self.cookies = request.cookies
        self._manner = manner
        self._headers = prepared.headers
        self._method = request.method
        self._body = request.body
        self._timings = _NONE_YET
        self._expires_at: datetime | None = None
        self._refusal: Refusal | None = None
        self._want: OSError | None = None
        self._chunks: list[bytes] = []
        self._forget_answer()

    def begin(self, admission: Admission[Transfer], now: float) -> None:
        self.admission = admission
        self.started = now
        self.queued_ms = max(0.0, (now - self.start_at) * 1000)
        self.deadline = now + self.request.timeout_s

    @property
    def needs_lookup(self) -> bool:
        """libcurl answers for addresses and localhost by itself, without a thread."""
        host = self.target.host
        if host == "localhost" or host.endswith(".localhost"):
            return False
        return not _is_address(host)

    def note_lookup(self, now: float) -> None:
        """Count the time since `lookup_began` as name resolution."""
        if self.lookup_began is not None:
            took_ms = (now - self.lookup_began) * 1000
            self._add(Timings(dns_ms=took_ms, total_ms=took_ms))
            self.lookup_began = None

    def configure(self, handle: Handle, addresses: tuple[str, ...], now: float) -> None:
        """Set what the next hop has of its own."""
        target, curl = self.target, handle.curl
        self._forget_answer()
        handle.serve(self)
        curl.setopt(pycurl.URL, target.url)
        curl.setopt(pycurl.TIMEOUT_MS, max(1, int((self.deadline - now) * 1000)))
        if addresses:
            handle.is_plain = False
            joined = ",".join(f"[{a}]" if ":" in a else a for a in addresses)
            curl.setopt(pycurl.DNS_CACHE_TIMEOUT, _PINNED_S)
            curl.setopt(pycurl.RESOLVE, [f"+{target.host}:{target.port}:{joined}"])
        if self.cookies:
            handle.is_plain = False
            for line in self.cookies:
                curl.setopt(pycurl.COOKIELIST, line)
        if self._headers or self._method != "GET" or self._body is not None or "@" in target.url:
            handle.is_plain = False
            self._configure_message(curl)

    def finish_hop(self, handle: Handle, code: int, detail: str) -> EgressResponse | None:
        """Read the hop's result. None: it was a redirect, and the next hop is to be configured."""
        curl = handle.curl
        hop = _hop_timings(curl)
        self._add(hop)
        if self.target.is_tls:
            self._expires_at = _expiry(curl) or self._expires_at
        if self.cookies is not None:
            jar = curl.getinfo(pycurl.INFO_COOKIELIST)
            if jar:
                handle.is_plain = False
            self.cookies = tuple(jar[-_MAX_COOKIES:])
        status = curl.getinfo(pycurl.RESPONSE_CODE) or None
        if self._truncated:
            code = pycurl.E_OK
        if status in _REDIRECTS and self.request.follow_redirects and code == pycurl.E_OK:
            location = curl.getinfo(pycurl.REDIRECT_URL)
            if location:
                error = self._follow(status, location)
                return None if error is None else self._answer(handle, status, error)
        error = None
        if self._refusal is not None and code == pycurl.E_COULDNT_CONNECT:
            error = EgressError("address_refused", self._refusal.message, Fault.REQUEST)
        elif self._want is not None and code == pycurl.E_COULDNT_CONNECT:
            error = failures.wanting(self._want)
        elif code != pycurl.E_OK:
            error = failures.explain(code, detail, self._facts(status, hop))
        elif self._truncated:
            error = failures.too_large(self.request.max_body_bytes)
        return self._answer(handle, status, error)

    def fail(self, error: EgressError) -> EgressResponse:
        """Make the answer of a request that got no further."""
        return EgressResponse(
            url=self.target.url,
            timings=self._timings,
            certificate_expires_at=self._expires_at,
            redirects=self.redirects,
            error=error,
            cookies=self.cookies or (),
            finished_at=datetime.now(UTC),
            started_monotonic=self.started,
            queued_ms=self.queued_ms,
        )

    def time_out(self) -> EgressResponse:
        """Make the answer of a request whose time ran out between two transfers."""
        return self.fail(failures.timed_out(self._facts(None, None)))

    def _follow(self, status: int, location: str) -> EgressError | None:
        if self.redirects >= self.request.max_redirects:
            return EgressError(
                "too_many_redirects",
                f"stopped after {self.request.max_redirects} redirects",
                Fault.TARGET,
            )
        try:
            self.target = parse_target(location)
        except BadURL as error:
            return EgressError(
                "bad_redirect", f"a redirect cannot be followed: {error}", Fault.TARGET
            )
        self.redirects += 1
        dropped: frozenset[str] = frozenset()
        if self.target.origin != self.origin:
            self.has_left_origin = True
        if self.has_left_origin:
            # Also when a later hop comes back: whoever it passed through chose where it goes.
            dropped |= _LEFT_BEHIND | self.request.credential_headers
        if status not in (307, 308) and self._method not in ("GET", "HEAD"):
            self._method, self._body = "GET", None
            dropped |= _OF_A_BODY
        self._headers = tuple(pair for pair in self._headers if pair[0] not in dropped)
        return None

    def _configure_message(self, curl: Any) -> None:
        lines = [line for _, line in self._headers]
        names = {name for name, _ in self._headers}
        method, body = self._method, self._body
        if method == "HEAD":
            curl.setopt(pycurl.NOBODY, 1)
        elif body is not None or method in ("POST", "PUT", "PATCH"):
            curl.setopt(pycurl.POST, 1)
            curl.setopt(pycurl.POSTFIELDS, body or b"")
            curl.setopt(pycurl.CUSTOMREQUEST, method)
            # libcurl would call it a form, and would wait for a 100 Continue that few servers send.
            if "content-type" not in names:
                lines.append(b"Content-Type:")
            if "expect" not in names:
                lines.append(b"Expect:")
        elif method != "GET":
            curl.setopt(pycurl.CUSTOMREQUEST, method)
        if lines:
            curl.setopt(pycurl.HTTPHEADER, lines)

    def open_socket(self, purpose: int, address: Any) -> Any:
        """Guard every address that is really dialled (CURLOPT_OPENSOCKETFUNCTION)."""
        family, kind, protocol, peer = address
        if family not in (socket.AF_INET, socket.AF_INET6) or purpose != pycurl.SOCKTYPE_IPCXN:
            return pycurl.SOCKET_BAD
        host = self.target.host
        refusal = self._manner.guard.decide(
            peer[0],
            host=host,
            is_trusted=host in self.request.trusted_hosts,
            is_redirect=self.redirects > 0,
        )
        if refusal is not None:
            self._refusal = refusal
            return pycurl.SOCKET_BAD
        try:
            return _Descriptor(socket.SocketType(family, kind, protocol).detach())
        except OSError as error:
            if failures.is_our_want(error):
                self._want = error
            return pycurl.SOCKET_BAD

    def write(self, data: bytes) -> int | None:
        """Keep some of the body (CURLOPT_WRITEFUNCTION); 0 ends the transfer, when there is too much."""
        room = self.request.max_body_bytes - self._received
        if len(data) > room:
            self._chunks.append(data[:room])
            self._received += room
            self._truncated = True
            return 0
        self._chunks.append(data)
        self._received += len(data)
        return None

    def _forget_answer(self) -> None:
        self._chunks = []
        self._received = 0
        self._truncated = False
        self._refusal = None
        self._want = None

    def _add(self, hop: Timings) -> None:
        sums = self._timings
        if sums is _NONE_YET:
            self._timings = hop
            return
        self._timings = Timings(
            sums.dns_ms + hop.dns_ms,
            sums.connect_ms + hop.connect_ms,
            sums.tls_ms + hop.tls_ms,
            sums.first_byte_ms + hop.first_byte_ms,
            sums.total_ms + hop.total_ms,
        )

    def _facts(self, status: int | None, hop: Timings | None) -> failures.Facts:
        host = f"[{self.target.host}]" if ":" in self.target.host else self.target.host
        return failures.Facts(
            where=f"{host}:{self.target.port}",
            is_tls=self.target.is_tls,
            timeout_s=self.request.timeout_s,
            hop=hop,
            status=status,
            received_bytes=self._received,
        )

    def _answer(
        self, handle: Handle, status: int | None, error: EgressError | None
    ) -> EgressResponse:
        curl = handle.curl
        address = curl.getinfo(pycurl.PRIMARY_IP)
        return EgressResponse(
            url=self.target.url,
            status=status,
            header_lines=tuple(handle.header_lines),
            body=self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks),
            body_truncated=self._truncated,
            http_version=_HTTP_VERSIONS.get(curl.getinfo(pycurl.INFO_HTTP_VERSION), ""),
            timings=self._timings,
            certificate_expires_at=self._expires_at,
            remote_address=f"{address}:{curl.getinfo(pycurl.PRIMARY_PORT)}" if address else "",
            redirects=self.redirects,
            error=error,
            cookies=self.cookies or (),
            finished_at=datetime.now(UTC),
            started_monotonic=self.started,
            queued_ms=self.queued_ms,
        )


class _Descriptor:
    """A socket for pycurl, which duplicates it. A Python socket left to itself would complain that nobody closed it."""

    __slots__ = ("_number",)

    def __init__(self, number: int) -> None:
        self._number = number

    def fileno(self) -> int:
        return self._number

    def __del__(self) -> None:
        os.close(self._number)


@lru_cache(maxsize=4096)
def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _hop_timings(curl: Any) -> Timings:
    """Return the durations of the phases; libcurl counts each from the start (microseconds)."""
    lookup = curl.getinfo(pycurl.NAMELOOKUP_TIME_T)
    connected = curl.getinfo(pycurl.CONNECT_TIME_T)
    secured = curl.getinfo(pycurl.APPCONNECT_TIME_T)
    ready = curl.getinfo(pycurl.PRETRANSFER_TIME_T)
    first = curl.getinfo(pycurl.STARTTRANSFER_TIME_T)
    return Timings(
        dns_ms=lookup / 1000,
        connect_ms=max(0, connected - lookup) / 1000 if connected else 0.0,
        tls_ms=max(0, secured - connected) / 1000 if secured else 0.0,
        first_byte_ms=max(0, first - ready) / 1000 if first else 0.0,
        total_ms=curl.getinfo(pycurl.TOTAL_TIME_T) / 1000,
    )


def _expiry(curl: Any) -> datetime | None:
    chain = curl.getinfo(pycurl.INFO_CERTINFO)
    for name, value in chain[0] if chain else ():
        if name == "Expire date":
            return _parse_expiry(value)
    return None


@lru_cache(maxsize=4096)
def _parse_expiry(text: str) -> datetime | None:
    """Read OpenSSL's form, `Nov 22 01:37:40 2027 GMT`."""
    try:
        return datetime.strptime(text, "%b %d %H:%M:%S %Y %Z").replace(tzinfo=UTC)
    except ValueError:
        return None
