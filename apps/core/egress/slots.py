"""Who may start now. Pure bookkeeping, so that whoever hangs waits for whoever hangs, and nobody else does.

A plain limit on transfers in flight is taken by the first thousand targets that hang, and from then on everybody
waits for their timeouts. Here a key (a host, a schedule) is remembered by how its last transfer went, and
each class has its own account:

- *brisk*: keys that answered promptly last time, and keys not seen yet. The latter may take three quarters of
  the slots only, so that a flood of new hanging targets leaves room for those known to be good.
- *slow*: answered, but took longer than `slow_after_s`. Half as many slots as the brisk.
- *hanging*: gave no answer last time. Half as many, too.

A brisk transfer that is still in flight after `slow_after_s` leaves the brisk account then and there, so a target
that starts to hang holds a brisk slot for that long, once. All accounts together stay below `ceiling`
(file descriptors); a quarter of `total` below it only known brisk keys start.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class Pace(IntEnum):
    """How a key's last transfer went, in the order in which those that wait are served."""

    QUICK = 0
    UNKNOWN = 1
    SLOW = 2
    HANGING = 3


class _Account(IntEnum):
    BRISK = 0
    SLOW = 1
    HANGING = 2
    OVERSTAYED = 3


_PACES = tuple(Pace)
_ACCOUNTS = (_Account.BRISK, _Account.BRISK, _Account.SLOW, _Account.HANGING)


@dataclass(eq=False, slots=True)
class Admission(Generic[T]):
    """An item that holds a slot. Give it back with `Slots.release`."""

    item: T
    key: Hashable
    admitted_at: float
    account: _Account


class Slots(Generic[T]):
    """Waiting items by class, and the accounts of those in flight. Times are monotonic seconds, passed in."""

    def __init__(
        self,
        total: int,
        *,
        ceiling: int | None = None,
        slow_after_s: float = 1.0,
        remember: int = 100_000,
    ) -> None:
        if total < 1:
            raise ValueError("at least one slot is needed")
        self.total = total
        self.ceiling = max(total, ceiling if ceiling is not None else 10 * total)
        self.slow_after_s = slow_after_s
        self._remember = remember
        self._paces: OrderedDict[Hashable, Pace] = OrderedDict()
        self._waiting: list[deque[tuple[Hashable, T]]] = [deque() for _ in Pace]
        self._held = [0 for _ in _Account]
        self.in_flight = 0
        self._brisk: deque[Admission[T]] = deque()

    @property
    def waiting(self) -> int:
        return sum(len(queue) for queue in self._waiting)

    def pace(self, key: Hashable) -> Pace:
        return self._paces.get(key, Pace.UNKNOWN)

    def enqueue(self, item: T, key: Hashable) -> None:
        self._waiting[self.pace(key)].append((key, item))

    def admit(self, now: float) -> Iterator[Admission[T]]:
        """Give slots to all that may start now, known good ones first."""
        for pace in _PACES:
            queue = self._waiting[pace]
            while queue and self._has_room(pace):
                key, item = queue.popleft()
                current = self.pace(key)
                # While it waited its key may have got a name for hanging: it waits with its like.
                if current is not pace and not self._has_room(current):
                    self._waiting[current].append((key, item))
                    continue
                yield self._take(item, key, current, now)

    def tick(self, now: float) -> float | None:
        """Move those that overstay out of the brisk account; return when the next one would."""
        while self._brisk:
            oldest = self._brisk[0]
            if oldest.account is not _Account.BRISK:
                self._brisk.popleft()
                continue
            due = oldest.admitted_at + self.slow_after_s
            if due > now:
                return due
            self._brisk.popleft()
            self._move(oldest, _Account.OVERSTAYED)
            self._note(oldest.key, Pace.HANGING)
        return None

    def release(self, admission: Admission[T], now: float, *, answered: bool) -> None:
        """Give the slot back and remember how it went."""
        self._held[admission.account] -= 1
        self.in_flight -= 1
        # The deque drops it when it comes to the front.
        was, admission.account = admission.account, _Account.OVERSTAYED
        if was is _Account.BRISK:
            self._drop_released()
        if now - admission.admitted_at < self.slow_after_s:
            self._note(admission.key, Pace.QUICK)
        else:
            self._note(admission.key, Pace.SLOW if answered else Pace.HANGING)

    def forgo(self, admission: Admission[T]) -> None:
        """Give the slot back unused; nothing is learnt about its key."""
        self._held[admission.account] -= 1
        self.in_flight -= 1
        admission.account = _Account.OVERSTAYED

    def drain(self) -> Iterator[T]:
        """Empty the queues."""
        for queue in self._waiting:
            while queue:
                yield queue.popleft()[1]

    def _drop_released(self) -> None:
        while self._brisk and self._brisk[0].account is not _Account.BRISK:
            self._brisk.popleft()

    def _has_room(self, pace: Pace) -> bool:
        in_flight = self.in_flight
        if pace is Pace.QUICK:
            return self._held[_Account.BRISK] < self.total and in_flight < self.ceiling
        if in_flight >= max(1, self.ceiling - self.total // 4):
            return False
        if pace is Pace.UNKNOWN:
            return self._held[_Account.BRISK] < max(1, self.total * 3 // 4)
        return self._held[_ACCOUNTS[pace]] < max(1, self.total // 2)

    def _take(self, item: T, key: Hashable, pace: Pace, now: float) -> Admission[T]:
        account = _ACCOUNTS[pace]
        admission = Admission(item, key, now, account)
        self._held[account] += 1
        self.in_flight += 1
        if account is _Account.BRISK:
            self._brisk.append(admission)
        return admission

    def _move(self, admission: Admission[T], account: _Account) -> None:
        self._held[admission.account] -= 1
        self._held[account] += 1
        admission.account = account

    def _note(self, key: Hashable, pace: Pace) -> None:
        self._paces[key] = pace
        self._paces.move_to_end(key)
        if len(self._paces) > self._remember:
            self._paces.popitem(last=False)
