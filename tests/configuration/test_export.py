from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import yaml
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from apps.configuration.export import export
from apps.configuration.writing import dump
from apps.core.actors import command_actor
from apps.integrations.models import Connector
from apps.monitors import services as monitors
from apps.monitors.models import Monitor
from apps.pages import services as pages
from apps.pages.models import Component
from tests.configuration.conftest import NOW, Apply, apply_text
from tests.configuration.test_examples import ACME, ACME_ENVIRON, FULL, FULL_ENVIRON
from tests.factories import ComponentFactory

Applied = Callable[..., list[str]]
SECRET = "s3cret-value"


def as_exported(environ: dict[str, str], text: str) -> dict[str, str]:
    """Return the variables that the head of an export asks for, with the values that were given."""
    values = {
        "PASSWORD": environ.get("TARGET_PASSWORD") or environ.get("SHOP_PASSWORD", ""),
        "KEY": "k",
    }
    names = re.findall(r"^#   (\w+)  \(", text, re.M)
    return {name: next(v for end, v in values.items() if name.endswith(end)) for name in names}


@pytest.mark.parametrize(("text", "environ"), [(ACME, ACME_ENVIRON), (FULL, FULL_ENVIRON)])
@pytest.mark.parametrize("prune", [False, True])
def test_applying_an_export_changes_nothing(
    applied: Applied, text: str, environ: dict[str, str], prune: bool
):
    applied(text, environ)

    written = export()

    assert applied(written, as_exported(environ, written), prune=prune) == ["Nothing to change."]


def test_an_export_makes_the_same_installation_elsewhere(apply: Apply):
    with transaction.atomic():
        apply(FULL, FULL_ENVIRON)
        written = export()
        transaction.set_rollback(True)

    report = apply(written, as_exported(FULL_ENVIRON, written))

    assert report.problems == []
    assert export() == written


def test_secrets_are_exported_as_placeholders_that_the_head_lists(apply: Apply):
    apply(FULL, FULL_ENVIRON)

    written = export()

    assert "hunter2" not in written
    assert "#   SHOP_CHECKOUT_PASSWORD  (monitors[1].secret_variables.password)\n" in written
    assert "#   SHOP_CHECKOUT_PARTNER_KEY  (monitors[1].secret_variables.partner_key)\n" in written
    assert "password: '${SHOP_CHECKOUT_PASSWORD}'" in written
    # What only refers to a variable is no secret.
    assert "auth: {type: basic, username: '{{user}}', password: '{{password}}'}" in written


def test_literal_passwords_and_authorization_headers_are_placeholders_too(applied: Applied):
    applied(
        """\
        version: 1
        workspaces: [{name: W}]
        monitors:
          - name: M
            workspace: W
            requests:
              - {name: R, url: "http://a.test", auth: {type: bearer, token: "x${T}"}}
              - {name: S, url: "http://a.test", headers: {Authorization: "Basic ${T}", X-Y: plain}}
              - {name: V, url: "http://a.test", headers: {Authorization: "Bearer {{token}}"}}
              - {name: U, url: "http://ann:${T}@a.test"}
        """,
        {"T": SECRET},
    )

    written = export()

    assert SECRET not in written
    assert "token: '${W_M_R_TOKEN}'" in written
    assert "{Authorization: '${W_M_S_AUTHORIZATION}', X-Y: plain}" in written
    assert "{Authorization: 'Bearer {{token}}'}" in written
    assert "url: '${W_M_U_URL}'" in written
    again = applied(
        written,
        {
            "W_M_R_TOKEN": f"x{SECRET}",
            "W_M_S_AUTHORIZATION": f"Basic {SECRET}",
            "W_M_U_URL": f"http://ann:{SECRET}@a.test",
        },
    )
    assert again == ["Nothing to change."]


def test_defaults_are_left_out(applied: Applied):
    applied(
        "version: 1\nworkspaces: [{name: W}]\n"
        "monitors: [{name: M, workspace: W, requests: [{name: R, url: 'http://a.test'}]}]"
    )

    assert yaml.safe_load(export())["monitors"] == [
        {"name": "M", "workspace": "W", "requests": [{"name": "R", "url": "http://a.test"}]}
    ]


def test_an_empty_installation_has_its_default_location_only(db: None):
    document = yaml.safe_load(export())

    assert document.keys() == {"version", "locations"}
    assert [location["code"] for location in document["locations"]] == ["default"]
    assert Connector.objects.live().exists()


def test_null_and_empty_bodies_are_not_no_body(applied: Applied):
    text = """\
    version: 1
    workspaces: [{name: W}]
    monitors:
      - name: M
        workspace: W
        requests:
          - {name: A, url: "http://a.test", json: null}
          - {name: B, url: "http://a.test", json: {}}
          - {name: C, url: "http://a.test", body: ""}
          - {name: D, url: "http://a.test"}
          - name: E
            url: "http://a.test"
            assertions: [{source: json, path: $.a, operator: equals, value: null}]
    """
    applied(text)

    requests = yaml.safe_load(export())["monitors"][0]["requests"]

    assert [{key: one[key] for key in ("json", "body") if key in one} for one in requests] == [
        {"json": None},
        {"json": {}},
        {"body": ""},
        {},
        {},
    ]
    assert requests[4]["assertions"][0]["value"] is None
    assert applied(export()) == ["Nothing to change."]


def test_what_was_archived_is_left_out_and_named_in_the_head(applied: Applied):
    applied(ACME, ACME_ENVIRON)
    who: dict[str, Any] = {"actor": command_actor("test"), "at": NOW}
    monitors.archive_monitor(monitor_id=Monitor.objects.get(name="Website").pk, **who)
    pages.archive_component(component_id=Component.objects.get(name="Checkout API").pk, **who)
    ComponentFactory(page=None, name="Loose\nend")

    written = export()

    head = [line for line in written.splitlines() if line.startswith("# Left out")]
    assert head == [
        "# Left out: component Loose end, which is on no page",
        "# Left out: integration Checkout to page (Acme production), "
        "link_components: API / Checkout API (gone)",
        "# Left out: integration Website to page (Acme production), "
        "whose monitor is Website (gone)",
    ]
    lines = applied(written, {"ACME_PRODUCTION_CHECKOUT_PASSWORD": "hunter2"})
    assert lines[0] == (
        "~ integration Checkout to page (Acme production): link_components: 1 item → []"
    )


# What a person may write in a name or a text, and what files have to quote or escape.
char = st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from(
    "${}:#'\"\n- &*"
)
text = st.text(char, max_size=12)
name = text.filter(str.strip).map(lambda value: value[:40])
word = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,8}", fullmatch=True)
variable = st.from_regex(r"[a-z_][a-z0-9_. ]{0,6}[a-z]", fullmatch=True)
line = text.map(lambda value: re.sub(r"[\x00-\x1f\x7f]", " ", value))
json_value = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)
status = st.sampled_from(["operational", "degraded_performance", "partial_outage", "major_outage"])


def record(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(required, optional=optional)


assertion = st.one_of(
    record({"source": st.just("status"), "operator": st.just("in"), "value": st.lists(st.integers(100, 599), min_size=1, max_size=3)}, {}),
    record({"source": st.just("json"), "path": st.sampled_from(["$.a", "$['b c'][0]", "$..x"]), "operator": st.just("equals"), "value": json_value}, {}),
    record({"source": st.just("header"), "name": word, "operator": st.sampled_from(["exists", "not_exists"])}, {}),
    record({"source": st.just("body"), "operator": st.just("contains"), "value": line.filter(bool)}, {}),
    record({"source": st.just("response_time_ms"), "operator": st.just("at_most"), "value": st.integers(1, 9000) | st.floats(1, 9000)}, {}),
)  # fmt: skip
extraction = st.one_of(
    record({"variable": variable, "source": st.just("json"), "path": st.just("$.token")}, {}),
    record({"variable": variable, "source": st.just("header"), "name": word}, {}),
    record({"variable": variable, "source": st.just("body"), "pattern": st.just(r"id=(\d+)")}, {}),
)
auth = st.one_of(
    st.just({"type": "none"}),
    record({"type": st.just("basic"), "username": name, "password": st.sampled_from([SECRET, "{{p}}", ""])}, {}),
    record({"type": st.just("bearer"), "token": st.sampled_from([SECRET, "{{token}}"])}, {}),
    record({"type": st.just("api_key"), "key": word, "value": st.just(SECRET), "in": st.sampled_from(["header", "query"])}, {}),
)  # fmt: skip
body = st.one_of(
    st.just({}),
    text.map(lambda value: {"body": value}),
    json_value.map(lambda value: {"json": value}),
)
request = st.tuples(
    record(
        {"name": name, "url": st.sampled_from(["https://a.test/", "{{base}}/x?y=${z}", "http://b.test:8080/ü"])},
        {
            "method": st.sampled_from(["GET", "POST", "get", "PURGE"]),
            "headers": st.dictionaries(word, line, max_size=2),
            "auth": auth,
            "assertions": st.lists(assertion, max_size=2),
            "extract": st.lists(extraction, max_size=2),
        },
    ),
    body,
).map(lambda parts: parts[0] | parts[1])  # fmt: skip
monitor = record(
    {"name": name, "requests": st.lists(request, min_size=1, max_size=2)},
    {
        "enabled": st.booleans(),
        "interval_s": st.integers(1, 86_400),
        "timeout_s": st.integers(1, 900) | st.floats(0.1, 900),
        "run_limit_s": st.integers(1, 900),
        "retries": st.integers(0, 5),
        "retry_delay_s": st.floats(0, 300),
        "failure_threshold": st.integers(1, 100),
        "recovery_threshold": st.integers(1, 100),
        "locations": st.lists(st.sampled_from(["default", "eu"]), min_size=1, max_size=3),
        "follow_redirects": st.booleans(),
        "verify_tls": st.booleans(),
        "tags": st.lists(name, max_size=2),
        "variables": st.dictionaries(variable, text, max_size=2),
        "secret_variables": st.dictionaries(variable, st.just(SECRET), max_size=2),
    },
)
component = record(
    {"name": name},
    {
        "description": text,
        "showcase": st.booleans(),
        "hidden": st.booleans(),
        "only_show_if_degraded": st.booleans(),
        "start_date": st.dates(date(2000, 1, 1)),
    },
)


def once(items: st.SearchStrategy[dict[str, Any]], most: int = 3) -> st.SearchStrategy[Any]:
    return st.lists(items, max_size=most, unique_by=lambda item: item["name"])


page = record(
    {"name": name},
    {
        "description": text,
        "time_zone": st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns"]),
        "components": once(component),
        "groups": once(
            record({"name": name}, {"description": text, "components": once(component)})
        ),
        "metrics": once(record({"name": name}, {"unit": text})),
    },
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A valid file with two monitors, two pages, and integrations between them."""
    found = draw(st.lists(monitor, min_size=1, max_size=2, unique_by=lambda item: item["name"]))
    shown = [draw(page) | {"slug": slug} for slug in ("one", "two")]
    workspace = draw(name)
    integrations = []
    for index, one in enumerate(found):
        on = draw(st.sampled_from(shown))
        grouped = [
            f"{group['name']} / {item['name']}"
            for group in on.get("groups", [])
            for item in group.get("components", [])
        ]
        links = draw(st.lists(st.sampled_from(grouped or ["-"]), unique=True)) if grouped else []
        metrics = [metric["name"] for metric in on.get("metrics", [])]
        integrations.append(
            {
                "nickname": f"I{index}",
                "workspace": workspace,
                "monitor": one["name"],
                "page": on["slug"],
                "enabled": draw(st.booleans()),
                "link_components": [
                    {
                        "component": link,
                        "success_status": draw(status),
                        "failure_status": draw(status),
                    }
                    for link in links
                ],
                "create_incident": {"name": draw(name), "message": draw(text)},
                **({"send_metric": {"metric": draw(st.sampled_from(metrics))}} if metrics else {}),
            }
        )
    return {
        "version": 1,
        "workspaces": [{"name": workspace}],
        "locations": [{"code": "eu", "name": draw(name)}],
        "monitors": [one | {"workspace": workspace} for one in found],
        "pages": shown,
        "integrations": integrations,
    }


def escaped(value: Any) -> Any:
    """Write `${` as a file has to."""
    if isinstance(value, dict):
        return {key: escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [escaped(item) for item in value]
    return (
        re.sub(r"\$+(?=\{)", lambda found: f"${found.group()}", value)
        if isinstance(value, str)
        else value
    )


@settings(
    max_examples=5,
    deadline=None,
    # Every step writes a whole installation: shrinking takes minutes.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(documents())
def test_any_file_survives_export_and_apply(db: None, document: dict[str, Any]):
    with transaction.atomic():
        first = apply_text(dump(escaped(document)))
        assert [str(problem) for problem in first.problems] == []
        written = export()
        assert SECRET not in written
        assert apply_text(written, AnyName(), prune=True).lines() == ["Nothing to change."]
        transaction.set_rollback(True)

    with transaction.atomic():
        assert apply_text(written, AnyName()).problems == []
        assert export() == written
        transaction.set_rollback(True)


class AnyName(dict[str, str]):
    """An environment in which every variable is set."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> str:
        return SECRET


def test_a_parent_that_was_archived_is_none(applied: Applied):
    applied(FULL, FULL_ENVIRON)
    home = Monitor.objects.get(name="Home page")
    monitors.archive_monitor(monitor_id=home.pk, actor=command_actor("test"), at=NOW)

    written = export()

    assert "parents" not in written
    assert applied(written, as_exported(FULL_ENVIRON, written)) == ["Nothing to change."]
