"""The planner's rules as tables: what is wanted, and what changes for it. No database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apps.integrations.planner import (
    DEFAULT_MESSAGE,
    DEFAULT_RESOLVED_MESSAGE,
    IntegrationView,
    LinkView,
    OutageView,
    RuleView,
    StreamView,
    desired,
    incident_key,
    incident_moves,
    said_changes,
)
from tests.factories import NOW

LINK = LinkView(
    id=1,
    component_id=10,
    remote_id="web",
    success_status="operational",
    failure_status="major_outage",
    said_status="operational",
)
OTHER = replace(LINK, id=2, component_id=20, remote_id="api", failure_status="degraded_performance")
RULE = RuleView(
    id=5, key="rule", name="Trouble", status="investigating", impact="major", message="We look."
)
INTEGRATION = IntegrationView(
    id=7, monitor_id=3, page_id=9, page_key="page", links=(LINK,), rule=RULE
)
OUTAGE = OutageView(id=100, key="outage")
STREAM = StreamView(
    id=50, outage_id=100, monitor_id=3, page_id=9, key="incident:rule:outage:page", listed=("web",)
)
REMOTE = replace(
    INTEGRATION, speaks_unasked=False, links=(replace(LINK, said_status=""),), rule=None
)


@pytest.mark.parametrize(
    ("integration", "outage", "word"),
    [
        (INTEGRATION, None, "operational"),
        (INTEGRATION, OUTAGE, "major_outage"),
        (replace(INTEGRATION, links=(replace(LINK, said_status=""),)), None, "operational"),
        (replace(INTEGRATION, links=(replace(LINK, said_status=""),)), OUTAGE, "major_outage"),
        (replace(INTEGRATION, acts=False), None, ""),
        (replace(INTEGRATION, acts=False), OUTAGE, ""),
        (replace(INTEGRATION, links=(replace(LINK, is_live=False),)), OUTAGE, ""),
        (replace(INTEGRATION, links=(replace(LINK, is_reachable=False),)), OUTAGE, "operational"),
        (
            replace(INTEGRATION, links=(replace(LINK, is_reachable=False, is_live=False),)),
            OUTAGE,
            "",
        ),
        (replace(INTEGRATION, links=(replace(LINK, is_on_page=False),)), OUTAGE, "major_outage"),
        (replace(INTEGRATION, links=(replace(LINK, is_covered=True),)), OUTAGE, "major_outage"),
        (replace(INTEGRATION, page_is_live=False), OUTAGE, "major_outage"),
        (
            replace(INTEGRATION, links=(replace(LINK, success_status="degraded_performance"),)),
            None,
            "degraded_performance",
        ),
        (REMOTE, None, ""),
        (REMOTE, OUTAGE, "major_outage"),
        (replace(REMOTE, links=(LINK,)), None, "operational"),
    ],
    ids=[
        "calm",
        "failing",
        "new and calm",
        "new and failing",
        "disabled",
        "disabled while failing",
        "link taken off",
        "component gone: the last word stands",
        "component gone and link taken off",
        "component on another page",
        "component under maintenance: masked there",
        "page archived",
        "success status of its own",
        "elsewhere, before the first outage",
        "elsewhere, failing",
        "elsewhere, after an outage",
    ],
)
def test_the_word_of_a_link(
    integration: IntegrationView, outage: OutageView | None, word: str
) -> None:
    wanted = desired(integration, outage)

    assert wanted.words == {1: word}


@pytest.mark.parametrize(
    ("integration", "listed"),
    [
        (INTEGRATION, {"web": "major_outage"}),
        (
            replace(INTEGRATION, links=(LINK, OTHER)),
            {"web": "major_outage", "api": "degraded_performance"},
        ),
        (replace(INTEGRATION, links=()), {}),
        (
            replace(INTEGRATION, links=(replace(LINK, is_covered=True), OTHER)),
            {"web": "major_outage", "api": "degraded_performance"},
        ),
        (
            replace(INTEGRATION, links=(replace(LINK, is_reachable=False), OTHER)),
            {"api": "degraded_performance"},
        ),
        (
            replace(INTEGRATION, links=(replace(LINK, is_on_page=False), OTHER)),
            {"api": "degraded_performance"},
        ),
        (replace(INTEGRATION, links=(replace(LINK, is_live=False),)), {}),
    ],
    ids=[
        "one link",
        "two links",
        "no link",
        "one of two covered",
        "one of two gone",
        "one of two elsewhere",
        "link taken off",
    ],
)
def test_an_incident_is_wanted_and_lists(
    integration: IntegrationView, listed: dict[str, str]
) -> None:
    wanted = desired(integration, OUTAGE).incident

    assert wanted is not None
    assert wanted.components == listed
    assert (wanted.kind, wanted.name, wanted.impact) == ("open", "Trouble", "major")
    assert wanted.idempotency_key == incident_key("rule", "outage", "page")


@pytest.mark.parametrize(
    "integration",
    [
        replace(INTEGRATION, rule=None),
        replace(INTEGRATION, rule=replace(RULE, enabled=False)),
        replace(INTEGRATION, acts=False),
        replace(INTEGRATION, page_is_live=False),
        replace(INTEGRATION, links=(replace(LINK, is_covered=True),)),
        replace(
            INTEGRATION,
            links=(replace(LINK, is_covered=True), replace(OTHER, is_reachable=False)),
        ),
    ],
    ids=["no action", "action off", "disabled", "page archived", "covered", "the rest covered"],
)
def test_no_incident_is_wanted(integration: IntegrationView) -> None:
    assert desired(integration, OUTAGE).incident is None


def test_without_an_outage_no_incident_is_wanted() -> None:
    assert desired(INTEGRATION, None).incident is None


def test_only_words_that_differ_are_said() -> None:
    integration = replace(INTEGRATION, links=(replace(LINK, said_status="major_outage"), OTHER))

    changes = said_changes(integration, desired(integration, OUTAGE), NOW)

    assert [(one.link_id, one.component_id, one.status, one.since) for one in changes] == [
        (2, 20, "degraded_performance", NOW)
    ]


ABANDONED = replace(STREAM, is_abandoned=True)


@pytest.mark.parametrize(
    ("integration", "outage", "closed", "streams", "expected"),
    [
        (INTEGRATION, OUTAGE, None, [], "open"),
        (INTEGRATION, OUTAGE, None, [STREAM], ""),
        (INTEGRATION, OUTAGE, None, [ABANDONED], "resume"),
        (INTEGRATION, None, OUTAGE, [STREAM], "resolve"),
        (INTEGRATION, None, OUTAGE, [ABANDONED], ""),
        (INTEGRATION, None, replace(OUTAGE, was_removed=True), [STREAM], "abandon"),
        (INTEGRATION, None, None, [], ""),
        (replace(INTEGRATION, acts=False), OUTAGE, None, [STREAM], "abandon"),
        (replace(INTEGRATION, acts=False), OUTAGE, None, [ABANDONED], ""),
        (replace(INTEGRATION, acts=False), None, OUTAGE, [STREAM], "abandon"),
        (replace(INTEGRATION, acts=False), OUTAGE, None, [], ""),
        (
            replace(INTEGRATION, rule=replace(RULE, enabled=False)),
            OUTAGE,
            None,
            [STREAM],
            "abandon",
        ),
        (replace(INTEGRATION, monitor_id=4), None, None, [STREAM], "abandon"),
        (replace(INTEGRATION, page_id=8), OUTAGE, None, [STREAM], "open abandon"),
        (replace(INTEGRATION, page_is_live=False), OUTAGE, None, [STREAM], "abandon"),
        (
            replace(INTEGRATION, links=(replace(LINK, is_covered=True),)),
            OUTAGE,
            None,
            [STREAM],
            "",
        ),
        (INTEGRATION, OUTAGE, None, [replace(STREAM, outage_id=99, monitor_id=4)], "open abandon"),
    ],
    ids=[
        "outage opens",
        "opened before",
        "enabled again",
        "recovered",
        "recovered, left to staff before",
        "monitor removed",
        "calm",
        "disabled",
        "disabled twice",
        "disabled and closed at once",
        "disabled, no incident",
        "action taken off",
        "another monitor",
        "another page",
        "page archived",
        "maintenance begins later",
        "another monitor that fails too",
    ],
)
def test_what_is_done_about_incidents(
    integration: IntegrationView,
    outage: OutageView | None,
    closed: OutageView | None,
    streams: list[StreamView],
    expected: str,
) -> None:
    moves = incident_moves(
        integration,
        desired(integration, outage),
        outage=outage,
        closed=closed,
        streams=streams,
    )

    done = [
        name
        for name, happened in (
            ("open", moves.opens),
            ("resolve", moves.resolves),
            ("abandon", moves.abandons),
            ("resume", moves.resumes),
        )
        if happened
    ]
    assert " ".join(done) == expected


def test_the_resolution_lists_what_the_opening_listed_and_is_linked_still() -> None:
    integration = replace(INTEGRATION, links=(LINK, OTHER))
    stream = replace(STREAM, listed=("web", "gone"))

    moves = incident_moves(
        integration, desired(integration, None), outage=None, closed=OUTAGE, streams=[stream]
    )

    assert moves.resolves is not None
    change = moves.resolves[50]
    assert change.components == {"web": "operational"}
    assert (change.kind, change.status, change.idempotency_key) == (
        "resolve",
        "resolved",
        STREAM.key,
    )


def test_empty_texts_mean_the_defaults() -> None:
    integration = replace(INTEGRATION, rule=replace(RULE, message=""))

    opening = desired(integration, OUTAGE).incident
    moves = incident_moves(
        integration, desired(integration, None), outage=None, closed=OUTAGE, streams=[STREAM]
    )

    assert opening is not None
    assert moves.resolves is not None
    assert opening.message == DEFAULT_MESSAGE
    assert moves.resolves[50].message == DEFAULT_RESOLVED_MESSAGE
