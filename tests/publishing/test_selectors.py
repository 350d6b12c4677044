from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.pages.models import Component, MeasurementGap, Page, StatusPeriod
from apps.publishing import documents, event_views, html
from apps.publishing.assets import load_assets
from apps.publishing.incident_selectors import MOST_TOLD
from apps.publishing.readmodel import GroupFacts, PageModel
from apps.publishing.selectors import read_page
from tests import factories as make
from tests.contracts import statuspage_public as contract
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def published_page(**values: Any) -> Page:
    page = make.PageFactory(**values)
    make.PublicationFactory(page=page, requested_seq=3)
    return page


def fill(page: Page, *, components: int, incidents: int, days: int) -> None:
    group = make.ComponentGroupFactory(page=page)
    rows = [make.ComponentFactory(page=page, group=group) for _ in range(components)]
    for number in range(incidents):
        began = NOW - timedelta(hours=3 * number)
        incident = make.IncidentFactory(page=page, started_at=began)
        make.IncidentComponentFactory(incident=incident, component=rows[0])
        update = make.IncidentUpdateFactory(incident=incident, sequence=2)
        update.components.create(
            component=rows[0], old_status="operational", new_status="major_outage"
        )
        work = make.MaintenanceFactory(
            page=page, created_at=began, scheduled_for=NOW + timedelta(hours=number)
        )
        make.MaintenanceComponentFactory(maintenance=work, component=rows[0])
        work.updates.get().components.create(
            component=rows[0], old_status="operational", new_status="under_maintenance"
        )
        told = make.IncidentFactory(page=page, started_at=began, resolved=True)
        make.PostmortemFactory(incident=told, published=True)
    metric = make.MetricFactory(page=page)
    for day in range(days):
        at = NOW - timedelta(days=day, hours=5)
        make.StatusPeriodFactory(
            component=rows[0],
            status="major_outage",
            started_at=at,
            ended_at=at + timedelta(hours=1),
        )
        MeasurementGap.objects.create(
            component=rows[0], started_at=at, ended_at=at + timedelta(minutes=5)
        )
        make.MetricPointFactory(metric=metric, at=NOW - timedelta(minutes=day))


def queries(page: Page) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        read_page(page.pk, at=NOW)
    return len(captured)


def test_the_number_of_queries_is_fixed_whatever_a_page_holds():
    small, large = published_page(), published_page()
    fill(small, components=1, incidents=1, days=1)
    fill(large, components=12, incidents=60, days=80)

    assert queries(small) == queries(large) == 23


def read(page: Page) -> PageModel:
    return read_page(page.pk, at=NOW)


def test_a_page_reads_as_the_contract_wants_it():
    page = published_page(time_zone="Europe/Berlin")
    fill(page, components=3, incidents=3, days=2)

    found = contract.decoded(documents.documents(read(page)))

    contract.check(found)


def test_what_was_asked_for_is_read_with_the_rest():
    assert read(published_page()).seq == 3


def test_an_archived_page_is_not_read():
    page = published_page(archived=True)

    with pytest.raises(Page.DoesNotExist):
        read(page)


def test_positions_count_anew_on_each_level_without_holes():
    page = published_page()
    group = make.ComponentGroupFactory(page=page, position=2)
    empty = make.ComponentGroupFactory(page=page, position=1)
    make.ComponentFactory(page=page, group=empty, hidden=True)
    for position, name in ((7, "Zeta"), (7, "Alpha"), (4, "Hidden"), (9, "Last")):
        make.ComponentFactory(page=page, name=name, position=position, hidden=name == "Hidden")
    make.ComponentFactory(group=group, name="Inner", position=5)

    model = read(page)

    assert [(entry.position, entry.name) for entry in model.top_level] == [
        (1, group.name),
        (2, "Alpha"),
        (3, "Zeta"),
        (4, "Last"),
    ]
    entry = model.top_level[0]
    assert isinstance(entry, GroupFacts)
    assert [(one.position, one.name) for one in entry.components] == [(1, "Inner")]


def test_hidden_and_foreign_components_leave_everything():
    page = published_page()
    hidden = make.ComponentFactory(page=page, hidden=True, status="major_outage", name="Secret")
    elsewhere = make.ComponentFactory(name="Elsewhere")
    shown = make.ComponentFactory(page=page, name="Shown")
    incident = make.IncidentFactory(page=page)
    for component, status in ((hidden, "major_outage"), (elsewhere, "major_outage"),
                              (shown, "degraded_performance")):  # fmt: skip
        make.IncidentComponentFactory(incident=incident, component=component, status=status)
        incident.updates.get().components.create(
            component=component, old_status="operational", new_status=status
        )

    model = read(page)

    assert model.status.indicator == "none"
    assert model.incidents[0].impact == "minor"
    assert model.incidents[0].affected == ((shown.public_id, "Shown"),)
    assert [change.name for change in model.incidents[0].updates[0].changes] == ["Shown"]
    assert "Secret" not in repr(model)
    assert "Elsewhere" not in repr(model)


def test_hidden_metrics_stay_hidden():
    page = published_page()
    make.MetricFactory(page=page, hidden=True)
    make.MetricFactory(page=page, archived=True)
    shown = make.MetricFactory(page=page)

    assert [metric.id for metric in read(page).metrics] == [shown.public_id]


def test_points_are_means_of_five_minutes_of_the_last_day():
    page = published_page()
    metric = make.MetricFactory(page=page)
    for minutes, value in ((1441, 9.0), (12, 100.0), (11, 200.0), (2, 50.0)):
        make.MetricPointFactory(metric=metric, at=NOW - timedelta(minutes=minutes), value=value)

    points = read(page).metrics[0].day

    assert [(point.at, point.value) for point in points] == [
        (NOW - timedelta(minutes=15), 150.0),
        (NOW - timedelta(minutes=5), 50.0),
    ]


def test_uptime_is_of_the_pages_days_and_weighs_a_partial_outage_less():
    page = published_page(time_zone="Europe/Berlin")
    component = make.ComponentFactory(page=page, period=False, start_date=date(2026, 3, 1))
    # Two days in Berlin up to now: 37 hours. 10 hours partial from 0:00 of the first.
    start = NOW - timedelta(hours=37)
    for status, since, until in (
        ("operational", NOW - timedelta(days=30), start),
        ("partial_outage", start, start + timedelta(hours=10)),
        ("operational", start + timedelta(hours=10), None),
    ):
        StatusPeriod.objects.create(
            component=component, status=status, started_at=since, ended_at=until
        )

    uptime = read(page).components[0].uptime

    assert uptime is not None
    assert uptime.percentage == pytest.approx(100 * (1 - 0.3 * 10 / 37))
    assert len(uptime.days) == 90
    assert [day.level for day in uptime.days[-3:]] == ["no_data", "major", "operational"]
    assert uptime.days[-2].partial_s == 36_000


def test_components_without_bars_cost_no_uptime():
    page = published_page()
    make.ComponentFactory(page=page, showcase=False)

    assert read(page).components[0].uptime is None


def test_old_incidents_are_read_while_open_or_among_the_newest():
    page = published_page()
    old = make.IncidentFactory(page=page, started_at=NOW - timedelta(days=400))
    done = {"status": "resolved", "resolved_at": NOW - timedelta(days=200)}
    for number in range(55):
        make.IncidentFactory(page=page, started_at=NOW - timedelta(days=300, hours=number), **done)

    found = read(page).incidents

    assert len(found) == 51
    assert found[-1].id == old.public_id


def test_a_published_post_mortem_is_the_newest_update_of_its_incident():
    page = published_page()
    incident = make.IncidentFactory(page=page, resolved=True)
    make.IncidentFactory(page=page, resolved=True)
    row = make.PostmortemFactory(incident=incident, published=True, draft="We learnt.")

    told, plain = sorted(read(page).incidents, key=lambda one: one.status)

    assert (told.status, plain.status) == ("postmortem", "resolved")
    assert [(one.id, one.status, one.body) for one in told.updates[:1]] == [
        (row.public_id, "postmortem", "We learnt.")
    ]
    assert told.updates[0].display_at == row.published_at
    assert told.updated_at == row.published_at


def test_a_draft_and_the_post_mortem_of_a_reopened_incident_are_not_read():
    page = published_page()
    make.PostmortemFactory(incident=make.IncidentFactory(page=page, resolved=True), draft="Secret")
    make.PostmortemFactory(incident=make.IncidentFactory(page=page), draft="Secret", published=True)

    model = read(page)

    assert {one.status for one in model.incidents} == {"resolved", "investigating"}
    assert "Secret" not in repr(model)


def test_a_merged_incident_knows_what_stands_for_it():
    page = published_page()
    target = make.IncidentFactory(page=page, name="The one")
    gone = make.IncidentFactory(page=page, archived=True)
    for into in (target, gone):
        make.IncidentFactory(page=page, resolved=True, merged_into=into)

    found = [one.merged_into for one in read(page).incidents if not one.is_open]

    assert sorted(found, key=str) == [(target.public_id, "The one"), None]


def test_maintenances_are_read_newest_announced_first_without_hidden_components():
    page = published_page()
    hidden = make.ComponentFactory(page=page, hidden=True, name="Secret")
    shown = make.ComponentFactory(page=page, name="Shown")
    for hours, trait in enumerate(("in_progress", "verifying", "completed", "cancelled")):
        row = make.MaintenanceFactory(
            page=page, name=trait, created_at=NOW - timedelta(days=9, hours=hours), **{trait: True}
        )
        for component in (hidden, shown):
            make.MaintenanceComponentFactory(maintenance=row, component=component)
            row.updates.get().components.create(
                component=component, old_status="operational", new_status="under_maintenance"
            )
    make.MaintenanceFactory(page=page, name="archived", archived=True)
    make.MaintenanceFactory(page=page, name="silent", with_update=False, last_sequence=0)

    model = read(page)

    assert [one.name for one in model.maintenances] == [
        "in_progress",
        "verifying",
        "completed",
        "cancelled",
    ]
    assert [one.name for one in model.active_maintenances] == ["in_progress", "verifying"]
    assert [one.is_cancelled for one in model.maintenances] == [False, False, False, True]
    assert all(one.affected == ((shown.public_id, "Shown"),) for one in model.maintenances)
    assert "Secret" not in repr(model)


def test_old_maintenances_are_read_while_open_or_among_the_newest():
    page = published_page()
    old = make.MaintenanceFactory(page=page, created_at=NOW - timedelta(days=900))
    for number in range(55):
        done_at = NOW - timedelta(days=300, hours=number)
        make.MaintenanceFactory(
            page=page,
            status="completed",
            created_at=done_at,
            scheduled_for=done_at,
            completed_at=done_at,
        )

    found = read(page).maintenances

    assert len(found) == 51
    assert found[-1].id == old.public_id


def test_the_page_was_updated_when_anything_on_it_was():
    page = published_page()
    make.ComponentFactory(page=page)
    Component.objects.update(updated_at=NOW)

    assert read(page).page.updated_at == NOW


def test_the_address_is_the_domain_or_below_ours(settings):
    settings.PUBLIC_URL = "https://status.example.com"

    assert read(published_page(slug="a")).page.url == "https://status.example.com/status/a"
    assert read(published_page(domain="up.acme.test")).page.url == "https://up.acme.test"


def test_a_flapping_monitors_incidents_are_held_up_to_a_number_and_that_is_said():
    page = published_page()
    make.IncidentFactory(page=page, started_at=NOW - timedelta(days=3), name="Open for days")
    for minutes in range(MOST_TOLD + 5):
        began = NOW - timedelta(minutes=minutes)
        make.IncidentFactory(page=page, resolved=True, started_at=began)

    model = read(page)

    assert len(model.incidents) == MOST_TOLD + 1
    assert [one.name for one in model.open_incidents] == ["Open for days"]
    assert model.told_from == NOW - timedelta(minutes=MOST_TOLD - 1)
    days = event_views.past_days(model)
    assert sum(len(day.incidents) for day in days) == MOST_TOLD
    # Of the days before nothing is known: they are not called quiet.
    assert all(day.incidents for day in days)
    assets = load_assets()
    for content in (html.overview(model, assets), html.current_month(model, assets)[1]):
        assert f"the newest {MOST_TOLD} incidents are listed" in content.decode()


def test_fewer_incidents_are_all_told_of():
    page = published_page()
    make.IncidentFactory(page=page, resolved=True, started_at=NOW - timedelta(minutes=1))

    model = read(page)

    assert model.told_from is None
    assert b"There were more" not in html.overview(model, load_assets())
