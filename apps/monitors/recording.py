"""What `runs_recorded` carries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.monitors.policy import Result


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """One run as it was written. Instants are aware UTC, times in milliseconds (None: nothing answered)."""

    monitor_id: int
    schedule_id: int
    due_at: datetime
    started_at: datetime
    result: Result
    response_time_ms: int | None
    slowest_request_ms: int | None
    is_manual: bool
