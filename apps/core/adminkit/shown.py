"""What a form's own fields hold, for who may only look: Django shows a dash for fields that are no columns."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.adminkit.fields import SecretField, SecretsField
from apps.core.audit import HIDDEN
from apps.core.unfold import display

NOTHING = "–"


class ShowsFormValues:
    """Mixin for a ModelAdmin or an inline: gives it a display for each field that its form declares by itself.

    Such a display is used where the row is read only; otherwise the form's field is.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        form: Any = cls.__dict__.get("form")
        if form is None or form._meta.model is None:
            return
        columns = {field.name for field in form._meta.model._meta.get_fields()}
        for name, field in form.declared_fields.items():
            if name not in columns and not hasattr(cls, name):
                setattr(cls, name, _display(form, name, field.label))


def _display(form: Any, name: str, label: str | None) -> Any:
    @display(description=label or name.replace("_", " ").capitalize())
    def show(_: Any, row: Any) -> SafeString | str:
        # All of a row's displays share one form.
        filled = row.__dict__.get("console_form")
        if filled is None:
            filled = row.__dict__["console_form"] = form(instance=row)
        return shown(filled, name)

    return show


def shown(form: forms.BaseForm, name: str) -> SafeString | str:
    """Return what the unsent form has in the field, as text; a secret only as stored or not."""
    field: Any = form.fields[name]
    value = form.get_initial_for_field(field, name)
    match field:
        case SecretField():
            return HIDDEN if field.widget.is_stored else NOTHING
        case SecretsField():
            return ", ".join(field.widget.names) or NOTHING
        case forms.BooleanField():
            return "Yes" if value else "No"
        case forms.ModelMultipleChoiceField():
            return ", ".join(map(str, value or ())) or NOTHING
        case forms.ModelChoiceField():
            rows: Any = field.queryset
            found = rows.filter(pk=getattr(value, "pk", value)).first() if value else None
            return str(found or NOTHING)
        case forms.ChoiceField():
            labels: Any = field.choices
            return str(dict(labels).get(value, value or NOTHING))
    text = str(field.prepare_value(value) or "")
    if "\n" in text:
        return format_html('<pre class="console-code">{}</pre>', text)
    return text or NOTHING
