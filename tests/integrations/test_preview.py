"""The sentences that say what an integration does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from apps.integrations.definition import IncidentDefinition
from apps.integrations.preview import Draft, DraftLink, Preview, Scene, preview_of
from apps.integrations.preview.scene import ComponentFacts, MonitorFacts, PageFacts
from apps.integrations.preview.words import when_it_fails, when_it_recovers
from apps.pages import audience

MONITOR = MonitorFacts("Orders", 2, 1, 1, 1)
PAGE = PageFacts("Acme", "p4g3k3y00000", is_local=True)
CHECKOUT = ComponentFacts("Checkout", "c0mp0n3nt000", "r3m0t3000000", "component:c:c0mp0n3nt000")
INCIDENT = IncidentDefinition(name="Orders fail", impact="critical", message="We look into it.")
WHOLE = Scene(
    draft=Draft(
        nickname="Orders to Acme",
        monitor_id=1,
        page_id=2,
        link_components=(DraftLink(3),),
        create_incident=INCIDENT,
        with_metric=True,
        metric_id=4,
    ),
    monitor=MONITOR,
    page=PAGE,
    components={3: CHECKOUT},
    metric="Latency",
)


def _texts(lines: object) -> list[str]:
    return [f"{line.text} {line.status_label or line.quote}".strip() for line in lines]  # type: ignore[attr-defined]


def test_it_says_what_happens_when_the_monitor_fails_and_when_it_passes_again():
    preview = preview_of(WHOLE)

    assert preview.fails_title == "When “Orders” fails (after 2 failed runs in a row)"
    assert _texts(preview.fails) == [
        "“Checkout” on “Acme” becomes Major outage",
        "The incident “Orders fail” is created on “Acme”, Investigating, impact Critical. It lists Checkout."
        " Readers read: We look into it.",
    ]
    assert preview.recovers_title == "When it passes again (after one passed run)"
    assert _texts(preview.recovers) == [
        "“Checkout” on “Acme” becomes Operational",
        "The incident is resolved, unless a person took it over. Readers of “Acme” read: The problem is solved.",
    ]
    assert _texts(preview.always) == [
        "Each run’s response time goes to the metric “Latency” of “Acme”."
    ]
    assert (preview.warnings, preview.missing) == ((), ())


@pytest.mark.parametrize(
    ("threshold", "quorum", "locations", "words"),
    [
        (1, 1, 1, "after one failed run"),
        (3, 1, 1, "after 3 failed runs in a row"),
        (1, 1, 3, "after one failed run at any one of its 3 locations"),
        (2, 2, 3, "after 2 failed runs in a row at 2 of its 3 locations"),
        (1, 3, 3, "after one failed run at each of its 3 locations"),
        (1, 5, 3, "after one failed run at each of its 3 locations"),
    ],
)
def test_thresholds_and_quorum_are_said_in_words(
    threshold: int, quorum: int, locations: int, words: str
):
    monitor = MonitorFacts("Orders", threshold, 1, quorum, locations)

    assert when_it_fails(monitor) == words


@pytest.mark.parametrize(
    ("threshold", "quorum", "locations", "words"),
    [
        (1, 1, 1, "after one passed run"),
        (2, 1, 1, "after 2 passed runs in a row"),
        (1, 1, 3, "after one passed run at every location that failed"),
        (2, 2, 3, "after 2 passed runs in a row, once fewer than 2 locations are failing"),
    ],
)
def test_recovery_is_said_in_words(threshold: int, quorum: int, locations: int, words: str):
    monitor = MonitorFacts("Orders", 1, threshold, quorum, locations)

    assert when_it_recovers(monitor) == words


def test_an_empty_form_is_told_what_it_still_needs():
    preview = preview_of(Scene(draft=Draft()))

    assert preview.missing == (
        "Choose a monitor.",
        "Choose a page.",
        "Choose at least one action.",
    )
    assert not preview.says_something


def test_an_action_that_is_not_filled_in_yet_is_told_what_it_needs():
    draft = replace(
        WHOLE.draft, link_components=(), create_incident=IncidentDefinition(""), metric_id=None
    )

    preview = preview_of(replace(WHOLE, draft=draft, components={}, metric=None))

    assert preview.missing == (
        "Choose the component that is linked.",
        "Give the incident a name.",
        "Choose the metric that is sent.",
    )


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (None, "Nobody is written to: “Acme” is the only place where it is told."),
        (0, "Nobody is subscribed to this yet: “Acme” is the only place where it is told."),
        (1, "1 subscriber is told when the incident is created, and again when it is resolved."),
        (7, "7 subscribers are told when the incident is created, and again when it is resolved."),
    ],
)
def test_it_says_how_many_people_would_be_told(told: int | None, said: str):
    assert preview_of(replace(WHOLE, told=told)).told == said


def test_without_an_incident_nothing_is_said_of_who_is_told():
    draft = replace(WHOLE.draft, create_incident=None)

    assert preview_of(replace(WHOLE, draft=draft, told=7)).told == ""


@pytest.fixture
def _nobody_lends() -> Iterator[None]:
    lent = list(audience._lent)
    audience._lent.clear()
    yield
    audience._lent[:] = lent


@pytest.mark.usefixtures("_nobody_lends")
def test_how_many_are_told_is_what_the_apps_above_lend():
    asked = []

    def count(page: str, components: object) -> int:
        asked.append((page, components))
        return 3

    assert audience.told_of_incident("page", ["part"]) is None
    take_back = [audience.lend(audience.Audience(count)), audience.lend(audience.Audience(count))]

    assert audience.told_of_incident("page", ["part"]) == 6
    assert asked == [("page", ["part"])] * 2
    for back in take_back:
        back()
    assert audience.told_of_incident("page", []) is None


def _warned(preview: Preview, *words: str) -> bool:
    return any(all(word in warning for word in words) for warning in preview.warnings)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"is_paused": True}, ("“Orders” is paused", "until it runs again")),
        ({"is_archived": True}, ("“Orders” was removed",)),
        ({"locations": 0}, ("no location",)),
        (
            {"failing_since": datetime(2026, 3, 2, 12, tzinfo=UTC)},
            ("failing since 2026-03-02 12:00:00 UTC", "as soon as you save"),
        ),
    ],
)
def test_it_warns_of_the_monitor(change: dict[str, object], words: tuple[str, ...]):
    scene = replace(WHOLE, monitor=replace(MONITOR, **change))

    assert _warned(preview_of(scene), *words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"is_hidden": True}, ("“Checkout” is hidden", "readers see nothing")),
        ({"others": ("Pay to Acme",)}, ("“Pay to Acme” links “Checkout”", "the worst")),
        ({"others": ("A", "B")}, ("“A” and “B” link “Checkout”",)),
        ({"is_covered": True}, ("“Checkout” is under maintenance now", "no incident is created")),
        ({"is_gone": True}, ("“Checkout” is gone",)),
        ({"is_elsewhere": True}, ("“Checkout” is on another page",)),
    ],
)
def test_it_warns_of_the_component(change: dict[str, object], words: tuple[str, ...]):
    scene = replace(WHOLE, components={3: replace(CHECKOUT, **change)})

    assert _warned(preview_of(scene), *words)


def test_it_warns_of_the_page_and_of_a_second_incident():
    unpublished = replace(WHOLE, page=replace(PAGE, is_published=False), twins=("Old one",))

    preview = preview_of(unpublished)

    assert _warned(preview, "“Acme” is not published yet")
    assert _warned(preview, "“Old one” creates an incident", "readers would see 2")


def test_it_warns_of_a_link_that_says_the_same_both_ways():
    same = DraftLink(3, success_status="operational", failure_status="operational")
    scene = replace(WHOLE, draft=replace(WHOLE.draft, link_components=(same,)))

    assert _warned(preview_of(scene), "same status")


def test_it_warns_that_it_is_paused():
    scene = replace(WHOLE, draft=replace(WHOLE.draft, enabled=False))

    assert _warned(preview_of(scene), "The integration is paused")
    assert preview_of(scene).fails == preview_of(WHOLE).fails


def test_a_covered_component_stays_under_maintenance():
    scene = replace(WHOLE, components={3: replace(CHECKOUT, is_covered=True)})

    assert _texts(preview_of(scene).fails) == ["“Checkout” on “Acme” stays Under maintenance"]


def test_a_hidden_component_is_not_named_to_readers():
    scene = replace(WHOLE, components={3: replace(CHECKOUT, is_hidden=True)})

    assert "It lists" not in preview_of(scene).fails[1].text


def test_a_page_elsewhere_tells_its_own_people():
    scene = replace(WHOLE, page=replace(PAGE, is_local=False))

    assert "decides itself" in preview_of(scene).told
