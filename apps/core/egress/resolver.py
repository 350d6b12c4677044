"""Name look-ups that cannot hold each other up.

libcurl resolves in a pool of 20 threads which the application cannot enlarge (measured with 8.23: thirty names whose server
does not answer stop every other look-up for their five seconds, and longer than the transfers last). So names are
looked up here: one thread for a name at a time, however many transfers ask, under the same accounts as transfers.
Nothing is cached: an answer goes to those who were waiting for it.
"""

from __future__ import annotations

import logging
import queue
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from apps.core.egress.slots import Admission, Slots

logger = logging.getLogger(__name__)

_MAX_ADDRESSES = 8
_IDLE_S = 30.0


@dataclass(frozen=True)
class Lookup:
    """A name's addresses in the order to try them; none and a reason when it has none.

    `is_our_fault`: this host could not even ask, so nothing is known about the name.
    """

    addresses: tuple[str, ...]
    error: str = ""
    is_our_fault: bool = False


class Resolver:
    """Looks names up on daemon threads, `threads` of them unless names hang, never more than `ceiling`.

    `resolve` is the blocking look-up itself (the system's if None).
    """

    def __init__(
        self,
        resolve: Callable[[str], Lookup] | None = None,
        *,
        threads: int = 64,
        ceiling: int = 1024,
        name: str = "egress-dns",
    ) -> None:
        self._resolve = resolve or system_lookup
        self._name = name
        self._lock = threading.Lock()
        self._slots: Slots[str] = Slots(threads, ceiling=ceiling, slow_after_s=0.25)
        self._waiters: dict[str, list[Callable[[Lookup], None]]] = {}
        self._ready: queue.SimpleQueue[Admission[str]] = queue.SimpleQueue()
        self._idle = 0

    def look_up(self, host: str, on_done: Callable[[Lookup], None]) -> None:
        """Call `on_done` from a thread of the resolver. It must be quick and must not raise."""
        with self._lock:
            waiters = self._waiters.get(host)
            if waiters is not None:
                waiters.append(on_done)
                return
            self._waiters[host] = [on_done]
            self._slots.enqueue(host, host)
            self._dispatch()

    def tick(self) -> bool:
        """Let waiting names pass those that hang. True while any is waiting: call again soon."""
        with self._lock:
            if self._slots.waiting:
                self._dispatch()
            return self._slots.waiting > 0

    def _dispatch(self) -> None:
        now = time.monotonic()
        self._slots.tick(now)
        for admission in self._slots.admit(now):
            if self._idle:
                # `_idle` counts the threads that no queued admission has claimed yet.
                self._idle -= 1
                self._ready.put(admission)
            elif not self._start_thread(admission):
                self._slots.forgo(admission)
                self._slots.enqueue(admission.item, admission.key)
                return

    def _start_thread(self, admission: Admission[str]) -> bool:
        thread = threading.Thread(
            target=self._work, args=(admission,), name=self._name, daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            logger.warning("no thread for a name look-up could be started; trying again")
            return False
        return True

    def _work(self, admission: Admission[str]) -> None:
        while True:
            lookup = self._safely(admission.item)
            with self._lock:
                self._slots.release(admission, time.monotonic(), answered=not lookup.error)
                waiters = self._waiters.pop(admission.item)
                self._idle += 1
                self._dispatch()
            for on_done in waiters:
                on_done(lookup)
            following = self._next()
            if following is None:
                return
            admission = following

    def _safely(self, host: str) -> Lookup:
        try:
            return self._resolve(host)
        except Exception:
            logger.exception("a name look-up crashed")
            return Lookup((), "the look-up crashed", is_our_fault=True)

    def _next(self) -> Admission[str] | None:
        while True:
            try:
                return self._ready.get(timeout=_IDLE_S)
            except queue.Empty:
                with self._lock:
                    if self._idle:
                        self._idle -= 1
                        return None


def system_lookup(host: str) -> Lookup:
    """Ask the system's resolver: hosts file, DNS, whatever else it is set up for."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        return Lookup((), str(error))
    except OSError as error:
        # What is no gaierror is this system's own: no descriptor, no memory.
        is_our_fault = not isinstance(error, socket.gaierror) or error.errno == socket.EAI_MEMORY
        return Lookup((), error.strerror or str(error), is_our_fault)
    addresses = dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found)
    return Lookup(tuple(addresses)[:_MAX_ADDRESSES], "" if addresses else "it has no address")
