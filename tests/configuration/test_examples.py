from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from apps.configuration import schema
from apps.configuration.export import export
from apps.configuration.kinds import ListOf, Record
from apps.core.models import AuditEvent
from apps.integrations.models import ComponentLink, IncidentRule, Integration, MetricRule
from apps.monitors.models import Monitor, MonitorRequest
from apps.pages.models import Component, Page
from tests.configuration.conftest import Apply

ROOT = Path(__file__).parents[2]
ACME = (ROOT / "tests/contracts/acme.yaml").read_text()
FULL = (ROOT / "examples/full.yaml").read_text()
MEMBERS = (ROOT / "examples/members.yaml").read_text()
DEMO = (ROOT / "examples/demo.yaml").read_text()
DEMO_ENVIRON = {"DEMO_URL": "http://127.0.0.1:9", "DEMO_PASSWORD": "hunter2"}
ACME_ENVIRON = {"TARGET_URL": "http://127.0.0.1:9", "TARGET_PASSWORD": "hunter2"}
FULL_ENVIRON = {"SHOP_URL": "https://shop.test", "SHOP_PASSWORD": "hunter2", "PARTNER_KEY": "k"}


def test_the_acme_example_applies_twice_and_changes_nothing_the_second_time(apply: Apply):
    first = apply(ACME, ACME_ENVIRON)
    events = AuditEvent.objects.count()
    second = apply(ACME, ACME_ENVIRON)

    assert (first.problems, second.problems) == ([], [])
    assert first.lines()[-1] == "12 added, 0 changed, 0 removed."
    assert second.lines() == ["Nothing to change."]
    assert AuditEvent.objects.count() == events


def test_every_key_of_the_acme_example_is_stored(apply: Apply):
    apply(ACME, ACME_ENVIRON)

    checkout = Monitor.objects.get(name="Checkout")
    assert (checkout.interval_s, checkout.timeout_s, checkout.enabled) == (5, 2, True)
    assert checkout.variables == {"base": "http://127.0.0.1:9"}
    assert checkout.secret_variables == {"password": "hunter2"}
    login, order = checkout.requests.order_by("position")
    assert (login.name, login.method, login.url) == ("Log in", "POST", "{{base}}/login")
    assert (login.body_kind, login.json["user"]) == (MonitorRequest.BodyKind.JSON, "demo")
    assert login.extractions.get().path == "$.token"
    assert (order.auth, order.headers) == (
        {"type": "bearer", "token": "{{token}}"},
        {"X-Client": "statusplatform"},
    )
    assert [(one.source, one.operator, one.value) for one in order.assertions.all()] == [
        ("status", "in", [200, 201]),
        ("json", "equals", "accepted"),
        ("header", "contains", "json"),
        ("response_time_ms", "less_than", 1500),
    ]
    website = Monitor.objects.get(name="Website")
    assert (website.failure_threshold, website.recovery_threshold) == (2, 2)
    report = Monitor.objects.get(name="Nightly report")
    assert (report.enabled, report.crontab, report.crontab_time_zone, report.retries) == (
        False,
        "30 6 * * 1-5",
        "Europe/Berlin",
        2,
    )
    page = Page.objects.get(slug="acme")
    assert (page.name, page.time_zone) == ("Acme", "Europe/Berlin")
    api = Component.objects.get(name="Checkout API")
    assert (api.group.name, str(api.start_date)) == ("API", "2026-01-01")
    assert Component.objects.get(name="Reports").showcase is False
    assert page.metrics.get().unit == "ms"
    integration = Integration.objects.get(nickname="Checkout to page")
    assert integration.monitor == checkout
    assert ComponentLink.objects.get(integration=integration).component.remote_id == api.public_id
    rule = IncidentRule.objects.get(integration=integration)
    assert (rule.name, rule.impact) == ("Checkout is failing", "critical")
    assert rule.resolved_message == "Orders go through again."
    assert MetricRule.objects.get(integration=integration).measure == "response_time_ms"


@pytest.mark.parametrize(("text", "environ"), [(ACME, ACME_ENVIRON), (FULL, FULL_ENVIRON)])
def test_what_is_exported_says_the_same_as_the_file_did(
    apply: Apply, text: str, environ: dict[str, str]
):
    apply(text, environ)

    said = read(text)
    exported = read(export())
    for section in said:
        assert exported.keys() >= said.keys() - {"connectors"}
        if section in {"version", "connectors"}:
            continue
        by_name = {name_of(entry): entry for entry in exported[section]}
        for entry in said[section]:
            assert_says(by_name[name_of(entry)], entry)


def test_the_examples_use_every_key():
    used: dict[str, set[str]] = {}
    document = read(MEMBERS) | read(FULL)
    for section, record in schema.SECTIONS.items():
        for entry in document[section]:
            collect(record, entry, used)

    missing = {
        f"{what}: {key}"
        for what, record in every_record().items()
        for key in record.keys.keys() - used.get(what, set())
    }
    # No provider of this release takes them: the native one has no account.
    assert missing == {"a connector: api_key", "a connector: base_url"}


@pytest.mark.parametrize(("text", "environ"), [(FULL, FULL_ENVIRON), (DEMO, DEMO_ENVIRON)])
def test_an_example_applies_twice_and_changes_nothing_the_second_time(
    apply: Apply, text: str, environ: dict[str, str]
):
    first = apply(text, environ)
    second = apply(text, environ)

    assert (first.problems, second.problems) == ([], [])
    assert second.lines() == ["Nothing to change."]


def read(text: str) -> dict[str, Any]:
    """Return the document with dates as text."""
    loaded: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)
    return loaded


def name_of(entry: dict[str, Any]) -> tuple[str, ...]:
    return tuple(entry.get(key, "") for key in ("workspace", "slug", "code", "name", "nickname"))


def assert_says(exported: Any, said: Any) -> None:
    """What was said is exported, but for defaults, which are left out, and placeholders."""
    if isinstance(said, dict):
        for key, value in said.items():
            if key in exported:
                assert_says(exported[key], value)
            else:
                assert value in DEFAULTS, (key, value)
    elif isinstance(said, list) and said and isinstance(said[0], dict):
        assert len(exported) == len(said)
        for one, other in zip(sorted(exported, key=order), sorted(said, key=order), strict=True):
            assert_says(one, other)
    elif "${" not in str(exported) + str(said):
        assert str(exported).removeprefix("API / ") == str(said).removeprefix("API / ")


def order(entry: dict[str, Any]) -> str:
    # Requests, assertions and the parts of a page keep their order; links have none.
    return str(entry.get("component", "")).removeprefix("API / ")


DEFAULTS: list[Any] = [
    *("native", "http", "GET", "true", "false", "operational", "major_outage", "investigating"),
    *("major", "response_time_ms", {"type": "none"}, "header", "incident"),
]


def every_record() -> dict[str, Record]:
    found: dict[str, Record] = {}

    def walk(record: Record) -> None:
        found[record.what] = record
        for key in record.keys.values():
            kind = key.kind.item if isinstance(key.kind, ListOf) else key.kind
            if isinstance(kind, Record):
                walk(kind)

    for record in schema.SECTIONS.values():
        walk(record)
    return found


def collect(record: Record, entry: dict[str, Any], used: dict[str, set[str]]) -> None:
    used.setdefault(record.what, set()).update(entry)
    for name, key in record.keys.items():
        if name not in entry:
            continue
        if isinstance(key.kind, Record):
            collect(key.kind, entry[name], used)
        elif isinstance(key.kind, ListOf) and isinstance(key.kind.item, Record):
            for item in entry[name]:
                collect(key.kind.item, item, used)
