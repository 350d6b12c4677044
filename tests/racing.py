"""Two callers at the same time, each with a database connection of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection, transaction

HOLD_S = 0.3


def at_once(callers: Sequence[Callable[[], Any]]) -> list[Any]:
    """Start all callers together in threads; return what each returned or raised, in their order."""
    gate = threading.Barrier(len(callers))
    outcomes: list[Any] = [None] * len(callers)

    def run(number: int, call: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            gate.wait(timeout=30)
            outcomes[number] = call()
        except Exception as error:
            outcomes[number] = error
        finally:
            connection.close()

    threads = [
        threading.Thread(target=run, args=(number, call)) for number, call in enumerate(callers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return outcomes


def overlap(first: Callable[[], Any], second: Callable[[], Any]) -> list[Any]:
    """Run `first`, keep its transaction open for a moment, and let `second` begin meanwhile."""
    inside = threading.Event()

    def hold() -> Any:
        try:
            with transaction.atomic():
                result = first()
                inside.set()
                time.sleep(HOLD_S)
                return result
        finally:
            inside.set()

    def follow() -> Any:
        inside.wait(30)
        return second()

    return at_once([hold, follow])
