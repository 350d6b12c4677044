"""What staff see first: what is wrong now, and what waits for them. A constant number of queries."""

from __future__ import annotations

from typing import Any


def dashboard(user: Any) -> dict[str, Any]:
    """Return the overview for this person."""
    return {}
