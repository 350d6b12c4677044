"""What the screen of a component's past lists, in ready values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.core.adminkit import lasting, local, local_span, tag
from apps.pages import past, uptime
from apps.pages.admin import knowledge
from apps.pages.admin.knowledge import Happening, Text
from apps.pages.admin.outlets import DayWords, outlet
from apps.pages.admin.past_range import Range
from apps.pages.admin.why import zone_of
from apps.pages.models import Component, Correction
from apps.pages.past import Effect

_STATUSES = dict(Correction.Status.choices)
# Of a monitor that flaps for a month there are more than anybody reads, or a browser shows.
MOST = 200
_QUIET = {"operational", "no_data"}


@dataclass(frozen=True, slots=True)
class Bar:
    """A day of the bar."""

    words: DayWords
    title: str
    url: str
    is_chosen: bool
    is_told: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table; `correct_url` fills the form with its stretch, "" where there is nothing to correct."""

    kind: Text
    what: Text
    when: str
    lasted: str
    correct_url: str = ""
    note: Text = ""


def bar(day: uptime.Day, span: Range) -> Bar:
    words = outlet().day(day)
    return Bar(
        words=words,
        title=f"{day.date:%a} {day.date.day} {day.date:%b %Y}: {words.text}",
        url=f"?{urlencode({'day': day.date.isoformat(), 'until': span.bar_last.isoformat()})}",
        is_chosen=span.first <= day.date <= span.last,
        is_told=words.level not in _QUIET or bool(day.corrections),
    )


def recorded_lines(
    component: Component, span: Range, now: datetime, *, may_correct: bool
) -> list[Line]:
    zone = zone_of(component)
    return [
        Line(
            kind=_status(one.status),
            what="",
            when=_when(one.started_at, one.ended_at, zone),
            lasted=lasting(one.started_at, one.ended_at or max(now, one.started_at)),
            correct_url=_correct_url(span, one.started_at, one.ended_at) if may_correct else "",
        )
        for one in reversed(past.recorded(component, span.since, span.until, at_most=MOST))
    ]


def happened_lines(
    request: HttpRequest, component: Component, span: Range, now: datetime, *, may_correct: bool
) -> list[Line]:
    user: Any = request.user
    zone = zone_of(component)
    rows: list[Happening] = knowledge.happened(user, component, span.since, span.until)[-MOST:]
    return [
        Line(
            kind=row.kind,
            what=row.title,
            when=_when(row.started_at, row.ended_at, zone),
            lasted=lasting(row.started_at, row.ended_at or max(now, row.started_at)),
            correct_url=_correct_url(span, row.started_at, row.ended_at) if may_correct else "",
            note=row.text,
        )
        for row in reversed(rows)
    ]


@dataclass(frozen=True, slots=True)
class Corrected:
    """A correction; `revoke_url` takes it back, "" where that is done or not the person's to do."""

    when: str
    status: SafeString
    reason: str
    author: str
    url: str
    revoke_url: str
    is_revoked: bool


def correction_lines(component: Component, span: Range, *, may_correct: bool) -> list[Corrected]:
    zone = zone_of(component)
    return [
        Corrected(
            when=_when(row.started_at, row.ended_at, zone),
            status=_status(row.status),
            reason=row.reason,
            author=row.author,
            url=reverse("admin:pages_correction_change", args=[row.pk]),
            revoke_url=reverse("admin:pages_correction_revoke", args=[row.pk])
            if may_correct and row.revoked_at is None
            else "",
            is_revoked=row.revoked_at is not None,
        )
        for row in past.corrections_of(component, span.since, span.until)
    ]


def effect_words(effect: Effect | None) -> dict[str, Any] | None:
    if effect is None:
        return None
    words = outlet()
    return {
        "before": words.percentage(effect.uptime_before) or "no data",
        "after": words.percentage(effect.uptime_after) or "no data",
        "days": [
            {
                "day": f"{one.before.date:%a} {one.before.date.day} {one.before.date:%b %Y}",
                "before": words.day(one.before).text,
                "after": words.day(one.after).text.partition(". Corrected")[0],
            }
            for one in effect.changes[:31]
        ],
        "more": max(0, len(effect.changes) - 31),
    }


def _correct_url(span: Range, since: datetime, until: datetime | None) -> str:
    asked = {
        "day" if span.first == span.last else "month": f"{span.first:%Y-%m-%d}"
        if span.first == span.last
        else f"{span.first:%Y-%m}",
        "until": span.bar_last.isoformat(),
        "from": since.astimezone(UTC).isoformat(),
        "to": (until or timezone.now()).astimezone(UTC).isoformat(),
    }
    return f"?{urlencode(asked)}#correct"


def _when(since: datetime, until: datetime | None, zone: str) -> str:
    words = local_span(since, until, zone) if until else local(since, zone)
    # The screen names the zone once.
    return words.removesuffix(f" ({zone})") + ("" if until else " – now")


def _status(status: str) -> SafeString:
    return tag(status, _STATUSES[status])
