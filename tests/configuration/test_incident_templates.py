"""`incident_templates[]`: brought by page and name, components by name."""

from __future__ import annotations

import pytest

from apps.configuration.export import export
from apps.incidents.models import IncidentTemplate
from tests.configuration.conftest import Apply

TEMPLATES = """
version: 1
pages:
  - slug: shop
    name: Shop
    components: [{name: Orders}]
    groups: [{name: API, components: [{name: Orders}, {name: Search}]}]
incident_templates:
  - {name: Slow, page: shop, title: "{{components}} slow", components: [Search, API / Orders]}
  - {name: Gone, page: shop}
"""
CHANGED = TEMPLATES.replace("[Search, API / Orders]", "[Orders]").replace(
    "  - {name: Gone, page: shop}\n", ""
)


def test_templates_are_brought_changed_and_removed(apply: Apply):
    apply(TEMPLATES)
    slow = IncidentTemplate.objects.get(name="Slow")
    assert sorted((row.group.name, row.name) for row in slow.components.all()) == [
        ("API", "Orders"),
        ("API", "Search"),
    ]

    changed = apply(CHANGED, prune=True)

    assert changed.lines() == [
        "- template Gone (shop)",
        '~ template Slow (shop): components: ["API / Orders", "Search"] → ["Orders"]',
        "0 added, 1 changed, 1 removed.",
    ]
    assert slow.components.get().group is None


def test_twice_is_once_and_an_export_is_read_back(apply: Apply):
    apply(TEMPLATES)

    assert apply(TEMPLATES).lines() == ["Nothing to change."]
    assert apply(export()).lines() == ["Nothing to change."]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{name: A, page: nowhere}", "incident_templates[0].page (line 5): there is no 'nowhere'"),
        (
            "{name: A, page: shop, components: [Nothing]}",
            "incident_templates[0].components[0] (line 5): there is no 'Nothing'; allowed: Orders",
        ),
        (
            '{name: A, page: shop, title: "{{oh no}}"}',
            "incident_templates[0].title (line 5): '{{oh no}}' is no variable",
        ),
        (
            "{name: A, page: shop, update_status: completed}",
            "incident_templates[0].update_status (line 5): 'completed' is none of incident",
        ),
    ],
)
def test_what_does_not_hold_is_told_at_its_place(apply: Apply, line: str, problem: str):
    page = "{slug: shop, name: Shop, components: [{name: Orders}]}"

    report = apply(f"\nversion: 1\npages: [{page}]\nincident_templates:\n  - {line}\n")

    assert [str(one)[: len(problem)] for one in report.problems] == [problem]
    assert not IncidentTemplate.objects.exists()
