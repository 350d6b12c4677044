"""Forms of pages and their parts."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.core.adminkit.fields import ZoneField
from apps.core.unfold import ModelForm, Number, Select, Textarea
from apps.pages.admin.addresses import domain_help
from apps.pages.models import Component, ComponentGroup, Metric, Page
from apps.pages.status import ComponentStatus


def position() -> forms.IntegerField:
    """Return a field for a place in a level; empty means the end."""
    return forms.IntegerField(
        required=False,
        min_value=1,
        help_text="Order among its neighbours. Empty: at the end.",
        widget=Number(attrs={"class": "console-narrow"}),
    )


class PageForm(ModelForm):
    """A page's own fields."""

    time_zone = ZoneField(
        initial="UTC", help_text="An IANA name. Days and times on the page are shown in it."
    )

    class Meta:
        model = Page
        fields = ["name", "slug", "description", "time_zone", "domain", "requires_approval"]
        # Help texts are shown as HTML: the model's angle brackets would be gone.
        help_texts = {
            "slug": (
                "The page's address ends in it: /status/acme/ for the slug acme. When you change it, readers "
                "who come by the old address are led to the new one, until another page takes it."
            ),
            "description": "One or two sentences below the page's status.",
            "domain": domain_help(),
        }
        widgets = {"description": Textarea(attrs={"rows": 2})}


class PartForm(ModelForm):
    """A part of a page, in a line of the page's form."""

    error_fields = {"group_id": "group", "page_id": "page"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            # The column's default would put every new row first.
            self.initial.pop("position", None)


class GroupForm(PartForm):
    position = position()

    class Meta:
        model = ComponentGroup
        fields = ["name", "description", "position"]
        widgets = {"description": Textarea(attrs={"rows": 1})}


class MetricForm(PartForm):
    position = position()

    class Meta:
        model = Metric
        fields = ["name", "unit", "position", "hidden"]


class StaffStatusForm(forms.Form):
    """What staff say about a component."""

    status = forms.ChoiceField(
        choices=ComponentStatus.choices,
        widget=Select,
        help_text=(
            "Operational takes staff's word back and mutes the monitors that fail now, until their next "
            "change. Under maintenance sets monitors aside."
        ),
    )


class ComponentForm(PartForm):
    """All of a component."""

    position = position()

    class Meta:
        model = Component
        fields = [
            "name",
            "description",
            "page",
            "group",
            "position",
            "showcase",
            "hidden",
            "only_show_if_degraded",
            "start_date",
        ]
        help_texts = {"only_show_if_degraded": "Leave it off the page while it is operational."}
        widgets = {"description": Textarea(attrs={"rows": 2})}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        page, group = data.get("page"), data.get("group")
        if group is not None and group.page_id != (page and page.pk):
            self.add_error("group", "The group is not on this page.")
        elif {"page", "group"} & set(self.changed_data) and "position" not in self.changed_data:
            # Moved to another level it comes last there.
            data["position"] = None
        return data
