"""Filters of the list of monitors. Each is a condition that the database answers without counting."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from apps.accounts.selectors import for_user
from apps.core.clock import database_now
from apps.monitors.conditions import Condition
from apps.monitors.list_selectors import at_location, in_condition, late_by
from apps.monitors.models import Location

LAGS: dict[str, tuple[str, timedelta]] = {
    "15s": ("More than 15 s", timedelta(seconds=15)),
    "1min": ("More than 1 min", timedelta(minutes=1)),
    "10min": ("More than 10 min", timedelta(minutes=10)),
    "1h": ("More than 1 h", timedelta(hours=1)),
}
# What needs somebody first. Archived ones have a filter of their own.
OFFERED_CONDITIONS = (
    *(Condition.FAILING, Condition.NOT_MEASURED, Condition.LATE),
    *(Condition.WAITING, Condition.PASSING, Condition.PAUSED),
)
# What a filter offers; more are found by the search.
OFFERED = 100


class ConditionFilter(admin.SimpleListFilter):
    """How it stands, in the words of the column."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(one.value, one.label) for one in OFFERED_CONDITIONS]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        wanted = self.value()
        if wanted is None or wanted not in set(Condition):
            return queryset
        return in_condition(queryset, Condition(wanted), now=database_now())


class WorkspaceFilter(admin.SimpleListFilter):
    """The person's workspaces, whether or not they have monitors."""

    title = "workspace"
    parameter_name = "workspace__id__exact"
    path = "workspace"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        user: Any = request.user
        rows = for_user(user).order_by("name").values_list("pk", "name")[:OFFERED]
        return [(str(pk), name) for pk, name in rows]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        wanted = self.value()
        if wanted is None or not wanted.isdecimal():
            return queryset
        return queryset.filter(**{self.path: int(wanted)})


class LocationFilter(admin.SimpleListFilter):
    """Where it runs."""

    title = "location"
    parameter_name = "location"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = Location.objects.live().order_by("name").values_list("pk", "name")[:OFFERED]
        return [(str(pk), name) for pk, name in rows]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        wanted = self.value()
        if wanted is None or not wanted.isdecimal():
            return queryset
        return at_location(queryset, int(wanted))


class LagFilter(admin.SimpleListFilter):
    """For how long a run has waited to begin, at some location."""

    title = "lag"
    parameter_name = "lag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, text) for key, (text, _) in LAGS.items()]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        wanted = LAGS.get(self.value() or "")
        return late_by(queryset, wanted[1], now=database_now()) if wanted else queryset
