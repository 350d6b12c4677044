"""What is checked: monitors, and the requests, assertions and extractions of each."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from apps.accounts.models import Workspace
from apps.core.fields import EncryptedJSONField
from apps.core.models import ArchivableModel, PublicModel
from apps.monitors.models.locations import Location


class Monitor(ArchivableModel):
    """What is checked, how often, and what counts as failing.

    `version` rises with every edit, so that the engine knows when to read the definition again.
    """

    class Kind(models.TextChoices):
        HTTP = "http", "HTTP"

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="monitors")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.HTTP)
    enabled = models.BooleanField(
        default=True, help_text="A paused monitor does not run; what it said stays."
    )
    interval_s = models.PositiveIntegerField(
        null=True,
        blank=True,
        default=60,
        validators=[MinValueValidator(1), MaxValueValidator(86_400 * 7)],
        help_text="Seconds from run to run, from 1. Leave empty with a crontab.",
    )
    crontab = models.CharField(
        max_length=120, blank=True, default="", help_text="Five fields, such as 30 6 * * 1-5."
    )
    crontab_time_zone = models.CharField(max_length=64, blank=True, default="")
    timeout_s = models.FloatField(
        default=10,
        validators=[MinValueValidator(0.1), MaxValueValidator(900)],
        help_text="Seconds, for each request.",
    )
    run_limit_s = models.FloatField(
        default=120,
        validators=[MinValueValidator(1), MaxValueValidator(900)],
        help_text="Seconds, for the whole run.",
    )
    retries = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(5)],
        help_text="How often a failed request is repeated.",
    )
    retry_delay_s = models.FloatField(
        default=0, validators=[MinValueValidator(0), MaxValueValidator(300)]
    )
    failure_threshold = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="Failed runs in a row that open an outage.",
    )
    recovery_threshold = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="Passed runs in a row that close it.",
    )
    quorum = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1)],
        help_text="How many locations must be failing.",
    )
    follow_redirects = models.BooleanField(default=True)
    verify_tls = models.BooleanField(default=True, verbose_name="verify TLS certificates")
    tags = models.JSONField(default=list, blank=True)
    variables = models.JSONField(
        default=dict, blank=True, help_text="{name: text}, used as {{name}}."
    )
    secret_variables = EncryptedJSONField(default=dict, blank=True)
    parents = models.ManyToManyField("self", symmetrical=False, blank=True, related_name="children")
    locations = models.ManyToManyField(Location, through="Schedule", related_name="monitors")
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta(ArchivableModel.Meta):
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "name"],
                condition=Q(archived_at__isnull=True),
                name="monitor_name_once",
                violation_error_message="The workspace has a monitor with this name already.",
            ),
            models.CheckConstraint(
                condition=Q(interval_s__gte=1, crontab="")
                | (Q(interval_s__isnull=True) & ~Q(crontab="")),
                name="monitor_interval_or_crontab",
                violation_error_message="Set either an interval or a crontab.",
            ),
        ]
        indexes = [
            # The list of live monitors is read in this order, a page at a time.
            models.Index(
                fields=["name", "id"],
                condition=Q(archived_at__isnull=True),
                name="monitor_live_by_name",
            )
        ]

    def __str__(self) -> str:
        return self.name


class MonitorRequest(PublicModel):
    """One request of an HTTP monitor, in its order. `auth` is {"type": ..., ...} as in docs/configuration.md.

    Headers are encrypted as well: people write keys into them.
    """

    class BodyKind(models.TextChoices):
        NONE = "none", "None"
        TEXT = "text", "Text"
        JSON = "json", "JSON"

    monitor = models.ForeignKey(Monitor, on_delete=models.CASCADE, related_name="requests")
    position = models.PositiveIntegerField(default=1)
    name = models.CharField(max_length=120)
    method = models.CharField(max_length=20, default="GET")
    url = models.TextField(verbose_name="URL")
    headers = EncryptedJSONField(default=dict, blank=True)
    body_kind = models.CharField(max_length=4, choices=BodyKind.choices, default=BodyKind.NONE)
    body = models.TextField(blank=True, default="")
    json = models.JSONField(null=True, blank=True)
    auth = EncryptedJSONField(default=dict, blank=True)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class Assertion(models.Model):
    """What an answer must be for its request to pass."""

    class Source(models.TextChoices):
        STATUS = "status", "Status code"
        RESPONSE_TIME_MS = "response_time_ms", "Response time (ms)"
        HEADER = "header", "Header"
        BODY = "body", "Body"
        JSON = "json", "JSON value"
        CERTIFICATE_DAYS_LEFT = "certificate_days_left", "Days until the certificate expires"

    class Operator(models.TextChoices):
        EQUALS = "equals", "equals"
        NOT_EQUALS = "not_equals", "does not equal"
        LESS_THAN = "less_than", "is less than"
        GREATER_THAN = "greater_than", "is greater than"
        AT_MOST = "at_most", "is at most"
        AT_LEAST = "at_least", "is at least"
        CONTAINS = "contains", "contains"
        NOT_CONTAINS = "not_contains", "does not contain"
        MATCHES = "matches", "matches the pattern"
        IN = "in", "is one of"
        EXISTS = "exists", "exists"
        NOT_EXISTS = "not_exists", "does not exist"

    request = models.ForeignKey(MonitorRequest, on_delete=models.CASCADE, related_name="assertions")
    position = models.PositiveIntegerField(default=1)
    source = models.CharField(max_length=24, choices=Source.choices, default=Source.STATUS)
    name = models.CharField(max_length=200, blank=True, default="", help_text="The header's name.")
    path = models.TextField(
        blank=True, default="", help_text="JSONPath (RFC 9535), such as $.state."
    )
    operator = models.CharField(max_length=16, choices=Operator.choices, default=Operator.EQUALS)
    value = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return f"{self.source} {self.operator}"


class Extraction(models.Model):
    """A value taken from an answer into a variable for later requests of the same run."""

    class Source(models.TextChoices):
        HEADER = "header", "Header"
        JSON = "json", "JSON value"
        BODY = "body", "Body"

    request = models.ForeignKey(
        MonitorRequest, on_delete=models.CASCADE, related_name="extractions"
    )
    position = models.PositiveIntegerField(default=1)
    variable = models.CharField(max_length=80)
    source = models.CharField(max_length=8, choices=Source.choices, default=Source.JSON)
    name = models.CharField(max_length=200, blank=True, default="", help_text="The header's name.")
    path = models.TextField(
        blank=True, default="", help_text="JSONPath (RFC 9535), such as $.token."
    )
    pattern = models.TextField(
        blank=True,
        default="",
        help_text="A regular expression; its first group, or else all of it.",
    )

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.variable
