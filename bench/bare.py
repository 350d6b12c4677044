"""The floor of a check: a bare loop around libcurl's multi handle, with the options that a check needs.

Every request opens its own connection, the address is seen before it is dialled, TLS is verified, the certificate and all timings
are read. Nothing is judged or stored.
"""

from __future__ import annotations

import selectors
import socket
import time
from typing import Any

import pycurl

CONCURRENCY = 100
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_EVENTS = {
    pycurl.POLL_IN: _READ,
    pycurl.POLL_OUT: _WRITE,
    pycurl.POLL_INOUT: _READ | _WRITE,
}
_TIMES = (
    pycurl.NAMELOOKUP_TIME_T,
    pycurl.CONNECT_TIME_T,
    pycurl.APPCONNECT_TIME_T,
    pycurl.PRETRANSFER_TIME_T,
    pycurl.STARTTRANSFER_TIME_T,
    pycurl.TOTAL_TIME_T,
)


class Loop:
    """Fetches a URL again and again, `CONCURRENCY` at a time, on handles that are kept."""

    def __init__(self, url: str, ca_file: str) -> None:
        self._selector = selectors.DefaultSelector()
        self._deadline: float | None = None
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._watched: set[int] = set()
        self._bodies: dict[Any, list[bytes]] = {}
        self._handles = [self._handle(url, ca_file) for _ in range(CONCURRENCY)]

    def fetch(self, count: int) -> None:
        """Fetch `count` times. SystemExit when one of them is no 200."""
        left, moving, free = count, 0, list(self._handles)
        while left or moving:
            while free and left:
                curl = free.pop()
                self._bodies[curl].clear()
                self._multi.add_handle(curl)
                left -= 1
                moving += 1
            for curl in self._turn():
                self._read(curl)
                free.append(curl)
                moving -= 1

    def _turn(self) -> list[Any]:
        wait_s = 1.0 if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        for key, mask in self._selector.select(wait_s):
            bits = (pycurl.CSELECT_IN if mask & _READ else 0) | (
                pycurl.CSELECT_OUT if mask & _WRITE else 0
            )
            self._multi.socket_action(key.fd, bits)
        if self._deadline is not None and self._deadline <= time.monotonic():
            self._deadline = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        done, left = [], 1
        while left:
            left, succeeded, failed = self._multi.info_read()
            done += succeeded
            if failed:
                raise SystemExit(f"the bare loop failed: {failed[0][1:]}")
        for curl in done:
            self._multi.remove_handle(curl)
        return done

    def _read(self, curl: Any) -> None:
        status = curl.getinfo(pycurl.RESPONSE_CODE)
        for name in _TIMES:
            curl.getinfo(name)
        curl.getinfo(pycurl.INFO_CERTINFO)
        if status != 200 or not b"".join(self._bodies[curl]):
            raise SystemExit(f"the bare loop got {status}")

    def _handle(self, url: str, ca_file: str) -> Any:
        curl = pycurl.Curl()
        body = self._bodies[curl] = []
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.PROXY, "")
        curl.setopt(pycurl.FRESH_CONNECT, 1)
        curl.setopt(pycurl.FORBID_REUSE, 1)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        curl.setopt(pycurl.ACCEPT_ENCODING, "")
        curl.setopt(pycurl.TIMEOUT_MS, 10_000)
        curl.setopt(pycurl.DNS_CACHE_TIMEOUT, 0)
        curl.setopt(pycurl.OPENSOCKETFUNCTION, _open_socket)
        curl.setopt(pycurl.WRITEFUNCTION, body.append)
        curl.setopt(pycurl.HEADERFUNCTION, _ignore)
        curl.setopt(pycurl.OPT_CERTINFO, 1)
        curl.setopt(pycurl.SSL_SESSIONID_CACHE, 0)
        curl.setopt(pycurl.CAINFO, ca_file)
        return curl

    def _on_timer(self, timeout_ms: int) -> None:
        self._deadline = None if timeout_ms < 0 else time.monotonic() + timeout_ms / 1000

    def _on_socket(self, what: int, descriptor: int, _multi: Any, _data: Any) -> None:
        if what == pycurl.POLL_REMOVE:
            if descriptor in self._watched:
                self._watched.discard(descriptor)
                self._selector.unregister(descriptor)
            return
        events = _EVENTS[what]
        if descriptor in self._watched:
            self._selector.modify(descriptor, events)
        else:
            self._selector.register(descriptor, events)
            self._watched.add(descriptor)


def _open_socket(purpose: int, address: Any) -> Any:
    family, kind, protocol, _peer = address
    return socket.socket(family, kind, protocol)


def _ignore(_line: bytes) -> None:
    """Let a header line go by."""
