"""What is on a page, in the page's form: groups and components on one board, metrics in a table."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import models
from django.http import HttpRequest

from apps.core.adminkit import PartTable
from apps.pages.admin.formsets import GroupField, PartForm, PartFormSet
from apps.pages.models import Component, ComponentGroup, Metric


class PlaceField(forms.IntegerField):
    """A place in its level, from 1; empty means the end."""

    def __init__(self) -> None:
        super().__init__(required=False, min_value=1, label="Place")


class GroupPartForm(PartForm):
    position = PlaceField()

    class Meta:
        model = ComponentGroup
        fields = ["name", "description", "position"]


class ComponentPartForm(PartForm):
    position = PlaceField()
    group = GroupField()

    class Meta:
        model = Component
        fields = ["name", "group", "position", "showcase", "hidden"]
        # The row's own column is left alone: the group may not be made yet.
        exclude = ["group"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["group"] = str(self.instance.group_id or "")


class MetricPartForm(PartForm):
    position = PlaceField()

    class Meta:
        model = Metric
        fields = ["name", "unit", "position", "hidden"]


def _archived_instead(form: Any) -> None:
    """Let a part be taken away whatever points at it: it is archived."""


class LivePart(PartTable):
    """The live parts of a page; taking one away archives it."""

    formset = PartFormSet

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **kwargs)
        # Django refuses to delete what others point at; here nothing is deleted.
        formset.form.hand_clean_DELETE = _archived_instead
        return formset

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).filter(archived_at__isnull=True)


class GroupInline(LivePart):
    """Groups. Their template shows the whole board: groups, and components inside and between them."""

    model = ComponentGroup
    form = GroupPartForm
    error_path = "groups"
    fields = ["name", "description", "position"]
    template = "admin/pages/board.html"


class ComponentInline(LivePart):
    """Components, shown by the board of the groups."""

    model = Component
    form = ComponentPartForm
    error_path = "components"
    fields = ["name", "group", "position", "showcase", "hidden"]
    ordering = ["position", "name", "id"]
    template = "admin/pages/on_board.html"

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **kwargs)
        groups = ComponentGroup.objects.live().filter(page=obj) if obj else ()
        formset.form.base_fields["group"].offer(tuple(groups))
        return formset


class MetricInline(LivePart):
    """Metrics."""

    model = Metric
    form = MetricPartForm
    error_path = "metrics"
    fields = ["name", "unit", "hidden", "position"]
    ordering_field = "position"
    hide_ordering_field = True
    verbose_name_plural = "metrics (removing one archives it)"
