"""“Try it”: the form's requests, sent as they stand now, and the assertions that their answers offer.

Nothing is saved and nothing is counted. `monitors.trial` says why the web process sends them itself.
"""

from __future__ import annotations

import threading
from typing import Any

from django import forms
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from apps.accounts.roles import EDITORS
from apps.core.adminkit import actor_of, kept_forms, utc
from apps.core.egress.shared import shared_transfers
from apps.monitors import services
from apps.monitors.admin.answer_rows import answer_shown
from apps.monitors.admin.run_parts import request_parts
from apps.monitors.answers import seen_in, seen_in_attempt
from apps.monitors.checkers.spec import MonitorSpec
from apps.monitors.models import Monitor
from apps.monitors.newest_details import newest_details
from apps.monitors.trial import try_out

BUTTON = "_try"
TRIES_A_MINUTE = 20
# Each holds one of the web server's threads while a target is slow.
_AT_ONCE = threading.BoundedSemaphore(2)

_SPEC_FIELDS = (
    "timeout_s",
    "run_limit_s",
    "follow_redirects",
    "verify_tls",
    "variable_lines",
    "secrets",
)


class TryWidget(forms.Widget):
    """The buttons, and the place for what they show."""

    template_name = "admin/monitors/try_widget.html"
    has_runs = False

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, None, attrs)
        context["widget"] |= {
            "button": BUTTON,
            "prefix": name.removesuffix("-try_it"),
            "has_runs": self.has_runs,
        }
        return context


class TryField(forms.Field):
    """Holds nothing: it is a place in the form."""

    widget = TryWidget

    def __init__(self) -> None:
        super().__init__(
            label="Try it",
            required=False,
            help_text=(
                "Sends the requests down to this one as the form says now, from this server and not from a location. "
                "Nothing is saved, and nothing counts."
            ),
        )

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class NotTried(Exception):
    """It cannot be tried as it stands; the message is a sentence for staff."""


class TriesRequests:
    """Mixin before ModelAdmin."""

    admin_site: Any
    opts: Any
    media: Any
    get_row: Any
    get_form: Any
    may: Any
    has_add_permission: Any
    _create_formsets: Any

    def get_custom_urls(self) -> tuple[Any, ...]:
        urls: tuple[Any, ...] = super().get_custom_urls()  # type: ignore[misc]
        return (
            ("try/", "monitors_monitor_try_new", self.try_requests),
            ("<path:object_id>/try/", "monitors_monitor_try", self.try_requests),
            ("<path:object_id>/last-answer/", "monitors_monitor_last_answer", self.last_answer),
            *urls,
        )

    def try_requests(
        self, request: HttpRequest, object_id: str | None = None, **_: Any
    ) -> HttpResponse:
        """Send the posted form's requests down to the one that is asked for, and show its answer."""
        monitor = self._tried_row(request, object_id)
        if request.method != "POST":
            return HttpResponse(status=405, headers={"Allow": "POST"})
        prefix = request.POST.get(BUTTON, "")
        try:
            spec = self._spec_of(request, monitor, prefix)
            _count(request)
            context = _tried(request, monitor, spec)
        except NotTried as refusal:
            context = {"refusal": str(refusal)}
        return self._shown(request, monitor, context)

    def last_answer(self, request: HttpRequest, object_id: str, **_: Any) -> HttpResponse:
        """Show what the newest run whose details are kept got for the request of the name `request`."""
        monitor: Any = self._tried_row(request, object_id)
        name = request.GET.get("request", "")
        found = [
            (due_at, part)
            for due_at, detail in newest_details(monitor_id=monitor.pk)
            for part in request_parts(detail)
            if part["name"] == name and part["attempts"]
        ]
        if not found:
            text = (
                "No kept run made a request of this name. Press “Try it”, or run the monitor first."
            )
            return self._shown(request, monitor, {"refusal": text})
        # One with a body has more to offer than a newer one without.
        due_at, part = next((one for one in found if one[1]["attempts"][-1]["body"]), found[0])
        seen = answer_shown(seen_in_attempt(part["attempts"][-1]))
        return self._shown(request, monitor, {"due": utc(due_at), "part": part, "seen": seen})

    def _tried_row(self, request: HttpRequest, object_id: str | None) -> Monitor | None:
        if object_id is None:
            if not self.has_add_permission(request):
                raise PermissionDenied
            return None
        monitor: Monitor = self.get_row(request, object_id)
        if monitor.is_archived or not self.may(request, monitor, EDITORS):
            raise PermissionDenied
        return monitor

    def _spec_of(self, request: HttpRequest, monitor: Monitor | None, prefix: str) -> MonitorSpec:
        """Return what the form says, down to the request `prefix`. NotTried says what has to be put right first."""
        form_class = self.get_form(request, monitor, change=monitor is not None)
        form = form_class(request.POST, request.FILES, instance=monitor or Monitor())
        form.is_valid()
        problems = [
            f"{form.fields[name].label}: {text}"
            for name in _SPEC_FIELDS
            for text in form.errors.get(name, ())
        ]
        formsets, _ = self._create_formsets(request, form.instance, monitor is not None)
        formset = next(one for one in formsets if one.prefix == "requests")
        formset.is_valid()
        specs = []
        for row in _down_to(formset, prefix):
            specs.append(row.spec)
            problems += [
                f"{row.fields[name].label if name in row.fields else 'Request'}: {text}"
                for name, texts in row.errors.items()
                for text in texts
            ]
        if problems:
            raise NotTried(" ".join(problems))
        if not specs:
            raise NotTried("Write the request's URL first.")
        data = form.cleaned_data
        return MonitorSpec(
            timeout_s=data["timeout_s"],
            run_limit_s=data["run_limit_s"],
            follow_redirects=data["follow_redirects"],
            verify_tls=data["verify_tls"],
            variables=data["variable_lines"],
            secret_variables=data["secrets"].applied_to(form.instance.secret_variables),
            requests=tuple(specs),
        )

    def _shown(
        self, request: HttpRequest, monitor: Monitor | None, context: dict[str, Any]
    ) -> HttpResponse:
        """Return a fragment for the script, a page of its own without one."""
        is_fragment = request.headers.get("X-Requested-With") == "fetch"
        if not is_fragment:
            back = (
                reverse("admin:monitors_monitor_change", args=[monitor.pk])
                if monitor
                else reverse("admin:monitors_monitor_add")
            )
            context |= {
                **self.admin_site.each_context(request),
                "title": "Try it",
                "opts": self.opts,
                "media": self.media,
                "back": back,
            }
        name = "_trial" if is_fragment else "trial"
        return TemplateResponse(
            request,
            f"admin/monitors/{name}.html",
            {**context, "is_fragment": is_fragment},
            headers={"Cache-Control": "no-store"},
        )


def _down_to(formset: Any, prefix: str) -> list[Any]:
    """Return the filled-in forms in their order, as far as the one of this prefix; none if it is not filled in."""
    rows = kept_forms(formset)
    for place, row in enumerate(rows):
        if row.prefix == prefix:
            return rows[: place + 1]
    return []


def _count(request: HttpRequest) -> None:
    """Count one more try of the person's. NotTried where there are too many in this minute."""
    user: Any = request.user
    key = f"monitors.try.{user.pk}"
    cache.add(key, 0, 60)
    try:
        tries = cache.incr(key)
    except ValueError:
        return  # The minute ended just now.
    if tries > TRIES_A_MINUTE:
        raise NotTried(f"That was tried {TRIES_A_MINUTE} times in a minute: wait a little.")


def _tried(request: HttpRequest, monitor: Monitor | None, spec: MonitorSpec) -> dict[str, Any]:
    if not _AT_ONCE.acquire(blocking=False):
        raise NotTried("Others are trying requests just now: press the button again.")
    try:
        if monitor is not None:
            services.note_trial(
                monitor_id=monitor.pk,
                requests=spec.requests,
                actor=actor_of(request),
                at=timezone.now(),
            )
        trial = try_out(spec, fetch=shared_transfers().fetch)
    finally:
        _AT_ONCE.release()
    *before, chosen = request_parts(trial.outcome.detail)
    answer = trial.answers.get(len(spec.requests) - 1)
    seen = answer_shown(seen_in(answer, trial.mask)) if answer is not None else None
    return {"part": chosen, "before": before, "seen": seen}
