"""The thread that moves bytes: all transfers of a process, on one event loop around libcurl's multi handles.

There is one multi handle for verified and one for unverified TLS, for the life of the process: libcurl parses the trust store
once for each (7 ms, seven times the cost of a check). The thread does nothing else: requests are checked and encoded
by the caller of `submit`, answers are read and judged by whoever `on_done` hands them to.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import resource
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import partial
from typing import Any

import pycurl

from apps.core.egress.guard import Guard
from apps.core.egress.handles import Handle, Handles, Manner
from apps.core.egress.multi import Multi
from apps.core.egress.poller import READ, Poller, new_poller
from apps.core.egress.request import (
    BadRequest,
    EgressError,
    EgressRequest,
    EgressResponse,
    Fault,
)
from apps.core.egress.resolver import Lookup, Resolver
from apps.core.egress.slots import Slots
from apps.core.egress.stalls import StallWatch
from apps.core.egress.transfer import Transfer

logger = logging.getLogger(__name__)

OnDone = Callable[[EgressResponse], None]

_KEPT_HANDLES = 1000
# Descriptors for everything else that the process does.
_SPARE_DESCRIPTORS = 256
_NUDGE_S = 0.1
# So that standing still can be told from having nothing to do.
_LONGEST_SLEEP_S = 1.0
_STOPPED = EgressError("stopped", "the platform is stopping", Fault.PLATFORM)
_STALLED = EgressError(
    "stalled", "the platform stood still when the request's time ran out", Fault.PLATFORM
)
_INTERNAL = EgressError("internal", "the request could not be made; see the log", Fault.PLATFORM)


class Transfers:
    """Starts each submitted request at its own time, and calls back with its answer.

    `slots` is how many promptly answering targets are served at once; `slots.Slots` says how those that hang are
    kept from the rest: in the worst case ten times as many are in flight, if there are descriptors. A request that waits for a slot longer than `max_wait_s` is answered with the error
    `no_slot`. Thread-safe; never touches a database. Make one for a process and keep it.
    """

    def __init__(
        self,
        *,
        guard: Guard | None = None,
        user_agent: str = "statusplatform",
        ca_file: str | None = None,
        slots: int = 1000,
        slow_after_s: float = 1.0,
        max_wait_s: float = 30.0,
        resolve: Callable[[str], Lookup] | None = None,
        name: str = "egress",
    ) -> None:
        self._manner = Manner(guard or Guard(), user_agent, ca_file)
        self._max_wait_s = max_wait_s
        ceiling = max(slots, min(10 * slots, _raise_descriptor_limit(10 * slots)))
        self._slots: Slots[Transfer] = Slots(slots, ceiling=ceiling, slow_after_s=slow_after_s)
        self._resolver = Resolver(resolve, name=f"{name}-dns")
        self._inbox: deque[Callable[[], None]] = deque()
        self._timers: list[tuple[float, int, Callable[[], None], Transfer | None]] = []
        self._order = itertools.count()
        self._lined_up: list[Transfer] = []
        self._handles = Handles(self._manner, _KEPT_HANDLES)
        self._moving: dict[Any, tuple[Transfer, Handle, Multi]] = {}
        self._poller: Poller[Multi | None] = new_poller()
        self._multis = {verify: Multi(self._poller) for verify in (True, False)}
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_out.setblocking(False)
        self._wake_in.setblocking(False)
        self._poller.watch(self._wake_out.fileno(), READ, None)
        self._stalls = StallWatch(time.monotonic())
        self._is_awake = threading.Event()
        self._is_nudging = False
        self._is_closing = False
        self._is_closed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)
        self._thread.start()

    def submit(
        self,
        request: EgressRequest,
        *,
        on_done: OnDone,
        start_at: float | None = None,
        key: Hashable = None,
    ) -> None:
        """Make `request` at `start_at` (`time.monotonic()`; None or past: now).

        `on_done` is called once, on the transfer thread, and must be quick; whatever is wrong with the request or the
        target is in its answer. `key` names what is remembered as prompt or hanging (the URL's origin if None).
        """
        due = time.monotonic() if start_at is None else start_at
        try:
            prepared = request.prepared
        except BadRequest as error:
            refused = EgressResponse(
                url=request.url,
                error=EgressError("invalid_request", str(error), Fault.REQUEST),
                started_monotonic=due,
            )
            if not self._post(partial(self._at, due, partial(_call, on_done, refused))):
                _call(on_done, refused)
            return
        transfer = Transfer(
            request,
            prepared,
            self._manner,
            key=prepared.target.origin if key is None else key,
            start_at=due,
            on_done=on_done,
        )
        if not self._post(partial(self._schedule, transfer)):
            self._stop(transfer)

    def fetch(self, request: EgressRequest, *, key: Hashable = None) -> EgressResponse:
        """Make `request` now and wait for its answer. Not to be called from an `on_done`."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("fetch() on the transfer thread would wait for itself")
        answers: deque[EgressResponse] = deque()
        arrived = threading.Event()

        def keep(response: EgressResponse) -> None:
            answers.append(response)
            arrived.set()

        self.submit(request, on_done=keep, key=key)
        arrived.wait(request.timeout_s + self._max_wait_s + 5)
        return answers[0] if answers else EgressResponse(url=request.url, error=_INTERNAL)

    def close(self, timeout_s: float = 5.0) -> None:
        """Stop. What is scheduled, waiting or in flight is answered with the error `stopped`."""
        self._is_closing = True
        self._wake()
        self._thread.join(timeout_s)

    @property
    def in_flight(self) -> int:
        return self._slots.in_flight

    @property
    def waiting(self) -> int:
        """How many are due and have no slot."""
        return self._slots.waiting

    # Everything below runs on the transfer thread, but `_post` and `_wake`.

    def _post(self, call: Callable[[], None]) -> bool:
        """Have `call` made on the transfer thread. False: it has ended, and never will be."""
        with self._lock:
            if self._is_closed:
                return False
            self._inbox.append(call)
        self._wake()
        return True

    def _wake(self) -> None:
        # One byte is enough for any number of calls; the thread clears the flag before it reads them.
        if not self._is_awake.is_set():
            self._is_awake.set()
            try:
                self._wake_in.send(b"\0")
            except OSError:
                logger.debug("the transfer thread is gone or already awake")

    def _loop(self) -> None:
        while not self._is_closing:
            try:
                self._turn()
            except Exception:
                logger.exception("egress: a turn of the transfer loop failed; going on")
                time.sleep(0.05)
        self._shut()

    def _turn(self) -> None:
        wait_s = self._sleep_s()
        self._stalls.sleep(time.monotonic(), wait_s)
        ready = self._poller.wait(wait_s)
        self._stalls.come_round(time.monotonic())
        for multi, descriptor, events in ready:
            if multi is None:
                self._read_inbox()
            else:
                multi.act(descriptor, events)
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()
        self._slots.tick(now)
        self._admit(now)
        if self._lined_up:
            self._bound_waits(now)
        for multi in self._multis.values():
            now = time.monotonic()
            self._stalls.come_round(now)
            multi.expire(now)
            self._reap(multi)

    def _sleep_s(self) -> float:
        now = time.monotonic()
        wakes = [now + _LONGEST_SLEEP_S]
        wakes += [multi.deadline for multi in self._multis.values() if multi.deadline is not None]
        if self._timers:
            wakes.append(self._timers[0][0])
        if self._slots.waiting and (overstay := self._slots.tick(now)) is not None:
            wakes.append(overstay)
        return max(0.0, min(wakes) - now)

    def _read_inbox(self) -> None:
        # In this order: a flag cleared before the byte is taken would be set again for a byte that is gone,
        # and the next caller would not wake us.
        try:
            self._wake_out.recv(4096)
        except BlockingIOError:
            logger.debug("woken without a byte")
        self._is_awake.clear()
        while self._inbox:
            self._inbox.popleft()()

    def _at(self, when: float, call: Callable[[], None], transfer: Transfer | None = None) -> None:
        heapq.heappush(self._timers, (when, next(self._order), call, transfer))

    def _schedule(self, transfer: Transfer) -> None:
        if transfer.start_at <= time.monotonic():
            self._line_up(transfer)
        else:
            self._at(transfer.start_at, partial(self._line_up, transfer), transfer)

    def _line_up(self, transfer: Transfer) -> None:
        """Let it wait for a slot; all that came in a turn are admitted together at its end."""
        self._slots.enqueue(transfer, transfer.key)
        self._lined_up.append(transfer)

    def _bound_waits(self, now: float) -> None:
        """Have those that found no slot give up in time."""
        for transfer in self._lined_up:
            if transfer.admission is None and not transfer.is_done:
                self._at(now + self._max_wait_s, partial(self._give_up, transfer), transfer)
        self._lined_up.clear()

    def _give_up(self, transfer: Transfer) -> None:
        if transfer.admission is None and not transfer.is_done:
            transfer.is_done = True
            error = EgressError(
                "no_slot",
                f"no transfer slot was free within {self._max_wait_s:g} s",
                Fault.PLATFORM,
            )
            _call(transfer.on_done, transfer.fail(error))

    def _admit(self, now: float) -> None:
        for admission in self._slots.admit(now):
            transfer = admission.item
            if transfer.is_done:
                self._slots.forgo(admission)
                continue
            transfer.begin(admission, time.monotonic())
            self._next_hop(transfer)

    def _next_hop(self, transfer: Transfer) -> None:
        try:
            if transfer.needs_lookup:
                self._look_up(transfer)
            else:
                self._dial(transfer, ())
        except Exception:
            logger.exception("egress: a transfer could not be started")
            self._finish(transfer, transfer.fail(_INTERNAL))

    def _look_up(self, transfer: Transfer) -> None:
        began = transfer.lookup_began = time.monotonic()
        self._at(transfer.deadline, partial(self._lookup_timed_out, transfer, began), transfer)
        self._resolver.look_up(
            transfer.target.host,
            lambda lookup: self._hear(transfer, began, lookup),
        )
        if not self._is_nudging:
            self._nudge_resolver()

    def _hear(self, transfer: Transfer, began: float, lookup: Lookup) -> None:
        """Take a look-up's answer, on the resolver's thread."""
        self._post(partial(self._looked_up, transfer, began, lookup))

    def _nudge_resolver(self) -> None:
        """Call again until no name waits: those in front of it may hang."""
        self._is_nudging = self._resolver.tick()
        if self._is_nudging:
            self._at(time.monotonic() + _NUDGE_S, self._nudge_resolver)

    def _looked_up(self, transfer: Transfer, began: float, lookup: Lookup) -> None:
        if transfer.is_done or transfer.lookup_began != began:
            return
        transfer.note_lookup(time.monotonic())
        if lookup.addresses:
            try:
                self._dial(transfer, lookup.addresses)
            except Exception:
                logger.exception("egress: a transfer could not be started")
                self._finish(transfer, transfer.fail(_INTERNAL))
            return
        host = transfer.target.host
        if lookup.is_our_fault:
            message = f"{host} could not be looked up: {lookup.error}"
            error = EgressError("internal", message, Fault.PLATFORM)
        else:
            message = f"{host} does not resolve: {lookup.error}"
            error = EgressError("dns_failed", message, Fault.NETWORK)
        self._finish(transfer, transfer.fail(error))

    def _lookup_timed_out(self, transfer: Transfer, began: float) -> None:
        if not transfer.is_done and transfer.lookup_began == began:
            transfer.note_lookup(time.monotonic())
            self._finish(transfer, transfer.time_out())

    def _dial(self, transfer: Transfer, addresses: tuple[str, ...]) -> None:
        request = transfer.request
        if request.verify_tls and transfer.target.is_tls and not self._manner.ca_file:
            error = EgressError(
                "no_ca_file",
                "there is no file of trusted certificates: install ca-certificates or set EGRESS_CA_FILE",
                Fault.PLATFORM,
            )
            self._finish(transfer, transfer.fail(error))
            return
        handle = self._handles.take(
            verify=request.verify_tls, keeps_cookies=request.cookies is not None
        )
        multi = self._multis[request.verify_tls]
        try:
            transfer.configure(handle, addresses, time.monotonic())
            multi.add(handle.curl)
        except BaseException:
            handle.close()
            raise
        self._moving[handle.curl] = (transfer, handle, multi)

    def _reap(self, multi: Multi) -> None:
        for curl, code, detail in multi.finished():
            transfer, handle, _ = self._moving.pop(curl)
            multi.remove(curl)
            went_well = code == pycurl.E_OK
            try:
                response = transfer.finish_hop(handle, code, detail)
            except Exception:
                logger.exception("egress: an answer could not be read")
                response, went_well = transfer.fail(_INTERNAL), False
            self._handles.give_back(
                handle,
                verify=transfer.request.verify_tls,
                keeps_cookies=transfer.request.cookies is not None,
                went_well=went_well,
            )
            if response is not None:
                self._finish(transfer, response)
            elif time.monotonic() >= transfer.deadline:
                self._finish(transfer, transfer.time_out())
            else:
                self._next_hop(transfer)

    def _finish(self, transfer: Transfer, response: EgressResponse) -> None:
        if transfer.is_done:
            return
        transfer.is_done = True
        error = response.error
        if error is not None and error.code == "timeout" and self._stalls.covers(transfer.deadline):
            response = replace(response, error=_STALLED)
        if transfer.admission is not None:
            self._slots.release(
                transfer.admission, time.monotonic(), answered=response.status is not None
            )
            # The two refer to each other: all that belongs to a check would wait for a garbage
            # collection, and those stop every thread (measured: 100 ms and more).
            transfer.admission = None
        _call(transfer.on_done, response)

    def _shut(self) -> None:
        """Answer everything with `stopped`, and free what libcurl holds."""
        with self._lock:
            self._is_closed = True
        while self._inbox:
            self._inbox.popleft()()
        for _, _, call, transfer in list(self._timers):
            if transfer is None:
                call()
            else:
                self._stop(transfer)
        self._timers.clear()
        for transfer in self._slots.drain():
            self._stop(transfer)
        for curl, (transfer, handle, multi) in list(self._moving.items()):
            multi.remove(curl)
            handle.close()
            self._stop(transfer)
        self._moving.clear()
        self._handles.close()
        for multi in self._multis.values():
            multi.close()
        self._poller.close()
        self._wake_in.close()
        self._wake_out.close()

    def _stop(self, transfer: Transfer) -> None:
        if not transfer.is_done:
            transfer.is_done = True
            _call(transfer.on_done, transfer.fail(_STOPPED))


def _call(on_done: OnDone, response: EgressResponse) -> None:
    try:
        on_done(response)
    except Exception:
        logger.exception("egress: the receiver of an answer failed")


def _raise_descriptor_limit(wanted: int) -> int:
    """Raise the soft limit on open files as far as is needed and allowed; return how many transfers it bears.

    A transfer holds one descriptor, two while it races IPv6 against IPv4.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _SPARE_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < needed:
        target = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
            soft = target
        except (OSError, ValueError):
            logger.warning("the limit of %s open files could not be raised to %s", soft, target)
    return wanted if soft == resource.RLIM_INFINITY else max(1, soft - _SPARE_DESCRIPTORS)
