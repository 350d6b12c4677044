"""Incidents: opened once, changed by updates, resolved by one; what they say, and to whom it counts."""

from __future__ import annotations

import pytest

from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.models import AuditEvent
from apps.incidents.models import Incident, IncidentComponent, IncidentUpdate, UpdateComponent
from apps.incidents.selectors import impact
from apps.incidents.services import (
    archive_incident,
    edit_incident,
    open_incident,
    take_over,
)
from apps.pages.models import StatusContribution
from apps.pages.services import (
    ContributionChange,
    Word,
    apply_contributions,
    set_staff_status,
    update_component,
)
from tests.factories import (
    MACHINE,
    NOW,
    PERSON,
    ComponentFactory,
    IncidentFactory,
    PageFactory,
    PublicationFactory,
)
from tests.incidents.scene import EVEN_LATER, LATER, opened, posted, status_of

pytestmark = pytest.mark.django_db


def link_says(component, status, at=NOW):
    word = Word("link00000001", status, at)
    change = ContributionChange(component.pk, "link", upsert=(word,))
    apply_contributions(changes=[change], actor=MACHINE, at=at)


def test_an_incident_opens_with_its_first_update():
    page = PageFactory()

    incident, created = open_incident(
        page_id=page.pk,
        name="Trouble",
        status="identified",
        message="We know.",
        actor=PERSON,
        at=NOW,
    )

    update = incident.updates.get()
    assert created
    assert (update.sequence, update.status, update.body) == (1, "identified", "We know.")
    assert (update.display_at, update.author, update.is_automated) == (NOW, "Robin Doe", False)
    assert (incident.status, incident.started_at, incident.last_sequence) == ("identified", NOW, 1)


def test_a_persons_incident_sets_its_components_status():
    component = ComponentFactory()

    opened(component.page, components={component.pk: "partial_outage"})

    assert status_of(component) == "partial_outage"


def test_resolving_ends_what_the_incident_says():
    component = ComponentFactory()
    incident = opened(component.page, components={component.pk: "partial_outage"})

    posted(incident, "resolved")

    assert status_of(component) == "operational"
    assert not StatusContribution.objects.exists()
    incident.refresh_from_db()
    assert incident.resolved_at == LATER


def test_resolving_leaves_what_others_say():
    component = ComponentFactory()
    link_says(component, "degraded_performance")
    incident = opened(component.page, components={component.pk: "major_outage"})

    posted(incident, "resolved")

    assert status_of(component) == "degraded_performance"


def test_an_automated_incident_lists_a_status_without_setting_it():
    component = ComponentFactory()

    incident = opened(component.page, actor=MACHINE, components={component.pk: "major_outage"})

    assert status_of(component) == "operational"
    assert incident.is_automated
    assert incident.affected.get().status == "major_outage"


def test_an_automated_status_counts_once_a_person_posts_one_for_that_component():
    component, other = ComponentFactory.create_batch(2, page=PageFactory())
    said = {component.pk: "major_outage", other.pk: "major_outage"}
    incident = opened(component.page, actor=MACHINE, components=said)

    posted(incident, "identified", components={component.pk: "partial_outage"})

    assert status_of(component) == "partial_outage"
    assert status_of(other) == "operational"


def test_automation_does_not_replace_a_persons_status_in_an_incident():
    component = ComponentFactory()
    incident = opened(component.page, actor=MACHINE, components={component.pk: "major_outage"})
    posted(incident, "identified", components={component.pk: "degraded_performance"})

    posted(incident, "in_progress", actor=MACHINE, components={component.pk: "major_outage"})

    assert status_of(component) == "degraded_performance"
    assert incident.affected.get().status == "degraded_performance"


def test_automation_resolves_its_incident_although_a_person_posted_in_it():
    component = ComponentFactory()
    incident = opened(component.page, actor=MACHINE, components={component.pk: "major_outage"})
    posted(incident, "identified", components={component.pk: "degraded_performance"})

    posted(incident, "resolved", actor=MACHINE, at=EVEN_LATER)

    assert status_of(component) == "operational"


def test_automation_leaves_a_taken_over_incident_alone():
    incident = opened(PageFactory(), actor=MACHINE)
    take_over(incident_id=incident.pk, actor=PERSON, at=LATER)

    with pytest.raises(Conflict) as refused:
        posted(incident, "resolved", actor=MACHINE)

    assert refused.value.code == "taken_over"
    assert incident.updates.count() == 1


def test_automation_leaves_a_persons_incident_alone():
    incident = opened(PageFactory())

    with pytest.raises(Conflict) as refused:
        posted(incident, "resolved", actor=MACHINE)

    assert refused.value.code == "not_automated"


def test_automation_does_not_move_what_a_person_resolved():
    incident = opened(PageFactory(), actor=MACHINE)
    posted(incident, "resolved")

    with pytest.raises(Conflict) as refused:
        posted(incident, "in_progress", actor=MACHINE, at=EVEN_LATER)

    assert refused.value.code == "resolved_by_person"


def test_automation_resolves_once():
    incident = opened(PageFactory(), actor=MACHINE)
    posted(incident, "resolved", actor=MACHINE)

    with pytest.raises(Conflict) as refused:
        posted(incident, "resolved", actor=MACHINE, at=EVEN_LATER)

    assert refused.value.code == "already_resolved"


def test_only_an_automated_incident_is_taken_over_and_only_once():
    incident = opened(PageFactory(), actor=MACHINE)
    take_over(incident_id=incident.pk, actor=PERSON, at=LATER)

    with pytest.raises(Conflict):
        take_over(incident_id=incident.pk, actor=PERSON, at=LATER)
    with pytest.raises(Conflict):
        take_over(incident_id=opened(PageFactory()).pk, actor=PERSON, at=LATER)


def test_an_update_reopens_a_resolved_incident():
    component = ComponentFactory()
    incident = opened(component.page, components={component.pk: "major_outage"})
    posted(incident, "resolved")

    posted(incident, "investigating", components={component.pk: "partial_outage"}, at=EVEN_LATER)

    incident.refresh_from_db()
    assert (incident.status, incident.resolved_at) == ("investigating", None)
    assert status_of(component) == "partial_outage"


def test_reopened_only_the_components_count_that_the_update_names():
    first, second = ComponentFactory.create_batch(2, page=PageFactory())
    said = {first.pk: "major_outage", second.pk: "major_outage"}
    incident = opened(first.page, components=said)
    posted(incident, "resolved")

    posted(incident, "identified", components={first.pk: "partial_outage"}, at=EVEN_LATER)

    assert (status_of(first), status_of(second)) == ("partial_outage", "operational")
    shown = {row.component_id: (row.status, row.contributes) for row in incident.affected.all()}
    assert shown == {first.pk: ("partial_outage", True), second.pk: ("operational", False)}


def test_automation_reopens_its_own_incident_without_contributing():
    component = ComponentFactory()
    incident = opened(component.page, actor=MACHINE, components={component.pk: "major_outage"})
    posted(incident, "resolved", actor=MACHINE)

    posted(
        incident,
        "investigating",
        actor=MACHINE,
        components={component.pk: "major_outage"},
        at=EVEN_LATER,
    )

    row = incident.affected.get()
    assert (row.status, row.contributes) == ("major_outage", False)
    assert status_of(component) == "operational"


def test_what_left_the_page_is_left_out_of_automations_words():
    component, other = ComponentFactory.create_batch(2)

    incident = opened(
        component.page,
        actor=MACHINE,
        components={component.pk: "major_outage", other.pk: "major_outage"},
    )

    assert incident.affected.get().component == component


def test_reopened_without_components_it_says_nothing_about_them():
    component = ComponentFactory()
    incident = opened(component.page, components={component.pk: "major_outage"})
    posted(incident, "resolved")

    posted(incident, "monitoring", at=EVEN_LATER)

    assert status_of(component) == "operational"


def test_a_note_after_the_end_keeps_the_time_of_resolving():
    incident = opened(PageFactory())
    posted(incident, "resolved")

    posted(incident, "resolved", at=EVEN_LATER)

    incident.refresh_from_db()
    assert (incident.resolved_at, incident.last_sequence) == (LATER, 3)


def test_the_first_monitoring_update_is_remembered():
    incident = opened(PageFactory())
    posted(incident, "monitoring")

    posted(incident, "monitoring", at=EVEN_LATER)

    incident.refresh_from_db()
    assert incident.monitoring_at == LATER


def test_each_update_tells_every_affected_component_before_and_after():
    component, other = ComponentFactory.create_batch(2, page=PageFactory())
    incident = opened(component.page, components={component.pk: "partial_outage"})

    update = posted(incident, "identified", components={other.pk: "major_outage"})

    told = {row.component_id: (row.old_status, row.new_status) for row in update.components.all()}
    assert told == {
        component.pk: ("partial_outage", "partial_outage"),
        other.pk: ("operational", "major_outage"),
    }


def test_an_update_for_a_moved_on_incident_is_refused():
    incident = opened(PageFactory())
    posted(incident, "identified", expected_sequence=1)

    with pytest.raises(Conflict) as refused:
        posted(incident, "resolved", expected_sequence=1)

    assert refused.value.code == "sequence_moved"


def test_the_same_key_again_answers_the_same_and_changes_nothing():
    component = ComponentFactory()
    first = opened(component.page, idempotency_key="once")

    second, created = open_incident(
        page_id=component.page.pk,
        name="Other",
        status="resolved",
        message="Other.",
        components={component.pk: "major_outage"},
        idempotency_key="once",
        actor=PERSON,
        at=LATER,
    )

    second.refresh_from_db()
    assert (second.pk, second.name, created) == (first.pk, "Trouble", False)
    assert (Incident.objects.count(), IncidentUpdate.objects.count()) == (1, 1)
    assert status_of(component) == "operational"
    assert AuditEvent.objects.count() == 1


def test_a_key_is_a_pages_own():
    first = opened(PageFactory(), idempotency_key="once")

    second = opened(PageFactory(), idempotency_key="once")

    assert first.pk != second.pk


def test_impact_is_the_worst_that_components_had_and_stays():
    component = ComponentFactory()
    incident = opened(component.page, components={component.pk: "partial_outage"})

    posted(incident, "resolved", components={component.pk: "operational"})

    assert impact(incident) == "major"


def test_impact_can_be_overridden_and_derived_again():
    component = ComponentFactory()
    incident = opened(component.page, components={component.pk: "degraded_performance"})

    overridden = edit_incident(
        incident_id=incident.pk, impact_override="critical", actor=PERSON, at=LATER
    )
    derived = edit_incident(incident_id=incident.pk, impact_override="", actor=PERSON, at=LATER)

    assert (impact(overridden), impact(derived)) == ("critical", "minor")


def test_hidden_components_leave_the_impact():
    hidden = ComponentFactory(hidden=True)

    incident = opened(hidden.page, components={hidden.pk: "major_outage"})

    assert impact(incident) == "none"


def test_components_that_left_the_page_leave_the_impact():
    component = ComponentFactory()
    incident = opened(component.page, components={component.pk: "major_outage"})

    update_component(component_id=component.pk, page_id=None, actor=PERSON, at=LATER)

    assert impact(incident) == "none"


def test_renaming_keeps_what_it_says_and_names_the_source_anew():
    component = ComponentFactory()
    incident = opened(component.page, components={component.pk: "major_outage"})

    edit_incident(incident_id=incident.pk, name="Fire", actor=PERSON, at=LATER)

    said = StatusContribution.objects.get()
    assert (said.label, said.since, said.status) == ("Fire", NOW, "major_outage")


def test_archiving_ends_what_it_says():
    component = ComponentFactory()
    incident = opened(component.page, components={component.pk: "major_outage"})

    archive_incident(incident_id=incident.pk, actor=PERSON, at=LATER)

    assert status_of(component) == "operational"
    with pytest.raises(NotFound):
        posted(incident, "resolved")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"status": "sleeping"}, "status"),
        ({"name": ""}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"impact_override": "huge"}, "impact_override"),
        ({"started_at": LATER}, "started_at"),
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"idempotency_key": "x" * 201}, "idempotency_key"),
        ({"components": {987654: "operational"}}, "components"),
    ],
)
def test_opening_names_the_field_at_fault(fields, field):
    page = PageFactory()

    with pytest.raises(Invalid) as refused:
        opened(page, **fields)

    assert refused.value.field == field
    assert not Incident.objects.exists()


def test_a_component_of_another_page_or_an_unknown_status_is_refused():
    page, elsewhere = PageFactory(), ComponentFactory()
    here = ComponentFactory(page=page)

    with pytest.raises(Invalid):
        opened(page, components={elsewhere.pk: "operational"})
    with pytest.raises(Invalid):
        opened(page, components={here.pk: "sleeping"})


def test_a_component_that_was_moved_since_can_still_be_named():
    component = ComponentFactory()
    incident = opened(component.page, actor=MACHINE, components={component.pk: "major_outage"})
    component.page = PageFactory()
    component.save()

    posted(incident, "resolved", actor=MACHINE, components={component.pk: "operational"})

    assert incident.affected.get().status == "operational"


def test_opened_as_resolved_it_never_alters_periods():
    component = ComponentFactory()

    incident = opened(component.page, status="resolved", components={component.pk: "major_outage"})

    assert component.periods.count() == 1
    assert (incident.resolved_at, impact(incident)) == (NOW, "critical")


def test_staff_saying_operational_leaves_what_an_incident_says():
    component = ComponentFactory()
    opened(component.page, components={component.pk: "major_outage"})

    set_staff_status(component_id=component.pk, status="operational", actor=PERSON, at=LATER)

    assert status_of(component) == "major_outage"


def test_automations_incidents_are_in_the_audit_trail():
    incident = opened(PageFactory(), actor=MACHINE)

    posted(incident, "resolved", actor=MACHINE)

    assert list(
        AuditEvent.objects.order_by("pk").values_list("action", "actor_kind", "object_id")
    ) == [
        ("incident.opened", "automation", incident.public_id),
        ("incident.updated", "automation", incident.public_id),
    ]


def test_incidents_share_no_number():
    page = PageFactory()

    numbers = [opened(page).number for _ in range(3)]

    assert numbers == sorted(set(numbers))


def test_an_update_costs_the_same_for_one_component_and_for_many(django_assert_max_num_queries):
    page = PageFactory()
    one, *many = ComponentFactory.create_batch(21, page=page)
    small = opened(page, components={one.pk: "partial_outage"})
    big = opened(page, components={row.pk: "partial_outage" for row in many})

    with django_assert_max_num_queries(60) as narrow:
        posted(small, "identified", components={one.pk: "major_outage"})
    with django_assert_max_num_queries(60) as wide:
        posted(big, "identified", components={row.pk: "major_outage" for row in many})

    assert len(wide) == len(narrow)
    assert UpdateComponent.objects.filter(update__incident=big).count() == 40
    assert IncidentComponent.objects.filter(incident=big, contributes=True).count() == 20


# A person's post also asks its page whether a second one has to approve.
@pytest.mark.parametrize(("actor", "opening", "resolving"), [(MACHINE, 18, 14), (PERSON, 28, 27)])
def test_a_mass_outage_costs_few_statements_an_incident(
    actor, opening, resolving, django_assert_max_num_queries
):
    components = ComponentFactory.create_batch(5, page=PageFactory())
    PublicationFactory(page=components[0].page)
    said = {row.pk: "major_outage" for row in components}

    with django_assert_max_num_queries(opening):
        incident = opened(components[0].page, actor=actor, components=said, idempotency_key="once")
    with django_assert_max_num_queries(resolving):
        posted(incident, "resolved", actor=actor)


def test_an_archived_page_takes_no_incident():
    page = PageFactory(archived=True)

    with pytest.raises(NotFound):
        opened(page)


def test_an_incident_made_elsewhere_counts_its_updates_on():
    incident = IncidentFactory()

    update = posted(incident, "monitoring")

    assert update.sequence == 2
