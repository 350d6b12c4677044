"""Form fields for what one input cannot hold: lines, name=value lines, rows in YAML, and secrets.

A secret's stored value is never put into a page, and neither is one that was just typed: that comes back sealed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from zoneinfo import available_timezones

import yaml
from django import forms
from django.core.exceptions import ValidationError
from django.utils.datastructures import MultiValueDict

from apps.core.adminkit.sealing import seal, unseal
from apps.core.unfold import Textarea, TextInput


class LinesField(forms.CharField):
    """A list of texts, one a line."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", Textarea(attrs={"rows": 3}))
        super().__init__(required=kwargs.pop("required", False), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(str(part) for part in value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        return [line.strip() for line in text.splitlines() if line.strip()]


@cache
def time_zones() -> tuple[str, ...]:
    """Return the known IANA names, sorted. Looking them up reads a folder."""
    return tuple(sorted(available_timezones()))


class ZoneWidget(TextInput):
    """A text input that suggests the known names. (A select of 600 options is slow to make and to use.)"""

    template_name = "admin/console/zone_widget.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["zones"] = time_zones()
        context["widget"]["attrs"]["list"] = f"{context['widget']['attrs'].get('id', name)}_zones"
        return context


class ZoneField(forms.CharField):
    """An IANA time zone."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", ZoneWidget(attrs={"placeholder": "Europe/Berlin"}))
        super().__init__(**kwargs)

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value and value not in time_zones():
            raise ValidationError("Use an IANA name, such as UTC or Europe/Berlin.")


class PairsField(forms.CharField):
    """{name: text} as lines; `separator` stands between them (`=` for variables, `:` for headers)."""

    def __init__(self, *, separator: str, **kwargs: Any) -> None:
        self.separator = separator
        kwargs.setdefault("widget", Textarea(attrs={"rows": 3, "spellcheck": "false"}))
        super().__init__(required=False, strip=False, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        space = " " if self.separator == ":" else ""
        return "\n".join(f"{name}{self.separator}{space}{text}" for name, text in value.items())

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        pairs: dict[str, str] = {}
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip():
                continue
            name, found, rest = line.partition(self.separator)
            name = name.strip()
            if not found or not name:
                raise ValidationError(f"Line {number}: write name{self.separator} value.")
            if name in pairs:
                raise ValidationError(f"Line {number}: {name} is there already.")
            pairs[name] = rest.strip()
        return pairs


class RowsWidget(Textarea):
    """A textarea of YAML that static/console/rows.js turns into rows of fields.

    `columns` describes them: [{name, label, kind: text|lines|value|select, choices: pairs, when: {column: [values]}}].
    `empty` says what no row means, `text_help` how the text is written where there are no rows of fields.
    """

    template_name = "admin/console/rows_widget.html"

    class Media:
        js = ["console/rows.js"]

    def __init__(
        self,
        *,
        columns: Sequence[Mapping[str, Any]],
        add: str,
        empty: str = "",
        text_help: str = "",
    ) -> None:
        super().__init__(attrs={"rows": 4, "spellcheck": "false", "data-console-rows": ""})
        self.columns = columns
        self.add = add
        self.empty = empty
        self.text_help = text_help

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["columns"] = json.dumps(list(self.columns))
        context["widget"]["add"] = self.add
        context["widget"]["empty"] = self.empty
        context["widget"]["text_help"] = self.text_help
        context["widget"]["rows"] = _rows_as_json(value)
        return context


class RowsField(forms.CharField):
    """A list of {key: value} in YAML, as in the configuration file."""

    def __init__(
        self,
        *,
        columns: Sequence[Mapping[str, Any]],
        add: str,
        empty: str = "",
        text_help: str = "",
        **kwargs: Any,
    ) -> None:
        self.keys = [column["name"] for column in columns]
        widget = RowsWidget(columns=columns, add=add, empty=empty, text_help=text_help)
        super().__init__(required=False, widget=widget, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return yaml_lines(value) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.clean(data) != (initial or []))
        except ValidationError:
            return True

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            rows = yaml.safe_load(text) if text else []
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = f"Line {mark.line + 1}: " if mark else ""
            problem = getattr(error, "problem", None) or "not valid YAML"
            raise ValidationError(f"{line}{problem}.") from error
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValidationError(
                "Write one row a line, such as “- {source: status, operator: equals, value: 200}”."
            )
        for number, row in enumerate(rows, start=1):
            unknown = [str(key) for key in row if key not in self.keys]
            if unknown:
                raise ValidationError(
                    f"Row {number}: {unknown[0]} is not known; allowed are {', '.join(self.keys)}."
                )
        return rows


def yaml_lines(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as YAML, one a line."""
    lines = [
        yaml.safe_dump(
            dict(row), default_flow_style=True, sort_keys=False, allow_unicode=True, width=100_000
        ).strip()
        for row in rows
    ]
    return "\n".join(f"- {line}" for line in lines)


def _rows_as_json(text: Any) -> str:
    """Return the rows for the script; empty where the text is no list of rows: then it stays a text."""
    try:
        rows = yaml.safe_load(text) if text else []
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            return json.dumps(rows)
    except (yaml.YAMLError, TypeError, ValueError):
        pass
    return ""


@dataclass(frozen=True, slots=True)
class SecretChange:
    """What staff want done with a stored secret."""

    value: str | None = None
    clear: bool = False

    def applied_to(self, stored: str) -> str:
        """Return the secret as it is to be stored."""
        if self.value is not None:
            return self.value
        return "" if self.clear else stored


class SecretWidget(forms.Widget):
    """A password input that shows whether something is stored, and a box to remove it."""

    template_name = "admin/console/secret_widget.html"
    is_stored = False
    can_clear = True

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, None, attrs)
        typed = value.value if isinstance(value, SecretChange) else None
        context["widget"]["sealed"] = seal(typed or "")
        context["widget"]["is_stored"] = self.is_stored
        context["widget"]["can_clear"] = self.is_stored and self.can_clear
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> SecretChange:
        clear = bool(data.get(f"{name}-clear"))
        kept = "" if clear else unseal(data.get(f"{name}-sealed"))
        return SecretChange(value=data.get(name) or kept or None, clear=clear)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data


class SecretField(forms.Field):
    """Gives a `SecretChange`. Left empty the stored value is kept."""

    widget = SecretWidget

    def __init__(self, *, can_clear: bool = True, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.widget.can_clear = can_clear

    def set_stored(self, is_stored: bool) -> None:
        """Say whether a value is stored, for the help beside the input."""
        self.widget.is_stored = is_stored

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data and (data.value or data.clear))

    def clean(self, value: Any) -> SecretChange:
        return value if isinstance(value, SecretChange) else SecretChange()


@dataclass(frozen=True, slots=True)
class SecretsChange:
    """What staff want done with named secrets: `put` sets or replaces, `remove` takes away."""

    put: Mapping[str, str] = field(default_factory=dict)
    remove: frozenset[str] = frozenset()

    def applied_to(self, stored: Mapping[str, str]) -> dict[str, str]:
        """Return the secrets as they are to be stored."""
        kept = {name: value for name, value in stored.items() if name not in self.remove}
        return kept | dict(self.put)


class SecretsWidget(forms.Widget):
    """The stored names, each with a box to remove it, and a textarea for new name=value lines."""

    template_name = "admin/console/secrets_widget.html"
    names: Sequence[str] = ()

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, None, attrs)
        typed = _pairs_of(value[0] if value else "")
        context["widget"]["typed"] = list(typed)
        context["widget"]["sealed"] = seal(json.dumps(typed) if typed else "")
        context["widget"]["names"] = list(self.names)
        context["widget"]["was_posted"] = value is not None
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> tuple[str, list[str]]:
        removed = f"{name}-remove"
        chosen = data.getlist(removed) if isinstance(data, MultiValueDict) else data.get(removed)
        text = data.get(name) or ""
        kept = unseal(data.get(f"{name}-sealed"))
        typed = _pairs_of(text)
        if kept and (typed or not text.strip()):
            # What is written anew counts.
            text = "\n".join(f"{key}={value}" for key, value in (json.loads(kept) | typed).items())
        return text, list(chosen or [])

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data


def _pairs_of(text: str) -> dict[str, str]:
    """Return name=value lines as {name: value}; nothing where one of them is wrong."""
    try:
        pairs: dict[str, str] = PairsField(separator="=").clean(text)
    except ValidationError:
        return {}
    return pairs


class SecretsField(forms.Field):
    """Gives a `SecretsChange`. Names are shown, values never."""

    widget = SecretsWidget

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def set_names(self, names: Sequence[str]) -> None:
        """Say which names are stored."""
        self.widget.names = names

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data and (data[0] or data[1]))

    def clean(self, value: Any) -> SecretsChange:
        if not value:
            return SecretsChange()
        text, removed = value
        return SecretsChange(put=PairsField(separator="=").clean(text), remove=frozenset(removed))
