"""What an engine holds: schedules in flight, and their finished runs."""

from __future__ import annotations

import json
import re
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.monitors.checkers.base import CheckOutcome, Session
from apps.monitors.checkers.spec import MonitorSpec
from apps.monitors.engine.leases import Adopted
from apps.monitors.engine.sql import Key

_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(eq=False, slots=True)
class Flight:
    """An adopted schedule, from its adoption until its lease is released or lost.

    `waiting` are its slots that have not begun (the evaluator's), `granted` those that are not recorded
    (the recorder's), `was_passing` what its last recorded run was. `session` is the run in progress, due at `due_at`, begun at `began` (monotonic seconds).
    """

    adopted: Adopted
    spec: MonitorSpec
    waiting: deque[datetime]
    granted: tuple[datetime, ...]
    session: Session | None = None
    due_at: datetime | None = None
    due: float = 0.0
    began: float | None = None
    is_lost: bool = False
    was_passing: bool = False

    @property
    def key(self) -> Key:
        return self.adopted.key


@dataclass(eq=False, slots=True)
class Finished:
    """One run, ready to be recorded. `skipped` are claimed slots that came due while it went on.

    `waited_s` of it passed until it was known whose fault it is: that is no part of its duration. Instants are on the database's clock; `detail` is CheckOutcome.detail_json, storable.
    """

    flight: Flight
    due_at: datetime
    started_at: datetime
    finished_at: datetime
    outcome: CheckOutcome
    detail: str
    reason: str = ""
    skipped: tuple[datetime, ...] = field(default=())
    waited_s: float = 0.0
    schedule_id: int = field(init=False)

    def __post_init__(self) -> None:
        self.schedule_id = self.flight.adopted.schedule_id

    @property
    def is_quiet(self) -> bool:
        """Whether it is one more passed run in a row."""
        return self.outcome.result == "passed" and self.flight.was_passing

    @property
    def duration_ms(self) -> int:
        took_s = (self.finished_at - self.started_at).total_seconds() - self.waited_s
        return round(took_s * 1000)


def storable_text(text: str) -> str:
    """Replace what a database refuses in text: NUL, and halves of surrogate pairs."""
    if not text:
        return text
    return _NOT_STORABLE.sub("\ufffd", text)


def storable_json(text: str) -> str:
    """Return JSON text without what a database refuses in it."""
    if "\\u0000" in text or not (text.isascii() or _NOT_STORABLE.search(text) is None):
        return json.dumps(_scrubbed(json.loads(text)), ensure_ascii=False)
    return text


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, dict):
        return {storable_text(name): _scrubbed(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_scrubbed(item) for item in value]
    return value
