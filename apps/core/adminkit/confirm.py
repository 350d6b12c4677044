"""One page that asks before something is done. Nothing changes by following a link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.core.errors import DomainError


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the page says, and what happens when its button is pressed.

    `run(cleaned_data)` does it and returns the sentence shown afterwards. `form` asks for more, if given.
    """

    title: str
    text: str
    button: str
    run: Callable[[dict[str, Any]], str]
    is_dangerous: bool = False
    form: type[forms.Form] | None = None
    initial: dict[str, Any] | None = None

    def respond(self, request: HttpRequest, *, model_admin: Any, row: models.Model) -> HttpResponse:
        """Show the page, or do it and go back to the row."""
        opts = row._meta
        back = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
        posted = request.method == "POST"
        form_class = self.form or forms.Form
        form = form_class(data=request.POST if posted else None, initial=self.initial)
        if posted and form.is_valid():
            try:
                done = self.run(form.cleaned_data)
            except DomainError as refusal:
                field = refusal.field if refusal.field in form.fields else None
                form.add_error(field, refusal.message if field else str(refusal))
            else:
                messages.success(request, done)
                return HttpResponseRedirect(back)
        return TemplateResponse(
            request,
            "admin/console/confirm.html",
            {
                **model_admin.admin_site.each_context(request),
                "opts": opts,
                "original": row,
                "title": self.title,
                "confirmation": self,
                "form": form,
                "media": model_admin.media + form.media,
                "back": back,
            },
            status=409 if posted else 200,
        )
