"""Two people edit one row: the second save is held back and explained, and nothing that was typed is lost.

The form carries what it showed (`shown_state`). A save compares it, under the row's lock, with what stands now. If
others changed something, the form comes back with their values in the fields that were left alone (`merging`), and
tells who changed what. Saved again it is taken; over a field that both changed only when the person ticks the box.
A request without that input is no form of ours and is taken as it comes.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.core.exceptions import ValidationError
from django.db import models
from django.forms import modelform_factory
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone

from apps.core.adminkit.merging import Difference, merge, still_clashing
from apps.core.adminkit.shown_state import (
    Shown,
    from_token,
    label_of,
    posted_words,
    shown_of,
)
from apps.core.models import AuditEvent

SHOWN = "_shown"
OVER = "_save_over"
# A change that is being saved while the form is opened is told by a time a little before.
MARGIN = timedelta(seconds=10)
EVENTS_AT_MOST = 10
DIFFERENCES_AT_MOST = 40


@dataclass(frozen=True, slots=True)
class Conflict:
    """What the form says above itself, and the token of what it shows now."""

    token: str
    differences: tuple[Difference, ...]
    more: int
    events: tuple[AuditEvent, ...]

    @property
    def has_clashes(self) -> bool:
        return any(one.is_clash for one in self.differences)

    @property
    def summary(self) -> str:
        if self.has_clashes:
            return (
                "Nothing is saved yet: somebody else changed the same fields meanwhile. "
                "Read above what they changed, then save again."
            )
        return (
            "Nothing is saved yet: somebody else changed this meanwhile. Their values are in the form now, "
            "beside yours. Look it over and save again."
        )


class FindsConflicts:
    """Mixin before ModelAdmin."""

    opts: Any
    model: type[models.Model]

    def lock_row(self, key: Any) -> None:
        """Lock the row, and before it what its services lock before it."""
        list(
            self.model._base_manager.select_for_update(no_key=True).filter(pk=key).values_list("pk")
        )

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form_class: Any = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        conflict: Conflict | None = getattr(request, "conflict", None)
        if conflict is None:
            return form_class
        summary = conflict.summary

        class HeldForm(form_class):  # type: ignore[misc]
            def full_clean(self) -> None:
                super().full_clean()
                self.add_error(None, summary)

        return HeldForm

    def _changeform_view(
        self, request: HttpRequest, object_id: str | None, form_url: str, extra_context: Any
    ) -> Any:
        if request.method == "POST" and object_id and SHOWN in request.POST:
            answer = self._look_for_conflict(request, object_id)
            if answer is not None:
                return answer
        response = super()._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[misc]
        context = getattr(response, "context_data", None)
        if object_id and context is not None and "adminform" in context:
            _hand_out(request, context)
        return response

    def _look_for_conflict(self, request: HttpRequest, object_id: str) -> HttpResponse | None:
        """Merge what others changed into the posted data and say so in `request.conflict`.

        Return an answer where the form cannot be shown again, or need not be.
        """
        was = from_token(request.POST[SHOWN])
        if was is None:
            return None
        screen: Any = self
        key = unquote(object_id)
        try:
            self.lock_row(self.model._meta.pk.to_python(key))
        except ValidationError:
            return None  # No key at all: Django says so.
        row = screen.get_object(request, key)
        if row is None or not screen.has_view_permission(request, row):
            return None
        if not screen.has_change_permission(request, row):
            return self._gone(request, row, was) if getattr(row, "archived_at", None) else None
        form, formsets = self._as_it_stands(request, row)
        now = shown_of(form, formsets, at=timezone.now())
        posted = request.POST
        pending = (
            still_clashing(was.clashes, form, formsets, now, posted)
            if was.clashes and OVER not in posted
            else []
        )
        found: tuple[Difference, ...] = ()
        if not now.is_same(was):
            merged = merge(was=was, now=now, form=form, formsets=formsets, posted=posted)
            if merged.is_saved_already:
                messages.info(
                    request, f"{row} is saved already: it says the same as what you sent."
                )
                return HttpResponseRedirect(request.get_full_path())
            found = merged.differences
            request.POST = merged.data
        if found or pending:
            places = {one.place for one in found if one.is_clash}
            found = (*found, *(one for one in pending if one.place not in places))
            self._hold(request, row, was, now, found, formsets)
        return None

    def _as_it_stands(self, request: HttpRequest, row: Any) -> tuple[Any, list[Any]]:
        """Return the form and the formsets that may be changed in it, as if it were opened now."""
        opened = copy.copy(request)
        opened.method = "GET"
        opened.__dict__.pop("refusal", None)
        screen: Any = self
        form = screen.get_form(opened, row, change=True)(instance=row)
        formsets, inlines = screen._create_formsets(opened, row, change=True)
        return form, [
            formset
            for formset, inline in zip(formsets, inlines, strict=True)
            if inline.has_change_permission(request, row)
        ]

    def _hold(
        self,
        request: HttpRequest,
        row: Any,
        was: Shown,
        now: Shown,
        found: tuple[Difference, ...],
        formsets: list[Any],
    ) -> None:
        clashes = tuple(one.as_plain() for one in found if one.is_clash)
        shown = sorted(found, key=lambda one: not one.is_clash)[:DIFFERENCES_AT_MOST]
        parts = [form.instance for formset in formsets for form in formset.forms]
        request.conflict = Conflict(  # type: ignore[attr-defined]
            token=replace(now, clashes=clashes).as_token(),
            differences=tuple(shown),
            more=len(found) - len(shown),
            events=_events_since(was, [row, *parts]),
        )

    def _gone(self, request: HttpRequest, row: Any, was: Shown) -> HttpResponse:
        """Tell that the row was archived meanwhile, with what the person had typed."""
        screen: Any = self
        form = _whole_form(screen, request, row)
        typed = [
            (label_of(form, name), posted_words(form, name, name, request.POST))
            for name in was.fields
            if name in form.fields
        ]
        return TemplateResponse(
            request,
            "admin/console/archived_meanwhile.html",
            {
                **screen.admin_site.each_context(request),
                "opts": self.opts,
                "original": row,
                "title": f"{row} was archived meanwhile",
                "typed": typed,
                "events": _events_since(was, [row]),
            },
        )


def tell_of_missing(request: HttpRequest, found: int) -> None:
    """Say so where a list's action finds fewer rows than were chosen: others archived them meanwhile, as a rule."""
    if request.POST.get("select_across") == "1":
        return
    missing = len(set(request.POST.getlist(ACTION_CHECKBOX_NAME))) - found
    if missing > 0:
        rows = "1 of the chosen rows was" if missing == 1 else f"{missing} of the chosen rows were"
        messages.warning(
            request, f"{rows} archived meanwhile, or not yours to change: left as found."
        )


def _whole_form(screen: Any, request: HttpRequest, row: Any) -> Any:
    """Return the row's form with all its fields, which nobody may change any more, and the person's own choices."""
    fields = (
        None if screen.form._meta.fields else flatten_fieldsets(screen.get_fieldsets(None, row))
    )
    choices = partial(screen.formfield_for_dbfield, request=request)
    form_class = modelform_factory(
        screen.model, form=screen.form, fields=fields, formfield_callback=choices
    )
    return form_class(instance=row)


def _hand_out(request: HttpRequest, context: dict[str, Any]) -> None:
    """Put into the page what it shows, for the next save."""
    adminform = context["adminform"]
    if not context.get("has_change_permission"):
        return
    conflict: Conflict | None = getattr(request, "conflict", None)
    if conflict is not None:
        context["conflict"] = conflict
        context["shown_token"] = conflict.token
    elif SHOWN in request.POST:
        context["shown_token"] = request.POST[SHOWN]
    elif request.method == "GET":
        formsets = [
            one.formset for one in context["inline_admin_formsets"] if one.has_change_permission
        ]
        shown = shown_of(adminform.form, formsets, at=timezone.now())
        context["shown_token"] = shown.as_token()


def _events_since(was: Shown, rows: list[Any]) -> tuple[AuditEvent, ...]:
    """Return the newest changes of the row and its parts since the form was opened."""
    ids: dict[str, list[str]] = {}
    for row in rows:
        if row.pk is not None and hasattr(row, "public_id"):
            ids.setdefault(row._meta.label_lower, []).append(row.public_id)
    about = models.Q(pk__in=[])
    for kind, keys in ids.items():
        about |= models.Q(object_type=kind, object_id__in=keys)
    return tuple(AuditEvent.objects.filter(about, at__gte=was.at - MARGIN)[:EVENTS_AT_MOST])
