"""A component's past on one screen: its days as readers get them, what was recorded and why, and its corrections."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Media
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from apps.accounts.roles import PUBLISHERS
from apps.core.adminkit import actor_of, local_span
from apps.core.errors import DomainError
from apps.pages import past, services, uptime
from apps.pages.admin import past_lines
from apps.pages.admin.correction_form import CorrectionForm, correction_form
from apps.pages.admin.outlets import outlet
from apps.pages.admin.past_range import Range, chosen_range, links
from apps.pages.admin.why import zone_of
from apps.pages.corrections import NOT_MEASURED, Overlay
from apps.pages.models import Component
from apps.pages.past import Effect
from apps.pages.status import ComponentStatus


def screen(request: HttpRequest, model_admin: Any, component: Component) -> HttpResponse:
    """Show the past of a component, and correct a stretch of it where the person may.

    `day` (2026-11-22) or `month` (2026-11) say what is shown in detail, `until` the last day of the bar. A POST with
    `do=effect` shows what a correction would change, `do=correct` makes it.
    """
    now = timezone.now()
    span = chosen_range(request, component, now)
    may_correct = model_admin.may(request, component, PUBLISHERS) and not component.is_archived
    if request.method == "POST" and not may_correct:
        raise PermissionDenied
    timeline = past.timeline_of(
        component,
        uptime.day_start(min(span.bar_first, span.first), span.zone),
        now,
    )
    form: CorrectionForm | None = None
    effect: Effect | None = None
    status = 200
    if may_correct:
        posted = request.method == "POST"
        form = correction_form(
            component,
            data=request.POST if posted else None,
            initial=prefilled(request, component, span, now),
        )
        if posted:
            answer, effect = _posted(request, component, form, timeline, span, now)
            if answer is not None:
                return answer
            status = 200 if effect is not None else 409
    days = past.days_of(
        component, timeline, first=span.bar_first, last=span.bar_last, zone=span.zone, at=now
    )
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": component,
        "component": component,
        "title": f"The past of {component}",
        "zone": zone_of(component),
        "range": span,
        "bars": [past_lines.bar(day, span) for day in days],
        "uptime": outlet().percentage(uptime.statuspage_uptime(uptime.total(days))),
        "links": links(component, span, now),
        "recorded": past_lines.recorded_lines(component, span, now, may_correct=may_correct),
        "happened": past_lines.happened_lines(
            request, component, span, now, may_correct=may_correct
        ),
        "most": past_lines.MOST,
        "corrections": past_lines.correction_lines(component, span, may_correct=may_correct),
        "form": form,
        "effect": past_lines.effect_words(effect),
        "media": model_admin.media + (form.media if form else Media()),
        "back": reverse("admin:pages_component_change", args=[component.pk]),
    }
    template = (
        "admin/pages/past_effect.html" if request.headers.get("X-Part") else "admin/pages/past.html"
    )
    return TemplateResponse(request, template, context, status=status)


def prefilled(
    request: HttpRequest, component: Component, span: Range, now: datetime
) -> dict[str, Any]:
    """Return what the form holds first: the stretch that was asked for, or the range's last trouble, or the day."""
    since, until = _instant(request.GET.get("from")), _instant(request.GET.get("to"))
    if since is None or until is None:
        troubled = [
            one
            for one in past.recorded(component, span.since, span.until, at_most=past_lines.MOST)
            if one.status not in {ComponentStatus.OPERATIONAL, NOT_MEASURED}
        ]
        last = troubled[-1] if troubled else None
        since = last.started_at if last else span.since
        until = (last.ended_at if last else span.until) or now
    began = past.began_at(component) or since
    # Whole seconds around the stretch: what is left of it beside them would still colour its day.
    return {
        "started_at": since.replace(microsecond=0) if since >= _up(began) else _up(began),
        "ended_at": min(_up(until), now.replace(microsecond=0)),
        "status": ComponentStatus.OPERATIONAL.value,
    }


def _posted(
    request: HttpRequest,
    component: Component,
    form: CorrectionForm,
    timeline: Any,
    span: Range,
    now: datetime,
) -> tuple[HttpResponse | None, Effect | None]:
    """Do what the form asks for. Return an answer when it is done, or the effect that it would have."""
    wants_effect = request.POST.get("do") == "effect"
    if wants_effect:
        # It can be looked at before there is a reason.
        form.fields["reason"].required = False
    if not form.is_valid():
        return None, None
    data = form.cleaned_data
    try:
        if wants_effect:
            services.refuse_unfit_stretch(component, data["started_at"], data["ended_at"], at=now)
            overlay = Overlay(
                data["status"], data["started_at"], data["ended_at"], data["reason"] or "…"
            )
            first = min(span.bar_first, data["started_at"].astimezone(span.zone).date())
            if first < span.bar_first:
                timeline = past.timeline_of(component, uptime.day_start(first, span.zone), now)
            return None, past.effect_of(
                component,
                timeline,
                overlay,
                first=first,
                last=now.astimezone(span.zone).date(),
                zone=span.zone,
                at=now,
            )
        correction = services.correct_period(
            component_id=component.pk, **data, actor=actor_of(request), at=now
        )
    except DomainError as refusal:
        field = refusal.field if refusal.field in form.fields else None
        form.add_error(field, refusal.message if field else str(refusal))
        return None, None
    when = local_span(correction.started_at, correction.ended_at, zone_of(component))
    messages.success(request, f"{component} was {correction.get_status_display().lower()}, {when}.")
    return HttpResponseRedirect(request.get_full_path().partition("#")[0]), None


def _up(at: datetime) -> datetime:
    """Return the instant to the second, not before it: a history begins at a fraction of one."""
    return at if not at.microsecond else at.replace(microsecond=0) + timedelta(seconds=1)


def _instant(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    # At the ends of the calendar a time has no place in every zone.
    return found if found.tzinfo and MINYEAR < found.year < MAXYEAR else None
