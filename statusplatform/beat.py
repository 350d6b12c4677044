"""Beat's scheduler: django-celery-beat's, asking less often."""

from __future__ import annotations

import time
from typing import Any

from django_celery_beat.schedulers import DatabaseScheduler

ASK_EVERY_S = 1.0


class Scheduler(DatabaseScheduler):  # type: ignore[misc]  # ships no types
    """Entries kept in the database, looked at for changes at most once a second.

    The original asks several times for each message: half of beat's work, and as many tracebacks a
    second in the log while the database is away.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._ask_at = 0.0
        super().__init__(*args, **kwargs)

    def schedule_changed(self) -> bool:
        """Tell whether somebody edited an entry; also noticed when asked a little later."""
        now = time.monotonic()
        if now < self._ask_at:
            return False
        self._ask_at = now + ASK_EVERY_S
        return bool(super().schedule_changed())
