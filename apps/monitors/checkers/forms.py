"""The `http` kind's settings as Django forms, over the rules of `validation`.

Each form takes the configuration's own dict with typed values (`RequestForm({"name": …, "url": …})`).
`errors` are keyed by top-level key; `problems` hold the exact places (`assertions[0].path`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django import forms

from apps.monitors.checkers import validation
from apps.monitors.checkers.validation import Problem


class TypedField(forms.Field):
    """A value as it is: text stays text and a number a number."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)

    def to_python(self, value: Any) -> Any:
        return value


class _RawInput(forms.Widget):
    """Hands the value over without reading it as an HTML form's text."""

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        return data.get(name)


class ConfigForm(forms.Form):
    """A form over a dict. Keys that are no field are refused."""

    def __init__(self, data: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(data, **options)
        self.problems: list[Problem] = []
        for field in self.fields.values():
            field.widget = _RawInput()

    def check_config(self, data: Mapping[str, Any]) -> list[Problem]:
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        """Keep what was given, as it was given; name every problem by its place."""
        given = dict(self.data)
        self.problems = self.check_config(given)
        for place, message in self.problems:
            key = place.replace("[", ".").partition(".")[0]
            rest = place[len(key) :].lstrip(".")
            text = f"{rest}: {message}" if rest else message
            self.add_error(
                key if key in self.fields else None,
                text if key in self.fields else f"{place}: {message}",
            )
        return {key: value for key, value in given.items() if key in self.fields}


class AssertionForm(ConfigForm):
    """One assertion."""

    source = TypedField(label="Source")
    name = TypedField(label="Header")
    path = TypedField(label="JSONPath")
    operator = TypedField(label="Operator")
    value = TypedField(label="Value")

    def check_config(self, data: Mapping[str, Any]) -> list[Problem]:
        return validation.check_assertion(data)


class ExtractionForm(ConfigForm):
    """One extraction."""

    variable = TypedField(label="Variable")
    source = TypedField(label="Source")
    name = TypedField(label="Header")
    path = TypedField(label="JSONPath")
    pattern = TypedField(label="Pattern")

    def check_config(self, data: Mapping[str, Any]) -> list[Problem]:
        return validation.check_extraction(data)


class RequestForm(ConfigForm):
    """One request, with its assertions and extractions."""

    name = TypedField(label="Name")
    method = TypedField(label="Method")
    url = TypedField(label="URL")
    headers = TypedField(label="Headers")
    body = TypedField(label="Body")
    json = TypedField(label="JSON body")
    auth = TypedField(label="Authentication")
    assertions = TypedField(label="Assertions")
    extract = TypedField(label="Extractions")

    def check_config(self, data: Mapping[str, Any]) -> list[Problem]:
        return validation.check_request(data)


class HTTPConfigForm(ConfigForm):
    """All that is the `http` kind's own in a monitor's configuration."""

    timeout_s = TypedField(label="Timeout (s)")
    run_limit_s = TypedField(label="Run limit (s)")
    retries = TypedField(label="Retries")
    retry_delay_s = TypedField(label="Retry delay (s)")
    follow_redirects = TypedField(label="Follow redirects")
    verify_tls = TypedField(label="Verify TLS")
    variables = TypedField(label="Variables")
    secret_variables = TypedField(label="Secret variables")
    requests = TypedField(label="Requests")

    _CHECKS: ClassVar[dict[str, Callable[[Any], list[Problem]]]] = {
        "timeout_s": lambda value: _number(value, 0.1, 900),
        "run_limit_s": lambda value: _number(value, 1, 900),
        "retries": lambda value: _number(value, 0, 5, whole=True),
        "retry_delay_s": lambda value: _number(value, 0, 300),
        "follow_redirects": lambda value: _truth(value),
        "verify_tls": lambda value: _truth(value),
        "variables": validation.check_variables,
        "secret_variables": validation.check_variables,
        "requests": validation.check_requests,
    }

    def check_config(self, data: Mapping[str, Any]) -> list[Problem]:
        problems: list[Problem] = [
            (str(key), "is not a key here; allowed: " + ", ".join(self._CHECKS))
            for key in data
            if key not in self._CHECKS
        ]
        for key, check in self._CHECKS.items():
            if key in data or key == "requests":
                problems += [
                    (validation.join_place(key, place), message)
                    for place, message in check(data.get(key))
                ]
        return problems


def _number(value: Any, least: float, most: float, *, whole: bool = False) -> list[Problem]:
    is_number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if is_number and least <= value <= most:
        return []
    kind = "a whole number" if whole else "a number"
    return [("", f"must be {kind} from {least:g} to {most:g}")]


def _truth(value: Any) -> list[Problem]:
    return [] if isinstance(value, bool) else [("", "must be true or false")]
