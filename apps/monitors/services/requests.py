"""A monitor's requests, with their assertions and extractions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apps.core import audit
from apps.core.errors import Invalid
from apps.core.validation import clean
from apps.monitors import confidential
from apps.monitors.checkers.spec import UNSET, RequestSpec
from apps.monitors.definition import auth_config
from apps.monitors.models import Assertion, Extraction, Monitor, MonitorRequest

_COLUMNS = ("position", "name", "method", "url", "headers", "body_kind", "body", "json", "auth")


def check_requests(requests: Sequence[RequestSpec]) -> list[tuple[str, str]]:
    """Return (path, message) of everything that the rows do not admit.

    What a request means (methods, paths, patterns) the checker's forms have checked before it became a RequestSpec.
    """
    if not requests:
        return [("requests", "Give at least one request.")]
    errors: list[tuple[str, str]] = []
    for position, request in enumerate(requests):
        path = f"requests[{position}]"
        _collect(errors, _row(request, position), path, {"monitor"})
        for number, assertion in enumerate(_assertions(request)):
            _collect(errors, assertion, f"{path}.assertions[{number}]", {"request"})
        for number, extraction in enumerate(_extractions(request)):
            _collect(errors, extraction, f"{path}.extract[{number}]", {"request"})
    return errors


def write_requests(*, monitor: Monitor, requests: Sequence[RequestSpec], at: datetime) -> None:
    """Replace the monitor's requests. One that keeps its name keeps its row, and so its public id."""
    held: dict[str, list[MonitorRequest]] = {}
    for row in monitor.requests.order_by("position", "pk"):
        held.setdefault(row.name, []).append(row)
    assertions: list[Assertion] = []
    extractions: list[Extraction] = []
    kept: list[int] = []
    for position, request in enumerate(requests):
        fresh = _row(request, position)
        same = held.get(request.name)
        row = same.pop(0) if same else MonitorRequest(monitor=monitor, created_at=at)
        for name in _COLUMNS:
            setattr(row, name, getattr(fresh, name))
        row.updated_at = at
        row.save()
        kept.append(row.pk)
        for assertion in _assertions(request):
            assertion.request = row
            assertions.append(assertion)
        for extraction in _extractions(request):
            extraction.request = row
            extractions.append(extraction)
    monitor.requests.exclude(pk__in=kept).delete()
    Assertion.objects.filter(request__in=kept).delete()
    Extraction.objects.filter(request__in=kept).delete()
    Assertion.objects.bulk_create(assertions)
    Extraction.objects.bulk_create(extractions)


def request_columns(request: RequestSpec) -> dict[str, Any]:
    """Return the request's columns for the audit trail, each header as one of its own.

    What is or may be a secret (auth, some headers, what a body is filled with) compares and is never shown.
    """
    columns = audit.snapshot(_row(request, 0))
    columns = {name: columns[name] for name in _COLUMNS if name not in {"position", "headers"}}
    for name, value in request.headers:
        is_secret = confidential.is_secret_header(name) and not confidential.only_refers(value)
        columns[f"headers.{name}"] = audit.concealed(value) if is_secret else value
    for name in ("body", "json"):
        value = columns[name]
        if not (value is None or (isinstance(value, str) and confidential.only_refers(value))):
            columns[name] = audit.concealed(value)
    if confidential.holds_password(request.url):
        columns["url"] = audit.concealed(request.url)
    columns["assertions"] = [_text(vars(item)) for item in request.assertions]
    columns["extract"] = [_text(vars(item)) for item in request.extractions]
    return columns


def _text(values: dict[str, Any]) -> str:
    return " ".join(
        f"{name}={value!r}" for name, value in values.items() if value not in ("", None)
    )


def _row(request: RequestSpec, position: int) -> MonitorRequest:
    kind = MonitorRequest.BodyKind.NONE
    if request.body is not None:
        kind = MonitorRequest.BodyKind.TEXT
    elif request.json is not UNSET:
        kind = MonitorRequest.BodyKind.JSON
    row = MonitorRequest(
        position=position + 1,
        name=request.name,
        method=request.method,
        url=request.url,
        body_kind=kind,
        body=request.body or "",
        json=None if request.json is UNSET else request.json,
    )
    row.headers = dict(request.headers)
    row.auth = {} if request.auth.type == "none" else auth_config(request.auth)
    return row


def _assertions(request: RequestSpec) -> list[Assertion]:
    return [
        Assertion(
            position=number,
            source=item.source,
            operator=item.operator,
            value=item.value,
            name=item.name,
            path=item.path,
        )
        for number, item in enumerate(request.assertions, 1)
    ]


def _extractions(request: RequestSpec) -> list[Extraction]:
    return [
        Extraction(
            position=number,
            variable=item.variable,
            source=item.source,
            name=item.name,
            path=item.path,
            pattern=item.pattern,
        )
        for number, item in enumerate(request.extractions, 1)
    ]


def _collect(
    errors: list[tuple[str, str]],
    row: MonitorRequest | Assertion | Extraction,
    path: str,
    exclude: set[str],
) -> None:
    try:
        clean(row, at=path, exclude=exclude)
    except Invalid as error:
        errors.extend(error.errors)
