"""Staff correct a past stretch: the service, its refusals and what it leaves untouched."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.models import AuditEvent
from apps.pages.day_selectors import timelines
from apps.pages.models import ClosedDays, Correction, StatusPeriod
from apps.pages.services import close_days, correct_period, revoke_correction
from tests.factories import LONG_AGO, MACHINE, NOW, PERSON, ComponentFactory

pytestmark = pytest.mark.django_db


def correct(component, start, end, status="operational", *, actor=PERSON, reason="A false alarm."):
    return correct_period(
        component_id=component.pk,
        started_at=NOW - timedelta(hours=start),
        ended_at=NOW - timedelta(hours=end),
        status=status,
        reason=reason,
        actor=actor,
        at=NOW,
    )


def test_a_correction_keeps_its_author_and_reason_and_is_audited(listen):
    component = ComponentFactory()
    told = listen("pages_changed")

    correction = correct(component, 30, 20, reason="A false\r\n alarm. ")

    correction.refresh_from_db()
    assert (correction.author, correction.reason) == ("Robin Doe", "A false alarm.")
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_label) == ("component.corrected", "Robin Doe")
    assert [one["page_ids"] for one in told] == [{component.page_id}]


def test_what_was_recorded_stays_as_it_is():
    component = ComponentFactory()
    before = list(StatusPeriod.objects.values())

    correct(component, 30, 20, "major_outage")

    assert list(StatusPeriod.objects.values()) == before
    component.refresh_from_db()
    assert component.status == "operational"


def test_a_correction_opens_the_closed_days_that_it_touches():
    component = ComponentFactory(status_since=NOW - timedelta(days=5))
    close_days(at=NOW)

    correct(component, 30, 20, "major_outage")

    assert ClosedDays.objects.get().until == NOW - timedelta(hours=30)


def test_the_later_one_wins_until_it_is_taken_back():
    component = ComponentFactory()
    correct(component, 30, 20, "major_outage", reason="Orders failed.")
    later = correct(component, 25, 20, "operational", reason="Only until noon.")

    def statuses():
        window = (NOW - timedelta(hours=48), None)
        return [one.status for one in timelines({component.pk: window})[component.pk].corrections]

    assert statuses() == ["major_outage", "operational"]
    revoke_correction(correction_id=later.pk, actor=PERSON, at=NOW)
    assert statuses() == ["major_outage"]
    later.refresh_from_db()
    assert (later.revoked_at, later.revoked_by) == (NOW, "Robin Doe")
    assert Correction.objects.count() == 2


def test_a_correction_is_taken_back_once():
    correction = correct(ComponentFactory(), 30, 20)
    revoke_correction(correction_id=correction.pk, actor=PERSON, at=NOW)

    with pytest.raises(Conflict, match="already"):
        revoke_correction(correction_id=correction.pk, actor=PERSON, at=NOW)
    with pytest.raises(NotFound):
        revoke_correction(correction_id=0, actor=PERSON, at=NOW)


@pytest.mark.parametrize(
    ("start", "end", "values", "field"),
    [
        (20, 30, {}, "ended_at"),
        (20, 20, {}, "ended_at"),
        (20, -1, {}, "ended_at"),
        (366 * 24, 20, {}, "started_at"),
        (30, 20, {"reason": " \n "}, "reason"),
        (30, 20, {"reason": "x" * 301}, "reason"),
        (30, 20, {"status": "broken"}, "status"),
    ],
)
def test_a_correction_is_refused_at_the_field_at_fault(start, end, values, field):
    component = ComponentFactory(status_since=LONG_AGO)

    with pytest.raises(Invalid) as refusal:
        correct(component, start, end, **values)

    assert refusal.value.field == field
    assert not Correction.objects.exists()


def test_automation_corrects_nothing():
    with pytest.raises(Conflict, match="only people"):
        correct(ComponentFactory(), 30, 20, actor=MACHINE)


def test_a_hidden_components_page_is_not_told(listen):
    component = ComponentFactory(hidden=True)
    told = listen("pages_changed")

    correct(component, 30, 20)

    assert told == []
