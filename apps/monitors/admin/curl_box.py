"""“Paste a curl command”: a box in each request of the form that fills its other fields.

One parser, on the server (`monitors.curl`). With scripts static/console/request.js asks `read-curl/` for the fields' values;
without them the button sends the form, which comes back filled and unsaved. A command is never shown again: it may hold secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse

from apps.core.unfold import Textarea
from apps.monitors.curl import CurlError, CurlRequest, parse_curl

BUTTON = "_fill_from_curl"


class CurlWidget(Textarea):
    """An empty box with its button."""

    template_name = "admin/monitors/curl_widget.html"

    def __init__(self) -> None:
        super().__init__(
            attrs={
                "rows": 3,
                "spellcheck": "false",
                "autocomplete": "off",
                "placeholder": "curl 'https://example.com/orders' -H 'Accept: application/json'",
            }
        )

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, None, attrs)
        context["widget"]["button"] = BUTTON
        context["widget"]["prefix"] = name.removesuffix("-curl_command")
        return context


class CurlField(forms.CharField):
    """A command that has not been read yet. It changes nothing by itself."""

    def __init__(self) -> None:
        super().__init__(
            label="Command",
            required=False,
            strip=False,
            widget=CurlWidget(),
            help_text=(
                "From documentation, or from your browser's developer tools (Copy as cURL). It is read, never run. "
                "Passwords and tokens go into the masked fields under Authentication."
            ),
        )

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        if text.strip():
            raise forms.ValidationError("Press “Fill in the fields”, or empty this box.")
        return ""


def request_fields(found: CurlRequest) -> dict[str, str]:
    """Return {field of the request's form: value}."""
    auth = found.auth
    kind = "none" if found.body is None else "json" if found.is_json else "text"
    return {
        "method": found.method,
        "url": found.url,
        "header_lines": "\n".join(f"{name}: {value}" for name, value in found.headers),
        "body_kind": kind,
        "body_text": found.body or "",
        "auth_type": auth.type,
        "auth_username": auth.username,
        "auth_password": auth.password,
        "auth_token": auth.token,
        "auth_key": auth.key,
        "auth_value": auth.value,
        "auth_in": auth.location,
    }


def monitor_fields(found: CurlRequest) -> dict[str, Any]:
    """Return {field of the monitor's form: value} of what the command says for the whole monitor."""
    said = {
        "timeout_s": found.timeout_s,
        "verify_tls": found.verify_tls,
        "follow_redirects": found.follow_redirects,
    }
    return {name: value for name, value in said.items() if value is not None}


def filled(data: Mapping[str, Any], prefix: str) -> tuple[Any, list[str]]:
    """Return what was posted with the request `prefix` filled from its command, and the notes. CurlError."""
    found = parse_curl(str(data.get(f"{prefix}-curl_command") or ""))
    copied: Any = data.copy()  # type: ignore[attr-defined]  # a QueryDict
    for name, value in request_fields(found).items():
        copied[f"{prefix}-{name}"] = value
    for name, value in monitor_fields(found).items():
        if value is False:
            copied.pop(name, None)
        else:
            copied[name] = "on" if value is True else value
    return copied, list(found.notes)


class ReadsCurl:
    """Mixin before ModelAdmin."""

    has_add_permission: Any

    def get_custom_urls(self) -> tuple[Any, ...]:
        urls: tuple[Any, ...] = super().get_custom_urls()  # type: ignore[misc]
        return (("read-curl/", "monitors_monitor_read_curl", self.read_curl), *urls)

    def read_curl(self, request: HttpRequest, **_: Any) -> HttpResponse:
        """Answer with what the posted `command` fills in; 405 but for POST. Nothing is stored."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponse(status=405, headers={"Allow": "POST"})
        try:
            found = parse_curl(request.POST.get("command", ""))
        except CurlError as refusal:
            answer: dict[str, Any] = {"error": str(refusal)}
        else:
            answer = {
                "request": request_fields(found),
                "monitor": monitor_fields(found),
                "notes": list(found.notes),
            }
        return JsonResponse(answer, headers={"Cache-Control": "no-store"})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        prefix = request.POST.get(BUTTON) if request.method == "POST" else None
        if prefix is not None:
            try:
                data, notes = filled(request.POST, prefix)
            except CurlError as refusal:
                messages.error(request, str(refusal))
            else:
                request.POST = data
                messages.info(request, " ".join(["Filled in. Nothing is saved yet.", *notes]))
            request.shows_form_only = True  # type: ignore[attr-defined]
        return super().changeform_view(request, object_id, form_url, extra_context)  # type: ignore[misc]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form_class: Any = super().get_form(request, obj, change, **kwargs)  # type: ignore[misc]
        if not getattr(request, "shows_form_only", False):
            return form_class

        class UnsavedForm(form_class):  # type: ignore[misc]
            """Never saved: it is shown as it was sent."""

            def is_valid(self) -> bool:
                super().is_valid()
                return False

        return UnsavedForm

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if getattr(request, "shows_form_only", False):
            # What is still missing is no mistake yet.
            context["errors"] = None
            for form in _forms(context):
                form._errors = forms.utils.ErrorDict()
        screen: Any = super()
        shown: HttpResponse = screen.render_change_form(
            request, context, add, change, form_url, obj
        )
        return shown


def _forms(context: Mapping[str, Any]) -> list[Any]:
    rows = [form for inline in context["inline_admin_formsets"] for form in inline.formset.forms]
    return [context["adminform"].form, *rows]
