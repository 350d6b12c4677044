"""Where monitors run from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.scoping import SeenByMembers
from apps.core.actors import Actor
from apps.core.adminkit import ArchivedFilter, ServiceModelAdmin, lasting, tag, utc
from apps.core.adminkit.access import is_superuser
from apps.core.adminkit.fields import LinesField
from apps.core.clock import database_now
from apps.core.unfold import ModelForm, display
from apps.monitors import services
from apps.monitors.admin.monitor_list import roughly
from apps.monitors.conditions import LATE_AFTER
from apps.monitors.locations import Queue, queues, standing_of, with_standing
from apps.monitors.models import Location


class LocationForm(ModelForm):
    """A location's fields."""

    targets = LinesField(
        label="Reference targets",
        help_text=(
            "URLs or host:port that are always up, one a line. While all of them fail this location is at "
            "fault, and what fails to connect counts as an error, not as an outage."
        ),
    )

    class Meta:
        model = Location
        fields = ["code", "name"]
        help_texts = {
            "code": (
                "Lower-case letters, digits and hyphens, such as eu-west. Its workers take the queue "
                "checks.CODE, so it is not changed afterwards."
            ),
            "name": "Shown to staff.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["targets"] = self.instance.reference_targets


def with_queues(locations: Sequence[Any], request: HttpRequest) -> None:
    """Give locations what waits and runs there; three queries, however many."""
    now = database_now()
    found = queues(now=now)
    for location in locations:
        location.console_queue = found.get(location.pk, Queue())
        location.console_sees_all = is_superuser(request)


class LocationChangeList(ChangeList):
    """Reads for the rows of the page, together, what waits at each."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = list(self.result_list)
        with_queues(rows, request)
        self.result_list = rows


@admin.register(Location)
class LocationAdmin(SeenByMembers, ServiceModelAdmin):
    """A place from which monitors run: whoever works the queue checks.<code>."""

    form = LocationForm
    list_display = ["name", "code", "worker", "waiting", "lag", "run_here", "references"]
    list_filter = [ArchivedFilter]
    search_fields = ["name", "code"]
    readonly_fields = ["worker", "waiting", "lag", "run_here", "references", "queue"]
    error_fields = {"reference_targets": "targets"}
    archive_text = "Monitors cannot run from it any more."

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return with_standing(super().get_queryset(request))

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[LocationChangeList]:
        return LocationChangeList

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        location = super().get_object(request, object_id, from_field)
        if location is not None:
            with_queues([location], request)
        return location

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = (None, {"fields": ["code", "name", "targets"]})
        return [("Now", {"fields": self.readonly_fields}), fields] if obj else [fields]

    @display(description="Queue")
    def queue(self, location: Location) -> str:
        return f"checks.{location.code}"

    @display(description="Worker")
    def worker(self, location: Location) -> SafeString:
        standing = standing_of(location)
        if standing.has_worker:
            return tag("passing", "Alive")
        if standing.seen_s is None:
            return tag("waiting" if not standing.monitors else "failing", "Never seen")
        seen = lasting(standing.now - timedelta(seconds=standing.seen_s), standing.now)
        return tag("failing", f"None for {seen}")

    @display(description="Queue depth")
    def waiting(self, location: Any) -> SafeString:
        found: Queue = location.console_queue
        return format_html(
            '<span class="console-nowrap">{} waiting</span>, '
            '<span class="console-nowrap">{} running</span>',
            f"{found.waiting:,}",
            f"{found.running:,}",
        )

    @display(description="Lag")
    def lag(self, location: Any) -> SafeString | str:
        lag: timedelta = location.console_queue.lag
        if lag <= LATE_AFTER:
            return roughly(lag) if lag >= timedelta(seconds=1) else "–"
        return tag("late", f"{roughly(lag)} late")

    @display(description="Monitors")
    def run_here(self, location: Any) -> SafeString | str:
        number = standing_of(location).monitors
        if not number:
            return "None run here"
        url = f"{reverse('admin:monitors_monitor_changelist')}?location={location.pk}"
        # How many monitors others have is not told.
        text = f"{number:,} run here" if location.console_sees_all else "Yours here"
        return format_html('<a href="{}">{}</a>', url, text)

    @display(description="Reference targets")
    def references(self, location: Location) -> SafeString:
        if not location.reference_targets:
            return tag("waiting", "None: the rule is off")
        standing = standing_of(location)
        if not standing.has_worker:
            return tag("waiting", f"{len(location.reference_targets)}, nobody asks them")
        since = standing.references_failing_since
        if since is not None:
            return tag("failing", f"None has answered since {utc(since)}")
        return tag("passing", f"{len(location.reference_targets)} watched")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # Workers know the location by its code.
        return ["code", *self.readonly_fields] if obj else []

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
    ) -> Location:
        data = form.cleaned_data
        if is_new:
            return services.create_location(
                code=data["code"],
                name=data["name"],
                reference_targets=data["targets"],
                actor=actor,
                at=at,
            )
        return services.update_location(
            location_id=row.pk,
            name=data["name"],
            reference_targets=data["targets"],
            actor=actor,
            at=at,
        )

    def archive(self, *, row: Location, actor: Actor, at: datetime) -> None:
        services.archive_location(location_id=row.pk, actor=actor, at=at)
