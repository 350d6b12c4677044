"""Rows for tests, one factory for each model. Times are fixed: NOW is a Monday at noon UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import factory
from factory.django import DjangoModelFactory

from apps.accounts.models import LoginSession, Membership, User, Workspace
from apps.accounts.roles import Role
from apps.core.actors import AUTOMATION, Actor
from apps.core.clock import DatabaseNow
from apps.incidents.models import (
    Draft,
    EventNumber,
    Incident,
    IncidentComponent,
    IncidentStatus,
    IncidentTemplate,
    IncidentUpdate,
    Maintenance,
    MaintenanceComponent,
    MaintenanceSeries,
    MaintenanceStatus,
    MaintenanceUpdate,
    Postmortem,
)
from apps.integrations.models import (
    ComponentLink,
    Connector,
    ConnectorComponent,
    ConnectorMetric,
    ConnectorPage,
    Delivery,
    DeliveryStream,
    IncidentRule,
    Integration,
    MetricRule,
)
from apps.monitors.models import (
    Assertion,
    Extraction,
    Location,
    LocationState,
    Monitor,
    MonitorRequest,
    MonitorState,
    Outage,
    Run,
    Schedule,
)
from apps.pages.models import (
    Component,
    ComponentGroup,
    MeasurementGap,
    Metric,
    MetricPoint,
    Page,
    PageMembership,
    StatusContribution,
    StatusPeriod,
)
from apps.pages.status import ComponentStatus
from apps.publishing.models import Publication

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=365)

PERSON = Actor("person", "f1x3dp3rs0n0", "Robin Doe")
TOKEN = Actor("token", "f1x3dt0k3n00", "deploy")
MACHINE = AUTOMATION


class RowFactory(DjangoModelFactory):
    """A row made long ago; `build()` needs no database."""

    class Meta:
        abstract = True
        skip_postgeneration_save = True


class DatedFactory(RowFactory):
    created_at = LONG_AGO
    updated_at = LONG_AGO

    class Meta:
        abstract = True

    class Params:
        archived = factory.Trait(archived_at=NOW - timedelta(days=1))


# accounts


class UserFactory(RowFactory):
    username = factory.Sequence(lambda n: f"robin{n}")
    is_staff = True

    class Meta:
        model = User

    class Params:
        admin = factory.Trait(is_superuser=True)


class LoginSessionFactory(DatedFactory):
    user = factory.SubFactory(UserFactory)
    session_key = factory.Sequence(lambda n: f"session{n:025}")
    address = "192.0.2.1"
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
    last_seen_at = NOW
    expires_at = NOW + timedelta(days=14)

    class Meta:
        model = LoginSession


class WorkspaceFactory(DatedFactory):
    name = factory.Sequence(lambda n: f"Team {n}")

    class Meta:
        model = Workspace


class MembershipFactory(RowFactory):
    user = factory.SubFactory(UserFactory)
    workspace = factory.SubFactory(WorkspaceFactory)
    role = Role.EDITOR

    class Meta:
        model = Membership


# pages


class PageFactory(DatedFactory):
    name = factory.Sequence(lambda n: f"Acme {n}")
    slug = factory.Sequence(lambda n: f"acme-{n}")

    class Meta:
        model = Page


class PageMembershipFactory(RowFactory):
    user = factory.SubFactory(UserFactory)
    page = factory.SubFactory(PageFactory)
    role = Role.EDITOR

    class Meta:
        model = PageMembership


class ComponentGroupFactory(DatedFactory):
    page = factory.SubFactory(PageFactory)
    name = factory.Sequence(lambda n: f"Region {n}")
    position = factory.Sequence(lambda n: n + 1)

    class Meta:
        model = ComponentGroup


class ComponentFactory(DatedFactory):
    """A component with its open period. `unplaced=True` leaves it without a page."""

    group = None
    page = factory.Maybe(
        "group", factory.SelfAttribute("group.page"), factory.SubFactory(PageFactory)
    )
    name = factory.Sequence(lambda n: f"Service {n}")
    position = factory.Sequence(lambda n: n + 1)
    status = ComponentStatus.OPERATIONAL
    status_since = LONG_AGO

    class Meta:
        model = Component

    class Params:
        unplaced = factory.Trait(page=None)

    @factory.post_generation
    def period(self: Any, create: bool, extracted: Any, **_: Any) -> None:
        if create and extracted is not False:
            StatusPeriod.objects.create(
                component=self, status=self.status, started_at=self.status_since
            )


class StatusContributionFactory(RowFactory):
    component = factory.SubFactory(ComponentFactory)
    source = StatusContribution.Source.LINK
    key = factory.Sequence(lambda n: f"link{n:08}")
    status = ComponentStatus.MAJOR_OUTAGE
    since = NOW - timedelta(hours=1)

    class Meta:
        model = StatusContribution


class StatusPeriodFactory(RowFactory):
    """Make the component with `period=False` when its whole history comes from here."""

    component = factory.SubFactory(ComponentFactory, period=False)
    status = ComponentStatus.OPERATIONAL
    started_at = LONG_AGO

    class Meta:
        model = StatusPeriod


class MeasurementGapFactory(RowFactory):
    component = factory.SubFactory(ComponentFactory)
    started_at = NOW - timedelta(hours=2)
    ended_at = NOW - timedelta(hours=1)

    class Meta:
        model = MeasurementGap


class MetricFactory(DatedFactory):
    page = factory.SubFactory(PageFactory)
    name = factory.Sequence(lambda n: f"Response time {n}")
    unit = "ms"
    position = factory.Sequence(lambda n: n + 1)

    class Meta:
        model = Metric


class MetricPointFactory(RowFactory):
    metric = factory.SubFactory(MetricFactory)
    at = factory.Sequence(lambda n: NOW - timedelta(seconds=20 * n))
    source = ""
    value = 120.0

    class Meta:
        model = MetricPoint


# monitors


class LocationFactory(DatedFactory):
    """A place whose worker was seen just now on the database's clock (`worker=False`: it never had one)."""

    code = factory.Sequence(lambda n: f"place-{n}")
    name = factory.LazyAttribute(lambda row: row.code.title())

    class Meta:
        model = Location

    @factory.post_generation
    def worker(self: Any, create: bool, extracted: Any, **_: Any) -> None:
        if create and extracted is not False:
            LocationState.objects.create(location=self, seen_at=DatabaseNow())


class MonitorRequestFactory(DatedFactory):
    monitor = factory.SubFactory("tests.factories.MonitorFactory", with_request=False)
    name = "Health"
    url = "http://target.test/health"
    position = factory.Sequence(lambda n: n + 1)

    class Meta:
        model = MonitorRequest


class MonitorFactory(DatedFactory):
    """A monitor with its state row and one request (`with_request=False`: none)."""

    workspace = factory.SubFactory(WorkspaceFactory)
    name = factory.Sequence(lambda n: f"Check {n}")
    interval_s = 60

    class Meta:
        model = Monitor

    class Params:
        paused = factory.Trait(enabled=False)

    @factory.post_generation
    def state_row(self: Any, create: bool, extracted: Any, **_: Any) -> None:
        if create and extracted is not False:
            MonitorState.objects.create(monitor=self)

    @factory.post_generation
    def with_request(self: Any, create: bool, extracted: Any, **_: Any) -> None:
        if create and extracted is not False:
            MonitorRequestFactory(monitor=self, position=1)


class AssertionFactory(RowFactory):
    request = factory.SubFactory(MonitorRequestFactory)
    source = Assertion.Source.STATUS
    operator = Assertion.Operator.EQUALS
    value = 200

    class Meta:
        model = Assertion


class ExtractionFactory(RowFactory):
    request = factory.SubFactory(MonitorRequestFactory)
    variable = "token"
    source = Extraction.Source.JSON
    path = "$.token"

    class Meta:
        model = Extraction


class ScheduleFactory(RowFactory):
    monitor = factory.SubFactory(MonitorFactory)
    location = factory.SubFactory(LocationFactory)
    interval_s = factory.SelfAttribute("monitor.interval_s")
    is_active = factory.SelfAttribute("monitor.enabled")
    next_run_at = NOW

    class Meta:
        model = Schedule


class RunFactory(RowFactory):
    schedule = factory.SubFactory(ScheduleFactory)
    due_at = factory.Sequence(lambda n: NOW - timedelta(seconds=20 * n))
    started_at = factory.SelfAttribute("due_at")
    result = Run.Result.PASSED
    duration_ms = 100
    response_time_ms = 90
    slowest_request_ms = 90

    class Meta:
        model = Run

    class Params:
        failed = factory.Trait(result=Run.Result.FAILED, reason="status 500")


class OutageFactory(DatedFactory):
    monitor = factory.SubFactory(MonitorFactory)
    started_at = factory.SelfAttribute("opened_at")
    opened_at = NOW - timedelta(minutes=10)
    reason = "status 500"

    class Meta:
        model = Outage

    class Params:
        closed = factory.Trait(
            closed_at=NOW - timedelta(minutes=1), close_reason=Outage.CloseReason.RECOVERED
        )


# incidents


class IncidentFactory(DatedFactory):
    """An open incident with its first update (`with_update=False`: none)."""

    page = factory.SubFactory(PageFactory)
    number = factory.LazyFunction(lambda: EventNumber.objects.create().pk)
    name = factory.Sequence(lambda n: f"Trouble {n}")
    status = IncidentStatus.INVESTIGATING
    started_at = NOW - timedelta(minutes=30)
    last_sequence = 1

    class Meta:
        model = Incident

    class Params:
        resolved = factory.Trait(
            status=IncidentStatus.RESOLVED, resolved_at=NOW - timedelta(minutes=5)
        )
        automated = factory.Trait(is_automated=True, origin="Check 1")

    @factory.post_generation
    def with_update(self: Any, create: bool, extracted: Any, **_: Any) -> None:
        if create and extracted is not False:
            IncidentUpdateFactory(incident=self, status=self.status)


class IncidentUpdateFactory(DatedFactory):
    incident = factory.SubFactory(IncidentFactory, with_update=False)
    sequence = factory.SelfAttribute("incident.last_sequence")
    status = IncidentStatus.INVESTIGATING
    body = "We are looking into it."
    display_at = factory.SelfAttribute("incident.started_at")

    class Meta:
        model = IncidentUpdate


class IncidentComponentFactory(RowFactory):
    incident = factory.SubFactory(IncidentFactory)
    component = factory.SubFactory(ComponentFactory, page=factory.SelfAttribute("..incident.page"))
    status = ComponentStatus.MAJOR_OUTAGE
    worst_status = factory.SelfAttribute("status")

    class Meta:
        model = IncidentComponent


class PostmortemFactory(RowFactory):
    """A draft on a resolved incident; `published=True` shows it to readers."""

    incident = factory.SubFactory(IncidentFactory, resolved=True)
    draft = "What we learnt."
    draft_updated_at = NOW - timedelta(minutes=3)
    created_at = NOW - timedelta(minutes=4)
    updated_at = NOW - timedelta(minutes=2)

    class Meta:
        model = Postmortem

    class Params:
        published = factory.Trait(
            body=factory.SelfAttribute("draft"),
            body_updated_at=NOW - timedelta(minutes=2),
            published_at=NOW - timedelta(minutes=2),
        )


class DraftFactory(DatedFactory):
    """A draft of the next update of an incident."""

    page = factory.SelfAttribute("incident.page")
    kind = Draft.Kind.POST_UPDATE
    incident = factory.SubFactory(IncidentFactory)
    asked = factory.LazyFunction(lambda: {"status": "identified", "message": "We know why."})
    digest = "0" * 64
    seen_sequence = 1
    author = "Robin Doe"
    author_key = "f1x3dp3rs0n0"

    class Meta:
        model = Draft


class MaintenanceFactory(DatedFactory):
    """A maintenance that is announced, with its first update (`with_update=False`: none)."""

    page = factory.SubFactory(PageFactory)
    number = factory.LazyFunction(lambda: EventNumber.objects.create().pk)
    name = factory.Sequence(lambda n: f"Work {n}")
    status = MaintenanceStatus.SCHEDULED
    scheduled_for = NOW + timedelta(days=2)
    scheduled_until = factory.LazyAttribute(lambda row: row.scheduled_for + timedelta(hours=2))
    last_sequence = 1

    class Meta:
        model = Maintenance

    class Params:
        in_progress = factory.Trait(
            status=MaintenanceStatus.IN_PROGRESS,
            scheduled_for=NOW - timedelta(hours=1),
            started_at=NOW - timedelta(hours=1),
        )
        verifying = factory.Trait(
            status=MaintenanceStatus.VERIFYING,
            scheduled_for=NOW - timedelta(hours=1),
            started_at=NOW - timedelta(hours=1),
            verifying_at=NOW - timedelta(minutes=10),
        )
        completed = factory.Trait(
            status=MaintenanceStatus.COMPLETED,
            scheduled_for=NOW - timedelta(hours=3),
            started_at=NOW - timedelta(hours=3),
            completed_at=NOW - timedelta(hours=1),
        )
        cancelled = factory.Trait(
            status=MaintenanceStatus.COMPLETED,
            completed_at=NOW - timedelta(hours=1),
            cancelled_at=NOW - timedelta(hours=1),
        )

    @factory.post_generation
    def with_update(self: Any, create: bool, extracted: Any, **_: Any) -> None:
        if create and extracted is not False:
            MaintenanceUpdateFactory(maintenance=self, status=self.status)


class MaintenanceUpdateFactory(DatedFactory):
    maintenance = factory.SubFactory(MaintenanceFactory, with_update=False)
    sequence = factory.SelfAttribute("maintenance.last_sequence")
    status = MaintenanceStatus.SCHEDULED
    body = "We renew the database."
    display_at = NOW - timedelta(days=3)

    class Meta:
        model = MaintenanceUpdate


class MaintenanceComponentFactory(RowFactory):
    maintenance = factory.SubFactory(MaintenanceFactory)
    component = factory.SubFactory(
        ComponentFactory, page=factory.SelfAttribute("..maintenance.page")
    )

    class Meta:
        model = MaintenanceComponent


class MaintenanceSeriesFactory(DatedFactory):
    page = factory.SubFactory(PageFactory)
    name = factory.Sequence(lambda n: f"Weekly work {n}")
    rule = "FREQ=WEEKLY;BYDAY=SU"
    first_date = date(2026, 3, 1)
    start_time = time(3, 0)

    class Meta:
        model = MaintenanceSeries


class IncidentTemplateFactory(DatedFactory):
    page = factory.SubFactory(PageFactory)
    name = factory.Sequence(lambda n: f"Template {n}")

    class Meta:
        model = IncidentTemplate


# publishing


class PublicationFactory(RowFactory):
    page = factory.SubFactory(PageFactory)

    class Meta:
        model = Publication
        django_get_or_create = ("page",)


# integrations


class ConnectorFactory(DatedFactory):
    """A toy account elsewhere; `Connector(name=native)` is there from the start."""

    name = factory.Sequence(lambda n: f"Account {n}")
    provider = "toy"

    class Meta:
        model = Connector


class ConnectorPageFactory(DatedFactory):
    connector = factory.SubFactory(ConnectorFactory)
    remote_id = factory.Sequence(lambda n: f"page{n:08}")
    name = factory.Sequence(lambda n: f"Remote page {n}")

    class Meta:
        model = ConnectorPage


class ConnectorComponentFactory(DatedFactory):
    page = factory.SubFactory(ConnectorPageFactory)
    remote_id = factory.Sequence(lambda n: f"comp{n:08}")
    name = factory.Sequence(lambda n: f"Remote service {n}")

    class Meta:
        model = ConnectorComponent


class ConnectorMetricFactory(DatedFactory):
    page = factory.SubFactory(ConnectorPageFactory)
    remote_id = factory.Sequence(lambda n: f"metr{n:08}")
    name = factory.Sequence(lambda n: f"Remote metric {n}")

    class Meta:
        model = ConnectorMetric


class IntegrationFactory(DatedFactory):
    nickname = factory.Sequence(lambda n: f"Bridge {n}")
    monitor = factory.SubFactory(MonitorFactory)
    workspace = factory.SelfAttribute("monitor.workspace")
    page = factory.SubFactory(ConnectorPageFactory)
    connector = factory.SelfAttribute("page.connector")

    class Meta:
        model = Integration


class ComponentLinkFactory(DatedFactory):
    integration = factory.SubFactory(IntegrationFactory)
    component = factory.SubFactory(
        ConnectorComponentFactory, page=factory.SelfAttribute("..integration.page")
    )

    class Meta:
        model = ComponentLink


class IncidentRuleFactory(DatedFactory):
    integration = factory.SubFactory(IntegrationFactory)
    name = "We have trouble"

    class Meta:
        model = IncidentRule


class MetricRuleFactory(DatedFactory):
    integration = factory.SubFactory(IntegrationFactory)
    metric = factory.SubFactory(
        ConnectorMetricFactory, page=factory.SelfAttribute("..integration.page")
    )

    class Meta:
        model = MetricRule


class DeliveryStreamFactory(RowFactory):
    component = factory.SubFactory(ConnectorComponentFactory)
    page = factory.SelfAttribute("component.page")
    connector = factory.SelfAttribute("page.connector")
    kind = DeliveryStream.Kind.COMPONENT
    key = factory.LazyAttribute(
        lambda row: f"component:{row.connector.public_id}:{row.component.public_id}"
    )

    class Meta:
        model = DeliveryStream


class DeliveryFactory(DatedFactory):
    stream = factory.SubFactory(DeliveryStreamFactory)
    sequence = factory.Sequence(lambda n: n + 1)
    at = NOW
    change = factory.LazyFunction(dict)
    next_attempt_at = NOW

    class Meta:
        model = Delivery
