"""Try again what the database refused because transactions waited for each other in a circle."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger(__name__)

TRIES = 5
# PostgreSQL's serialization_failure and deadlock_detected (Appendix A, class 40). SQLite has one writer: it knows neither.
REFUSED = frozenset({"40001", "40P01"})


def tried_again(work: Callable[P, R]) -> Callable[P, R]:
    """Run the service anew, from its beginning, where PostgreSQL chose it to end a deadlock; five times at most.

    For services that cannot take their locks in one order, above their `transaction.atomic`. Inside a caller's
    transaction nothing is tried again: that one is lost as a whole, so the refusal rises to whoever began it.
    """

    @wraps(work)
    def again(*args: P.args, **kwargs: P.kwargs) -> R:
        for tried in range(1, TRIES):
            try:
                return work(*args, **kwargs)
            except OperationalError as error:
                if connection.in_atomic_block or _sqlstate(error) not in REFUSED:
                    raise
                logger.info("tried again after a deadlock service=%s", work.__qualname__)
            # The others are let through first, and do not come back in step.
            time.sleep(random.uniform(0, 0.1 * tried))  # noqa: S311
        return work(*args, **kwargs)

    return again


def _sqlstate(error: OperationalError) -> str | None:
    return getattr(error.__cause__, "sqlstate", None)
