"""Every error names its place, and what is allowed there; one error, and nothing is changed."""

from __future__ import annotations

import textwrap

import pytest

from apps.accounts.models import Workspace
from apps.core.models import AuditEvent
from apps.monitors.models import Monitor
from apps.pages.models import Page
from tests.configuration.conftest import Apply

REQUEST = "requests: [{name: R, url: 'https://a.test/'}]"


def monitor(*lines: str) -> str:
    """A file with one workspace and one monitor, whose lines begin at line 4."""
    body = "\n".join(f"    {line}" for text in lines for line in text.splitlines())
    return (
        f"version: 1\nworkspaces: [{{name: W}}]\nmonitors:\n  - name: M\n    workspace: W\n{body}\n"
    )


def request(line: str) -> str:
    return monitor("requests:", f"- {{name: R, url: 'https://a.test/', {line}}}")


def page(*lines: str) -> str:
    body = "\n".join(f"    {line}" for line in lines)
    return f"version: 1\npages:\n  - slug: p\n    name: P\n{body}\n"


def integration(*lines: str) -> str:
    body = "".join(f"    {line}\n" for line in lines)
    return (
        monitor(REQUEST)
        + page("components: [{name: A}]", "metrics: [{name: T}]").removeprefix("version: 1\n")
        + f"integrations:\n  - nickname: I\n    workspace: W\n{body}"
    )


LINK = "link_components: [{component: A}]"

REFUSED = {
    # The file and its sections
    "version: 2": "version (line 1): must be 1",
    "version: true": "version (line 1): must be 1",
    "pages: []": "version (line 1): is missing; the file begins with `version: 1`",
    "- a": "line 1: the file is a mapping",
    "just text": "the file is a mapping",
    "version: 1\nmonitor: []": "monitor (line 2): unknown section (did you mean monitors?); allowed: version, workspaces,",
    "version: 1\nalert_sources: []": "alert_sources (line 2): alert_sources is not supported yet",
    "version: 1\nalert_actions: []": "alert_actions (line 2): alert_actions is not supported yet",
    "version: 1\npages:": "pages (line 2): must be a list of pages; write `pages: []` for none",
    "version: 1\npages: [x]": "pages[0] (line 2): must be a page with the keys slug, name,",
    # Workspaces and locations
    "version: 1\nworkspaces: [{}]": "workspaces[0] (line 2): a workspace needs the key name",
    "version: 1\nworkspaces: [{name: ''}]": "workspaces[0].name (line 2): must be a name, and not empty",
    "version: 1\nworkspaces: [{name: }]": "workspaces[0].name (line 2): is empty; write a name",
    "version: 1\nworkspaces: [{name: [a]}]": "workspaces[0].name (line 2): must be a name",
    f"version: 1\nworkspaces: [{{name: {'x' * 121}}}]": "workspaces[0].name (line 2): Ensure this value has at most 120",
    "version: 1\nworkspaces:\n- {name: A}\n- {name: A}": "workspaces[1] (line 4): is named as workspaces[0] is",
    "version: 1\nlocations: [{code: EU, name: E}]": "locations[0].code (line 2): Use lower-case letters",
    "version: 1\nlocations: [{code: eu, name: E, reference_targets: [' ']}]": "locations[0].reference_targets[0] (line 2): Give a URL or host:port.",
    # Monitors
    monitor("intervall_s: 5", REQUEST): "monitors[0].intervall_s (line 6): unknown key (did you mean interval_s?); allowed: name, workspace, kind,",
    monitor("interval_s: 0", REQUEST): "monitors[0].interval_s (line 6): must be a whole number from 1 to 604800",
    monitor("interval_s: 1.5", REQUEST): "monitors[0].interval_s (line 6): must be a whole number",
    monitor("interval_s: true", REQUEST): "monitors[0].interval_s (line 6): must be a whole number",
    monitor("interval_s: '5'", REQUEST): "monitors[0].interval_s (line 6): must be a whole number",
    monitor("kind: tcp", REQUEST): "monitors[0].kind (line 6): must be one of http, not 'tcp'",
    monitor("enabled: 1", REQUEST): "monitors[0].enabled (line 6): must be true or false",
    monitor("timeout_s: 0", REQUEST): "monitors[0].timeout_s (line 6): must be a number from 0.1 to 900",
    monitor("retries: 6", REQUEST): "monitors[0].retries (line 6): must be a whole number from 0 to 5",
    monitor("failure_threshold: 0", REQUEST): "monitors[0].failure_threshold (line 6): must be a whole number from 1",
    monitor("locations: [mars]", REQUEST): "monitors[0].locations[0] (line 6): There is no location 'mars'.",
    monitor("locations: []", REQUEST): "monitors[0].locations (line 6): Give at least one location.",
    monitor("quorum: 2", REQUEST): "monitors[0].quorum (line 6): At most the number of locations, 1,",
    monitor("parents: [X]", REQUEST): "monitors[0].parents[0] (line 6): The workspace has no monitor 'X'.",
    monitor("parents: [M]", REQUEST): "monitors[0].parents (line 6): form a circle: M → M",
    monitor("variables: [a]", REQUEST): "monitors[0].variables (line 6): must be a mapping, {name: text}",
    monitor("variables: {a: [b]}", REQUEST): "monitors[0].variables.a (line 6): must be text",
    monitor("secret_variables: {'a b ': c}", REQUEST): "monitors[0].secret_variables.a b  (line 6): must be a name of at most 80",
    monitor("crontab: {expression: 30 6 * *}", "enabled: false", REQUEST): "monitors[0].crontab.expression (line 6): Use five fields",
    monitor("crontab: {expression: 30 6 * * *, time_zone: Mars/X}", "enabled: false", REQUEST): "monitors[0].crontab.time_zone (line 6): There is no time zone 'Mars/X'",
    monitor("crontab: {expression: 0 0 30 2 *}", REQUEST): "monitors[0].crontab.expression (line 6): There is no day 30 in Feb, so it would never run",
    monitor("crontab: {expression: 30 6 * * *}", "interval_s: 5", REQUEST): "monitors[0].interval_s (line 7): write either interval_s or crontab",
    "version: 1\nmonitors: [{name: M, workspace: Nope, " + REQUEST + "}]": "monitors[0].workspace (line 2): there is no 'Nope'; allowed: none yet",
    monitor(): "monitors[0] (line 4): a monitor needs the key requests",
    monitor("requests: []"): "monitors[0].requests (line 6): must be a list of at least one request",
    # Requests
    monitor("requests:", "- {name: R}"): "monitors[0].requests[0] (line 7): a request needs the key url",
    monitor("requests:", "- {name: R, url: 'ftp://a.test/'}"): "monitors[0].requests[0].url (line 7): must begin with http://, https:// or a variable",
    request("method: 'A B'"): "monitors[0].requests[0].method (line 7): must be one word",
    request("headers: {'A B': c}"): "monitors[0].requests[0].headers.A B (line 7): must be a header name",
    request("headers: {A: [c]}"): "monitors[0].requests[0].headers.A (line 7): must be text",
    request("body: x, json: {}"): "monitors[0].requests[0].body (line 7): cannot be there beside json",
    request("auth: {type: digest}"): "monitors[0].requests[0].auth.type (line 7): must be one of none, basic, bearer, api_key",
    request("auth: {type: bearer, username: x, token: y}"): "monitors[0].requests[0].auth.username (line 7): is not a key here for the type bearer; allowed: type, token",
    request("auth: {type: bearer}"): "monitors[0].requests[0].auth.token (line 7): is needed",
    request("assertions: [{source: status}]"): "monitors[0].requests[0].assertions[0] (line 7): an assertion needs the key operator",
    request("assertions: [{source: colour, operator: equals, value: 1}]"): "monitors[0].requests[0].assertions[0].source (line 7): must be one of status, response_time_ms,",
    request("assertions: [{source: status, operator: contains, value: 1}]"): "monitors[0].requests[0].assertions[0].operator (line 7): must be one of equals,",
    request("assertions: [{source: status, operator: in, value: 200}]"): "monitors[0].requests[0].assertions[0].value (line 7): must be a list",
    request("assertions: [{source: json, path: $.., operator: equals, value: 1}]"): "monitors[0].requests[0].assertions[0].path (line 7): ",
    request("assertions: [{source: header, operator: exists}]"): "monitors[0].requests[0].assertions[0].name (line 7): is needed",
    request("assertions: [{source: body, operator: matches, value: '('}]"): "monitors[0].requests[0].assertions[0].value (line 7): ",
    request("extract: [{variable: a, source: body}]"): "monitors[0].requests[0].extract[0].pattern (line 7): is needed",
    request("extract: [{variable: a, source: cookie}]"): "monitors[0].requests[0].extract[0].source (line 7): must be one of header, json, body",
    # Pages
    page("colour: red"): "pages[0].colour (line 5): unknown key; allowed: slug, name,",
    page("time_zone: Mars/X"): "pages[0].time_zone (line 5): ",
    page("domain: 'https://x'"): "pages[0].domain (line 5): Enter a host name such as status.example.com",
    "version: 1\npages: [{slug: A_B, name: P}]": "pages[0].slug (line 2): Use lower-case letters",
    "version: 1\npages:\n- {slug: a, name: A, domain: s.example.com}\n- {slug: b, name: B, domain: s.example.com}": "pages[1] (line 4): Another page has this domain.",
    page("components: [{name: A}, {name: A}]"): "pages[0].components[1] (line 5): has the name of pages[0].components[0]",
    page("components: [{name: A, showcase: maybe}]"): "pages[0].components[0].showcase (line 5): must be true or false",
    page("components: [{name: A, start_date: 2026-13-01}]"): "pages[0].components[0].start_date (line 5): must be a date such as 2026-01-31",
    page("groups: [{name: G, components: [{}]}]"): "pages[0].groups[0].components[0] (line 5): a component needs the key name",
    page("groups: [{name: G}, {name: G}]"): "pages[0].groups[1] (line 5): has the name of pages[0].groups[0]",
    page(f"groups: [{{name: {'g' * 121}}}]"): "pages[0].groups[0].name (line 5): Ensure this value has at most 120",
    page(f"metrics: [{{name: T, unit: {'u' * 21}}}]"): "pages[0].metrics[0].unit (line 5): Ensure this value has at most 20",
    # Connectors
    "version: 1\nconnectors: [{name: C, provider: statuspage, api_key: k}]": "connectors[0].provider (line 2): statuspage is not supported yet",
    "version: 1\nconnectors: [{name: C, provider: incident_io, api_key: k}]": "connectors[0].provider (line 2): incident_io is not supported yet",
    "version: 1\nconnectors: [{name: C, provider: fax}]": "connectors[0].provider (line 2): 'fax' cannot be added; allowed:",
    "version: 1\nconnectors: [{name: C, provider: native}]": "connectors[0].provider (line 2): 'native' cannot be added",
    # Integrations
    integration("monitor: M", "page: p"): "integrations[0] (line 13): Choose at least one action",
    integration("monitor: X", "page: p", LINK): "integrations[0].monitor (line 15): there is no 'X'; allowed: M",
    integration("monitor: M", "page: x", LINK): "integrations[0].page (line 16): there is no 'x'; allowed: p",
    integration("monitor: M", "connector: c", "page: p", LINK): "integrations[0].connector (line 16): there is no 'c'; allowed: native",
    integration("monitor: M", "page: p", "link_components: [{component: B}]"): "integrations[0].link_components[0].component (line 17): there is no 'B'; allowed: A",
    integration("monitor: M", "page: p", "link_components: [{component: A, failure_status: red}]"): "integrations[0].link_components[0].failure_status (line 17): must be one of operational, under_maintenance,",
    integration("monitor: M", "page: p", "link_components: [{component: A}, {component: A}]"): "integrations[0].link_components[1] (line 17): has the component of",
    integration("monitor: M", "page: p", "create_incident: {name: N, status: resolved}"): "integrations[0].create_incident.status (line 17): must be one of investigating, identified, in_progress, monitoring, not 'resolved'",
    integration("monitor: M", "page: p", "create_incident: {name: N, impact: huge}"): "integrations[0].create_incident.impact (line 17): must be one of none, minor, major, critical",
    integration("monitor: M", "page: p", "send_metric: {metric: X}"): "integrations[0].send_metric.metric (line 17): there is no 'X'; allowed: T",
    integration("monitor: M", "page: p", "send_metric: {metric: T, measure: x}"): "integrations[0].send_metric.measure (line 17): must be one of response_time_ms,",
    # Placeholders
    monitor("variables: {a: '${GONE}'}", REQUEST): "monitors[0].variables.a (line 6): the environment variable GONE is not set",
}  # fmt: skip


@pytest.mark.parametrize(("text", "problem"), REFUSED.items(), ids=REFUSED.values())
def test_what_is_wrong_is_named_by_its_place_and_nothing_is_changed(
    apply: Apply, text: str, problem: str
):
    report = apply(text)

    found = [str(one) for one in report.problems]
    assert len(found) == 1, found
    assert problem in found[0]
    assert report.changes == []
    assert not Workspace.objects.exists()
    assert not Monitor.objects.exists()
    assert not Page.objects.exists()
    assert not AuditEvent.objects.exists()


def test_all_errors_are_told_at_once_in_the_order_of_the_file_and_each_only_once(apply: Apply):
    report = apply(
        textwrap.dedent(
            """\
            version: 1
            workspaces: [{name: W}]
            monitors:
              - {name: Parent, workspace: W, interval_s: 0, requests: [{name: R, url: x}]}
              - {name: Child, workspace: W, parents: [Parent], requests: [{name: R, url: "http://a.test"}]}
              - name: Other
                workspace: W
                requests: [{name: R, url: "ftp://b.test"}, {name: S, url: "{{a}}", method: ""}]
            pages:
              - {slug: p, name: P, time_zone: Nowhere}
              - {slug: q, name: Q, components: [{name: A, start_date: soon}]}
            integrations:
              - {nickname: I, workspace: W, monitor: Child, page: p, link_components: [{component: A}]}
              - {nickname: J, workspace: V, monitor: Child, page: q, link_components: [{component: A}]}
            """
        )
    )

    assert [problem.place for problem in report.problems] == [
        "monitors[0].interval_s",
        "monitors[2].requests[1].method",
        "pages[0].time_zone",
        "pages[1].components[0].start_date",
        "integrations[1].workspace",
    ]
