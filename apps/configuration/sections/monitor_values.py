"""A monitor's definition and the file's form of it, both ways. Pure."""

from __future__ import annotations

from typing import Any

from apps.configuration.sections.bringing import Values
from apps.monitors.checkers.operators import PRESENCE
from apps.monitors.checkers.spec import UNSET, AssertionSpec, ExtractionSpec, RequestSpec
from apps.monitors.definition import CrontabSpec, MonitorDefinition, auth_config

# Keys that are the same in both.
_PLAIN = (
    "name",
    "kind",
    "enabled",
    "interval_s",
    "timeout_s",
    "run_limit_s",
    "retries",
    "retry_delay_s",
    "failure_threshold",
    "recovery_threshold",
    "quorum",
    "follow_redirects",
    "verify_tls",
)


def monitor_values(definition: MonitorDefinition, *, workspace: str) -> Values:
    """Return the definition in the file's form, every key written, secrets included."""
    crontab = definition.crontab
    return {
        **{key: getattr(definition, key) for key in _PLAIN},
        "workspace": workspace,
        "crontab": {"expression": crontab.expression, "time_zone": crontab.time_zone}
        if crontab
        else None,
        "locations": sorted(set(definition.locations)),
        "tags": list(definition.tags),
        "parents": sorted(set(definition.parents)),
        "variables": dict(definition.variables),
        "secret_variables": dict(definition.secret_variables),
        "requests": [_request_values(request) for request in definition.requests],
    }


def monitor_definition(values: Values, *, workspace_id: int) -> MonitorDefinition:
    """Return the definition that valid values make. Secrets that they do not mention are none."""
    crontab = values["crontab"]
    return MonitorDefinition(
        **{key: values[key] for key in _PLAIN},
        workspace_id=workspace_id,
        crontab=CrontabSpec(**crontab) if crontab else None,
        locations=tuple(sorted(set(values["locations"]))),
        tags=tuple(values["tags"]),
        parents=tuple(sorted(set(values["parents"]))),
        variables=values["variables"],
        secret_variables=values.get("secret_variables", {}),
        requests=tuple(_request_spec(request) for request in values["requests"]),
    )


def _request_values(request: RequestSpec) -> Values:
    values: Values = {
        "name": request.name,
        "method": request.method,
        "url": request.url,
        "headers": dict(request.headers),
        "auth": auth_config(request.auth),
        "assertions": [_assertion_values(assertion) for assertion in request.assertions],
        "extract": [_extraction_values(extraction) for extraction in request.extractions],
    }
    if request.body is not None:
        values["body"] = request.body
    elif request.json is not UNSET:
        values["json"] = request.json
    return values


def _request_spec(values: Values) -> RequestSpec:
    # Their order says nothing, and stored ones come back in this one.
    headers = dict(sorted(values["headers"].items()))
    return RequestSpec.from_config({**values, "headers": headers})


def _assertion_values(assertion: AssertionSpec) -> Values:
    values: dict[str, Any] = {"source": assertion.source}
    values |= _written(name=assertion.name, path=assertion.path)
    values["operator"] = assertion.operator
    return values if assertion.operator in PRESENCE else values | {"value": assertion.value}


def _extraction_values(extraction: ExtractionSpec) -> Values:
    values: dict[str, Any] = {"variable": extraction.variable, "source": extraction.source}
    return values | _written(name=extraction.name, path=extraction.path, pattern=extraction.pattern)


def _written(**texts: str) -> dict[str, str]:
    return {key: text for key, text in texts.items() if text}
