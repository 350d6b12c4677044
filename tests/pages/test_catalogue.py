"""Pages, groups, components and metrics: made, changed, moved, put in order, archived."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.models import AuditEvent
from apps.pages import selectors, services
from apps.pages.models import Component, ComponentGroup, Metric, Page
from tests.factories import (
    MACHINE,
    NOW,
    PERSON,
    ComponentFactory,
    ComponentGroupFactory,
    MetricFactory,
    PageFactory,
)

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=5)
BY = {"actor": PERSON, "at": NOW}


def component_on(page, name, **fields):
    return services.create_component(page_id=page.pk, name=name, **fields, **BY)


# pages


def test_a_page_is_made_with_its_fields(listen):
    catalogue, changed = listen("catalogue_changed"), listen("pages_changed")

    page = services.create_page(
        name="Acme",
        slug="acme",
        description="All of Acme.",
        time_zone="Europe/Berlin",
        domain="status.acme.example",
        **BY,
    )

    assert selectors.page(page.public_id) == page
    assert (page.created_at, page.updated_at) == (NOW, NOW)
    assert [told["pages"] for told in catalogue] == [[page]]
    assert [told["page_ids"] for told in changed] == [{page.pk}]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"slug": "Not A Slug"}, "slug"),
        ({"slug": ""}, "slug"),
        ({"slug": "x" * 64}, "slug"),
        ({"name": ""}, "name"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"domain": "https://status.acme.example"}, "domain"),
        ({"domain": "status.test"}, "domain"),  # the platform's own host (conftest's PUBLIC_URL)
    ],
)
def test_a_page_names_the_field_at_fault(fields, field):
    with pytest.raises(Invalid) as refused:
        services.create_page(**{"name": "Acme", "slug": "acme"} | fields, **BY)

    assert refused.value.field == field
    assert not Page.objects.exists()
    assert not AuditEvent.objects.exists()


def test_slug_and_domain_are_unique_among_the_live_pages():
    first = services.create_page(name="One", slug="acme", domain="s.acme.example", **BY)
    with pytest.raises(Invalid):
        services.create_page(name="Two", slug="acme", **BY)
    with pytest.raises(Invalid):
        services.create_page(name="Two", slug="two", domain="s.acme.example", **BY)

    services.archive_page(page_id=first.pk, **BY)
    second = services.create_page(name="Two", slug="acme", domain="s.acme.example", **BY)

    assert second.public_id != first.public_id


def test_a_change_that_changes_nothing_is_silent(listen):
    page = services.create_page(name="Acme", slug="acme", **BY)
    events, told = AuditEvent.objects.count(), listen("pages_changed")

    services.update_page(page_id=page.pk, name="Acme", actor=PERSON, at=LATER)

    assert told == []
    assert AuditEvent.objects.count() == events
    assert Page.objects.get().updated_at == NOW


def test_a_change_tells_what_was_before():
    page = services.create_page(name="Acme", slug="acme", **BY)

    services.update_page(page_id=page.pk, name="Acme Cloud", actor=PERSON, at=LATER)

    event = AuditEvent.objects.get(action="page.updated")
    assert event.changes == {"name": ["Acme", "Acme Cloud"]}
    assert Page.objects.get().updated_at == LATER


def test_archiving_a_page_archives_what_is_on_it(listen):
    page = PageFactory()
    group = ComponentGroupFactory(page=page)
    component = ComponentFactory(group=group)
    metric = MetricFactory(page=page)
    elsewhere = ComponentFactory()
    told = listen("catalogue_changed")

    services.archive_page(page_id=page.pk, **BY)

    for row in (page, group, component, metric):
        row.refresh_from_db()
        assert row.archived_at == NOW
    assert list(selectors.live_components()) == [elsewhere]
    assert [(one["pages"], one["components"], one["metrics"]) for one in told] == [
        ([page], [component], [metric])
    ]
    with pytest.raises(NotFound):
        services.update_page(page_id=page.pk, name="Again", **BY)


def test_an_unknown_field_is_a_mistake_of_the_caller():
    page = PageFactory()

    with pytest.raises(TypeError):
        services.update_page(page_id=page.pk, colour="red", **BY)


# components


def test_a_component_starts_operational_with_its_first_period(listen):
    page = PageFactory()
    told = listen("catalogue_changed")

    component = component_on(page, "API", start_date=date(2026, 1, 1), showcase=False)

    period = component.periods.get()
    assert (period.status, period.started_at, period.ended_at) == ("operational", NOW, None)
    assert (component.status, component.status_since) == ("operational", NOW)
    assert (component.start_date, component.showcase) == (date(2026, 1, 1), False)
    assert [one["components"] for one in told] == [[component]]


def test_positions_count_from_one():
    component = ComponentFactory()

    with pytest.raises(Invalid) as refused:
        services.update_component(component_id=component.pk, position=0, **BY)

    assert refused.value.field == "position"


def test_a_component_may_be_unplaced(listen):
    changed = listen("pages_changed")

    component = services.create_component(page_id=None, name="Waiting", **BY)

    assert component.page is None
    assert changed == []


def test_names_are_unique_in_a_group_and_outside_of_groups():
    page = PageFactory()
    west, east = ComponentGroupFactory.create_batch(2, page=page)
    component_on(page, "API")
    component_on(page, "API", group_id=west.pk)
    component_on(page, "API", group_id=east.pk)

    with pytest.raises(Invalid):
        component_on(page, "API")
    with pytest.raises(Invalid):
        component_on(page, "API", group_id=west.pk)


def test_new_entries_come_last_at_their_level():
    page = PageFactory()

    first = component_on(page, "API")
    group = services.create_group(page_id=page.pk, name="Regions", **BY)
    inner = [component_on(page, name, group_id=group.pk) for name in ("West", "East")]
    last = component_on(page, "Web")

    assert (first.position, group.position, last.position) == (1, 2, 3)
    assert [one.position for one in inner] == [1, 2]


def test_a_component_moves_with_its_history(listen):
    old, new = PageFactory.create_batch(2)
    group = ComponentGroupFactory(page=old)
    component = component_on(old, "API", group_id=group.pk)
    component_on(new, "Web")
    changed = listen("pages_changed")

    moved = services.update_component(
        component_id=component.pk, page_id=new.pk, actor=PERSON, at=LATER
    )

    assert (moved.page, moved.group, moved.position) == (new, None, 2)
    assert moved.periods.count() == 1
    assert [told["page_ids"] for told in changed] == [{old.pk, new.pk}]


def test_a_component_can_be_taken_off_its_page():
    component = ComponentFactory(group=ComponentGroupFactory())

    services.update_component(component_id=component.pk, page_id=None, **BY)

    component.refresh_from_db()
    assert (component.page, component.group) == (None, None)


def test_a_group_of_another_page_is_refused():
    page, group = PageFactory(), ComponentGroupFactory()

    with pytest.raises(Invalid) as refused:
        component_on(page, "API", group_id=group.pk)
    with pytest.raises(Invalid):
        services.update_component(
            component_id=ComponentFactory(page=page).pk, group_id=group.pk, **BY
        )

    assert refused.value.field == "group"


def test_an_archived_page_or_group_takes_no_component():
    page = PageFactory()

    with pytest.raises(Invalid):
        component_on(PageFactory(archived=True), "API")
    with pytest.raises(Invalid):
        component_on(page, "API", group_id=ComponentGroupFactory(page=page, archived=True).pk)


def test_archiving_a_component_frees_its_name_and_keeps_its_history():
    page = PageFactory()
    component = component_on(page, "API")

    services.archive_component(component_id=component.pk, actor=PERSON, at=LATER)
    again = component_on(page, "API")

    assert list(selectors.live_components()) == [again]
    assert component.periods.count() == 1
    with pytest.raises(NotFound):
        selectors.component(component.public_id)


# groups


def test_archiving_a_group_leaves_its_components_at_the_end_of_the_page(listen):
    page = PageFactory()
    first = component_on(page, "API")
    group = services.create_group(page_id=page.pk, name="Regions", **BY)
    inner = [component_on(page, name, group_id=group.pk) for name in ("West", "East")]
    told = listen("catalogue_changed")

    services.archive_group(group_id=group.pk, actor=PERSON, at=LATER)

    order = Component.objects.live().filter(page=page, group=None).values_list("name", flat=True)
    assert list(order) == [first.name, "West", "East"]
    assert [set(one["components"]) for one in told] == [set(inner)]


def test_a_group_whose_component_would_clash_is_not_archived():
    page = PageFactory()
    group = ComponentGroupFactory(page=page)
    component_on(page, "API")
    component_on(page, "API", group_id=group.pk)

    with pytest.raises(Conflict):
        services.archive_group(group_id=group.pk, **BY)

    assert ComponentGroup.objects.live().count() == 1


def test_renaming_a_group_tells_of_its_components(listen):
    group = ComponentGroupFactory()
    component = ComponentFactory(group=group)
    told = listen("catalogue_changed")

    services.update_group(group_id=group.pk, name="Elsewhere", **BY)

    assert [one["components"] for one in told] == [[component]]
    assert told[0]["components"][0].group.name == "Elsewhere"


# order


def test_groups_and_components_of_the_top_level_are_put_in_one_order(listen):
    page = PageFactory()
    api, web = component_on(page, "API"), component_on(page, "Web")
    group = services.create_group(page_id=page.pk, name="Regions", **BY)
    changed = listen("pages_changed")

    services.reorder(page_id=page.pk, public_ids=[group.public_id, web.public_id], **BY)

    for row in (group, web, api):
        row.refresh_from_db()
    assert (group.position, web.position, api.position) == (1, 2, 3)
    assert [told["page_ids"] for told in changed] == [{page.pk}]
    assert AuditEvent.objects.filter(action="page.reordered").count() == 1


def test_a_groups_components_are_put_in_order():
    group = ComponentGroupFactory()
    rows = [component_on(group.page, name, group_id=group.pk) for name in "ABC"]

    services.reorder(
        page_id=group.page.pk,
        group_id=group.pk,
        public_ids=[row.public_id for row in reversed(rows)],
        **BY,
    )

    names = Component.objects.filter(group=group).values_list("name", flat=True)
    assert list(names) == ["C", "B", "A"]


def test_an_order_names_entries_of_its_level_once():
    page = PageFactory()
    api = component_on(page, "API")
    elsewhere = ComponentFactory()

    for order in ([elsewhere.public_id], [api.public_id, api.public_id]):
        with pytest.raises(Invalid):
            services.reorder(page_id=page.pk, public_ids=order, **BY)


# metrics


def test_a_metric_is_made_changed_and_archived(listen):
    page = PageFactory()
    told = listen("catalogue_changed")

    metric = services.create_metric(page_id=page.pk, name="Response time", unit="ms", **BY)
    services.update_metric(metric_id=metric.pk, name="Latency", hidden=True, actor=PERSON, at=LATER)
    services.archive_metric(metric_id=metric.pk, actor=PERSON, at=LATER)

    metric.refresh_from_db()
    assert (metric.name, metric.hidden, metric.archived_at) == ("Latency", True, LATER)
    assert [one["metrics"] for one in told] == [[metric]] * 3
    assert not Metric.objects.live().exists()


def test_metrics_come_one_after_the_other_and_have_their_own_names():
    page = PageFactory()
    rows = [services.create_metric(page_id=page.pk, name=name, **BY) for name in "AB"]

    with pytest.raises(Invalid):
        services.create_metric(page_id=page.pk, name="A", **BY)

    assert [row.position for row in rows] == [1, 2]


def test_what_automation_configures_is_not_in_the_audit_trail():
    services.create_page(name="Acme", slug="acme", actor=MACHINE, at=NOW)

    assert not AuditEvent.objects.exists()
