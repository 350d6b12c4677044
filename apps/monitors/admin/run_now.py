"""A run that a person asks for, and the screen on which they wait for it.

Where the run can change what readers see, the person is asked first; else the button is enough (static/console/post.js sends
it; without scripts the same page asks always). The screen looks again by itself until the runs are over.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from apps.accounts.roles import EDITORS
from apps.core.adminkit import Confirmation, actor_of, utc
from apps.core.errors import DomainError
from apps.core.unfold import action
from apps.monitors import services
from apps.monitors.admin import hands
from apps.monitors.admin.run_shown import run_shown
from apps.monitors.admin.runs import run_url
from apps.monitors.asked_runs import Asked, Stage, asked_runs, asked_since
from apps.monitors.models import Monitor

# Sent by the script that presses the button at once; the page that asks first does not send it.
AT_ONCE = "at_once"
_WORDS = {
    Stage.WAITING: ("waiting", "Waiting for a worker"),
    Stage.RUNNING: ("waiting", "Running"),
    Stage.NO_WORKER: ("failing", "No worker: it runs when there is one"),
    Stage.LOST: ("error", "It did not run"),
}


class RunNow:
    """Mixin for the monitor's ModelAdmin."""

    admin_site: Any
    row_of_page: Any
    get_row: Any
    may: Any
    _visible: Any
    _context: Any

    @property
    def media(self) -> forms.Media:
        media: forms.Media = super().media  # type: ignore[misc]
        return media + forms.Media(js=["console/post.js"])

    def get_custom_urls(self) -> tuple[Any, ...]:
        urls: tuple[Any, ...] = super().get_custom_urls()  # type: ignore[misc]
        asked = ("<path:object_id>/asked/<int:since>/", "monitors_monitor_asked", self.asked)
        return (asked, *urls)

    @action(
        description="Run now",
        permissions=["run"],
        url_path="run-now",
        icon="play_arrow",
        attrs={"data-post": AT_ONCE},
    )
    def run_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        monitor = self.get_row(request, object_id)
        here = reverse("admin:monitors_monitor_run_now", args=[monitor.pk])
        acting = [one for one in hands.dependents_of(request, monitor) if one.is_on]
        if request.method == "POST" and AT_ONCE in request.POST and acting:
            return HttpResponseRedirect(here)
        if request.method == "POST":
            try:
                return HttpResponseRedirect(_ask(request, monitor))
            except DomainError as refusal:
                messages.error(request, refusal.message)
                return HttpResponseRedirect(
                    reverse("admin:monitors_monitor_change", args=[monitor.pk])
                )
        return Confirmation(
            title=f"Run {monitor} now?",
            text=_text(acting),
            button="Run now",
            run=lambda _: "",  # Its button is answered above.
        ).respond(request, model_admin=self, row=monitor)

    def has_run_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        monitor = self.row_of_page(request, object_id)
        return (
            monitor is not None
            and not monitor.is_archived
            and monitor.enabled
            and self.may(request, monitor, EDITORS)
        )

    def asked(self, request: HttpRequest, object_id: str, since: int, **_: Any) -> HttpResponse:
        """Show how far the runs asked for since then (microseconds since 1970) are; `?part=1`: what changes of it."""
        monitor = self._visible(request, object_id)
        try:
            seconds, rest = divmod(since, 1_000_000)
            since_at = datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=rest)
        except (OverflowError, ValueError, OSError):
            raise Http404("No such run.") from None
        found = asked_runs(monitor=monitor, since=since_at)
        context = {
            "rows": [_row(one) for one in found],
            "is_over": all(one.is_over for one in found),
            "is_alone": len(found) == 1,
        }
        if "part" in request.GET:
            name = "admin/monitors/_asked.html"
        else:
            name = "admin/monitors/asked.html"
            context |= {
                **self._context(request, monitor, f"Run of {monitor}"),
                "since": utc(since_at),
            }
        return TemplateResponse(request, name, context, headers={"Cache-Control": "no-store"})


def _ask(request: HttpRequest, monitor: Monitor) -> str:
    """Ask for the run and return the address at which to wait for it."""
    since = asked_since(monitor_id=monitor.pk)
    services.run_now(monitor_id=monitor.pk, actor=actor_of(request), at=timezone.now())
    micros = round(since.timestamp() * 1_000_000)
    return reverse("admin:monitors_monitor_asked", args=[monitor.pk, micros])


def _text(acting: list[hands.Dependent]) -> str:
    text = (
        "It runs at each of its locations as soon as possible, and the run counts like any other."
    )
    if not acting:
        return text
    names = ", ".join(one.name for one in acting[:5])
    more = f" and {len(acting) - 5} more" if len(acting) > 5 else ""
    return f"{text} What comes of it may be shown to readers, by {names}{more}."


def _row(asked: Asked) -> dict[str, Any]:
    kind, words = _WORDS.get(asked.stage, ("", ""))
    row: dict[str, Any] = {
        "location": asked.schedule.location,
        "kind": kind,
        "words": words,
        "is_done": asked.run is not None,
    }
    if asked.run is not None:
        row |= run_shown(asked.run)
        row["url"] = run_url(asked.run)
    return row
