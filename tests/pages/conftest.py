"""What the tests of pages share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.pages import signals


class Heard(list[dict[str, Any]]):
    """What a signal told, in order."""


@pytest.fixture
def listen() -> Iterator[Callable[[str], Heard]]:
    """Return a function that collects what a signal of pages tells from now on."""
    connected = []

    def start(name: str) -> Heard:
        heard = Heard()

        def receive(**told: Any) -> None:
            heard.append(told)

        signal = getattr(signals, name)
        signal.connect(receive, weak=False)
        connected.append((signal, receive))
        return heard

    yield start
    for signal, receive in connected:
        signal.disconnect(receive)
