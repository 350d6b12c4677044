"""When to try again. Pure."""

from __future__ import annotations

from datetime import timedelta


def retry_delay(
    attempts: int, *, first_s: float = 1.0, factor: float = 2.0, longest_s: float = 600.0
) -> timedelta:
    """Return the wait after `attempts` failed attempts (1 or more): exponential, capped."""
    if attempts < 1:
        raise ValueError(f"attempts must be at least 1, not {attempts}")
    # The exponent is capped first: a float overflows long before attempts runs out.
    return timedelta(seconds=min(longest_s, first_s * factor ** min(attempts - 1, 60)))
