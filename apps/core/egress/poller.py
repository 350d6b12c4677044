"""Which descriptors are ready: epoll itself where there is one, which for a check's few events costs half of `selectors`."""

from __future__ import annotations

import select
import selectors
from typing import Generic, Protocol, TypeVar

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE

T = TypeVar("T")


class Poller(Protocol[T]):
    """Watches descriptors, each with what it belongs to. An error shows as readable and writable."""

    def watch(self, descriptor: int, events: int, owner: T) -> None:
        """Begin to watch for `READ` and `WRITE`."""

    def change(self, descriptor: int, events: int, owner: T) -> None:
        """Watch for other events."""

    def forget(self, descriptor: int) -> None:
        """Watch no more."""

    def wait(self, seconds: float) -> list[tuple[T, int, int]]:
        """Wait at most this long; return (owner, descriptor, events)."""

    def close(self) -> None: ...


class EpollPoller(Generic[T]):
    """Linux."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._owners: dict[int, T] = {}

    def watch(self, descriptor: int, events: int, owner: T) -> None:
        self._epoll.register(descriptor, _MASKS[events])
        self._owners[descriptor] = owner

    def change(self, descriptor: int, events: int, owner: T) -> None:
        self._epoll.modify(descriptor, _MASKS[events])
        self._owners[descriptor] = owner

    def forget(self, descriptor: int) -> None:
        if self._owners.pop(descriptor, None) is not None:
            # One that was closed before is forgotten by itself.
            # By hand: `contextlib.suppress` takes longer than the call.
            try:  # noqa: SIM105
                self._epoll.unregister(descriptor)
            except OSError:
                pass

    def wait(self, seconds: float) -> list[tuple[T, int, int]]:
        owners = self._owners
        return [
            (owners[descriptor], descriptor, _events(mask))
            for descriptor, mask in self._epoll.poll(seconds, _MOST_EVENTS)
            if descriptor in owners
        ]

    def close(self) -> None:
        self._epoll.close()


class SelectorPoller(Generic[T]):
    """Everywhere."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def watch(self, descriptor: int, events: int, owner: T) -> None:
        self._selector.register(descriptor, events, owner)

    def change(self, descriptor: int, events: int, owner: T) -> None:
        self._selector.modify(descriptor, events, owner)

    def forget(self, descriptor: int) -> None:
        if descriptor in self._selector.get_map():
            self._selector.unregister(descriptor)

    def wait(self, seconds: float) -> list[tuple[T, int, int]]:
        return [(key.data, key.fd, mask) for key, mask in self._selector.select(seconds)]

    def close(self) -> None:
        self._selector.close()


def new_poller() -> Poller[T]:
    """Return the quickest that this system has."""
    return EpollPoller() if hasattr(select, "epoll") else SelectorPoller()


_MOST_EVENTS = 1024
_IN, _OUT = getattr(select, "EPOLLIN", 1), getattr(select, "EPOLLOUT", 4)
_MASKS = {READ: _IN, WRITE: _OUT, READ | WRITE: _IN | _OUT}


def _events(mask: int) -> int:
    """Return what an epoll mask says; a hang-up or an error is both."""
    return (READ if mask & ~_OUT else 0) | (WRITE if mask & ~_IN else 0)
