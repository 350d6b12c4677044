"""What the apps below tell the integrations: constant statements, points, the mirror."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.actors import AUTOMATION
from apps.integrations.definition import MetricDefinition
from apps.integrations.mirror import native_connector
from apps.integrations.models import (
    ComponentLink,
    ConnectorComponent,
    ConnectorMetric,
    ConnectorPage,
    Delivery,
    Integration,
    Replan,
)
from apps.integrations.planning import ask, plan_asked
from apps.integrations.receivers import prepare_tables
from apps.integrations.services import set_enabled
from apps.monitors.models import Monitor, Outage
from apps.monitors.policy import Result
from apps.monitors.recording import RecordedRun
from apps.monitors.services import settle_outages
from apps.monitors.signals import outages_changed, runs_recorded
from apps.pages.models import MetricPoint
from apps.pages.services import (
    archive_component,
    archive_metric,
    archive_page,
    create_component,
    create_group,
    update_component,
    update_group,
    update_page,
)
from apps.pages.signals import pages_changed
from tests.factories import LONG_AGO, NOW, PERSON, ComponentFactory, OutageFactory
from tests.integrations.scene import (
    component,
    deliver_all,
    end_maintenance,
    integrate,
    maintain,
    make_monitor,
    make_page,
    metric_definition,
    minutes,
    mirrored,
    mirrored_page,
    statuses,
)

pytestmark = pytest.mark.django_db


def _run(
    monitor: Monitor, result: Result = "passed", ms: int | None = 120, at: int = 0
) -> RecordedRun:
    schedule = monitor.schedules.get()
    started_at = NOW + timedelta(seconds=at)
    return RecordedRun(
        monitor_id=monitor.pk,
        schedule_id=schedule.pk,
        due_at=started_at,
        started_at=started_at,
        result=result,
        response_time_ms=ms,
        slowest_request_ms=None if ms is None else ms // 2,
        is_manual=False,
    )


def _record(*runs: RecordedRun) -> None:
    runs_recorded.send(sender=Monitor, runs=list(runs), at=NOW)


def _values() -> list[float]:
    return list(MetricPoint.objects.order_by("at").values_list("value", flat=True))


@pytest.mark.parametrize(
    ("measure", "values"),
    [
        ("response_time_ms", [120.0, 300.0]),
        ("slowest_request_ms", [60.0, 150.0]),
        ("passed", [1.0, 0.0, 0.0]),
    ],
)
def test_each_run_becomes_a_point_of_its_measure_unless_the_platform_was_at_fault(
    measure: str, values: list[float]
) -> None:
    page, monitor = make_page(), make_monitor()
    integrate(monitor, page, links={}, incident=None, metric=metric_definition(page, measure))
    heard: list[object] = []

    def listen(**told: object) -> None:
        heard.append(told)

    pages_changed.connect(listen)

    _record(
        _run(monitor, at=0),
        _run(monitor, "failed", 300, at=20),
        _run(monitor, "failed", None, at=40),
        _run(monitor, "error", 50, at=60),
    )

    pages_changed.disconnect(listen)
    assert _values() == values
    assert heard == []


def test_the_same_runs_again_add_no_point() -> None:
    page, monitor = make_page(), make_monitor()
    integrate(monitor, page, links={}, incident=None, metric=metric_definition(page))

    for _ in range(2):
        _record(_run(monitor))

    assert _values() == [120.0]


@pytest.mark.parametrize("off", ["disabled", "metric archived"])
def test_no_point_goes_where_none_is_wanted(off: str) -> None:
    page, monitor = make_page(), make_monitor()
    integration = integrate(monitor, page, links={}, incident=None, metric=metric_definition(page))
    if off == "disabled":
        set_enabled(integration_id=integration.pk, enabled=False, actor=PERSON, at=NOW)
    else:
        archive_metric(metric_id=page.metrics.get().pk, actor=PERSON, at=NOW)

    _record(_run(monitor))

    assert _values() == []


def test_points_of_a_batch_take_as_many_statements_as_one() -> None:
    page = make_page()
    metric = metric_definition(page)
    monitors = [make_monitor(f"M{number}") for number in range(10)]
    for number, monitor in enumerate(monitors):
        integrate(
            monitor,
            page,
            nickname=str(number),
            links={},
            incident=None,
            metric=MetricDefinition(metric.metric_id),
        )
    counts = []

    for batch in (monitors[:1], monitors):
        runs = [_run(monitor, at=len(counts)) for monitor in batch]
        with CaptureQueriesContext(connection) as captured:
            _record(*runs)
        counts.append(len(captured))

    assert counts == [2, 2]
    assert MetricPoint.objects.count() == 11


def test_outages_of_a_batch_take_as_many_statements_as_one() -> None:
    page = make_page(components=[f"Part {number}" for number in range(6)])
    monitors = [make_monitor(f"M{number}") for number in range(6)]
    for number, monitor in enumerate(monitors):
        integrate(monitor, page, nickname=str(number), links={f"Part {number}": "major_outage"})
    batches = (monitors[:1], monitors[1:])
    counts: dict[str, list[int]] = {"open": [], "close": []}

    for batch in batches:
        outages = [OutageFactory(monitor=monitor, opened_at=minutes(1)) for monitor in batch]
        with CaptureQueriesContext(connection) as captured:
            outages_changed.send(
                sender=Outage, opened=outages, closed=[], actor=AUTOMATION, at=minutes(1)
            )
        counts["open"].append(len(captured))
    for batch in batches:
        outages = list(Outage.objects.filter(monitor__in=batch))
        for outage in outages:
            outage.closed_at, outage.close_reason = minutes(2), "recovered"
            outage.save()
        with CaptureQueriesContext(connection) as captured:
            outages_changed.send(
                sender=Outage, opened=[], closed=outages, actor=AUTOMATION, at=minutes(2)
            )
        counts["close"].append(len(captured))

    assert counts["open"][0] == counts["open"][1]
    assert counts["close"][0] == counts["close"][1]
    assert Delivery.objects.filter(change__kind="resolve").count() == 6
    deliver_all()
    assert set(statuses().values()) == {"operational"}


def test_an_outage_of_a_monitor_without_integrations_costs_one_statement() -> None:
    outage = OutageFactory(monitor=make_monitor())

    with CaptureQueriesContext(connection) as captured:
        outages_changed.send(
            sender=Outage, opened=[outage], closed=[], actor=AUTOMATION, at=outage.opened_at
        )

    assert len(captured) == 1


def test_a_change_of_status_without_maintenance_costs_nothing_here() -> None:
    page, monitor = make_page(), make_monitor()
    integrate(monitor, page)
    monitor.schedules.update(is_failing=True, streak_is_failing=True, streak_started_at=NOW)
    settle_outages(monitor_ids=[monitor.pk], actor=AUTOMATION, at=NOW)

    with CaptureQueriesContext(connection) as captured:
        deliver_all()

    planned = [
        query for query in captured if "integrations_integration" in query["sql"].split("WHERE")[0]
    ]
    assert planned == []


def test_maintenances_that_end_together_take_as_many_statements_as_one() -> None:
    page = make_page(components=[f"Part {number}" for number in range(7)])
    for number in range(7):
        monitor = make_monitor(f"M{number}")
        integrate(monitor, page, nickname=str(number), links={f"Part {number}": "major_outage"})
        maintain(f"Part {number}", minutes(1))
        OutageFactory(monitor=monitor, opened_at=minutes(2))
    counts = []

    asked = [Integration.objects.get(nickname=str(number)).pk for number in range(7)]
    for number in range(7):
        component_row = component(f"Part {number}")
        component_row.status = "operational"
        component_row.save(update_fields=["status"])
    for batch in (asked[:1], asked[1:]):
        ask(integration_ids=batch, at=minutes(3))
        with CaptureQueriesContext(connection) as captured:
            plan_asked()
        counts.append(len(captured))

    assert counts[0] == counts[1]
    assert Delivery.objects.filter(change__kind="open").count() == 7


def test_the_mirror_follows_pages_components_groups_and_metrics() -> None:
    page = make_page()
    metric_definition(page)
    group = create_group(page_id=page.pk, name="API", actor=PERSON, at=LONG_AGO)
    create_component(page_id=page.pk, group_id=group.pk, name="Orders", actor=PERSON, at=LONG_AGO)
    seen = mirrored_page(page)
    assert (seen.name, seen.slug, seen.connector) == ("Acme", "acme", native_connector())
    assert str(mirrored("Orders")) == "API / Orders"
    key = mirrored("Orders").pk

    update_page(page_id=page.pk, name="Acme Inc", actor=PERSON, at=NOW)
    update_group(group_id=group.pk, name="Partners", actor=PERSON, at=NOW)
    update_component(component_id=component("Orders").pk, name="Ordering", actor=PERSON, at=NOW)

    assert mirrored_page(page).name == "Acme Inc"
    assert str(ConnectorComponent.objects.get(pk=key)) == "Partners / Ordering"
    assert ConnectorMetric.objects.get().name == "Response time"


def test_what_is_archived_is_archived_in_the_mirror() -> None:
    page = make_page(components=("Checkout", "Website"))
    metric_definition(page)

    archive_component(component_id=component("Website").pk, actor=PERSON, at=NOW)
    gone = mirrored("Website").archived_at
    archive_page(page_id=page.pk, actor=PERSON, at=minutes(1))

    assert gone == NOW
    for model in (ConnectorPage, ConnectorComponent, ConnectorMetric):
        assert not model.objects.live().exists()


def test_a_component_that_moves_keeps_its_mirrored_id() -> None:
    make_page()
    other = make_page("Other", ())
    before = mirrored()

    update_component(component_id=component().pk, page_id=other.pk, actor=PERSON, at=NOW)

    after = mirrored()
    assert (after.pk, after.public_id) == (before.pk, before.public_id)
    assert after.page == mirrored_page(other)


def test_a_mirror_that_missed_something_is_mended_after_migrating() -> None:
    row = ComponentFactory(name="Made by hand")
    assert not ConnectorComponent.objects.exists()

    for _ in range(2):
        prepare_tables(using="default")

    assert mirrored("Made by hand").remote_id == row.public_id
    assert native_connector().provider == "native"


def test_ending_a_maintenance_of_another_component_opens_nothing() -> None:
    page = make_page(components=("Checkout", "Website"))
    monitor = make_monitor()
    integrate(monitor, page)
    for name in ("Checkout", "Website"):
        maintain(name, minutes(1))
    monitor.schedules.update(is_failing=True, streak_is_failing=True, streak_started_at=NOW)
    settle_outages(monitor_ids=[monitor.pk], actor=AUTOMATION, at=minutes(2))

    end_maintenance("Website", minutes(3))

    assert not Delivery.objects.filter(change__kind="open").exists()


def test_what_cannot_be_planned_keeps_nothing_else_waiting() -> None:
    page = make_page(components=("Checkout", "Website"))
    broken = integrate(
        make_monitor("Broken"), page, nickname="Broken", links={"Checkout": "major_outage"}
    )
    whole = integrate(
        make_monitor("Whole"), page, nickname="Whole", links={"Website": "major_outage"}
    )
    for integration in (broken, whole):
        OutageFactory(monitor=integration.monitor, opened_at=minutes(1))
    # A word without its time is what no service writes.
    ComponentLink.objects.create(
        integration=integrate(
            make_monitor("Odd"), page, nickname="Odd", links={"Website": "major_outage"}
        ),
        component=broken.component_links.get().component,
        success_status="operational",
        failure_status="major_outage",
        said_status="partial_outage",
        created_at=NOW,
        updated_at=NOW,
    )

    ask(integration_ids=[broken.pk, whole.pk], at=minutes(2))
    deliver_all()

    assert statuses() == {"Checkout": "operational", "Website": "major_outage"}
    assert list(Replan.objects.values_list("integration", flat=True)) == [broken.pk]
