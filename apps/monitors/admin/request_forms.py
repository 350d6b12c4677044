"""A request in a monitor's form, with its assertions and extractions, and the RequestSpec that it makes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django import forms

from apps.core.adminkit.fields import RowsField, SecretField
from apps.core.audit import HIDDEN
from apps.core.unfold import ModelForm, Select, Textarea, TextInput
from apps.monitors.admin.curl_box import CurlField
from apps.monitors.admin.header_lines import HeaderLinesField, is_hidden
from apps.monitors.admin.try_box import TryField
from apps.monitors.checkers.forms import RequestForm as ConfigForm
from apps.monitors.checkers.spec import RequestSpec
from apps.monitors.checkers.validation import operators_for
from apps.monitors.models import Assertion, Extraction, MonitorRequest

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
AUTH_TYPES = [
    ("none", "None"),
    ("basic", "User name and password (Basic)"),
    ("bearer", "Bearer token"),
    ("api_key", "API key"),
]
DEFAULT_ASSERTION = {"source": "status", "operator": "less_than", "value": 400}

ASSERTION_COLUMNS: list[dict[str, Any]] = [
    {"name": "source", "label": "Source", "kind": "select", "choices": Assertion.Source.choices},
    {
        "name": "name",
        "label": "Header",
        "kind": "text",
        "hint": "Content-Type",
        "when": {"source": ["header"]},
    },
    {
        "name": "path",
        "label": "JSONPath",
        "kind": "text",
        "hint": "$.state",
        "when": {"source": ["json"]},
    },
    {
        "name": "operator",
        "label": "Operator",
        "kind": "select",
        "choices": Assertion.Operator.choices,
        "allowed": {
            "source": {source: operators_for(source) for source in Assertion.Source.values}
        },
    },
    {
        "name": "value",
        "label": "Value",
        "kind": "value",
        "texts": {"source": ["header", "body"]},
        "lists": {"operator": ["in"]},
        "unless": {"operator": ["exists", "not_exists"]},
    },
]
EXTRACTION_COLUMNS: list[dict[str, Any]] = [
    {"name": "variable", "label": "Variable", "kind": "text", "hint": "token"},
    {"name": "source", "label": "Source", "kind": "select", "choices": Extraction.Source.choices},
    {
        "name": "name",
        "label": "Header",
        "kind": "text",
        "hint": "Location",
        "when": {"source": ["header"]},
    },
    {
        "name": "path",
        "label": "JSONPath",
        "kind": "text",
        "hint": "$.token",
        "when": {"source": ["json"]},
    },
    {
        "name": "pattern",
        "label": "Pattern",
        "kind": "text",
        "hint": "id=(\\d+)",
        "when": {"source": ["body"]},
    },
]
ASSERTIONS_AS_TEXT = (
    "One a line, as in the configuration file: "
    "- {source: json, path: $.state, operator: equals, value: accepted}"
)
EXTRACTIONS_AS_TEXT = (
    "One a line, as in the configuration file: - {variable: token, source: json, path: $.token}"
)


def _shown_when(field: str, *values: str) -> dict[str, str]:
    """Return the attribute by which static/console/console.js hides what does not matter now."""
    return {"data-show-when": f"{field}={','.join(values)}"}


class RequestForm(ModelForm):
    """One request. `clean` leaves its RequestSpec in `spec`."""

    error_fields = {
        "headers": "header_lines",
        "body": "body_text",
        "json": "body_text",
        "auth": "auth_type",
        "auth.username": "auth_username",
        "auth.password": "auth_password",
        "auth.token": "auth_token",
        "auth.key": "auth_key",
        "auth.value": "auth_value",
        "auth.in": "auth_in",
        "assertions": "assertion_rows",
        "extract": "extraction_rows",
    }

    curl_command = CurlField()
    try_it = TryField()
    name = forms.CharField(
        required=False,
        max_length=120,
        help_text="Shown in results. Empty: made from method and URL.",
        widget=TextInput(attrs={"class": "console-wide"}),
    )
    method = forms.ChoiceField(
        choices=[(method, method) for method in METHODS], initial="GET", widget=Select
    )
    url = forms.CharField(
        label="URL",
        help_text="With http:// or https://. {{name}} stands for a variable, here and below.",
        widget=TextInput(
            attrs={"placeholder": "https://example.com/health", "class": "console-wide"}
        ),
    )
    assertion_rows = RowsField(
        label="Assertions",
        columns=ASSERTION_COLUMNS,
        add="Add assertion",
        empty="No assertion: the status must be less than 400.",
        text_help=ASSERTIONS_AS_TEXT,
        help_text="What the answer must be. All are judged, in any order.",
    )
    extraction_rows = RowsField(
        label="Extractions",
        columns=EXTRACTION_COLUMNS,
        add="Add extraction",
        text_help=EXTRACTIONS_AS_TEXT,
        help_text="Values taken from the answer into variables for later requests of the same run.",
    )
    header_lines = HeaderLinesField(
        label="Headers",
        help_text=f"One Name: value a line. Stored keys and tokens are shown as {HIDDEN}, which keeps them.",
    )
    body_kind = forms.ChoiceField(
        label="Body", choices=MonitorRequest.BodyKind.choices, initial="none", widget=Select
    )
    body_text = forms.CharField(
        label="Body's content",
        required=False,
        strip=False,
        widget=Textarea(
            attrs={"rows": 4, "spellcheck": "false", **_shown_when("body_kind", "text", "json")}
        ),
    )
    auth_type = forms.ChoiceField(
        label="Authentication", choices=AUTH_TYPES, initial="none", widget=Select
    )
    auth_username = forms.CharField(
        label="User name", required=False, widget=TextInput(attrs=_shown_when("auth_type", "basic"))
    )
    auth_password = SecretField(label="Password")
    auth_token = SecretField(label="Token")
    auth_key = forms.CharField(
        label="Key's name",
        required=False,
        help_text="Such as X-API-Key.",
        widget=TextInput(attrs=_shown_when("auth_type", "api_key")),
    )
    auth_value = SecretField(label="Key")
    auth_in = forms.ChoiceField(
        label="Sent in",
        required=False,
        choices=[("header", "Header"), ("query", "Query")],
        initial="header",
        widget=Select(attrs=_shown_when("auth_type", "api_key")),
    )

    class Meta:
        model = MonitorRequest
        fields = ["position", "name", "method", "url"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.spec: RequestSpec | None = None
        self.fields["position"].required = False
        method: Any = self.fields["method"]
        # The configuration file may name any method, and so may a curl command.
        for other in {self.instance.method, str(self.data.get(self.add_prefix("method")) or "")}:
            if other not in METHODS and re.fullmatch(r"[A-Z-]{1,20}", other):
                method.choices = [*method.choices, (other, other)]
        try_it: Any = self.fields["try_it"]
        try_it.widget.has_runs = self.instance.pk is not None
        for name, kind in (
            ("auth_password", "basic"),
            ("auth_token", "bearer"),
            ("auth_value", "api_key"),
        ):
            field: Any = self.fields[name]
            field.widget.attrs |= _shown_when("auth_type", kind)
            field.set_stored(bool(self.instance.auth.get(name.removeprefix("auth_"))))
        self.initial.update(self._initial())

    def _initial(self) -> dict[str, Any]:
        row = self.instance
        if row.pk is None:
            return {"assertion_rows": [DEFAULT_ASSERTION], "position": None}
        text = row.body
        if row.body_kind == MonitorRequest.BodyKind.JSON:
            text = json.dumps(row.json, indent=2, ensure_ascii=False)
        return {
            "assertion_rows": [_config(one, _ASSERTION) for one in row.assertions.all()],
            "extraction_rows": [_config(one, _EXTRACTION) for one in row.extractions.all()],
            "header_lines": {
                name: HIDDEN if is_hidden(name, value) else value
                for name, value in row.headers.items()
            },
            "body_kind": row.body_kind,
            "body_text": text,
            "auth_type": row.auth.get("type", "none"),
            "auth_username": row.auth.get("username", ""),
            "auth_key": row.auth.get("key", ""),
            "auth_in": row.auth.get("in", "header"),
        }

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors or data.get("DELETE"):
            return data
        config = self._as_config(data)
        if self.errors:
            return data
        checked = ConfigForm(config)
        if checked.is_valid():
            self.spec = RequestSpec.from_config(config)
            return data
        for place, message in checked.problems:
            self._add_problem(place, message)
        if not checked.problems:
            self.add_error(None, "; ".join(str(text) for text in checked.errors.values()))
        return data

    def _as_config(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the configuration file would say."""
        config: dict[str, Any] = {
            "name": data["name"] or _name_of(data["method"], data["url"]),
            "method": data["method"].upper(),
            "url": data["url"],
            "headers": self._headers(data["header_lines"]),
            "assertions": data["assertion_rows"],
            "extract": data["extraction_rows"],
            "auth": self._auth(data),
        }
        if data["body_kind"] == MonitorRequest.BodyKind.TEXT:
            config["body"] = data["body_text"]
        elif data["body_kind"] == MonitorRequest.BodyKind.JSON:
            try:
                config["json"] = json.loads(data["body_text"])
            except ValueError as error:
                self.add_error("body_text", f"This is not JSON: {error}.")
        return config

    def _headers(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the headers, with the stored values of those that were left hidden."""
        headers = dict(given)
        for name in [name for name, value in given.items() if value == HIDDEN]:
            if name in self.instance.headers:
                headers[name] = self.instance.headers[name]
            else:
                self.add_error("header_lines", f"Nothing is stored for {name}: write its value.")
        return headers

    def _auth(self, data: Mapping[str, Any]) -> dict[str, str]:
        stored = self.instance.auth
        match data["auth_type"]:
            case "basic":
                password = data["auth_password"].applied_to(stored.get("password", ""))
                return {"type": "basic", "username": data["auth_username"], "password": password}
            case "bearer":
                return {
                    "type": "bearer",
                    "token": data["auth_token"].applied_to(stored.get("token", "")),
                }
            case "api_key":
                return {
                    "type": "api_key",
                    "key": data["auth_key"],
                    "value": data["auth_value"].applied_to(stored.get("value", "")),
                    "in": data["auth_in"] or "header",
                }
        return {"type": "none"}

    def _add_problem(self, place: str, message: str) -> None:
        """Show a problem at its field: `assertions[1].path` as “Row 2, path: …”."""
        row = re.match(r"^(assertions|extract)\[(\d+)\]\.?(.*)$", place)
        if row:
            what = f", {row[3]}" if row[3] else ""
            text = f"Row {int(row[2]) + 1}{what}: {message}."
            self.add_error(self.error_fields[row[1]], text)
            return
        top = place.split(".", maxsplit=1)[0]
        field = self.error_fields.get(place) or self.error_fields.get(top, top)
        rest = place.removeprefix(top).lstrip(".") if place not in self.error_fields else ""
        if message.startswith("the URL"):
            text = f"{message[0].upper()}{message[1:]}."
        else:
            text = f"{rest} {message}." if rest else f"This {message}."
        self.add_error(field if field in self.fields else None, text)


_ASSERTION = ("source", "name", "path", "operator", "value")
_EXTRACTION = ("variable", "source", "name", "path", "pattern")


def _config(row: Assertion | Extraction, keys: tuple[str, ...]) -> dict[str, Any]:
    """Return a row as the configuration file writes it: keys that say nothing are left out."""
    return {key: getattr(row, key) for key in keys if getattr(row, key) not in ("", None)}


def _name_of(method: str, url: str) -> str:
    return f"{method.upper()} {urlsplit(url).path or '/'}"[:120]
