"""A run's details as its screen shows them: bars for the timings, and each assertion with what was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

STATES = {"passed": "Passed", "failed": "Failed", "not_run": "Not run"}
PHASES = (
    ("dns_ms", "DNS", "Finding the address"),
    ("connect_ms", "Connect", "Opening the connection"),
    ("tls_ms", "TLS", "Agreeing on encryption"),
    ("first_byte_ms", "First byte", "Waiting for the answer"),
)
_WIDTH = 1000


def request_parts(detail: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return CheckOutcome.detail's requests with what the screen shows, ready made."""
    return [
        {
            **request,
            "label": STATES.get(request.get("state", ""), request.get("state", "")),
            "attempts": [_attempt(attempt) for attempt in request.get("attempts", [])],
        }
        for request in detail.get("requests", [])
    ]


def _attempt(attempt: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **attempt,
        "body": attempt.get("body"),
        "phases": _phases(attempt.get("timings") or {}),
        "verdicts": [_verdict(one) for one in attempt.get("assertions") or []],
        "extracted": ", ".join(attempt.get("extracted") or []),
    }


def _phases(timings: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return the phases one after the other, the transfer (what is left of the total), and the total."""
    if timings.get("total_ms") is None:
        return []
    total = max(timings["total_ms"], 0.001)
    rows, begun = [], 0.0
    for key, label, meaning in PHASES:
        spent = timings.get(key) or 0.0
        rows.append(_phase(label, meaning, begun, spent, total))
        begun += spent
    rows.append(_phase("Transfer", "Reading the answer", begun, max(0.0, total - begun), total))
    return [*rows, _phase("Total", "All of it", 0.0, total, total)]


def _phase(label: str, meaning: str, begun: float, spent: float, total: float) -> dict[str, Any]:
    return {
        "label": label,
        "meaning": meaning,
        "text": _spent(spent),
        "bar": _bar(begun / total, spent / total, is_total=label == "Total"),
    }


def _spent(spent: float) -> str:
    if spent >= 10 or spent == 0:
        return f"{spent:,.0f} ms"
    return f"{spent:.1f} ms" if spent >= 0.1 else "< 0.1 ms"


def _bar(start: float, share: float, *, is_total: bool) -> SafeString:
    """Return a bar in its place on the request's time; the figures stand beside it."""
    x = min(max(start, 0.0), 1.0) * _WIDTH
    # What was spent at all is seen.
    width = min(max(share * _WIDTH, 4.0 if share else 0.0), _WIDTH - min(x, _WIDTH - 4))
    return format_html(
        '<svg class="console-phase" viewBox="0 0 {} 10" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="console-phase-track" d="M0 5H{}"/><rect class="{}" x="{}" y="0" width="{}" height="10"/></svg>',
        _WIDTH,
        _WIDTH,
        "console-phase-total" if is_total else "console-phase-part",
        f"{x:.1f}",
        f"{width:.1f}",
    )


def _verdict(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """Return one assertion: what was expected, and what was found."""
    found = verdict.get("message") or verdict.get("actual") or ""
    return {
        "state": "passed" if verdict.get("passed") else "failed",
        "label": "Passed" if verdict.get("passed") else "Failed",
        "expected": verdict.get("text", ""),
        "actual": found.removeprefix("got ") or ("as expected" if verdict.get("passed") else "–"),
    }
