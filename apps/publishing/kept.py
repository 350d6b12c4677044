"""What was made last for each key, for as long as it is made of the same values."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Kept(Generic[Made]):
    """Keeps one thing for each key, `most_bytes` of them together. For one process; threads may share it.

    What it was made of is compared, not hashed: long tuples of the very same objects cost next to nothing.
    `size_of` gives the bytes that one takes, what it was made of included.
    """

    def __init__(self, most_bytes: int, size_of: Callable[[Made], int]) -> None:
        self._most_bytes = most_bytes
        self._size_of = size_of
        self._held: dict[Hashable, tuple[object, Made, int]] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, inputs: tuple[object, ...], make: Callable[[], Made]) -> Made:
        """Return what is kept for the key if it was made of these inputs; else make it."""
        held = self._held.get(key)
        if held is not None and held[0] == inputs:
            return held[1]
        made = make()
        size = self._size_of(made)
        with self._lock:
            self._drop(key)
            if size > self._most_bytes:
                return made
            while self._bytes + size > self._most_bytes:
                # The oldest; what changes often is the youngest.
                self._drop(next(iter(self._held)))
            self._held[key] = (inputs, made, size)
            self._bytes += size
        return made

    def _drop(self, key: Hashable) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            self._bytes -= held[2]
