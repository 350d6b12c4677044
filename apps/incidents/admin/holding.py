"""Changes in a row's form that readers would see: on a page that wants it they wait for a second person."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, time
from typing import Any

from django.http import HttpRequest, HttpResponse

from apps.incidents.admin import access
from apps.incidents.admin.submitting import answer, submit
from apps.incidents.models import Incident, Maintenance
from apps.pages.models import Component, Page
from apps.pages.status import ComponentStatus

HELD = "A second person approves what is changed here: it waits as a draft, and readers see nothing of it before."


class HoldsChanges:
    """Mixin before ServiceModelAdmin: what was held is answered with its draft."""

    def hold(
        self,
        request: HttpRequest,
        *,
        page: Page,
        kind: str,
        asked: Mapping[str, Any],
        event: Incident | Maintenance | None = None,
    ) -> bool:
        """Keep the change as a draft where the page wants that; tell whether it does. Nothing asked, nothing kept."""
        if not access.waits(request, page):
            return False
        if asked:
            outcome = submit(request, page=page, kind=kind, asked=asked, event=event)
            request.console_outcome = outcome  # type: ignore[attr-defined]
        return True

    def response_add(self, request: HttpRequest, obj: Any, *args: Any, **kwargs: Any) -> Any:
        found = _held(request)
        return found or super().response_add(request, obj, *args, **kwargs)  # type: ignore[misc]

    def response_change(self, request: HttpRequest, obj: Any) -> Any:
        found = _held(request)
        return found or super().response_change(request, obj)  # type: ignore[misc]


def held_text(request: HttpRequest, row: Any) -> str:
    """Return what the form says of it; "" where nothing is held up."""
    return HELD if row is not None and access.waits(request, row.page) else ""


def asked_of(data: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return these fields of a cleaned form as drafts keep them."""
    return {name: _plain(data[name]) for name in names if name in data}


def covering(ids: Collection[int]) -> dict[str, str]:
    """Return {public id: status} of components that maintenance covers."""
    found = Component.objects.filter(pk__in=ids).order_by("pk").values_list("public_id", flat=True)
    return dict.fromkeys(found, ComponentStatus.UNDER_MAINTENANCE.value)


def _plain(value: Any) -> Any:
    # An instant is a date too.
    return value.isoformat() if isinstance(value, date | time) else value


def _held(request: HttpRequest) -> HttpResponse | None:
    outcome = getattr(request, "console_outcome", None)
    return answer(request, outcome, "") if outcome is not None else None
