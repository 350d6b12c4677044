"""Beat's scheduler: django-celery-beat's, asking less often, and going on where the host's clock is set back."""

from __future__ import annotations

import time
from typing import Any

from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

ASK_EVERY_S = 1.0
# Further than this before the last look, the clock was set back.
SET_BACK_S = 1.0


class Entry(ModelEntry):  # type: ignore[misc]  # ships no types
    """An entry that does not wait for a clock that was set back to come round to its last run again."""

    last_run_at: Any

    def is_due(self) -> Any:
        self.last_run_at = min(self.last_run_at, self._default_now())
        return super().is_due()


class Scheduler(DatabaseScheduler):  # type: ignore[misc]  # ships no types
    """Entries kept in the database, looked at for changes at most once a second.

    The original asks several times for each message: half of beat's work, and as many tracebacks a
    second in the log while the database is away.
    """

    Entry = Entry

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._ask_at = 0.0
        self._seen_at = 0.0
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Send what is due; return after how many seconds to look again."""
        now = time.time()
        if now < self._seen_at - SET_BACK_S:
            # It is ordered by times that are far ahead now.
            self._heap = None
        self._seen_at = now
        return super().tick(*args, **kwargs)

    def schedule_changed(self) -> bool:
        """Tell whether somebody edited an entry; also noticed when asked a little later."""
        now = time.monotonic()
        if now < self._ask_at:
            return False
        self._ask_at = now + ASK_EVERY_S
        return bool(super().schedule_changed())
