"""Recurring maintenance: the rule, what it gives next, and what is announced of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from apps.accounts.roles import PUBLISHERS
from apps.core.actors import Actor
from apps.core.adminkit import (
    ArchivedFilter,
    Confirmation,
    DependentSelects,
    ServiceModelAdmin,
    actor_of,
    link,
    local,
)
from apps.core.adminkit.fields import ZoneField
from apps.core.errors import Invalid
from apps.core.unfold import ModelForm, Switch, action, display
from apps.incidents.admin.doings import Doings
from apps.incidents.admin.holding import HoldsChanges, asked_of, covering, held_text
from apps.incidents.admin.maintenance_forms import NOTIFIES, SWITCHES
from apps.incidents.admin.markdown import MarkdownInput
from apps.incidents.admin.occurrences import DurationInput, RuleInput, next_starts, spans
from apps.incidents.models import Draft, MaintenanceSeries
from apps.incidents.recurrence import describe, parse_rule, recurrence
from apps.incidents.services import series as services
from apps.pages.models import Page
from apps.pages.scoping import PageScoped

PREVIEWED = 5
EXAMPLES = (
    "FREQ=WEEKLY;BYDAY=SU (each Sunday), FREQ=MONTHLY;BYDAY=2TU (each second Tuesday), "
    "FREQ=MONTHLY;BYMONTHDAY=-1 (each last day of a month), FREQ=DAILY;INTERVAL=2 (every other day)"
)


class SeriesForm(ModelForm):
    """All of a series."""

    time_zone = ZoneField(
        required=False,
        help_text=(
            "An IANA name. Each one starts at the same time on this zone's clocks, in summer and winter. "
            "Empty: the page's zone."
        ),
    )

    class Meta:
        model = MaintenanceSeries
        fields = [
            "page",
            "name",
            "message",
            "components",
            "rule",
            "time_zone",
            "first_date",
            "start_time",
            "duration_minutes",
            "announce_days",
            "starts_itself",
            "ends_itself",
            "deliver_notifications",
            "enabled",
        ]
        labels = {
            **SWITCHES,
            "first_date": "First day",
            "duration_minutes": "Duration (minutes)",
            "announce_days": "Days ahead",
        }
        help_texts = {
            "components": "What each one covers.",
            "rule": f"RFC 5545, without start: {EXAMPLES}.",
            "starts_itself": "Each one goes to In progress at its start, without anybody's doing.",
            "ends_itself": "Each one goes to Completed at its end, without anybody's doing.",
            "enabled": (
                "A stopped series announces nothing new. Saved stopped, a new one shows what its rule gives "
                "before anything is announced."
            ),
            "start_time": "Wall-clock time in the series' zone, such as 02:00.",
            **NOTIFIES,
        }
        widgets = {
            "message": MarkdownInput(attrs={"rows": 3}),
            "rule": RuleInput(attrs={"placeholder": "FREQ=WEEKLY;BYDAY=SU", "spellcheck": "false"}),
            "duration_minutes": DurationInput,
        }

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        page = data.get("page")
        if page is not None and not data.get("time_zone", "-"):
            data["time_zone"] = page.time_zone
        self._check_rule(data)
        return data

    def _check_rule(self, data: dict[str, Any]) -> None:
        # Refused here, so that the row keeps its own rule: the screen of a refused change tells what that gives.
        parts: dict[str, Any] = {
            name: data.get(name) for name in ("rule", "time_zone", "first_date", "start_time")
        }
        if any(part in (None, "") for part in parts.values()):
            return
        try:
            recurrence(**parts)
        except Invalid as error:
            self.add_error(error.field or "rule", error.message)


class ChangeForm(SeriesForm):
    """The same for one that is there. Its page stays; the select of its components asks for it."""

    page = forms.ModelChoiceField(
        queryset=Page.objects.all(), disabled=True, widget=forms.HiddenInput
    )


class ArchiveForm(forms.Form):
    """What becomes of those that are announced."""

    cancel_announced = forms.BooleanField(
        label="Cancel those that are announced",
        required=False,
        initial=True,
        widget=Switch,
        help_text="Readers see them as cancelled. Otherwise they take place. One that has begun goes on either way.",
    )


@admin.register(MaintenanceSeries)
class MaintenanceSeriesAdmin(PageScoped, HoldsChanges, Doings, DependentSelects, ServiceModelAdmin):
    """Maintenance that comes again by a rule."""

    add_roles = change_roles = delete_roles = PUBLISHERS
    form = SeriesForm
    list_display = ["name", "page", "in_words", "next_start", "enabled"]
    list_filter = ["page", "enabled", ArchivedFilter]
    list_select_related = ["page"]
    search_fields = ["name", "page__name"]
    autocomplete_fields = ["page", "components"]
    dependent_fields = {"components": {"page": "page_id"}}
    readonly_fields = ["on_page", "in_words", "next_starts", "announced"]
    error_fields = {"page_id": "page"}
    doing_texts = {"archive_row": "it announces nothing more."}

    def get_urls(self) -> list[Any]:
        asked = self.admin_site.admin_view(self.preview_starts)
        name = "incidents_maintenanceseries_next_starts"
        return [path("next-starts/", asked, name=name), *super().get_urls()]

    def preview_starts(self, request: HttpRequest) -> HttpResponse:
        """Answer with what a rule that is not saved gives."""
        if not self.has_module_permission(request):
            raise PermissionDenied
        return next_starts(request)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        described = {"description": held_text(request, obj)}
        what = (None, {"fields": ["page", "name", "message", "components"], **described})
        when = (
            "When",
            {
                "fields": ["rule", "time_zone", "first_date", "start_time", "duration_minutes"],
                "description": (
                    "A time that the clocks skip begins right after the skip; one that they repeat is taken once. "
                    "A change moves the announced ones that nobody changed by hand."
                ),
            },
        )
        how = (
            "Announcing",
            {
                "fields": [
                    "announce_days",
                    "starts_itself",
                    "ends_itself",
                    "deliver_notifications",
                    "enabled",
                ]
            },
        )
        if obj is None:
            return [what, when, how]
        now = (
            "What comes",
            {
                "fields": ["on_page", "in_words", "next_starts", "announced"],
                "description": "To skip one, cancel it once it is announced: it stays skipped.",
            },
        )
        return [now, what, when, how]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else []

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = ChangeForm if change else SeriesForm
        return super().get_form(request, obj, change, **{**kwargs, "form": form})

    @display(description="Page")
    def on_page(self, series: MaintenanceSeries) -> SafeString | str:
        return link(series.page)

    @display(description="Rule")
    def in_words(self, series: MaintenanceSeries) -> str:
        words = describe(parse_rule(series.rule))
        return f"{words or series.rule}, {series.start_time:%H:%M} ({series.time_zone})"

    @display(description="Next")
    def next_start(self, series: MaintenanceSeries) -> str:
        starts = self._starts(series, 1)
        return local(starts[0], series.time_zone) if starts else "None any more"

    @display(description="The next five")
    def next_starts(self, series: MaintenanceSeries) -> SafeString | str:
        duration = timedelta(minutes=series.duration_minutes)
        found = spans(self._starts(series, PREVIEWED), duration, series.time_zone)
        lines = [(one,) for one in found]
        return format_html_join("", "{}<br>", lines) or "The rule gives none any more."

    @display(description="Announced")
    def announced(self, series: MaintenanceSeries) -> SafeString | str:
        rows = services.announced(series).select_related("page").order_by("scheduled_for")
        lines = [
            (
                link(row, local(row.scheduled_for, row.page.time_zone)),
                "" if row.follows_series else " changed by hand",
            )
            for row in rows
        ]
        return format_html_join("", "{}{}<br>", lines) or "None yet."

    def _starts(self, series: MaintenanceSeries, count: int) -> list[datetime]:
        return services.recurrence_of(series).next_starts(after=timezone.now(), count=count)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        return rows.select_related("page")

    def write(
        self,
        *,
        request: HttpRequest,
        row: Any,
        form: Any,
        formsets: Sequence[Any],
        is_new: bool,
        actor: Actor,
        at: datetime,
    ) -> MaintenanceSeries:
        values = dict(form.cleaned_data)
        page = values.pop("page")
        ids = [component.pk for component in values.pop("components")]
        if self._holds(request, page, row, form, values, ids):
            held: MaintenanceSeries = row
            return held
        if is_new:
            saved = services.create_series(
                page_id=page.pk, components=ids, **values, actor=actor, at=at
            )
        else:
            saved = services.update_series(
                series_id=row.pk, components=ids, **values, actor=actor, at=at
            )
        count = services.announced(saved).count()
        messages.info(request, f"{count} announced so far; next: {self.next_start(saved)}.")
        return saved

    def _holds(
        self,
        request: HttpRequest,
        page: Page,
        row: Any,
        form: Any,
        values: dict[str, Any],
        ids: list[int],
    ) -> bool:
        is_new = row.pk is None
        asked = asked_of(values, values if is_new else form.changed_data)
        if is_new or "components" in form.changed_data:
            asked["components"] = covering(ids)
        if not is_new and asked:
            asked |= {"series": row.public_id, "series_name": form.initial["name"]}
        kind = Draft.Kind.PLAN_SERIES if is_new else Draft.Kind.CHANGE_SERIES
        return self.hold(request, page=page, kind=kind, asked=asked)

    @action(description="Archive", permissions=["archive"], url_path="archive", icon="archive")
    def archive_row(self, request: HttpRequest, object_id: str) -> HttpResponse:
        series = self.get_row(request, object_id)
        count = services.announced(series).count()

        def run(data: dict[str, Any]) -> str:
            services.archive_series(
                series_id=series.pk, **data, actor=actor_of(request), at=timezone.now()
            )
            return f"{series} is archived."

        return Confirmation(
            title=f"Archive {series}?",
            text=f"It announces nothing more. {count} announced maintenances have not begun.",
            button="Archive",
            run=run,
            is_dangerous=True,
            form=ArchiveForm,
        ).respond(request, model_admin=self, row=series)
