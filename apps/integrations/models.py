"""The bridge: what an outage means on a page, and how it gets there."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.accounts.models import Workspace
from apps.core.fields import EncryptedTextField
from apps.core.models import ArchivableModel, LeasedRow, PublicModel
from apps.incidents.models import Impact, IncidentStatus
from apps.monitors.models import Monitor, Outage
from apps.pages.status import ComponentStatus


class Connector(ArchivableModel):
    """A destination account. `native` (this platform's own pages) always exists."""

    class Provider(models.TextChoices):
        NATIVE = "native", "This platform"

    NATIVE_NAME = "native"

    name = models.CharField(max_length=120)
    provider = models.CharField(max_length=20, help_text="A kind of integrations/providers.")
    api_key = EncryptedTextField(blank=True, default="", verbose_name="API key")
    base_url = models.CharField(max_length=500, blank=True, default="", verbose_name="base URL")

    class Meta(ArchivableModel.Meta):
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"],
                condition=Q(archived_at__isnull=True),
                name="connector_name_once",
                violation_error_message="There is already a connector with this name.",
            )
        ]

    def __str__(self) -> str:
        return self.name


class ConnectorPage(ArchivableModel):
    """A page of a connector, as last seen. For native it mirrors `pages.Page` in the same transaction."""

    connector = models.ForeignKey(Connector, on_delete=models.PROTECT, related_name="pages")
    remote_id = models.CharField(max_length=120)
    name = models.CharField(max_length=255)
    slug = models.CharField(max_length=120, blank=True, default="")

    class Meta(ArchivableModel.Meta):
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["connector", "remote_id"], name="connector_page_once")
        ]

    def __str__(self) -> str:
        return self.name


class ConnectorComponent(ArchivableModel):
    """A component of a connector's page, as last seen."""

    page = models.ForeignKey(ConnectorPage, on_delete=models.PROTECT, related_name="components")
    remote_id = models.CharField(max_length=120)
    name = models.CharField(max_length=255)
    group_name = models.CharField(max_length=255, blank=True, default="")

    class Meta(ArchivableModel.Meta):
        ordering = ["group_name", "name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["page", "remote_id"], name="connector_component_once")
        ]

    def __str__(self) -> str:
        return f"{self.group_name} / {self.name}" if self.group_name else self.name


class ConnectorMetric(ArchivableModel):
    """A metric of a connector's page, as last seen."""

    page = models.ForeignKey(ConnectorPage, on_delete=models.PROTECT, related_name="metrics")
    remote_id = models.CharField(max_length=120)
    name = models.CharField(max_length=255)

    class Meta(ArchivableModel.Meta):
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["page", "remote_id"], name="connector_metric_once")
        ]

    def __str__(self) -> str:
        return self.name


class Integration(ArchivableModel):
    """What one monitor's outages mean on one page: a nickname and at least one action."""

    nickname = models.CharField(max_length=120)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="integrations")
    monitor = models.ForeignKey(Monitor, on_delete=models.PROTECT, related_name="integrations")
    connector = models.ForeignKey(Connector, on_delete=models.PROTECT, related_name="integrations")
    page = models.ForeignKey(ConnectorPage, on_delete=models.PROTECT, related_name="integrations")
    enabled = models.BooleanField(default=True)

    class Meta(ArchivableModel.Meta):
        ordering = ["nickname", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "nickname"],
                condition=Q(archived_at__isnull=True),
                name="integration_nickname_once",
                violation_error_message="The workspace has an integration with this nickname already.",
            )
        ]

    def __str__(self) -> str:
        return self.nickname


class ComponentLink(PublicModel):
    """Action: link monitor to component. The failure status stays until the outage closes.

    `said_status` and `said_at` are this link's present word at the destination ("" : none); several links
    may speak of one component, whose stream then carries all their words. A removed action is kept as
    archived until its withdrawal was delivered, and afterwards as history.
    """

    integration = models.ForeignKey(
        Integration, on_delete=models.PROTECT, related_name="component_links"
    )
    component = models.ForeignKey(
        ConnectorComponent, on_delete=models.PROTECT, related_name="links"
    )
    success_status = models.CharField(
        max_length=24, choices=ComponentStatus.choices, default=ComponentStatus.OPERATIONAL
    )
    failure_status = models.CharField(
        max_length=24, choices=ComponentStatus.choices, default=ComponentStatus.MAJOR_OUTAGE
    )
    said_status = models.CharField(max_length=24, blank=True, default="", editable=False)
    said_at = models.DateTimeField(null=True, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "component"],
                condition=Q(archived_at__isnull=True),
                name="link_once_per_component",
                violation_error_message="The integration links this component already.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.integration} → {self.component}"


class IncidentRule(PublicModel):
    """Action: create incident when the run fails. Empty texts mean the defaults, which name nothing private."""

    OPENING = [choice for choice in IncidentStatus.choices if choice[0] != IncidentStatus.RESOLVED]

    integration = models.OneToOneField(
        Integration, on_delete=models.PROTECT, related_name="incident_rule"
    )
    enabled = models.BooleanField(
        default=True, help_text="Off: the action was taken from the integration."
    )
    name = models.CharField(max_length=255, help_text="Shown to readers.")
    status = models.CharField(max_length=16, choices=OPENING, default=IncidentStatus.INVESTIGATING)
    impact = models.CharField(max_length=12, choices=Impact.choices, default=Impact.MAJOR)
    message = models.TextField(blank=True, default="")
    resolved_message = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return self.name


class MetricRule(PublicModel):
    """Action: send metric."""

    class Measure(models.TextChoices):
        RESPONSE_TIME_MS = "response_time_ms", "Response time (ms): sum over the run's requests"
        SLOWEST_REQUEST_MS = "slowest_request_ms", "Slowest request (ms)"
        PASSED = "passed", "Passed (1) or failed (0)"

    integration = models.OneToOneField(
        Integration, on_delete=models.PROTECT, related_name="metric_rule"
    )
    enabled = models.BooleanField(
        default=True, help_text="Off: the action was taken from the integration."
    )
    metric = models.ForeignKey(ConnectorMetric, on_delete=models.PROTECT, related_name="rules")
    measure = models.CharField(
        max_length=20, choices=Measure.choices, default=Measure.RESPONSE_TIME_MS
    )

    def __str__(self) -> str:
        return f"{self.measure} → {self.metric}"


class Replan(models.Model):
    """An integration to look at anew, since a component that it links changed at `at`.

    Written in the transaction of that change, which holds the component's lock; worked off after it, by one
    that locks the monitor's state first, as whatever tells the bridge of outages does.
    """

    id = models.BigAutoField(primary_key=True)
    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="replans")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.integration_id} at {self.at}"


class DeliveryStream(LeasedRow):
    """The order of changes to one thing at a destination.

    `key` is `component:<connector>:<component>` or `incident:<rule>:<outage>:<page>` in public ids. `last_sequence` is
    given out under the row's lock; deliveries are applied in that order. For an incident stream `remote_id` is the incident's
    id at the destination, once known, and `abandoned_at` is set when the incident was left to staff.
    """

    class Kind(models.TextChoices):
        COMPONENT = "component", "Component"
        INCIDENT = "incident", "Incident"
        METRIC = "metric", "Metric"

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    connector = models.ForeignKey(Connector, on_delete=models.PROTECT, related_name="streams")
    page = models.ForeignKey(ConnectorPage, on_delete=models.PROTECT, related_name="streams")
    component = models.ForeignKey(
        ConnectorComponent, on_delete=models.PROTECT, null=True, related_name="streams"
    )
    rule = models.ForeignKey(
        IncidentRule, on_delete=models.PROTECT, null=True, related_name="streams"
    )
    outage = models.ForeignKey(Outage, on_delete=models.PROTECT, null=True, related_name="streams")
    remote_id = models.CharField(max_length=120, blank=True, default="")
    abandoned_at = models.DateTimeField(null=True)
    last_sequence = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=["-abandoned_at", "-id"],
                condition=Q(abandoned_at__isnull=False),
                name="stream_left_to_staff",
            )
        ]

    def __str__(self) -> str:
        return self.key


class Delivery(PublicModel):
    """One change that has to reach a destination page. `change` is integrations/changes.py as JSON."""

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        DONE = "done", "Done"
        DEAD = "dead", "Given up"

    stream = models.ForeignKey(DeliveryStream, on_delete=models.PROTECT, related_name="deliveries")
    sequence = models.PositiveIntegerField()
    integration = models.ForeignKey(
        Integration, on_delete=models.PROTECT, null=True, related_name="deliveries"
    )
    at = models.DateTimeField(help_text="When the change became true.")
    change = models.JSONField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(help_text="On the database's clock.")
    settled_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True, default="")
    replay_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="replays"
    )

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["stream", "sequence"], name="delivery_sequence_once")
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"], condition=Q(state="pending"), name="delivery_pending"
            ),
            # The overview asks for the newest, with all history beside them.
            models.Index(fields=["-id"], condition=Q(state="dead"), name="delivery_dead"),
        ]

    def __str__(self) -> str:
        return f"{self.stream} #{self.sequence}"


class DeliveryAttempt(models.Model):
    """One try to bring a delivery to its destination."""

    id = models.BigAutoField(primary_key=True)
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries")
    at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    error = models.CharField(max_length=500, blank=True, default="", help_text="Empty: it arrived.")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.error or "arrived"
