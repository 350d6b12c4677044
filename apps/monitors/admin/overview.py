"""The page of a monitor: how it stands first, and its form beside it. Links to a monitor lead here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.admin.options import IS_POPUP_VAR
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.core.adminkit import lasting, link, tag, utc
from apps.monitors.admin import hands
from apps.monitors.admin.monitor_list import how_often, roughly
from apps.monitors.admin.run_chart import drawn, share_text, time_text
from apps.monitors.admin.runs import run_rows, run_url
from apps.monitors.history import WINDOWS
from apps.monitors.list_selectors import place_of
from apps.monitors.models import Monitor, Outage, Run, Schedule
from apps.monitors.overview import Overview, overview
from apps.monitors.upcoming import due_of


class OverviewPage:
    """Mixin for the monitor's ModelAdmin. The form has an address of its own; what is sent to either is the form's."""

    admin_site: Any
    opts: Any
    media: Any
    actions_detail: Any
    change_form_outer_before_template = "admin/console/monitor_tabs.html"

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        if request.method in ("GET", "HEAD") and IS_POPUP_VAR not in request.GET:
            return self._overview(request, object_id)
        return self._form(request, object_id, form_url, extra_context)

    def edit(self, request: HttpRequest, object_id: str, **_: Any) -> Any:
        """Show the form, or what it says to who may only look."""
        return self._form(request, object_id, "", None)

    def get_custom_urls(self) -> tuple[Any, ...]:
        screen: Any = super()
        return (
            *screen.get_custom_urls(),
            ("<path:object_id>/edit/", "monitors_monitor_edit", self.edit),
        )

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        screen: Any = super()
        return screen.response_add(request, obj, post_url_continue or _url("edit", obj.pk))

    def response_post_save_add(self, request: HttpRequest, obj: Any) -> HttpResponseRedirect:
        return HttpResponseRedirect(_url("change", obj.pk))

    def response_post_save_change(self, request: HttpRequest, obj: Any) -> HttpResponseRedirect:
        return HttpResponseRedirect(_url("change", obj.pk))

    def tabs_of(self, request: HttpRequest, monitor: Monitor, here: str) -> list[dict[str, Any]]:
        """Return the monitor's screens: {title, url, is_here}. `here`: change, edit, runs or history."""
        screen: Any = self
        edit = "Edit" if screen.has_change_permission(request, monitor) else "Definition"
        names = {"change": "Overview", "edit": edit, "runs": "Runs", "history": "History"}
        return [
            {"title": title, "url": _url(name, monitor.pk), "is_here": name == here}
            for name, title in names.items()
        ]

    def _form(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str,
        extra_context: dict[str, Any] | None,
    ) -> Any:
        screen: Any = super()
        site: Any = self
        monitor = site.row_of_page(request, object_id)
        tabs = self.tabs_of(request, monitor, "edit") if monitor is not None else []
        return screen.change_view(
            request, object_id, form_url, {"monitor_tabs": tabs, **(extra_context or {})}
        )

    def _overview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        site: Any = self
        monitor: Any = site.row_of_page(request, object_id)
        if monitor is None or not site.has_view_or_change_permission(request, monitor):
            # As Django answers: back to the overview with a message, or 403.
            return self._form(request, object_id, "", None)  # type: ignore[no-any-return]
        chosen = request.GET.get("range", "24h")
        chosen = chosen if chosen in WINDOWS else "24h"
        found = overview(monitor, window=WINDOWS[chosen])
        made = hands.made_by(request, found.outages)
        actions = site._get_actions_navigation(
            self.actions_detail, site.get_actions_detail(request, object_id), object_id
        )
        return TemplateResponse(
            request,
            "admin/console/monitor_overview.html",
            {
                **self.admin_site.each_context(request),
                "title": str(monitor),
                "opts": self.opts,
                "original": monitor,
                "monitor": monitor,
                "media": self.media,
                "has_add_permission": False,
                "actions_detail": [
                    one for one in actions if one["path"] != _url("runs", object_id)
                ],
                "monitor_tabs": self.tabs_of(request, monitor, "change"),
                "edit_url": _url("edit", monitor.pk),
                "standing": _standing(found),
                "uptimes": [
                    {"name": name, "text": share_text(one.share), "gap": roughly(one.not_measured)}
                    for name, one in found.seen.uptimes.items()
                ],
                "facts": _facts(monitor, found),
                "chart": _chart(request, found, chosen),
                "places": [_place(row, found) for row in found.seen.schedules],
                "dues": _dues(monitor, found),
                "outages": [_outage(row, found, made[row.pk]) for row in found.outages],
                "outages_url": f"{reverse('admin:monitors_outage_changelist')}?monitor={monitor.pk}",
                "runs": run_rows(monitor, found.runs),
                "runs_url": _url("runs", monitor.pk),
                "dependents": hands.dependents_of(request, monitor),
                "add_dependent": hands.place_to_add(request, monitor),
            },
        )


def _url(name: str, key: Any) -> str:
    return reverse(f"admin:monitors_monitor_{name}", args=[key])


def _standing(found: Overview) -> dict[str, Any]:
    standing = found.standing
    since = standing.since
    return {
        "tag": tag(standing.condition.value, standing.condition.label),
        "since": utc(since) if since else "",
        "for": lasting(since, found.seen.now) if since else "",
        "reason": standing.reason,
    }


def _facts(monitor: Monitor, found: Overview) -> list[tuple[str, Any]]:
    now, last = found.seen.now, found.seen.last_finished_at
    facts: list[tuple[str, Any]] = [
        ("Workspace", monitor.workspace.name),
        ("Runs", how_often(monitor)),
        ("Last run", f"{roughly(now - last)} ago ({utc(last)})" if last else "None yet"),
    ]
    if found.certificate is not None:
        left = (found.certificate.expires_at - now).days
        days = f"{left} day{'' if left == 1 else 's'} left" if left >= 0 else "expired"
        facts.append(
            (
                "Certificate",
                f"{days}: {found.certificate.host}, {utc(found.certificate.expires_at)}",
            )
        )
    if monitor.tags:
        facts.append(("Tags", ", ".join(monitor.tags)))
    return facts


def _chart(request: HttpRequest, found: Overview, chosen: str) -> dict[str, Any]:
    """Return the chart of all locations or of the one asked for, with links to the others."""
    at = request.GET.get("location", "")
    places = {str(row.location_id): row for row in found.schedules}
    only = places.get(at)
    span = found.past.by_schedule[only.pk] if only is not None else found.past.together

    def address(window: str, location: str) -> str:
        return f"?range={window}" + (f"&location={location}" if location else "") + "#latency"

    here = at if only is not None else ""
    return {
        "drawn": drawn(span),
        "where": only.location.name if only is not None else "all locations",
        "windows": [
            {"title": window.name, "url": address(name, here), "is_here": name == chosen}
            for name, window in WINDOWS.items()
        ],
        "locations": [
            {"title": "All locations", "url": address(chosen, ""), "is_here": only is None},
            *(
                {"title": row.location.name, "url": address(chosen, key), "is_here": row is only}
                for key, row in places.items()
            ),
        ]
        if len(places) > 1
        else [],
        "by_location": [
            {
                "name": row.location.name,
                "runs": f"{whole.count:,}",
                "passed": share_text(whole.passed_share),
                "p50": time_text(whole.percentile_ms(50)),
                "p95": time_text(whole.percentile_ms(95)),
                "p99": time_text(whole.percentile_ms(99)),
            }
            for row in found.schedules
            for whole in [found.past.by_schedule[row.pk].whole]
        ],
    }


def _place(row: Schedule, found: Overview) -> dict[str, Any]:
    place = place_of(row, found.seen.now)
    if not place.has_worker:
        state = tag("failing", "No worker")
    elif not row.last_result:
        state = tag("waiting", "Not run yet")
    elif row.is_failing:
        state = tag("failing", "Failing")
    else:
        state = tag(row.last_result, Run.Result(row.last_result).label)
    notes = [
        "run asked for" if row.run_now_at else "",
        _counted(row.missed, "slot missed", "slots missed"),
        _counted(row.overruns, "overrun", "overruns"),
    ]
    return {
        "name": row.location.name,
        "state": state,
        "last": _ago(row.last_finished_at, found.seen.now),
        "lag": roughly(place.lag) if place.lag else "–",
        "notes": ", ".join(filter(None, notes)),
    }


def _dues(monitor: Monitor, found: Overview) -> list[dict[str, Any]]:
    """Return the next runs at each location, on the crontab's clocks and in UTC."""
    if monitor.is_archived or not monitor.enabled:
        return []
    rows = found.seen.schedules
    alive = [row for row in rows if place_of(row, found.seen.now).has_worker]
    for row in rows:
        row.monitor = monitor
    return [
        *(
            {"location": due.location if len(rows) > 1 else "", "texts": due.texts()}
            for due in due_of(alive)
            if due.times
        ),
        # What has passed there is no due time.
        *(
            {"location": row.location.name, "texts": [], "is_unserved": True}
            for row in rows
            if row not in alive
        ),
    ]


def _outage(row: Outage, found: Overview, made: list[hands.Made]) -> dict[str, Any]:
    first = found.first_runs.get(row.pk)
    return {
        "link": link(row, utc(row.opened_at)),
        "is_open": row.is_open,
        "state": tag("failing", "Open")
        if row.is_open
        else tag(row.close_reason, row.get_close_reason_display()),
        "lasted": lasting(row.opened_at, row.closed_at or max(found.seen.now, row.opened_at)),
        "reason": row.reason or "–",
        "first_run": run_url(first) if first is not None else "",
        "made": made,
    }


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}" if number else ""


def _ago(at: datetime | None, now: datetime) -> str:
    return f"{roughly(now - at)} ago" if at is not None else "–"
