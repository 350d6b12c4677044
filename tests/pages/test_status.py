"""A component's status is derived, and explainable (docs/architecture.md)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.pages.status import SEVERITY, ComponentStatus, Opinion, derive, worst

OP, DEG, PART, MAJ, MAINT = (
    "operational",
    "degraded_performance",
    "partial_outage",
    "major_outage",
    "under_maintenance",
)


def staff(status):
    return Opinion("staff", "", status)


def link(status, *, muted=False, key="l"):
    return Opinion("link", key, status, muted)


def incident(status):
    return Opinion("incident", "i", status)


def maintenance():
    return Opinion("maintenance", "m", MAINT)


@pytest.mark.parametrize(
    ("opinions", "expected"),
    [
        # Nobody says anything.
        ([], OP),
        # The worst counts, whoever says it.
        ([link(OP)], OP),
        ([link(MAJ)], MAJ),
        ([link(DEG), link(PART, key="k")], PART),
        ([staff(DEG), link(OP)], DEG),
        ([staff(DEG), link(MAJ)], MAJ),
        ([incident(PART), link(DEG)], PART),
        ([incident(OP), link(MAJ)], MAJ),
        ([staff(PART), incident(DEG)], PART),
        ([link(MAINT), link(DEG, key="k")], DEG),
        # A muted link does not count, others do.
        ([link(MAJ, muted=True)], OP),
        ([link(MAJ, muted=True), link(DEG, key="k")], DEG),
        ([link(MAJ, muted=True), incident(PART)], PART),
        # A maintenance masks links.
        ([maintenance()], MAINT),
        ([maintenance(), link(MAJ)], MAINT),
        ([maintenance(), link(OP)], MAINT),
        # … unless staff or an incident say something worse than operational.
        ([maintenance(), staff(DEG)], DEG),
        ([maintenance(), staff(DEG), link(MAJ)], DEG),
        ([maintenance(), incident(PART), link(MAJ)], PART),
        ([maintenance(), incident(OP), link(MAJ)], MAINT),
        ([maintenance(), incident(DEG), staff(MAJ)], MAJ),
        ([maintenance(), incident(MAINT)], MAINT),
        # Staff's own maintenance does the same.
        ([staff(MAINT)], MAINT),
        ([staff(MAINT), link(MAJ)], MAINT),
        ([staff(MAINT), incident(DEG), link(MAJ)], DEG),
        ([staff(MAINT), maintenance(), link(MAJ)], MAINT),
        # An incident's or a link's under_maintenance is a status like others: it covers nothing.
        ([incident(MAINT), link(MAJ)], MAJ),
        ([link(MAINT), incident(DEG)], DEG),
    ],
)
def test_status_is_the_worst_with_masks_and_mutes(opinions, expected):
    assert derive(opinions).status == expected


@pytest.mark.parametrize(
    ("opinions", "roles"),
    [
        ([link(MAJ), staff(DEG)], ["decides", "counts"]),
        ([link(MAJ), link(MAJ, key="k")], ["decides", "decides"]),
        ([link(MAJ, muted=True)], ["muted"]),
        ([maintenance(), link(MAJ)], ["decides", "masked"]),
        ([maintenance(), link(MAJ, muted=True)], ["decides", "muted"]),
        ([maintenance(), incident(PART), link(MAJ)], ["counts", "decides", "masked"]),
        ([staff(MAINT), link(MAJ), incident(OP)], ["decides", "masked", "counts"]),
    ],
)
def test_the_explanation_gives_each_opinion_its_part(opinions, roles):
    explained = derive(opinions).explained

    assert [one.opinion for one in explained] == opinions
    assert [one.role for one in explained] == roles


def test_maintenance_is_worse_than_operational_and_better_than_degraded():
    assert sorted(ComponentStatus.values, key=SEVERITY.__getitem__) == [OP, MAINT, DEG, PART, MAJ]


statuses = st.sampled_from(ComponentStatus.values)
links = st.builds(
    Opinion, st.just("link"), st.text("abc", min_size=1, max_size=2), statuses, st.booleans()
)
people = st.builds(Opinion, st.sampled_from(["staff", "incident"]), st.just("p"), statuses)
maintenances = st.builds(Opinion, st.just("maintenance"), st.just("m"), st.just(MAINT))
opinion_lists = st.lists(st.one_of(links, people, maintenances), max_size=6)


@given(opinion_lists, st.randoms())
def test_the_order_of_opinions_does_not_matter(opinions, random):
    shuffled = list(opinions)
    random.shuffle(shuffled)

    assert derive(shuffled).status == derive(opinions).status


@given(opinion_lists, links)
def test_a_muted_or_masked_link_changes_nothing(opinions, extra):
    before, after = derive(opinions), derive([*opinions, extra])

    if after.explained[-1].role in {"muted", "masked"}:
        assert after.status == before.status


@given(opinion_lists, people)
def test_a_person_never_makes_it_look_better_but_by_maintenance(opinions, extra):
    before, after = derive(opinions), derive([*opinions, extra])

    if extra.status != MAINT and not any(one.role == "masked" for one in after.explained):
        assert SEVERITY[after.status] >= min(SEVERITY[before.status], SEVERITY[extra.status])
        assert extra.status == OP or SEVERITY[after.status] >= SEVERITY[extra.status]


@given(opinion_lists)
def test_what_is_not_operational_is_said_by_somebody(opinions):
    derived = derive(opinions)

    if derived.status != OP:
        assert any(one.role == "decides" for one in derived.explained)
    assert all(
        one.opinion.status == derived.status for one in derived.explained if one.role == "decides"
    )


@given(opinion_lists)
def test_without_a_maintenance_it_is_the_worst_of_what_is_not_muted(opinions):
    covered = any(
        one.source == "maintenance" or (one.source == "staff" and one.status == MAINT)
        for one in opinions
    )

    if not covered:
        expected = worst(one.status for one in opinions if not one.muted)
        assert derive(opinions).status == expected
