"""A libcurl multi handle on a poller: events in, finished transfers out (curl_multi_socket_action(3))."""

from __future__ import annotations

import time
from typing import Any

import pycurl

from apps.core.egress.poller import READ, WRITE, Poller

_EVENTS = {
    pycurl.POLL_IN: READ,
    pycurl.POLL_OUT: WRITE,
    pycurl.POLL_INOUT: READ | WRITE,
}
_BITS = {
    0: 0,
    READ: pycurl.CSELECT_IN,
    WRITE: pycurl.CSELECT_OUT,
    READ | WRITE: pycurl.CSELECT_IN | pycurl.CSELECT_OUT,
}


class Multi:
    """Several of these may share a poller. `deadline` is when libcurl wants to be called next (monotonic)."""

    def __init__(self, poller: Poller[Multi | None]) -> None:
        self.deadline: float | None = None
        self._poller = poller
        self._watched: set[int] = set()
        self._curl = pycurl.CurlMulti()
        self._curl.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._curl.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)

    def add(self, curl: Any) -> None:
        self._curl.add_handle(curl)

    def remove(self, curl: Any) -> None:
        self._curl.remove_handle(curl)

    def act(self, descriptor: int, events: int) -> None:
        self._curl.socket_action(descriptor, _BITS[events])

    def expire(self, now: float) -> None:
        # A call may arm the timer anew for this very moment: once more for each turn is enough.
        if self.deadline is not None and self.deadline <= now:
            self.deadline = None
            self._curl.socket_action(pycurl.SOCKET_TIMEOUT, 0)

    def finished(self) -> list[tuple[Any, int, str]]:
        done: list[tuple[Any, int, str]] = []
        left = 1
        while left:
            left, succeeded, failed = self._curl.info_read()
            done.extend((curl, pycurl.E_OK, "") for curl in succeeded)
            done.extend(failed)
        return done

    def close(self) -> None:
        self._curl.setopt(pycurl.M_SOCKETFUNCTION, None)
        self._curl.setopt(pycurl.M_TIMERFUNCTION, None)
        self._curl.close()

    def _on_timer(self, timeout_ms: int) -> None:
        self.deadline = None if timeout_ms < 0 else time.monotonic() + timeout_ms / 1000

    def _on_socket(self, what: int, descriptor: int, _multi: Any, _data: Any) -> None:
        if what == pycurl.POLL_REMOVE:
            if descriptor in self._watched:
                self._watched.discard(descriptor)
                self._poller.forget(descriptor)
            return
        events = _EVENTS.get(what)
        if events is None:
            return
        if descriptor in self._watched:
            self._poller.change(descriptor, events, self)
        else:
            self._poller.watch(descriptor, events, self)
            self._watched.add(descriptor)
