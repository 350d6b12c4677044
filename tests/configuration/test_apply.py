from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest

from apps.accounts.models import Workspace
from apps.configuration.plan import Report
from apps.core.models import AuditEvent
from apps.integrations.models import ComponentLink, Integration
from apps.monitors.models import Location, Monitor, Schedule
from apps.pages.models import Component, ComponentGroup, Page
from tests.configuration.conftest import Apply
from tests.factories import ComponentFactory, PageFactory, WorkspaceFactory

Applied = Callable[..., list[str]]

MONITOR = """\
version: 1
workspaces: [{name: W}]
monitors:
  - name: M
    workspace: W
    interval_s: 5
    secret_variables: {password: "${PASSWORD}", token: t}
    requests:
      - {name: R, url: "https://a.test/", auth: {type: basic, username: u, password: "${PASSWORD}"}}
      - {name: S, url: "https://a.test/s", headers: {Authorization: "Bearer ${TOKEN}", X-A: "1"}}
"""


def test_a_dry_run_says_what_would_change_and_changes_nothing(apply: Apply):
    report = apply(MONITOR, {"PASSWORD": "p", "TOKEN": "t"}, dry_run=True)

    assert report.lines() == [
        "+ workspace W",
        "+ monitor M (W)",
        "Dry run: 2 to add, 0 to change, 0 to remove. Nothing was changed.",
    ]
    assert not Workspace.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_change_names_each_value_before_and_after(applied: Applied):
    applied(MONITOR, {"PASSWORD": "p", "TOKEN": "t"})

    lines = applied(
        MONITOR.replace("interval_s: 5", "interval_s: 10\n    tags: [a]").replace(
            "a.test/s", "b.test"
        ),
        {"PASSWORD": "p", "TOKEN": "t"},
    )

    assert lines == [
        '~ monitor M (W): interval_s: 5 → 10, tags: [] → ["a"], '
        "requests[1].url: https://a.test/s → https://b.test",
        "0 added, 1 changed, 0 removed.",
    ]
    assert Monitor.objects.get().interval_s == 10


def test_an_absent_key_means_its_default(applied: Applied):
    applied(MONITOR, {"PASSWORD": "p", "TOKEN": "t"})

    lines = applied(MONITOR.replace("    interval_s: 5\n", ""), {"PASSWORD": "p", "TOKEN": "t"})

    assert lines[0] == "~ monitor M (W): interval_s: 5 → 60"


def test_secrets_are_compared_and_never_shown(applied: Applied):
    applied(MONITOR, {"PASSWORD": "before-word", "TOKEN": "a"})

    lines = applied(
        MONITOR.replace(", token: t", ", other: new-word"), {"PASSWORD": "after-word", "TOKEN": "b"}
    )

    assert lines[0] == (
        "~ monitor M (W): secret_variables.password: changed, secret_variables.other: changed, "
        "secret_variables.token: changed, requests[0].auth.password: changed, "
        "requests[1].headers.Authorization: changed"
    )
    assert "-word" not in str(list(AuditEvent.objects.values_list("changes", flat=True)))
    assert Monitor.objects.get().secret_variables == {
        "password": "after-word",
        "other": "new-word",
    }


def test_secrets_that_the_file_leaves_out_stay(applied: Applied):
    applied(MONITOR, {"PASSWORD": "p", "TOKEN": "t"})

    without = MONITOR.replace('    secret_variables: {password: "${PASSWORD}", token: t}\n', "")
    lines = applied(
        without.replace("interval_s: 5", "interval_s: 7"), {"PASSWORD": "p", "TOKEN": "t"}
    )

    assert lines[0] == "~ monitor M (W): interval_s: 5 → 7"
    assert Monitor.objects.get().secret_variables == {"password": "p", "token": "t"}


def test_an_empty_mapping_removes_the_secrets(applied: Applied):
    applied(MONITOR, {"PASSWORD": "p", "TOKEN": "t"})

    applied(
        MONITOR.replace('{password: "${PASSWORD}", token: t}', "{}"),
        {"PASSWORD": "p", "TOKEN": "t"},
    )

    assert Monitor.objects.get().secret_variables == {}


def test_every_change_is_in_the_audit_trail_as_the_commands(applied: Applied):
    applied(MONITOR, {"PASSWORD": "p", "TOKEN": "t"})

    events = AuditEvent.objects.order_by("id").values_list("action", "actor_kind", "actor_key")
    assert list(events) == [
        ("workspace.created", "command", "apply"),
        ("monitor.created", "command", "apply"),
    ]


def test_what_the_file_does_not_mention_stays_as_it_is(applied: Applied):
    page = PageFactory(slug="other")
    component = ComponentFactory(page=PageFactory(slug="p", name="P"), name="Old")

    applied("version: 1\npages: [{slug: p, name: P, components: [{name: New}]}]")

    assert not Page.objects.get(pk=page.pk).is_archived
    assert not Component.objects.get(pk=component.pk).is_archived


PAGE = """\
version: 1
pages:
  - slug: p
    name: P
    components: [{name: A}, {name: B}]
    groups:
      - {name: G, components: [{name: C}, {name: D}]}
      - {name: H, components: [{name: C}]}
    metrics: [{name: T}, {name: U}]
"""


def test_a_component_that_changes_its_group_is_moved_and_not_made_anew(applied: Applied):
    applied(PAGE)
    before = {row.name: row.public_id for row in Component.objects.filter(name__in="ABD")}

    lines = applied(
        PAGE.replace("{name: A}, {name: B}", "{name: B}, {name: D}").replace(
            "{name: C}, {name: D}", "{name: C}, {name: A}"
        )
    )

    assert lines == [
        "~ component D (p): group: G → none",
        "~ component G / A (p): group: none → G",
        "0 added, 2 changed, 0 removed.",
    ]
    assert {row.name: row.public_id for row in Component.objects.filter(name__in="ABD")} == before
    assert Component.objects.get(name="A").group.name == "G"


def test_a_name_that_two_groups_have_is_not_taken_for_a_move(applied: Applied):
    applied(PAGE)

    lines = applied(
        "version: 1\npages: [{slug: p, name: P, groups: [{name: I, components: [{name: C}]}]}]"
    )

    assert lines[:2] == ["+ group I (p)", "+ component I / C (p)"]
    assert Component.objects.live().filter(name="C").count() == 3


def test_the_files_order_is_the_pages_order(applied: Applied):
    applied(PAGE)

    lines = applied(
        PAGE.replace("{name: A}, {name: B}", "{name: B}, {name: New}, {name: A}")
        .replace("{name: C}, {name: D}", "{name: D}, {name: C}")
        .replace("{name: T}, {name: U}", "{name: U}, {name: T}")
    )

    assert lines == [
        "+ component New (p)",
        '~ page p: order: ["A", "B", "G", "H", "New"] → ["B", "New", "G", "H", "A"]',
        '~ group G (p): order: ["C", "D"] → ["D", "C"]',
        '~ page p: order of metrics: ["T", "U"] → ["U", "T"]',
        "1 added, 3 changed, 0 removed.",
    ]
    assert list(
        Component.objects.filter(group=None).order_by("position").values_list("name", flat=True)
    ) == ["B", "New", "A"]


def test_two_pages_can_exchange_their_domains(applied: Applied):
    text = "version: 1\npages: [{slug: a, name: A, domain: a.x.test}, {slug: b, name: B, domain: b.x.test}]"
    applied(text)

    applied(
        text.replace("a.x.test", "c.x.test").replace("b.x.test", "a.x.test").replace("c.x", "b.x")
    )

    assert dict(Page.objects.values_list("slug", "domain")) == {"a": "b.x.test", "b": "a.x.test"}


def test_monitors_may_name_parents_that_come_later(applied: Applied):
    text = "version: 1\nworkspaces: [{name: W}]\nmonitors:\n" + "".join(
        f"  - {{name: {name}, workspace: W, parents: [{parents}], requests: [{{name: R, url: 'http://a.test'}}]}}\n"
        for name, parents in (("A", "B, C"), ("B", "C"), ("C", ""))
    )

    applied(text)
    turned = text.replace(
        "name: A, workspace: W, parents: [B, C]", "name: A, workspace: W, parents: []"
    )
    lines = applied(
        turned.replace("name: C, workspace: W, parents: []", "name: C, workspace: W, parents: [A]")
    )

    assert lines[:2] == [
        '~ monitor A (W): parents: ["B", "C"] → []',
        '~ monitor C (W): parents: [] → ["A"]',
    ]


def test_a_circle_of_parents_is_refused_at_each_of_its_monitors(apply: Apply):
    text = "version: 1\nworkspaces: [{name: W}]\nmonitors:\n" + "".join(
        f"  - {{name: {name}, workspace: W, parents: [{parents}], requests: [{{name: R, url: 'http://a.test'}}]}}\n"
        for name, parents in (("A", "B"), ("B", "C"), ("C", "A"), ("D", "A"))
    )

    report = apply(text)

    assert [problem.place for problem in report.problems] == [
        "monitors[0].parents",
        "monitors[1].parents",
        "monitors[2].parents",
    ]
    assert "form a circle" in report.problems[0].message


AMBIGUOUS = (
    PAGE
    + """\
workspaces: [{name: W}]
monitors:
  - {name: M, workspace: W, requests: [{name: R, url: "https://a.test/"}]}
integrations:
  - {nickname: I, workspace: W, monitor: M, page: p, link_components: [{component: %s}]}
"""
)


def test_an_ambiguous_component_is_refused_with_what_to_write(apply: Apply):
    report = apply(AMBIGUOUS % "C")

    assert [str(problem) for problem in report.problems] == [
        "integrations[0].link_components[0].component (line 14): "
        "'C' is ambiguous; write one of: G / C, H / C"
    ]


@pytest.mark.parametrize(("name", "group"), [("H / C", "H"), ("G / D", "G"), ("D", "G"), ("A", "")])
def test_a_component_is_found_by_its_name_or_with_its_group(
    applied: Applied, name: str, group: str
):
    applied(AMBIGUOUS % name)
    again = applied(AMBIGUOUS % name)

    assert ComponentLink.objects.get().component.group_name == group
    assert again == ["Nothing to change."]


def test_a_plain_name_is_the_component_outside_of_groups(applied: Applied):
    applied((AMBIGUOUS % "C").replace("{name: B}", "{name: C}"))

    assert ComponentLink.objects.get().component.group_name == ""


def test_moving_a_linked_component_leaves_its_integration_alone(applied: Applied):
    text = AMBIGUOUS % "G / D"
    applied(text)

    lines = applied(
        text.replace("{name: C}, {name: D}]", "{name: C}]")
        .replace("{name: B}]", "{name: B}, {name: D}]")
        .replace("G / D", "D")
    )

    assert lines == ["~ component D (p): group: G → none", "0 added, 1 changed, 0 removed."]


def test_pruning_removes_what_is_missing_from_the_sections_that_the_file_has(applied: Applied):
    applied(AMBIGUOUS % "A")
    WorkspaceFactory(name="Elsewhere")

    lines = applied(
        """\
        version: 1
        pages:
          - slug: p
            name: P
            components: [{name: A}]
            groups: [{name: G, components: [{name: D}]}]
        monitors: []
        """,
        prune=True,
    )

    assert lines == [
        "- monitor M (W)",
        "- component B (p)",
        "- component G / C (p)",
        "- component H / C (p)",
        "- group H (p)",
        "0 added, 0 changed, 5 removed.",
    ]
    assert Workspace.objects.live().count() == 2
    assert set(Component.objects.live().values_list("name", flat=True)) == {"A", "D"}
    assert list(ComponentGroup.objects.live().values_list("name", flat=True)) == ["G"]
    assert Page.objects.get().metrics.live().count() == 2
    assert Integration.objects.live().count() == 1


def test_a_component_that_moves_out_of_a_pruned_group_stays(applied: Applied):
    applied(PAGE)

    lines = applied(
        "version: 1\npages: [{slug: p, name: P, components: [{name: A}, {name: B}, {name: D}], groups: []}]",
        prune=True,
    )

    assert lines[0] == "~ component D (p): group: G → none"
    assert [line for line in lines if line.startswith("- group")] == [
        "- group G (p)",
        "- group H (p)",
    ]
    assert set(Component.objects.live().values_list("name", flat=True)) == {"A", "B", "D"}


def test_a_pruned_workspace_takes_its_monitors_and_integrations_along(applied: Applied):
    applied(AMBIGUOUS % "A")

    lines = applied("version: 1\nworkspaces: []", prune=True)

    assert lines[:3] == ["- integration I (W)", "- monitor M (W)", "- workspace W"]
    assert not Monitor.objects.live().exists()


def test_pruning_keeps_what_always_exists(applied: Applied):
    lines = applied("version: 1\nlocations: [{code: eu, name: E}]\nconnectors: []", prune=True)

    assert lines == ["+ location eu", "1 added, 0 changed, 0 removed."]
    assert set(Location.objects.live().values_list("code", flat=True)) == {"default", "eu"}


def test_nothing_may_refer_to_what_pruning_removes(apply: Apply, applied: Applied):
    applied(AMBIGUOUS % "A")

    report = apply(
        """\
        version: 1
        pages: []
        workspaces: [{name: V}]
        monitors:
          - {name: M, workspace: W, requests: [{name: R, url: "https://a.test/"}]}
          - {name: N, workspace: V, parents: [P], requests: [{name: R, url: "https://a.test/"}]}
        integrations:
          - {nickname: I, workspace: V, monitor: N, page: p, link_components: [{component: A}]}
        """,
        prune=True,
    )

    assert [str(problem) for problem in report.problems] == [
        "monitors[0].workspace (line 5): there is no 'W'; allowed: V",
        "monitors[1].parents[0] (line 6): 'P' is not in this file, and pruning removes what is not",
        "integrations[0].page (line 8): there is no 'p'; allowed: none yet",
    ]


def test_a_location_where_monitors_run_is_not_pruned(apply: Apply, applied: Applied):
    applied(
        """\
        version: 1
        locations: [{code: eu, name: E}]
        workspaces: [{name: W}]
        monitors: [{name: M, workspace: W, locations: [eu], requests: [{name: R, url: "http://a.test"}]}]
        """
    )

    report = apply("version: 1\nlocations: []", prune=True)

    assert [str(problem) for problem in report.problems] == [
        "- location eu: the monitor M runs at eu"
    ]


def test_what_was_removed_can_be_made_again_under_its_name(applied: Applied):
    applied(AMBIGUOUS % "A")
    applied("version: 1\nworkspaces: []\npages: []", prune=True)

    lines = applied(AMBIGUOUS % "A")

    assert lines[-1] == "13 added, 0 changed, 0 removed."
    assert Monitor.objects.count() == 2


def test_numbers_and_flags_may_come_from_the_environment(applied: Applied):
    applied(
        MONITOR.replace(
            "interval_s: 5", "interval_s: ${EVERY}\n    enabled: ${ON}\n    timeout_s: ${T}"
        ),
        {"PASSWORD": "p", "TOKEN": "t", "EVERY": "30", "ON": "false", "T": "2.5"},
    )

    monitor = Monitor.objects.get()
    assert (monitor.interval_s, monitor.enabled, monitor.timeout_s) == (30, False, 2.5)


def test_the_report_is_shown_before_the_transaction_ends(apply: Apply):
    class Interrupted(Exception):
        pass

    def show(report: Report) -> None:
        assert report.lines()[0] == "+ workspace W"
        raise Interrupted

    with pytest.raises(Interrupted):
        apply("version: 1\nworkspaces: [{name: W}]", show=show)

    assert not Workspace.objects.exists()


def test_a_crontab_and_its_zone_are_applied_and_move_the_next_slot(applied: Applied):
    env = {"PASSWORD": "p", "TOKEN": "t"}
    berlin = MONITOR.replace(
        "interval_s: 5", "crontab: {expression: 30 6 * * *, time_zone: Europe/Berlin}"
    )
    applied(berlin, env)
    first = Schedule.objects.get().next_run_at

    applied(berlin.replace("Europe/Berlin", "Asia/Tokyo"), env)
    second = Schedule.objects.get().next_run_at

    assert first is not None
    assert second is not None
    assert f"{first.astimezone(ZoneInfo('Europe/Berlin')):%H:%M:%S}" == "06:30:00"
    assert f"{second.astimezone(ZoneInfo('Asia/Tokyo')):%H:%M:%S}" == "06:30:00"
    assert applied(berlin.replace("Europe/Berlin", "Asia/Tokyo"), env)[-1].startswith("No")
