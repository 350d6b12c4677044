"""Two incidents that are one: the other keeps going, with all that was said."""

from __future__ import annotations

import pytest

from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.models import AuditEvent
from apps.incidents.models import Incident, IncidentUpdate
from apps.incidents.selectors import impact
from apps.incidents.services import (
    PastUpdate,
    archive_incident,
    edit_incident,
    merge_incidents,
    save_postmortem,
    tell_past_incident,
)
from apps.pages.models import StatusContribution, StatusPeriod
from tests.factories import MACHINE, NOW, PERSON, ComponentFactory, PageFactory
from tests.incidents.scene import EVEN_LATER, LATER, opened, posted, status_of

pytestmark = pytest.mark.django_db


def merged(incident, into, *, actor=PERSON, at=LATER, **fields):
    return merge_incidents(incident_id=incident.pk, into_id=into.pk, actor=actor, at=at, **fields)


def said():
    return {
        (row.component_id, row.key): row.status
        for row in StatusContribution.objects.filter(source="incident")
    }


def test_the_merged_one_is_resolved_and_names_the_other():
    page = PageFactory()
    source, target = opened(page, name="Slow"), opened(page, name="Fire")

    merged(source, target)

    source.refresh_from_db()
    assert (source.status, source.resolved_at, source.merged_into) == ("resolved", LATER, target)
    last = source.updates.first()
    assert (last.sequence, last.status, last.author) == (2, "resolved", "Robin Doe")
    assert "Fire" in last.body


def test_the_other_keeps_going_and_tells_what_it_took_in():
    page = PageFactory()
    source, target = opened(page, name="Slow"), opened(page, status="identified")

    merged(source, target)

    target.refresh_from_db()
    assert (target.status, target.resolved_at, target.last_sequence) == ("identified", None, 2)
    last = target.updates.first()
    assert (last.status, last.deliver_notifications) == ("identified", False)
    assert "Slow" in last.body


def test_what_it_contributes_moves_without_a_break_in_the_periods():
    component, both = ComponentFactory.create_batch(2, page=PageFactory())
    source = opened(
        component.page, components={component.pk: "major_outage", both.pk: "major_outage"}
    )
    target = opened(component.page, components={both.pk: "degraded_performance"})
    periods = StatusPeriod.objects.count()

    merged(source, target)

    assert said() == {
        (component.pk, target.public_id): "major_outage",
        (both.pk, target.public_id): "major_outage",
    }
    assert StatusPeriod.objects.count() == periods
    assert impact(target) == "critical"
    told = {row.component_id: row.old_status for row in target.updates.first().components.all()}
    assert told == {component.pk: "major_outage", both.pk: "degraded_performance"}


def test_resolving_the_other_ends_what_it_took_over():
    component = ComponentFactory()
    source = opened(component.page, components={component.pk: "major_outage"})
    target = opened(component.page)
    merged(source, target)

    posted(target, "resolved", at=EVEN_LATER)

    assert status_of(component) == "operational"


def test_automations_words_are_listed_but_do_not_count_there_either():
    component = ComponentFactory()
    source = opened(component.page, actor=MACHINE, components={component.pk: "major_outage"})
    target = opened(component.page)

    merged(source, target)

    row = target.affected.get()
    assert (row.status, row.worst_status, row.contributes) == (
        "major_outage",
        "major_outage",
        False,
    )
    assert status_of(component) == "operational"


def test_a_persons_word_outweighs_automations():
    component = ComponentFactory()
    source = opened(component.page, components={component.pk: "degraded_performance"})
    target = opened(component.page, actor=MACHINE, components={component.pk: "major_outage"})

    merged(source, target)

    assert status_of(component) == "degraded_performance"
    assert target.affected.get().worst_status == "major_outage"


def test_automation_does_not_act_on_the_merged_one_any_more():
    page = PageFactory()
    source, target = opened(page, actor=MACHINE), opened(page)

    merged(source, target)

    source.refresh_from_db()
    assert source.taken_over_at == LATER
    for status in ("resolved", "investigating"):
        with pytest.raises(Conflict) as refused:
            posted(source, status, actor=MACHINE, at=EVEN_LATER)
        assert refused.value.code == "merged"


def test_automation_resolves_its_own_incident_although_another_was_merged_into_it():
    page = PageFactory()
    source, target = opened(page), opened(page, actor=MACHINE)
    merged(source, target)

    posted(target, "resolved", actor=MACHINE, at=EVEN_LATER)

    target.refresh_from_db()
    assert not target.is_open


def test_a_person_posts_where_it_was_merged_to():
    page = PageFactory()
    source, target = opened(page), opened(page)
    merged(source, target)

    with pytest.raises(Conflict) as refused:
        posted(source, "investigating", at=EVEN_LATER)

    assert refused.value.code == "merged"


def test_what_was_merged_before_leads_on():
    page = PageFactory()
    first, second, third = (opened(page) for _ in range(3))
    merged(first, second)

    merged(second, third, at=EVEN_LATER)

    assert set(Incident.objects.values_list("pk", "merged_into")) == {
        (first.pk, third.pk),
        (second.pk, third.pk),
        (third.pk, None),
    }


def test_a_resolved_one_may_be_merged_and_changes_no_component():
    component = ComponentFactory()
    source = opened(component.page, components={component.pk: "major_outage"}, at=NOW)
    posted(source, "resolved", at=NOW)
    target = opened(component.page)

    merged(source, target)

    source.refresh_from_db()
    assert source.resolved_at == NOW
    assert status_of(component) == "operational"
    assert impact(target) == "critical"


@pytest.mark.parametrize("swapped", [False, True])
def test_one_told_afterwards_is_not_merged(swapped):
    page = PageFactory()
    past, _ = tell_past_incident(
        page_id=page.pk,
        name="Fire",
        updates=[PastUpdate("resolved", "", NOW)],
        actor=PERSON,
        at=NOW,
    )
    pair = (opened(page), past) if swapped else (past, opened(page))

    with pytest.raises(Conflict) as refused:
        merged(*pair)

    assert refused.value.code == "retrospective"


def test_what_cannot_be_merged_is_refused_and_nothing_changes():
    page = PageFactory()
    source, target, resolved, archived = (opened(page) for _ in range(4))
    posted(resolved, "resolved")
    archive_incident(incident_id=archived.pk, actor=PERSON, at=LATER)
    updates = IncidentUpdate.objects.count()

    with pytest.raises(Invalid):
        merged(source, source)
    with pytest.raises(Invalid):
        merged(source, opened(PageFactory()))
    with pytest.raises(Conflict, match="reopen it first"):
        merged(source, resolved)
    with pytest.raises(NotFound):
        merged(source, archived)
    with pytest.raises(Conflict, match="only a person"):
        merged(source, target, actor=MACHINE)

    assert IncidentUpdate.objects.count() == updates + 1  # the foreign page's
    assert not Incident.objects.exclude(merged_into=None).exists()


def test_a_merged_one_is_not_merged_again_nor_into():
    page = PageFactory()
    source, target, third = (opened(page) for _ in range(3))
    merged(source, target)

    for pair in [(source, third), (third, source)]:
        with pytest.raises(Conflict) as refused:
            merged(*pair)
        assert refused.value.code == "merged"


def test_a_merged_one_takes_no_post_mortem_but_its_name_can_be_corrected():
    page = PageFactory()
    source, target = opened(page), opened(page)
    merged(source, target)

    with pytest.raises(Conflict) as refused:
        save_postmortem(incident_id=source.pk, body="We learnt.", actor=PERSON, at=EVEN_LATER)
    edit_incident(incident_id=source.pk, name="Better", actor=PERSON, at=EVEN_LATER)

    assert refused.value.code == "merged"


def test_both_audit_trails_tell_of_it():
    page = PageFactory()
    source, target = opened(page), opened(page)

    merged(source, target)

    told = {event.object_id: event for event in AuditEvent.objects.order_by("pk")}
    assert told[source.public_id].action == "incident.merged"
    assert told[source.public_id].changes == {"other": target.public_id}
    assert told[target.public_id].action == "incident.took_in"
