"""What can be done with a row, as a panel on its page: the usual as buttons, the rest told of in a list.

The theme puts actions into the header, where six of them squeeze the breadcrumbs; its menus are for the mouse only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from apps.incidents.admin.screens import MEDIA


@dataclass(frozen=True, slots=True)
class Doing:
    """A button or link: where it leads, what it is called, and a sentence on what it does."""

    url: str
    label: str
    text: str = ""


class Doings:
    """Mixin for a ServiceModelAdmin. `usual` names those of `actions_detail` that are buttons, the first one filled.

    `doing_texts` says of the others what they do. Each is shown to whom its permissions let.
    """

    usual: Sequence[str] = ()
    doing_texts: Mapping[str, str] = {}
    change_form_outer_before_template = "admin/incidents/doings.html"

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Leave the header empty; the actions' addresses are there all the same."""
        return []

    def doings(self, request: HttpRequest, object_id: str) -> dict[str, list[Doing]]:
        """Return {usual, more} of the page."""
        allowed = super().get_actions_detail(request, object_id)  # type: ignore[misc]
        opts = self.opts  # type: ignore[attr-defined]
        prefix = f"{opts.app_label}_{opts.model_name}_"
        found = {
            one.action_name.removeprefix(prefix): Doing(
                reverse(f"admin:{one.action_name}", args=[unquote(object_id)]),
                str(one.description),
                self.doing_texts.get(one.action_name.removeprefix(prefix), ""),
            )
            for one in allowed
        }
        return {
            "usual": [found[name] for name in self.usual if name in found],
            "more": [one for name, one in found.items() if name not in self.usual],
        }

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        more = {"doings": self.doings(request, object_id), **(extra_context or {})}
        answer: HttpResponse = super().change_view(  # type: ignore[misc]
            request, object_id, form_url, more
        )
        return answer

    @property
    def media(self) -> forms.Media:
        media: forms.Media = super().media  # type: ignore[misc]
        return media + MEDIA
