"""Maintenance and its series at the console."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.core.models import AuditEvent
from apps.incidents.models import Maintenance, MaintenanceSeries
from apps.incidents.services import create_maintenance, create_template
from apps.pages.models import Component
from tests.console.composing import mistakes, write
from tests.console.forms import errors, save
from tests.factories import (
    PERSON,
    ComponentFactory,
    PageFactory,
    PageMembershipFactory,
    UserFactory,
)
from tests.incidents.maintenance_scene import fresh

pytestmark = pytest.mark.django_db

ADD = "admin:incidents_maintenance_add"
ADD_SERIES = "admin:incidents_maintenanceseries_add"


def url(action: str, row: Maintenance | MaintenanceSeries) -> str:
    model = row._meta.model_name
    return reverse(f"admin:incidents_{model}_{action}", args=[row.pk])


def soon(hours: float) -> datetime:
    """Return a whole minute so many hours from now: the console's services take the present time."""
    return timezone.now().replace(second=0, microsecond=0) + timedelta(hours=hours)


@pytest.fixture
def component() -> Component:
    row: Component = ComponentFactory(name="Orders", page=PageFactory(time_zone="Europe/Berlin"))
    return row


@pytest.fixture
def maintenance(component: Component) -> Maintenance:
    """One that begins in an hour and lasts an hour."""
    made, _ = create_maintenance(
        page_id=component.page.pk,
        name="Upgrade",
        message="We **upgrade**.",
        scheduled_for=soon(1),
        scheduled_until=soon(2),
        components=[component.pk],
        actor=PERSON,
        at=soon(-1),
    )
    return made


def test_a_maintenance_is_announced_at_the_wall_clock_of_its_page(
    console: Client, component: Component
):
    response = write(
        console,
        reverse(ADD),
        name="Upgrade",
        message="We upgrade.",
        scheduled_for="2036-07-01T02:00",
        scheduled_until="2036-07-01T04:30",
        **{f"component_{component.pk}": "under_maintenance"},
    )

    assert response.status_code == 302, mistakes(response)
    row = Maintenance.objects.get()
    assert row.scheduled_for == datetime(2036, 7, 1, 0, 0, tzinfo=UTC)
    assert row.scheduled_until == datetime(2036, 7, 1, 2, 30, tzinfo=UTC)
    assert (row.starts_itself, row.affected.get().component) == (True, component)
    shown = console.get(url("change", row)).content.decode()
    assert "Tue 2036-07-01 02:00 – 04:30 (Europe/Berlin)" in shown
    assert AuditEvent.objects.filter(action="maintenance.announced", actor_label="root").exists()


@pytest.mark.parametrize(
    ("begins", "ends", "field", "said"),
    [
        ("2036-07-01T02:00", "2036-07-01T02:00", "scheduled_until", "after the start"),
        ("2020-07-01T02:00", "2020-07-01T03:00", "scheduled_until", "passed already"),
        ("2036-03-30T02:30", "2036-03-30T05:00", "scheduled_for", "skip this time"),
        ("tomorrow", "2036-03-30T05:00", "scheduled_for", "valid date"),
    ],
)
def test_times_that_cannot_be_are_refused_at_their_field(
    console: Client, component: Component, begins: str, ends: str, field: str, said: str
):
    response = write(
        console,
        reverse(ADD),
        name="Upgrade",
        scheduled_for=begins,
        scheduled_until=ends,
    )

    assert said in str(mistakes(response)[field])
    assert not Maintenance.objects.exists()


def test_its_name_switches_and_planned_components_are_changed(
    console: Client, maintenance: Maintenance
):
    other = ComponentFactory(page=maintenance.page)

    response = save(
        console,
        url("change", maintenance),
        name="Big upgrade",
        ends_itself="",
        affected__TOTAL_FORMS="2",
        affected__0__DELETE="on",
        affected__1__component=other.pk,
    )

    assert response.status_code == 302, errors(response)
    maintenance.refresh_from_db()
    assert (maintenance.name, maintenance.starts_itself, maintenance.ends_itself) == (
        "Big upgrade",
        True,
        False,
    )
    assert maintenance.affected.get().component == other


def test_it_is_started_told_of_and_finished(
    console: Client, maintenance: Maintenance, component: Component
):
    started = console.post(url("start_now", maintenance), {"message": "Off we go."})
    covered = fresh(component).status
    told = console.post(
        url("post_update", maintenance),
        {
            "status": "verifying",
            "message": "Looking good.",
            "sequence": "2",
            "stays_automated": "on",
        },
    )
    automatic = fresh(maintenance).next_move_at
    finished = console.post(url("finish", maintenance), {"message": ""})

    assert [one.status_code for one in (started, told, finished)] == [302, 302, 302]
    assert (covered, fresh(component).status) == ("under_maintenance", "operational")
    assert automatic == maintenance.scheduled_until
    bodies = list(maintenance.updates.order_by("sequence").values_list("status", "body"))
    assert bodies == [
        ("scheduled", "We **upgrade**."),
        ("in_progress", "Off we go."),
        ("verifying", "Looking good."),
        ("completed", "The maintenance is completed."),
    ]
    page = console.get(url("change", maintenance)).content.decode()
    assert "<strong>upgrade</strong>" in page
    assert "Robin Doe" in page


def test_an_update_after_somebody_elses_is_refused_and_keeps_what_was_typed(
    console: Client, maintenance: Maintenance
):
    console.post(url("start_now", maintenance), {"message": "Off we go."})

    response = console.post(
        url("post_update", maintenance), {"message": "My own text.", "sequence": "1"}
    )

    assert response.status_code == 409
    text = response.content.decode()
    assert "root posted meanwhile:</strong> In progress" in text
    assert "Off we go." in text
    assert "My own text." in text
    assert 'name="sequence" value="2"' in text
    again = console.post(
        url("post_update", maintenance), {"message": "My own text.", "sequence": "2"}
    )
    assert again.status_code == 302
    assert maintenance.updates.latest("sequence").body == "My own text."


def test_one_component_is_done_before_the_others(
    console: Client, maintenance: Maintenance, component: Component
):
    console.post(url("start_now", maintenance), {"message": ""})

    response = console.post(
        url("post_update", maintenance),
        {"sequence": "2", f"component_{component.pk}": "operational"},
    )

    assert response.status_code == 302
    assert fresh(component).status == "operational"
    assert fresh(maintenance).status == "in_progress"


def test_it_is_extended_at_the_wall_clock_of_its_page(console: Client, maintenance: Maintenance):
    console.post(url("start_now", maintenance), {"message": ""})
    form = console.get(url("reschedule", maintenance)).context["form"]

    response = console.post(url("reschedule", maintenance), {"scheduled_until": "2036-07-01T04:00"})

    assert list(form.fields) == ["scheduled_until"]
    assert response.status_code == 302
    assert fresh(maintenance).scheduled_until == datetime(2036, 7, 1, 2, 0, tzinfo=UTC)


def test_it_is_moved_before_it_begins(console: Client, maintenance: Maintenance):
    response = console.post(
        url("reschedule", maintenance),
        {"scheduled_for": "2036-12-01T04:00", "scheduled_until": "2036-12-01T06:00"},
    )

    assert response.status_code == 302
    assert fresh(maintenance).next_move_at == datetime(2036, 12, 1, 3, 0, tzinfo=UTC)


def test_it_is_cancelled_and_its_steps_are_offered_no_more(
    console: Client, maintenance: Maintenance
):
    response = console.post(url("cancel_maintenance", maintenance), {"message": "Not needed."})

    assert response.status_code == 302
    page = console.get(url("change", maintenance)).content.decode()
    assert "Cancelled" in page
    for gone in ("start_now", "finish", "reschedule", "cancel_maintenance"):
        assert url(gone, maintenance) not in page
    assert console.get(url("reschedule", maintenance)).status_code == 403


def test_the_lists_show_what_is_ahead(console: Client, maintenance: Maintenance):
    shown = console.get(reverse("admin:incidents_maintenance_changelist") + "?state=ahead")
    over = console.get(reverse("admin:incidents_maintenance_changelist") + "?state=over")

    assert "Upgrade" in shown.content.decode()
    assert "Starts and ends" in shown.content.decode()
    assert "Starts and ends" not in over.content.decode()


def test_the_overview_shows_what_is_in_progress_and_what_comes(
    console: Client, maintenance: Maintenance
):
    text = console.get(reverse("admin:index")).content.decode()

    assert "Upgrade" in text
    assert "(Europe/Berlin)" in text


def test_only_components_of_its_page_are_offered(
    console: Client, maintenance: Maintenance, component: Component
):
    ComponentFactory(name="Elsewhere")
    change = console.get(url("change", maintenance)).content.decode()

    offered = console.get(
        reverse("admin:autocomplete"),
        {
            "app_label": "incidents",
            "model_name": "maintenancecomponent",
            "field_name": "component",
            "dep_page": maintenance.page.pk,
        },
    )

    assert [row["text"] for row in offered.json()["results"]] == ["Orders"]
    assert f'name="page" value="{maintenance.page.pk}"' in change


# Series.


def a_series(console: Client, component: Component, **changes):
    values = {
        "page": component.page.pk,
        "name": "Weekly upgrade",
        "components": [component.pk],
        "rule": "FREQ=DAILY",
        "time_zone": "Europe/Berlin",
        "first_date": "2026-01-01",
        "start_time": "02:00",
        "announce_days": "2",
    }
    return save(console, reverse(ADD_SERIES), **(values | changes))


def test_a_series_is_made_and_shows_what_it_gives(console: Client, component: Component):
    response = a_series(console, component)

    assert response.status_code == 302, errors(response)
    series = MaintenanceSeries.objects.get()
    assert series.occurrences.count() in (2, 3)
    assert list(series.components.all()) == [component]
    page = console.get(url("change", series)).content.decode()
    assert "Every day, 02:00 (Europe/Berlin)" in page
    assert page.count(" 02:00 – 03:00 (Europe/Berlin)") == 5
    assert page.count(" 02:00 (Europe/Berlin)</a>") == series.occurrences.count()


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"rule": "FREQ=HOURLY"}, "rule", "must be one of"),
        ({"rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "rule", "gives no day"),
        ({"time_zone": "Berlin"}, "time_zone", "IANA"),
        ({"first_date": "1980-01-01"}, "first_date", "2000-01-01"),
        ({"duration_minutes": "0"}, "duration_minutes", "greater than or equal to 1"),
    ],
)
def test_what_a_series_cannot_be_is_refused_at_its_field(
    console: Client, component: Component, changes: dict, field: str, said: str
):
    response = a_series(console, component, **changes)

    assert said in str(errors(response)[field])


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("rule", "every sunday", "NAME=VALUE"),
        ("rule", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "gives no day"),
        ("first_date", "1980-01-01", "2000-01-01"),
    ],
)
def test_a_refused_change_shows_what_the_series_gives_until_then(
    console: Client, component: Component, field: str, value: str, said: str
):
    a_series(console, component)
    series = MaintenanceSeries.objects.get()

    response = save(console, url("change", series), **{field: value})

    assert said in str(errors(response)[field])
    page = response.content.decode()
    assert "Every day, 02:00 (Europe/Berlin)" in page
    assert f'value="{value}"' in page


def test_a_series_is_changed_and_its_announced_ones_with_it(console: Client, component: Component):
    a_series(console, component)
    series = MaintenanceSeries.objects.get()

    response = save(console, url("change", series), name="Nightly upgrade", start_time="05:00")

    assert response.status_code == 302, errors(response)
    assert set(series.occurrences.filter(status="scheduled").values_list("name", flat=True)) == {
        "Nightly upgrade"
    }
    assert list(series.components.all()) == [component]


@pytest.mark.parametrize("cancel", [True, False])
def test_archiving_a_series_asks_what_becomes_of_the_announced_ones(
    console: Client, component: Component, cancel: bool
):
    a_series(console, component)
    series = MaintenanceSeries.objects.get()
    asked = console.get(url("archive_row", series)).content.decode()

    console.post(url("archive_row", series), {"cancel_announced": "on"} if cancel else {})

    assert "have not begun" in asked
    assert fresh(series).is_archived
    cancelled = series.occurrences.filter(cancelled_at__isnull=False).count()
    assert (cancelled > 0) == cancel


def test_a_series_without_a_zone_of_its_own_keeps_its_pages(console: Client, component: Component):
    response = a_series(console, component, time_zone="", enabled="")

    assert response.status_code == 302, errors(response)
    series = MaintenanceSeries.objects.get()
    assert (series.time_zone, series.occurrences.count()) == ("Europe/Berlin", 0)
    assert "None yet." in console.get(url("change", series)).content.decode()


def test_a_template_fills_the_announcement_in_and_asks_for_its_variables(
    console: Client, component: Component
):
    template = create_template(
        page_id=component.page.pk,
        name="Database work",
        kind="maintenance",
        title="Work on {{components}}",
        message="On {{date}} at {{time}} we replace {{part}}.",
        component_ids=[component.pk],
        deliver_notifications=False,
        actor=PERSON,
        at=soon(-1),
    )
    times = {"scheduled_for": "2036-07-01T02:00", "scheduled_until": "2036-07-01T04:30"}
    address = f"{reverse(ADD)}?template={template.public_id}"

    asked = write(console, address, **times)
    answered = write(console, address, **times, variable_part="a disk")

    assert list(mistakes(asked)) == ["variable_part"]
    assert answered.status_code == 302, mistakes(answered)
    row = Maintenance.objects.get()
    assert (row.name, row.deliver_notifications) == ("Work on Orders", False)
    assert row.updates.get().body == "On 1 July 2036 at 02:00 CEST we replace a disk."
    assert row.affected.get().component == component


def test_a_template_fills_an_update_in_and_asks_for_its_variables(
    console: Client, maintenance: Maintenance, component: Component
):
    template = create_template(
        page_id=component.page.pk,
        name="Nearly there",
        kind="maintenance",
        message="{{components}}: we look at {{part}}.",
        update_status="verifying",
        component_status="operational",
        component_ids=[component.pk],
        deliver_notifications=False,
        actor=PERSON,
        at=soon(-1),
    )
    console.post(url("start_now", maintenance), {"message": "Off we go."})
    address = f"{url('post_update', maintenance)}?template={template.public_id}"

    opened = console.get(address)
    sent = {field.html_name: field.value() or "" for field in opened.context["form"]}
    asked = console.post(address, sent)
    answered = console.post(address, sent | {"variable_part": "a disk"})

    assert asked.status_code == 409
    assert list(asked.context["form"].errors) == ["variable_part"]
    assert answered.status_code == 302
    update = maintenance.updates.latest("sequence")
    assert (update.status, update.body) == ("verifying", "Orders: we look at a disk.")
    assert update.deliver_notifications is False
    assert fresh(component).status == "operational"


def test_of_a_template_only_a_status_that_it_may_come_to_is_filled_in(
    console: Client, maintenance: Maintenance, component: Component
):
    template = create_template(
        page_id=component.page.pk,
        name="Announce",
        kind="maintenance",
        message="Soon.",
        update_status="scheduled",
        actor=PERSON,
        at=soon(-1),
    )
    console.post(url("start_now", maintenance), {"message": "Off we go."})
    console.post(url("finish", maintenance), {"message": "Done."})

    opened = console.get(f"{url('post_update', maintenance)}?template={template.public_id}")

    form = opened.context["form"]
    assert (form["status"].value(), form["message"].value()) == (None, "Soon.")


def test_an_update_is_corrected_in_the_pages_zone(console: Client, maintenance: Maintenance):
    update = maintenance.updates.get()
    address = f"{url('edit_update', maintenance)}?update={update.public_id}"
    shown = {"display_at": "2026-01-02T09:30:00", "body": "We upgrade the *database*."}

    listed = console.get(url("change", maintenance)).content.decode()
    previewed = console.post(address, shown | {"do": "preview"}).content.decode()
    saved = console.post(address, shown | {"do": "save"})

    assert address in listed
    assert "<em>database</em>" in previewed
    assert saved.status_code == 302
    update.refresh_from_db()
    assert update.body == "We upgrade the *database*."
    assert update.display_at == datetime(2026, 1, 2, 8, 30, tzinfo=UTC)


def test_a_correction_keeps_the_time_exact_and_needs_an_update_of_this_maintenance(
    console: Client, maintenance: Maintenance
):
    update = maintenance.updates.get()
    update.display_at = update.display_at.replace(microsecond=123456)
    update.save()
    address = url("edit_update", maintenance)
    opened = console.get(f"{address}?update={update.public_id}")
    sent = {field.html_name: field.value() for field in opened.context["form"]}

    saved = console.post(
        f"{address}?update={update.public_id}", sent | {"body": "Other.", "do": "save"}
    )
    unknown = console.get(f"{address}?update=0000")

    assert (saved.status_code, unknown.status_code) == (302, 404)
    assert fresh(update).display_at.microsecond == 123456


def test_corrections_are_not_for_those_who_may_not_change_it(
    client: Client, maintenance: Maintenance
):
    update = maintenance.updates.get()
    reader: User = UserFactory(username="reader")
    PageMembershipFactory(user=reader, page=maintenance.page, role="editor")
    client.force_login(reader)

    response = client.post(
        f"{url('edit_update', maintenance)}?update={update.public_id}",
        {"body": "Other.", "display_at": "2026-01-02T09:30:00", "do": "save"},
    )

    assert response.status_code == 403
    assert fresh(update).body == "We **upgrade**."


# 2036-10-26 01:30:20 UTC is the second 02:30:20 of that day in Berlin.
REPEATED = datetime(2036, 10, 26, 1, 30, 20, tzinfo=UTC)


def test_extended_it_keeps_a_start_to_the_second_also_one_that_clocks_show_twice(
    console: Client, component: Component
):
    maintenance, _ = create_maintenance(
        page_id=component.page.pk,
        name="Upgrade",
        scheduled_for=REPEATED,
        scheduled_until=REPEATED + timedelta(hours=1),
        actor=PERSON,
        at=soon(-1),
    )
    address = url("reschedule", maintenance)
    sent = {field.html_name: field.value() for field in console.get(address).context["form"]}
    sent = {name: f"{value:%Y-%m-%dT%H:%M}" for name, value in sent.items()}

    response = console.post(address, sent | {"scheduled_until": "2036-10-26T05:00"})

    assert response.status_code == 302
    row = fresh(maintenance)
    assert row.scheduled_for == REPEATED
    assert row.scheduled_until == datetime(2036, 10, 26, 4, tzinfo=UTC)


def test_the_text_of_an_update_is_corrected_though_clocks_show_its_time_twice(
    console: Client, maintenance: Maintenance
):
    update = maintenance.updates.get()
    update.display_at = datetime(2025, 10, 26, 1, 30, 20, 5, tzinfo=UTC)
    update.save()
    address = f"{url('edit_update', maintenance)}?update={update.public_id}"

    saved = console.post(
        address, {"display_at": "2025-10-26T02:30:20", "body": "Other.", "do": "save"}
    )

    assert saved.status_code == 302
    assert fresh(update).body == "Other."
    assert update.display_at == datetime(2025, 10, 26, 1, 30, 20, 5, tzinfo=UTC)
