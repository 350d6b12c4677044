"""Whether this host's clock and the database's agree."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from apps.console.doctor.findings import Finding
from apps.core.clock import database_now

# People see times of both, side by side.
APART_S = 5.0


def check_clocks() -> Iterable[Finding]:
    """Compare the clocks. Due times and leases go by the database's; what people do is dated by their host's."""
    apart_s = (timezone.now() - database_now()).total_seconds()
    if abs(apart_s) <= APART_S:
        yield Finding("ok", "clocks", "this host's and the database's agree")
        return
    which = "ahead of" if apart_s > 0 else "behind"
    yield Finding(
        "warning",
        "clocks",
        f"this host's is {round(abs(apart_s))} s {which} the database's: checks run all the same, but dates disagree",
        "Keep the hosts' clocks in step, by NTP or the like.",
    )
