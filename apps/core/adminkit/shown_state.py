"""What a form showed when it was opened: kept in the form, so that a save can tell what others changed meanwhile.

Secrets are in it as keyed digests only, which tell that one was changed and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.datastructures import MultiValueDict

from apps.core.adminkit.fields import SecretField, SecretsField
from apps.core.audit import HIDDEN
from apps.core.fields import EncryptedTextField

SALT = "console.shown"
# The entry of a row that stands for all of its secrets.
SECRETS = "*"
NOTHING = "–"
WORDS_AT_MOST = 300

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """A form's values at a time (aware): its own, and by formset prefix and key those of the rows in it.

    `clashes` are those that were explained and that the person has not decided on yet.
    """

    at: datetime
    fields: Values
    parts: dict[str, dict[str, Values]]
    clashes: tuple[Values, ...] = field(default=(), compare=False)

    def as_token(self) -> str:
        """Return it signed, for a hidden input."""
        content = [self.at.isoformat(), self.fields, self.parts, list(self.clashes)]
        return signing.dumps(content, salt=SALT, compress=True)

    def is_same(self, other: Shown) -> bool:
        """Tell whether both show the same values, whenever that was."""
        return self.fields == other.fields and self.parts == other.parts


def from_token(token: str) -> Shown | None:
    """Return what a form showed; None for a token that is not ours."""
    try:
        at, fields, parts, clashes = signing.loads(token, salt=SALT)
        return Shown(datetime.fromisoformat(at), fields, parts, tuple(clashes))
    except (signing.BadSignature, ValueError, TypeError):
        return None


def shown_of(form: forms.BaseForm, formsets: Iterable[Any], *, at: datetime) -> Shown:
    """Return what the unsent form and its formsets show."""
    parts = {
        formset.prefix: {str(one.instance.pk): _values(one) for one in saved_forms(formset)}
        for formset in formsets
    }
    # As it comes back from the browser, so that the two compare.
    fields, parts = json.loads(json.dumps([_values(form), parts]))
    return Shown(at, fields, parts)


def saved_forms(formset: Any) -> list[Any]:
    """Return the forms of the rows that are there already."""
    return [one for one in formset.forms if one.instance.pk is not None]


def compared(form: Any) -> Iterable[str]:
    """Return the names of the fields whose values are shown and can be changed."""
    for name, one in form.fields.items():
        if one.disabled or isinstance(one, SecretField | SecretsField | forms.FileField):
            continue
        if isinstance(one, forms.models.InlineForeignKeyField) or name in {"DELETE", "id"}:
            continue
        yield name


def secret_fields(form: Any) -> list[str]:
    """Return the names of the fields for secrets."""
    return [
        name for name, one in form.fields.items() if isinstance(one, SecretField | SecretsField)
    ]


def _values(form: Any) -> Values:
    values = {name: _plain(form.fields[name], form[name].initial) for name in compared(form)}
    secrets = _digest(form.instance)
    return values | {SECRETS: secrets} if secrets else values


def _digest(row: models.Model) -> str:
    columns = [one for one in row._meta.concrete_fields if isinstance(one, EncryptedTextField)]
    if not columns:
        return ""
    held = json.dumps([one.value_from_object(row) for one in columns], sort_keys=True, default=str)
    salt = f"{SALT}:{row._meta.label_lower}:{row.pk}"
    return salted_hmac(salt, held, algorithm="sha256").hexdigest()[:24]


def _plain(one: forms.Field, value: Any) -> Any:
    """Return a JSON value that stands for a field's initial value."""
    if isinstance(value, models.Model):
        return value.pk
    if isinstance(value, models.QuerySet | list | tuple | set):
        items = [_plain(one, item) for item in value]
        is_set = isinstance(value, set) or isinstance(one, forms.ModelMultipleChoiceField)
        return sorted(items, key=str) if is_set else items
    if value is None or isinstance(value, str | int | float | bool | dict):
        return value
    texts = rendered(one, value)
    return {"text": texts[0] if texts else ""}


def initial_from(one: forms.Field, plain: Any) -> Any:
    """Return the initial value that `plain` stands for."""
    if isinstance(plain, dict) and plain.keys() == {"text"}:
        try:
            return one.to_python(plain["text"])
        except ValidationError:
            return plain["text"]
    return plain


# What a browser sends.


def rendered(one: forms.Field, value: Any, widget: Any = None) -> list[str]:
    """Return what a browser posts for an input that shows the value and is left alone."""
    widget = _bare(widget or one.widget)
    value = one.prepare_value(value)
    if isinstance(widget, forms.CheckboxInput):
        return ["on"] if widget.check_test(value) else []
    if isinstance(widget, forms.widgets.ChoiceWidget):
        return [text for text in widget.format_value(value) if text != ""]
    text = widget.format_value(value)
    return [] if text in (None, "") else [str(text)]


def put(data: Any, one: forms.Field, html_name: str, value: Any) -> None:
    """Set in the (mutable) posted data what a browser would send for the value."""
    widget = _bare(one.widget)
    if isinstance(widget, forms.MultiWidget):
        several: Any = widget
        found = several.decompress(one.prepare_value(value))
        for suffix, part, text in zip(several.widgets_names, several.widgets, found, strict=True):
            data.setlist(html_name + suffix, rendered(one, text, part))
        return
    data.setlist(html_name, rendered(one, value))


def is_changed(form: Any, name: str, html_name: str, plain: Any, data: Any) -> bool:
    """Tell whether other than `plain` was posted for the field."""
    one = form.fields[name]
    initial = initial_from(one, plain)
    widget = _bare(one.widget)
    if not isinstance(widget, forms.MultiWidget) and _texts(data.getlist(html_name)) == _texts(
        rendered(one, initial)
    ):
        return False
    posted = widget.value_from_datadict(data, MultiValueDict(), html_name)
    return bool(one.has_changed(initial, posted))


def _texts(texts: Sequence[Any]) -> list[str]:
    return sorted(str(text).replace("\r\n", "\n") for text in texts if text != "")


def _bare(widget: Any) -> Any:
    """Return the input itself: Django wraps those of relations."""
    return getattr(widget, "widget", widget)


# In words.


def words(one: forms.Field, plain: Any, *, is_posted: bool = False) -> str:
    """Return a field's value as people read it. What was posted is named only if the person may choose it."""
    if isinstance(one, forms.BooleanField):
        return "Yes" if plain else "No"
    if plain is None or plain in ("", []):
        return NOTHING
    if isinstance(one, forms.ModelChoiceField):
        keys = plain if isinstance(plain, list) else [plain]
        rows: Any = one.queryset
        if rows is None:
            return NOTHING
        if is_posted:
            return ", ".join(sorted(map(str, rows.filter(pk__in=keys)))) or _short(", ".join(keys))
        # Others may have chosen what this person may not choose.
        named = rows.model._base_manager.filter(pk__in=keys)
        return ", ".join(sorted(map(str, named))) or NOTHING
    if isinstance(one, forms.ChoiceField):
        labels = {str(key): str(label) for key, label in _flat(one.choices)}
        keys = plain if isinstance(plain, list) else [plain]
        return ", ".join(labels.get(str(key), str(key)) for key in keys) or NOTHING
    texts = rendered(one, initial_from(one, plain))
    return _short(", ".join(texts)) or NOTHING


def posted_words(form: Any, name: str, html_name: str, data: Any) -> str:
    """Return what was posted for a field as people read it."""
    one = form.fields[name]
    if isinstance(one, SecretField | SecretsField):
        return HIDDEN
    texts = [text for text in data.getlist(html_name) if text != ""]
    if isinstance(one, forms.BooleanField):
        return "Yes" if texts else "No"
    if isinstance(one, forms.ModelChoiceField | forms.ChoiceField):
        try:
            return words(one, texts, is_posted=True)
        except (ValueError, ValidationError):
            return _short(", ".join(texts))
    return _short(", ".join(texts)) or NOTHING


def _flat(choices: Any) -> Iterable[tuple[Any, Any]]:
    for key, label in choices:
        if isinstance(label, list | tuple):
            yield from label
        else:
            yield key, label


def _short(text: str) -> str:
    return text if len(text) <= WORDS_AT_MOST else text[: WORDS_AT_MOST - 1] + "…"


def label_of(form: Any, name: str) -> str:
    """Return a field's label."""
    return str(form[name].label or name) if name in form.fields else name
