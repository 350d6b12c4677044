"""Where monitors run from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.core.actors import Actor
from apps.core.adminkit import ArchivedFilter, ServiceModelAdmin
from apps.core.adminkit.fields import LinesField
from apps.core.unfold import ModelForm, display
from apps.monitors import services
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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["targets"] = self.instance.reference_targets


@admin.register(Location)
class LocationAdmin(ServiceModelAdmin):
    """A place from which monitors run: whoever works the queue checks.<code>."""

    form = LocationForm
    list_display = ["name", "code", "queue", "has_targets"]
    list_filter = [ArchivedFilter]
    search_fields = ["name", "code"]
    fields = ["code", "name", "targets"]
    error_fields = {"reference_targets": "targets"}
    archive_text = "Monitors cannot run from it any more."

    @display(description="Queue")
    def queue(self, location: Location) -> str:
        return f"checks.{location.code}"

    @display(description="Reference targets", boolean=True)
    def has_targets(self, location: Location) -> bool:
        return bool(location.reference_targets)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # Workers know the location by its code.
        return ["code"] if obj else []

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
