"""Laying staff's corrections over what was recorded. Pure (docs/architecture.md, "Corrections").

What was recorded stays as it is. Where corrections overlap, the later one is true. They say what was true of
time that is covered by a span, and add none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from apps.pages.status import ComponentStatus
from apps.pages.uptime import Interval, Span

NOT_MEASURED = "not_measured"


@dataclass(frozen=True, slots=True)
class Overlay:
    """A correction as the rule sees it: [started_at, ended_at) was `status`, a component's or not_measured."""

    status: str
    started_at: datetime
    ended_at: datetime
    reason: str = ""


def winning(overlays: Iterable[Overlay]) -> list[Overlay]:
    """Return what counts of the corrections, given oldest first: pieces that do not overlap, in time's order."""
    pieces: list[Overlay] = []
    for overlay in reversed(list(overlays)):
        # In UTC: two wall-clock times of one zone are compared without regard to a change of the clock.
        free = [(overlay.started_at.astimezone(UTC), overlay.ended_at.astimezone(UTC))]
        for piece in pieces:
            free = [
                (start, end)
                for since, until in free
                for start, end in (
                    (since, min(until, piece.started_at)),
                    (max(since, piece.ended_at), until),
                )
                if start < end
            ]
        pieces += [replace(overlay, started_at=start, ended_at=end) for start, end in free]
    return sorted(pieces, key=lambda piece: piece.started_at)


def laid_over(
    spans: Sequence[Span], gaps: Sequence[Interval], pieces: Sequence[Overlay]
) -> tuple[list[Span], list[Interval]]:
    """Return spans and gaps as they are with the pieces of `winning` over them.

    A corrected status is somebody's word: it counts also where nobody measured.
    """
    if not pieces:
        return list(spans), list(gaps)
    cut: list[Span] = []
    unmeasured = list(gaps)
    for span in spans:
        start = span.started_at
        for piece in pieces:
            if piece.ended_at <= start:
                continue
            if span.ended_at is not None and piece.started_at >= span.ended_at:
                break
            if piece.started_at > start:
                cut.append(replace(span, started_at=start, ended_at=piece.started_at))
                start = piece.started_at
            end = piece.ended_at if span.ended_at is None else min(piece.ended_at, span.ended_at)
            if piece.status == NOT_MEASURED:
                cut.append(Span(ComponentStatus.OPERATIONAL, start, end))
                unmeasured.append(Interval(start, end))
            else:
                cut.append(Span(piece.status, start, end, spoken=True))
            start = end
        if span.ended_at is None or start < span.ended_at:
            cut.append(replace(span, started_at=start))
    return cut, unmeasured


def reasons(pieces: Iterable[Overlay], since: datetime, until: datetime) -> tuple[str, ...]:
    """Return the reasons of the pieces that touch [since, until), each once, in time's order."""
    found = [
        piece.reason for piece in pieces if piece.started_at < until and piece.ended_at > since
    ]
    return tuple(dict.fromkeys(found))
