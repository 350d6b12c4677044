"""A page of its own for one thing that is done with an incident: a form, and buttons that say what they do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.core.errors import DomainError, Invalid

TEMPLATE = "admin/incidents/screen.html"
MEDIA = forms.Media(css={"all": ["console/incident.css"]}, js=["console/incident.js"])


@dataclass(frozen=True, slots=True)
class Button:
    """`value` is posted as `do`. `variant`: primary, default or danger."""

    value: str
    label: str
    variant: str = "primary"


def address(row: models.Model | type[models.Model], screen: str = "") -> str:
    """Return the address of the row's page, or of its model's list."""
    opts = row._meta
    name = f"admin:{opts.app_label}_{opts.model_name}"
    if isinstance(row, models.Model):
        return reverse(f"{name}_{screen or 'change'}", args=[row.pk])
    return reverse(f"{name}_{screen or 'changelist'}")


def show(
    request: HttpRequest,
    model_admin: Any,
    row: models.Model | None,
    *,
    title: str,
    text: str,
    form: forms.BaseForm,
    buttons: tuple[Button, ...],
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    """Answer with the page. `row` None: it belongs to the list."""
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": row,
        "title": title,
        "text": text,
        "form": form,
        "buttons": buttons,
        "media": model_admin.media + form.media + MEDIA,
        "back": address(row if row is not None else model_admin.model),
        **more,
    }
    return TemplateResponse(request, TEMPLATE, context, status=status)


def done(request: HttpRequest, row: models.Model, sentence: str) -> HttpResponse:
    """Say what was done and go back to the row."""
    messages.success(request, sentence)
    return HttpResponseRedirect(address(row))


def refuse(form: forms.BaseForm, refusal: DomainError, names: dict[str, str] | None = None) -> None:
    """Show a refusal at its fields, or above the form."""
    found = refusal.errors if isinstance(refusal, Invalid) else ((refusal.field, refusal.message),)
    for path, message in found:
        field = (names or {}).get(path or "", path)
        if field in form.fields:
            form.add_error(field, message if field == path else f"{path}: {message}")
        else:
            form.add_error(None, f"{path}: {message}" if path else message)
