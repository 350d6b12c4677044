"""Admin screens whose every write goes through a service."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from apps.core.actors import Actor
from apps.core.adminkit.access import Gated, is_superuser, limited
from apps.core.adminkit.confirm import Confirmation
from apps.core.adminkit.conflicts import FindsConflicts, tell_of_missing
from apps.core.adminkit.lists import BoundedPaginator
from apps.core.adminkit.shown import ShowsFormValues
from apps.core.audit_screen.changes import SHORT, lines_of
from apps.core.errors import DomainError, Invalid
from apps.core.models import AuditEvent
from apps.core.unfold import InlineFormSet, ModelAdmin, StackedInline, TabularInline, action

HISTORY_LENGTH = 200
_IN_LIST = re.compile(r"^(?P<list>\w+)\[(?P<index>\d+)\]\.?(?P<rest>.*)$")


def actor_of(request: HttpRequest) -> Actor:
    """Return the person who is logged in as the one who acts."""
    user: Any = request.user
    return Actor("person", user.public_id, user.get_full_name() or user.get_username())


@contextmanager
def at_path(path: str) -> Iterator[None]:
    """Put the path of the part before what a refusal names, such as `components[2]`."""
    try:
        yield
    except DomainError as refusal:
        found = (
            refusal.errors
            if isinstance(refusal, Invalid)
            else ((refusal.field or "", refusal.message),)
        )
        errors = tuple((f"{path}.{field}" if field else path, text) for field, text in found)
        raise Invalid(refusal.code, refusal.message, field=errors[0][0], errors=errors) from refusal


def kept_forms(formset: InlineFormSet) -> list[Any]:
    """Return the filled-in forms that are not marked for removal, in the order that staff gave them."""
    forms_ = [
        form
        for form in formset.forms
        if getattr(form, "cleaned_data", None)
        and not form.cleaned_data.get("DELETE")
        and (form.has_changed() or form.instance.pk is not None)
    ]
    position = getattr(formset, "position_field", None)
    if position is None:
        return forms_

    # A row that was just added and has no number comes last. Sorting keeps the order of equals.
    def place(form: Any) -> tuple[bool, int]:
        given = form.cleaned_data.get(position)
        return form.instance.pk is None and given is None, given or 0

    return sorted(forms_, key=place)


class RowOfPage:
    """Mixin: the row that the page's address names, as far as the person may see it."""

    opts: Any

    def get_row(self, request: HttpRequest, object_id: str) -> Any:
        """Return the row if the person may see it; 404 otherwise."""
        row = self.row_of_page(request, object_id)
        if row is None:
            raise Http404(f"There is no {self.opts.verbose_name} with this key.")
        return row

    def row_of_page(self, request: HttpRequest, object_id: Any) -> Any:
        """Return the page's row, read once per request however many actions ask for it.

        None when there is none that the person may see, on the row's own screen, where Django says so; 404
        elsewhere, so that an action of a foreign row answers as one of no row does.
        """
        if isinstance(object_id, models.Model):
            return object_id
        rows: dict[Any, Any] = request.__dict__.setdefault("console_rows", {})
        key = (self.opts.label, str(object_id))
        if key not in rows:
            screen: Any = self
            rows[key] = screen.get_object(request, unquote(str(object_id)))
        if rows[key] is None and not _is_own_screen(request):
            raise Http404(f"There is no {self.opts.verbose_name} with this key.")
        return rows[key]


class ServiceModelAdmin(FindsConflicts, ShowsFormValues, RowOfPage, Gated, ModelAdmin):
    """Reads by the ORM, writes by services; a refusal is shown at its field, never as a traceback.

    Subclasses give `write`, and `archive` where rows are archived. `error_fields` maps a refusal's
    path to the form field that shows it, where the names differ.
    """

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    warn_unsaved_form = True
    error_fields: dict[str, str] = {}
    archive_text = "It stops acting and disappears from lists and pages. Its history is kept."
    actions_detail = ["archive_row"]

    def write(
        self,
        *,
        request: HttpRequest,
        row: Any,
        form: Any,
        formsets: Sequence[InlineFormSet],
        is_new: bool,
        actor: Actor,
        at: datetime,
    ) -> models.Model:
        """Call the service that saves what the form says; return the row as saved."""
        raise NotImplementedError

    def archive(self, *, row: Any, actor: Actor, at: datetime) -> None:
        """Call the service that archives the row."""
        raise NotImplementedError

    # Saving.

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Leave the row alone: `save_related` hands it to the service with all that hangs on it."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        saved = self.write(
            request=request,
            row=form.instance,
            form=form,
            formsets=formsets,
            is_new=not change,
            actor=actor_of(request),
            at=timezone.now(),
        )
        form.instance.pk = saved.pk

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except DomainError as refusal:
            # The transaction is rolled back by now: the same form is shown once more, with the refusal in it.
            request.refusal = refusal  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form_class: Any = super().get_form(request, obj, change, **kwargs)
        here = [
            (path, message) for path, message in _errors_of(request) if not self._is_in_a_row(path)
        ]
        names = self.error_fields

        class ConsoleForm(form_class):  # type: ignore[misc]
            def full_clean(self) -> None:
                super().full_clean()
                for path, message in here:
                    _show(self, _field_of(path, names), path, message)
                _move_to_fields(self)

        return ConsoleForm

    def _create_formsets(self, request: HttpRequest, obj: Any, change: bool) -> Any:
        formsets, inlines = super()._create_formsets(request, obj, change)  # type: ignore[misc]
        by_name = {
            getattr(inline, "error_path", formset.prefix): formset
            for formset, inline in zip(formsets, inlines, strict=True)
        }
        for path, message in _errors_of(request):
            match = _IN_LIST.match(path)
            formset = by_name.get(match["list"]) if match else None
            if match is None or formset is None:
                continue
            formset.full_clean()
            kept = kept_forms(formset)
            index = int(match["index"])
            if index < len(kept):
                form = kept[index]
                rest = match["rest"]
                names = getattr(form, "error_fields", {})
                _show(form, _field_of(rest, names), rest, message)
                _move_to_fields(form)
        return formsets, inlines

    def _is_in_a_row(self, path: str) -> bool:
        match = _IN_LIST.match(path)
        names = {getattr(inline, "error_path", None) for inline in self.inlines}
        return bool(match and match["list"] in names)

    # The audit trail is written by services, once for every way in: Django's own log stays empty.

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> list[Any]:
        return []

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Show the row's audit events to those who may see the row."""
        row = self.get_row(request, object_id)
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        about = {"object_type": row._meta.label_lower, "object_id": row.public_id}
        events = list(AuditEvent.objects.filter(**about)[: HISTORY_LENGTH + 1])
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {row}",
            "opts": self.opts,
            "original": row,
            "object": row,
            "events": [
                (event, lines_of(event, at_most=SHORT)) for event in events[:HISTORY_LENGTH]
            ],
            "is_cut": len(events) > HISTORY_LENGTH,
            "may_see_trail": is_superuser(request),
            "media": self.media + forms.Media(js=["console/local_times.js"]),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/console/history.html", context)

    # Archiving.

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        row = self.row_of_page(request, obj) if isinstance(obj, str) else obj
        if getattr(row, "archived_at", None) is not None:
            return False
        return super().has_change_permission(request, row)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @action(description="Archive", permissions=["archive"], url_path="archive", icon="archive")
    def archive_row(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.get_row(request, object_id)

        def run(_: dict[str, Any]) -> str:
            self.archive(row=row, actor=actor_of(request), at=timezone.now())
            return f"{row} is archived."

        answer = Confirmation(
            title=f"Archive {row}?",
            text=self.archive_text,
            button="Archive",
            run=run,
            is_dangerous=True,
        ).respond(request, model_admin=self, row=row)
        for name in [one for one in vars(request) if one.startswith("console_")]:
            delattr(request, name)  # What was known of roles before.
        if answer.status_code == 302 and not self.get_queryset(request).filter(pk=row.pk).exists():
            # What a team archives with itself only superusers still see.
            name = f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"
            return HttpResponseRedirect(reverse(name))
        return answer

    def has_archive_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may delete the row may archive it; nothing is archived twice."""
        row = self.row_of_page(request, object_id)
        return (
            row is not None
            and self.allows(request, "delete", row)
            and self.has_change_permission(request, row)
        )

    def each(self, request: HttpRequest, queryset: Iterable[Any], done: str, call: Any) -> None:
        """Call a service for each chosen row and say what came of it, refusals by name."""
        rows, succeeded = list(queryset), 0
        tell_of_missing(request, len(rows))
        for row in rows:
            try:
                call(row, actor_of(request), timezone.now())
                succeeded += 1
            except DomainError as refusal:
                messages.error(request, f"{row}: {refusal.message}")
        if succeeded:
            messages.success(request, f"{succeeded} {done}.")


class PartOfRow(ShowsFormValues):
    """Rows that are saved with the row they belong to: who may change that row may change them."""

    error_path: str
    parent_model: type[models.Model]
    admin_site: Any
    extra = 0

    def _parent(self) -> Any:
        return self.admin_site.get_model_admin(self.parent_model)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]
        return limited(field, db_field, request, self._parent())

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self._parent().has_view_permission(request, obj))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self._parent().has_change_permission(request, obj))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        parent = self._parent()
        if obj is None or obj.pk is None:
            return bool(parent.has_add_permission(request))
        return bool(parent.has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request, obj)


class PartInline(PartOfRow, StackedInline):
    """Parts with many fields, one above the other."""


class PartTable(PartOfRow, TabularInline):
    """Parts with few fields, one a line."""


def removed_rows(formset: InlineFormSet) -> list[Any]:
    """Return the saved rows that are marked for removal."""
    return [
        form.instance
        for form in formset.forms
        if form.instance.pk is not None and getattr(form, "cleaned_data", {}).get("DELETE")
    ]


def _is_own_screen(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is None or (match.url_name or "").endswith("_change")


def _errors_of(request: HttpRequest) -> tuple[tuple[str, str], ...]:
    refusal: DomainError | None = getattr(request, "refusal", None)
    if refusal is None:
        return ()
    if isinstance(refusal, Invalid):
        return refusal.errors
    return ((refusal.field or "", refusal.message),)


def _field_of(path: str, names: Mapping[str, str]) -> str:
    """Return the form field that shows what is wrong at the path: `variables.base` is in `variables`."""
    top = re.split(r"[.\[]", path)[0]
    return names.get(path) or names.get(top) or top


def _move_to_fields(form: Any) -> None:
    """Put a broken constraint's message at the field that breaks it: Django shows it above the form."""
    above = form._errors.get(NON_FIELD_ERRORS) if form._errors else None
    if not above:
        return
    fields = {
        constraint.violation_error_message: constraint.fields[-1]
        for constraint in form._meta.model._meta.constraints
        if isinstance(constraint, models.UniqueConstraint) and constraint.fields
    }
    messages_ = list(above)
    del form._errors[NON_FIELD_ERRORS]
    for message in messages_:
        field = fields.get(message)
        form.add_error(field if field in form.fields else None, message)


def _show(form: forms.BaseForm, field: str, path: str, message: str) -> None:
    """Put the message at its field, or above the form with the path that it names."""
    if field in form.fields:
        rest = path.removeprefix(field).lstrip(".")
        form.add_error(field, f"{rest}: {message}" if rest and rest != path else message)
    else:
        form.add_error(None, f"{path}: {message}" if path else message)
