"""What a rule gives, shown while it is typed: before anything is saved or announced."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from apps.core.adminkit import local_span
from apps.core.adminkit.fields import ZoneField
from apps.core.errors import Invalid
from apps.core.unfold import Number, TextInput
from apps.incidents.recurrence import Recurrence, describe, recurrence
from apps.pages.access import pages_for

SHOWN = 5
TEMPLATE = "admin/incidents/occurrences.html"

# What is usual, so that nobody has to know RFC 5545: (rule, in words).
USUAL: Sequence[tuple[str, str]] = (
    ("FREQ=DAILY", "Every day"),
    ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "Every working day"),
    ("FREQ=WEEKLY;BYDAY=SU", "Every week on Sunday"),
    ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU", "Every second week on Sunday"),
    ("FREQ=MONTHLY;BYDAY=2TU", "Every month on the second Tuesday"),
    ("FREQ=MONTHLY;BYDAY=-1SU", "Every month on the last Sunday"),
    ("FREQ=MONTHLY;BYMONTHDAY=1", "Every month on the first day"),
    ("FREQ=MONTHLY;BYMONTHDAY=-1", "Every month on the last day"),
)


class RuleInput(TextInput):
    """The rule, with a select of usual ones that fills it in (static/console/incident-occurrences.js)."""

    template_name = "admin/incidents/rule_input.html"

    class Media:
        js = ["console/incident-occurrences.js"]

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["usual"] = USUAL
        return context


class DurationInput(Number):
    """The last field of what a rule needs, with what it gives below."""

    template_name = "admin/incidents/duration_input.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["url"] = reverse("admin:incidents_maintenanceseries_next_starts")
        return context


class RuleForm(forms.Form):
    """What it takes to reckon."""

    rule = forms.CharField(max_length=500)
    time_zone = ZoneField(required=False)
    first_date = forms.DateField(label="First day")
    start_time = forms.TimeField()
    duration_minutes = forms.IntegerField(
        label="Duration", min_value=1, max_value=60 * 24 * 31, required=False
    )
    page = forms.IntegerField(required=False)


def next_starts(request: HttpRequest) -> HttpResponse:
    """Answer with the next five of the posted rule, or with what is missing or wrong. Nothing is stored."""
    form = RuleForm(data=request.POST)
    context: dict[str, Any] = {"spans": [], "problems": [], "words": ""}
    if not form.is_valid():
        missing = [
            form[name].label
            for name in ("rule", "first_date", "start_time")
            if not request.POST.get(name)
        ]
        context["missing"] = missing
        context["problems"] = [
            f"{form[name].label}: {error}"
            for name, errors in form.errors.items()
            for error in errors
            if form[name].label not in missing
        ]
        return TemplateResponse(request, TEMPLATE, context)
    data = form.cleaned_data
    zone = data["time_zone"] or _zone_of(request, data["page"])
    try:
        found = recurrence(
            rule=data["rule"],
            time_zone=zone,
            first_date=data["first_date"],
            start_time=data["start_time"],
        )
    except Invalid as error:
        label = form[error.field].label if error.field in form.fields else "Rule"
        context["problems"] = [f"{label}: {error.message}"]
        return TemplateResponse(request, TEMPLATE, context)
    minutes = timedelta(minutes=data["duration_minutes"] or 60)
    starts = found.next_starts(after=timezone.now(), count=SHOWN + 1)
    context["words"] = describe(found.rule)
    context["spans"] = spans(starts[:SHOWN], minutes, zone)
    context["notes"] = moved(found, starts[:SHOWN])
    context["more"] = len(starts) > SHOWN
    context["zone"] = zone
    return TemplateResponse(request, TEMPLATE, context)


def spans(starts: Sequence[datetime], duration: timedelta, zone: str) -> list[str]:
    """Return each occurrence on the zone's wall clock, with its end."""
    return [local_span(start, start + duration, zone) for start in starts]


def moved(rule: Recurrence, starts: Sequence[datetime]) -> list[str]:
    """Return a sentence for each start that the zone's clocks do not show as asked for."""
    return [
        f"On {local:%Y-%m-%d} clocks skip {rule.start_time:%H:%M}: it starts at {local:%H:%M}."
        for local in (start.astimezone(rule.zone) for start in starts)
        if local.time().replace(fold=0) != rule.start_time
    ]


def _zone_of(request: HttpRequest, page_id: int | None) -> str:
    user: Any = request.user
    page = pages_for(user).filter(pk=page_id).first() if page_id else None
    return page.time_zone if page is not None else "UTC"
