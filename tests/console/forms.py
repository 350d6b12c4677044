"""Fill in the console's forms as a browser would."""

from __future__ import annotations

from typing import Any

from django.forms import BaseForm, Select
from django.test import Client

from apps.core.adminkit.fields import SecretField, SecretsField


def filled_in(response: Any) -> dict[str, Any]:
    """Return what a browser would post if nothing were changed on the page."""
    context = response.context
    data = values_of(context["adminform"].form)
    if "shown_token" in context:
        data["_shown"] = context["shown_token"]
    for inline in context["inline_admin_formsets"]:
        formset = inline.formset
        data |= values_of(formset.management_form)
        for form in formset.forms:
            data |= values_of(form)
    return data


def save(client: Client, url: str, **changes: Any) -> Any:
    """Open the form, change some inputs (`__` for `-`) and send it."""
    opened = client.get(url)
    assert opened.status_code == 200, opened
    wanted = {name.replace("__", "-"): value for name, value in changes.items()}
    data = filled_in(opened) | _added_rows(opened, wanted) | wanted
    return client.post(url, {**data, "_save": "Save"})


def errors(response: Any) -> dict[str, list[str]]:
    """Return {input: messages} of a form that came back ("" : above the form)."""
    assert response.status_code == 200, "the form was accepted"
    context = response.context
    found = _errors(context["adminform"].form)
    for inline in context["inline_admin_formsets"]:
        for form in inline.formset.forms:
            found |= _errors(form)
        if inline.formset.non_form_errors():
            found[inline.formset.prefix] = list(inline.formset.non_form_errors())
    return found


def _added_rows(response: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return what the browser's copies of the empty row hold, for the rows beyond those shown."""
    data: dict[str, Any] = {}
    for inline in response.context["inline_admin_formsets"]:
        formset = inline.formset
        total = int(wanted.get(f"{formset.prefix}-TOTAL_FORMS", 0))
        for number in range(len(formset.forms), total):
            values = values_of(formset.empty_form)
            data |= {name.replace("__prefix__", str(number)): one for name, one in values.items()}
    return data


def values_of(form: BaseForm) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for field in form:
        if isinstance(field.field, SecretField | SecretsField):
            continue
        value = field.value()
        widget = getattr(field.field.widget, "widget", field.field.widget)
        if value is None and isinstance(widget, Select) and not widget.allow_multiple_selected:
            # A select without an empty option always sends something.
            value = next((key for key, _ in widget.choices), None)
        if value is None or value is False:
            continue
        data[field.html_name] = "on" if value is True else value
    return data


def _errors(form: BaseForm) -> dict[str, list[str]]:
    prefix = f"{form.prefix}-" if form.prefix else ""
    return {
        prefix + ("" if field == "__all__" else field): [str(text) for text in texts]
        for field, texts in form.errors.items()
    }
