"""Whether somebody works at every location, and whether its own faults can be told from a target's."""

from __future__ import annotations

from collections.abc import Iterable

from apps.console.doctor.findings import Finding
from apps.monitors.locations import Standing, standings


def check_locations() -> Iterable[Finding]:
    """Look for locations without a worker, and at their reference targets."""
    for one in standings():
        subject = f"location {one.location.code}"
        yield _worker(subject, one)
        if one.has_worker or not one.location.reference_targets:
            yield _references(subject, one)


def _worker(subject: str, one: Standing) -> Finding:
    if one.has_worker:
        return Finding("ok", subject, "has a living worker")
    seen = (
        "no worker was ever seen there"
        if one.seen_s is None
        else f"its worker was last seen {round(one.seen_s)} s ago"
    )
    if not one.monitors:
        return Finding("note", subject, f"{seen}; no monitor runs there")
    return Finding(
        "problem",
        subject,
        f"{seen}, so what runs there is not measured (monitors: {one.monitors})",
        f"Start a worker there: celery -A statusplatform worker -P threads -Q checks.{one.location.code}",
    )


def _references(subject: str, one: Standing) -> Finding:
    if not one.location.reference_targets:
        return Finding(
            "note" if not one.monitors else "warning",
            subject,
            "has no reference targets: when its own network is down, every target counts as failing",
            "Give it two or three URLs or host:port that are always up.",
        )
    since = one.references_failing_since
    if since is not None:
        return Finding(
            "problem",
            subject,
            f"none of its reference targets has answered since {since:%Y-%m-%d %H:%M:%S} UTC: what gets no answer there"
            " counts as an error, not as an outage",
            "See its network, or give it other reference targets if these are gone.",
        )
    return Finding("ok", subject, "tells its own faults from a target's by reference targets")
