"""Many integers as one parameter of a query."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection
from django.db.models.expressions import RawSQL


def among(numbers: Iterable[int]) -> RawSQL:
    """Return a subquery for `field__in=`. Django and the adapters take 10 µs for every number of a list of their own."""
    joined = ",".join(map(str, numbers))
    if connection.vendor == "postgresql":
        return RawSQL("SELECT unnest(%s::bigint[])", [f"{{{joined}}}"])
    return RawSQL("SELECT value FROM json_each(%s)", [f"[{joined}]"])
