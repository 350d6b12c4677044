"""Contributions make the status, its periods and its news."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.models import AuditEvent
from apps.pages.models import StatusContribution, StatusPeriod
from apps.pages.selectors import explain
from apps.pages.services import ContributionChange, Word, apply_contributions, set_staff_status
from tests.factories import LONG_AGO, MACHINE, NOW, PERSON, ComponentFactory, PageFactory

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=5)
EVEN_LATER = NOW + timedelta(minutes=10)


def link_says(component, status, *, since=NOW, at=None, key="l1"):
    change = ContributionChange(component.pk, "link", upsert=(Word(key, status, since),))
    apply_contributions(changes=[change], actor=MACHINE, at=at or since)


def staff_says(component, status, *, at=NOW):
    set_staff_status(component_id=component.pk, status=status, actor=PERSON, at=at)


def status_of(component):
    component.refresh_from_db()
    return component.status


def periods(component):
    return list(
        StatusPeriod.objects.filter(component=component).values_list(
            "status", "started_at", "ended_at"
        )
    )


def test_a_links_word_becomes_the_status():
    component = ComponentFactory()

    link_says(component, "major_outage")

    assert status_of(component) == "major_outage"
    assert component.status_since == NOW
    assert periods(component) == [
        ("operational", LONG_AGO, NOW),
        ("major_outage", NOW, None),
    ]


def test_the_same_word_twice_changes_nothing(listen):
    component = ComponentFactory()
    link_says(component, "major_outage")
    told = listen("statuses_changed")

    link_says(component, "major_outage", since=NOW, at=LATER)

    assert len(periods(component)) == 2
    assert told == []


def test_staffs_operational_withdraws_staffs_word():
    component = ComponentFactory()
    staff_says(component, "partial_outage")

    staff_says(component, "operational", at=LATER)

    assert status_of(component) == "operational"
    assert not StatusContribution.objects.exists()


def test_staffs_operational_mutes_failing_links_until_their_next_change():
    component = ComponentFactory()
    link_says(component, "major_outage")

    staff_says(component, "operational", at=LATER)
    assert status_of(component) == "operational"
    link_says(component, "major_outage")
    assert status_of(component) == "operational"
    link_says(component, "major_outage", since=EVEN_LATER)

    assert status_of(component) == "major_outage"


def test_staffs_operational_does_not_mute_a_link_that_fails_later():
    component = ComponentFactory()
    link_says(component, "operational", key="healthy")
    link_says(component, "major_outage", key="failing")
    staff_says(component, "operational", at=LATER)

    link_says(component, "partial_outage", since=EVEN_LATER, key="healthy")

    assert status_of(component) == "partial_outage"


def test_a_muted_link_that_recovers_and_fails_again_counts():
    component = ComponentFactory()
    link_says(component, "major_outage")
    staff_says(component, "operational", at=LATER)
    link_says(component, "operational", since=LATER)

    link_says(component, "major_outage", since=EVEN_LATER)

    assert status_of(component) == "major_outage"


def test_automation_neither_removes_nor_replaces_what_staff_said():
    component = ComponentFactory()
    staff_says(component, "partial_outage")

    with pytest.raises(Conflict):
        set_staff_status(component_id=component.pk, status="operational", actor=MACHINE, at=NOW)
    withdrawal = ContributionChange(component.pk, "staff", withdraw=("",))
    with pytest.raises(Conflict):
        apply_contributions(changes=[withdrawal], actor=MACHINE, at=NOW)
    link_says(component, "operational")

    assert status_of(component) == "partial_outage"


def test_staffs_maintenance_masks_the_link_and_the_link_shows_again_after_it():
    component = ComponentFactory()
    staff_says(component, "under_maintenance")
    link_says(component, "major_outage", since=LATER)
    assert status_of(component) == "under_maintenance"

    staff_says(component, "degraded_performance", at=EVEN_LATER)

    assert status_of(component) == "major_outage"


def test_a_late_change_starts_where_the_present_period_starts():
    component = ComponentFactory()
    staff_says(component, "degraded_performance", at=LATER)

    link_says(component, "major_outage", since=NOW)

    assert periods(component) == [("operational", LONG_AGO, LATER), ("major_outage", LATER, None)]
    assert component.periods.get(ended_at=None).spoken is False


def test_a_period_without_length_is_replaced_in_place():
    component = ComponentFactory()
    link_says(component, "major_outage", since=NOW)

    link_says(component, "partial_outage", since=NOW)

    assert periods(component) == [("operational", LONG_AGO, NOW), ("partial_outage", NOW, None)]
    component.refresh_from_db()
    assert component.status_since == NOW


def test_a_person_who_takes_up_a_failure_marks_the_rest_of_it_as_spoken():
    component = ComponentFactory()
    link_says(component, "major_outage")

    staff_says(component, "major_outage", at=LATER)

    assert list(component.periods.values_list("status", "started_at", "spoken")) == [
        ("operational", LONG_AGO, False),
        ("major_outage", NOW, False),
        ("major_outage", LATER, True),
    ]
    component.refresh_from_db()
    assert component.status_since == NOW


def test_a_persons_operational_is_not_spoken_since_nobody_need_have_looked():
    component = ComponentFactory()
    change = ContributionChange(component.pk, "incident", upsert=(Word("i", "operational", NOW),))

    apply_contributions(changes=[change], actor=PERSON, at=NOW)

    assert list(component.periods.values_list("spoken")) == [(False,)]


def test_changed_statuses_are_told_with_what_was_before(listen):
    component, other = ComponentFactory.create_batch(2, page=PageFactory())
    statuses, pages = listen("statuses_changed"), listen("pages_changed")

    changes = [
        ContributionChange(component.pk, "link", upsert=(Word("l", "major_outage", NOW),)),
        ContributionChange(other.pk, "link", upsert=(Word("l", "operational", NOW),)),
    ]
    apply_contributions(changes=changes, actor=MACHINE, at=NOW)

    (told,) = statuses
    assert [one.status for one in told["components"]] == ["major_outage"]
    assert told["before"] == {component.pk: "operational"}
    assert (told["actor"], told["at"]) == (MACHINE, NOW)
    assert [one["page_ids"] for one in pages] == [{component.page_id}]
    component.page.refresh_from_db()
    assert component.page.updated_at == NOW


def test_readers_are_not_told_of_a_hidden_or_unplaced_component(listen):
    hidden, unplaced = ComponentFactory(hidden=True), ComponentFactory(unplaced=True)
    pages, statuses = listen("pages_changed"), listen("statuses_changed")

    link_says(hidden, "major_outage")
    link_says(unplaced, "major_outage")

    assert pages == []
    assert len(statuses) == 2


def test_an_archived_component_keeps_what_is_said_but_is_derived_no_more():
    component = ComponentFactory(archived=True)

    link_says(component, "major_outage")

    assert status_of(component) == "operational"
    assert component.contributions.count() == 1
    with pytest.raises(NotFound):
        staff_says(component, "major_outage")


def test_the_explanation_says_why_it_is_red():
    component = ComponentFactory()
    link_says(component, "degraded_performance")
    staff_says(component, "major_outage")

    explained = explain(component.pk)

    assert explained.status == "major_outage"
    assert [(one.opinion.source, one.opinion.label, one.role) for one in explained.explained] == [
        ("link", "", "counts"),
        ("staff", "Robin Doe", "decides"),
    ]


def test_staffs_word_is_audited_and_automations_is_not():
    component = ComponentFactory()

    link_says(component, "major_outage")
    staff_says(component, "degraded_performance", at=LATER)

    event = AuditEvent.objects.get()
    assert (event.action, event.object_id) == ("component.status_set", component.public_id)
    assert event.changes == {"staff_status": ["", "degraded_performance"]}


def test_staff_repeating_itself_keeps_the_time_it_came_to_it():
    component = ComponentFactory()
    staff_says(component, "partial_outage", at=NOW)

    staff_says(component, "partial_outage", at=LATER)

    assert component.contributions.get().since == NOW


@pytest.mark.parametrize("status", ["", "broken"])
def test_an_unknown_status_is_refused(status):
    component = ComponentFactory()

    with pytest.raises(Invalid):
        staff_says(component, status)
    with pytest.raises(Invalid):
        link_says(component, status)


def test_an_unknown_source_is_refused():
    change = ContributionChange(ComponentFactory().pk, "rumour")

    with pytest.raises(Invalid):
        apply_contributions(changes=[change], actor=MACHINE, at=NOW)


def test_a_call_costs_the_same_for_one_component_and_for_many(django_assert_max_num_queries):
    pages = PageFactory.create_batch(2)
    components = [ComponentFactory(page=pages[number % 2]) for number in range(24)]
    for component in components:
        link_says(component, "degraded_performance", since=NOW, key="old")

    def all_of(some, status, since):
        return [
            ContributionChange(
                one.pk, "link", upsert=(Word("new", status, since),), withdraw=("old",)
            )
            for one in some
        ]

    with django_assert_max_num_queries(60) as narrow:
        apply_contributions(
            changes=all_of(components[:2], "major_outage", LATER), actor=MACHINE, at=LATER
        )
    with django_assert_max_num_queries(60) as wide:
        apply_contributions(
            changes=all_of(components[2:], "major_outage", LATER), actor=MACHINE, at=LATER
        )

    assert len(wide) == len(narrow)
    assert {status_of(component) for component in components} == {"major_outage"}
