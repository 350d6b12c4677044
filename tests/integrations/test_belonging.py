"""The database itself refuses what does not belong together, whoever writes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction
from django.db.models.signals import pre_migrate

from apps.core.errors import Invalid
from apps.integrations import belonging
from apps.integrations.definition import LinkDefinition, MetricDefinition
from apps.integrations.models import (
    ComponentLink,
    ConnectorComponent,
    ConnectorMetric,
    ConnectorPage,
    Integration,
    MetricRule,
)
from apps.integrations.receivers import prepare_tables
from apps.integrations.services import (
    archive_integration,
    create_integration,
    set_enabled,
    update_integration,
)
from apps.monitors.models import Monitor
from tests.factories import (
    NOW,
    PERSON,
    ComponentLinkFactory,
    ConnectorComponentFactory,
    ConnectorFactory,
    ConnectorMetricFactory,
    ConnectorPageFactory,
    IntegrationFactory,
    MetricRuleFactory,
    MonitorFactory,
    WorkspaceFactory,
)
from tests.integrations.scene import definition, integrate, make_monitor, make_page, mirrored

pytestmark = pytest.mark.django_db


def write_foreign_monitor() -> Integration:
    return IntegrationFactory(workspace=WorkspaceFactory())


def write_foreign_page() -> Integration:
    return IntegrationFactory(connector=ConnectorFactory())


def write_foreign_component() -> ComponentLink:
    return ComponentLinkFactory(component=ConnectorComponentFactory())


def write_foreign_metric() -> MetricRule:
    return MetricRuleFactory(metric=ConnectorMetricFactory())


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (write_foreign_monitor, "integration_monitor_of_workspace"),
        (write_foreign_page, "integration_page_of_connector"),
        (write_foreign_component, "link_component_of_page"),
        (write_foreign_metric, "rule_metric_of_page"),
    ],
)
def test_the_database_takes_no_row_that_belongs_elsewhere(
    write: Callable[[], models.Model], name: str
) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        write()

    assert not Integration.objects.filter(component_links__isnull=False).exists()


@pytest.mark.parametrize(
    ("make", "column", "other"),
    [
        (IntegrationFactory, "workspace", WorkspaceFactory),
        (IntegrationFactory, "monitor", MonitorFactory),
        (IntegrationFactory, "connector", ConnectorFactory),
        (IntegrationFactory, "page", ConnectorPageFactory),
        (ComponentLinkFactory, "integration", IntegrationFactory),
        (ComponentLinkFactory, "component", ConnectorComponentFactory),
        (MetricRuleFactory, "integration", IntegrationFactory),
        (MetricRuleFactory, "metric", ConnectorMetricFactory),
    ],
)
def test_nor_does_it_let_one_side_be_changed_alone(make: Any, column: str, other: Any) -> None:
    row = make()
    rows = type(row).objects.filter(pk=row.pk)

    with pytest.raises(IntegrityError, match="_of_"), transaction.atomic():
        rows.update(**{column: other()})

    assert rows.values_list(column, flat=True).get() == getattr(row, f"{column}_id")


def test_many_at_once_are_checked_one_by_one_in_one_statement(
    django_assert_num_queries: Any,
) -> None:
    integration = IntegrationFactory()
    own = ConnectorComponentFactory.create_batch(5, page=integration.page)
    links = [ComponentLink(integration=integration, component=one) for one in own]

    with django_assert_num_queries(1):
        ComponentLink.objects.bulk_create(links)
    with pytest.raises(IntegrityError, match="link_component"), transaction.atomic():
        ComponentLink.objects.bulk_create(
            ComponentLink(integration=integration, component=one)
            for one in (
                ConnectorComponentFactory(page=integration.page),
                ConnectorComponentFactory(),
            )
        )

    assert ComponentLink.objects.count() == 5


def test_what_moves_afterwards_is_kept_and_may_still_be_paused_and_archived() -> None:
    page = make_page()
    link = integrate(make_monitor(), page).component_links.get()
    other = ConnectorPageFactory(connector=link.component.page.connector)

    ConnectorComponent.objects.filter(pk=link.component_id).update(page=other)
    ComponentLink.objects.bulk_update([link], ["said_status", "said_at"])
    set_enabled(integration_id=link.integration_id, enabled=False, actor=PERSON, at=NOW)
    archive_integration(integration_id=link.integration_id, actor=PERSON, at=NOW)

    link.refresh_from_db()
    assert link.component.page_id == other.pk
    assert link.integration.is_archived


def test_an_integration_goes_to_another_page_with_all_that_it_does() -> None:
    first, second = make_page("Acme"), make_page("Bolt", ("Search",))
    monitor = make_monitor()
    metrics = [
        ConnectorMetricFactory(page=ConnectorPage.objects.get(remote_id=page.public_id))
        for page in (first, second)
    ]
    made = integrate(monitor, first, metric=MetricDefinition(metrics[0].pk))
    wanted = definition(
        monitor, second, links={"Search": "major_outage"}, metric=MetricDefinition(metrics[1].pk)
    )

    update_integration(integration_id=made.pk, definition=wanted, actor=PERSON, at=NOW)

    made.refresh_from_db()
    assert made.page.remote_id == second.public_id
    assert made.metric_rule.metric == metrics[1]


class Meanwhile:
    """Moves a row just before a table is written, as another process may after the check."""

    def __init__(self, table: str, move: Callable[[], Any]) -> None:
        self.table, self.move, self.is_done = table, move, False

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        writes = sql.startswith((f'INSERT INTO "{self.table}"', f'UPDATE "{self.table}"'))
        if writes and not self.is_done:
            self.is_done = True
            self.move()
        return execute(sql, params, many, context)


@pytest.mark.parametrize(
    ("table", "moved", "column", "to", "field"),
    [
        ("integrations_integration", Monitor, "workspace", WorkspaceFactory, "monitor"),
        ("integrations_integration", ConnectorPage, "connector", ConnectorFactory, "page"),
        (
            "integrations_componentlink",
            ConnectorComponent,
            "page",
            ConnectorPageFactory,
            "link_components[1].component",
        ),
        (
            "integrations_metricrule",
            ConnectorMetric,
            "page",
            ConnectorPageFactory,
            "send_metric.metric",
        ),
    ],
)
def test_what_moved_between_the_check_and_the_writing_is_refused_at_its_field(
    table: str, moved: Any, column: str, to: Any, field: str
) -> None:
    page = make_page(components=("Website", "Checkout"))
    native = ConnectorPage.objects.get(remote_id=page.public_id)
    metric = ConnectorMetricFactory(page=native)
    wanted = replace(
        definition(make_monitor(), page, metric=MetricDefinition(metric.pk)),
        link_components=tuple(
            LinkDefinition(mirrored(name).pk) for name in ("Website", "Checkout")
        ),
    )
    elsewhere = to()
    rows = moved.objects.all()
    if moved is ConnectorComponent:
        rows = rows.filter(name="Checkout")
    other = Meanwhile(table, lambda: rows.update(**{column: elsewhere}))

    with connection.execute_wrapper(other), pytest.raises(Invalid) as refused:
        create_integration(definition=wanted, actor=PERSON, at=NOW)

    assert refused.value.errors == ((field, refused.value.message),)
    assert refused.value.message.startswith("Choose a ")
    assert not Integration.objects.exists()


def test_the_triggers_are_made_once_and_again_where_they_are_missing() -> None:
    there = belonging.installed()

    belonging.make_way(using="default", plan=[("some", "migration")])
    left = belonging.installed()
    prepare_tables(using="default")
    prepare_tables(using="default")

    assert len(there) == 8
    assert left == (there if connection.vendor == "postgresql" else set())
    assert belonging.installed() == there


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "model", [Monitor, Integration, ConnectorPage, ConnectorComponent, ConnectorMetric]
)
def test_a_table_that_is_made_anew_loses_no_trigger(model: type[models.Model]) -> None:
    """As `migrate` does it: SQLite copies a table to change a column, PostgreSQL changes it in place."""
    there = belonging.installed()
    sent = {"using": "default", "plan": [("some", "migration")], "app_config": None}
    fields = [field for field in model._meta.fields if field.attname == "public_id"]
    before, wider = fields[0], models.CharField(max_length=30, unique=True)
    wider.set_attributes_from_name("public_id")
    wider.model = model  # type: ignore[assignment]

    config: Any = apps.get_app_config("integrations")
    pre_migrate.send(sender=config, **sent)
    with connection.schema_editor() as editor:
        editor.alter_field(model, before, wider)
    with connection.schema_editor() as editor:
        editor.alter_field(model, wider, before)
    call_command("migrate", "integrations", verbosity=0)

    assert belonging.installed() == there
