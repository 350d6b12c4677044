"""Monitors, their schedules, runs and outages.

Runs are written by the thousand: `Run` has no surrogate key, is partitioned by day on PostgreSQL and
WITHOUT ROWID on SQLite (migration 0002), and `Schedule` is narrow so that claiming stays cheap.
"""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q

from apps.accounts.models import Workspace
from apps.core.fields import EncryptedJSONField
from apps.core.models import ArchivableModel, LeasedRow, PublicModel
from apps.monitors import rollup_models  # noqa: F401 -- its models belong to this app

CODE = RegexValidator(
    r"^[a-z0-9]+(?:[-_][a-z0-9]+)*$", "Use lower-case letters, digits and hyphens."
)


class Location(ArchivableModel):
    """A place from which monitors run: whoever works the queue `checks.<code>`."""

    DEFAULT_CODE = "default"

    code = models.CharField(max_length=40, validators=[CODE])
    name = models.CharField(max_length=120)
    reference_targets = models.JSONField(
        default=list,
        blank=True,
        help_text="URLs or host:port that are always up. While all of them fail, this location is at fault.",
    )

    class Meta(ArchivableModel.Meta):
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(
                fields=["code"],
                condition=Q(archived_at__isnull=True),
                name="location_code_once",
                violation_error_message="There is already a location with this code.",
            )
        ]

    def __str__(self) -> str:
        return self.name


class LocationState(models.Model):
    """What a location's workers said of it last, on the database's clock. No row: none was ever seen.

    `references_failing_since` is set while none of its reference targets answers.
    """

    location = models.OneToOneField(
        Location, on_delete=models.CASCADE, primary_key=True, related_name="state"
    )
    seen_at = models.DateTimeField()
    references_checked_at = models.DateTimeField(null=True)
    references_failing_since = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"seen {self.seen_at:%Y-%m-%d %H:%M:%S}"


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


class Schedule(LeasedRow):
    """One monitor at one location: when it is due, who runs it now, and its streak there.

    A claim takes the slots `slot_at`, `slot_at + interval`, … (`slot_count` of them); while `slot_at` is set they
    are not all recorded yet. `missed` counts slots that were never claimed, `overruns` those that came due
    while a run went on. `streak` is the number of equal results in a row (errors leave it alone).
    """

    id = models.BigAutoField(primary_key=True)
    monitor = models.ForeignKey(Monitor, on_delete=models.CASCADE, related_name="schedules")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="schedules")
    is_active = models.BooleanField(
        default=True, help_text="The monitor is enabled and not archived."
    )
    interval_s = models.PositiveIntegerField(
        null=True, help_text="As the monitor's; null: crontab."
    )
    removed_at = models.DateTimeField(
        null=True, help_text="When the location was taken off the monitor; its history stays."
    )
    next_run_at = models.DateTimeField(
        null=True, help_text="The next slot that nobody has claimed."
    )
    run_now_at = models.DateTimeField(
        null=True, help_text="A run asked for by a person, not yet claimed."
    )
    slot_at = models.DateTimeField(
        null=True, help_text="The first claimed slot that is not recorded."
    )
    slot_count = models.PositiveSmallIntegerField(default=0)
    slot_is_manual = models.BooleanField(default=False)
    is_adopted = models.BooleanField(default=False)
    streak = models.PositiveIntegerField(default=0)
    streak_is_failing = models.BooleanField(default=False)
    streak_started_at = models.DateTimeField(
        null=True, help_text="Due time of the streak's first run."
    )
    is_failing = models.BooleanField(
        default=False, help_text="The streak has reached its threshold."
    )
    last_due_at = models.DateTimeField(null=True)
    last_finished_at = models.DateTimeField(null=True)
    last_result = models.CharField(max_length=6, blank=True, default="")
    owed_since = models.DateTimeField(
        null=True,
        help_text="The first slot after the last run that measured; nobody has measured since then.",
    )
    missed = models.PositiveIntegerField(default=0)
    overruns = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["monitor", "location"], name="schedule_once")
        ]
        indexes = [
            models.Index(fields=["next_run_at"], condition=Q(is_active=True), name="schedule_due"),
            models.Index(
                fields=["leased_until"], condition=Q(slot_at__isnull=False), name="schedule_leased"
            ),
            models.Index(
                fields=["run_now_at"],
                condition=Q(run_now_at__isnull=False),
                name="schedule_run_now",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.monitor_id} at {self.location_id}"


class Run(models.Model):
    """The execution of one slot. Key: (schedule, due_at). Written in bulk by the recorder only."""

    class Result(models.TextChoices):
        PASSED = "passed", "Passed"
        FAILED = "failed", "Failed"
        ERROR = "error", "Error"

    pk = models.CompositePrimaryKey("schedule_id", "due_at")
    schedule = models.ForeignKey(
        Schedule,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="runs",
    )
    due_at = models.DateTimeField()
    started_at = models.DateTimeField()
    result = models.CharField(max_length=6, choices=Result.choices)
    is_manual = models.BooleanField(default=False)
    duration_ms = models.PositiveIntegerField(
        help_text="Of the whole run, with waits between retries."
    )
    response_time_ms = models.PositiveIntegerField(
        null=True, help_text="Sum over the run's requests."
    )
    slowest_request_ms = models.PositiveIntegerField(null=True)
    reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-due_at"]

    def __str__(self) -> str:
        return f"{self.result} {self.due_at:%Y-%m-%d %H:%M:%S}"


class RunDetail(models.Model):
    """The details of a failed, error or manual run. `detail` is CheckOutcome.detail (monitors/checkers)."""

    pk = models.CompositePrimaryKey("schedule_id", "due_at")
    schedule = models.ForeignKey(
        Schedule,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="details",
    )
    due_at = models.DateTimeField()
    detail = models.JSONField()

    class Meta:
        ordering = ["-due_at"]

    def __str__(self) -> str:
        return f"details of {self.due_at:%Y-%m-%d %H:%M:%S}"


class LatestPass(models.Model):
    """The details of a schedule's newest passed run."""

    schedule = models.OneToOneField(
        Schedule,
        on_delete=models.CASCADE,
        db_constraint=False,
        primary_key=True,
        related_name="latest_pass",
    )
    due_at = models.DateTimeField()
    detail = models.JSONField()

    def __str__(self) -> str:
        return f"newest pass {self.due_at:%Y-%m-%d %H:%M:%S}"


class MonitorState(models.Model):
    """A monitor's state over its locations. Locked before locations are counted for the quorum."""

    monitor = models.OneToOneField(
        Monitor, on_delete=models.CASCADE, primary_key=True, related_name="state"
    )
    is_failing = models.BooleanField(default=False)
    changed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return "failing" if self.is_failing else "passing"


class UnmeasuredStretch(models.Model):
    """A stretch, end exclusive, in which a schedule measured nothing: missed slots, or errors only.

    While it lasts its end is moved. It begins with the first slot owed, which names it.
    """

    id = models.BigAutoField(primary_key=True)
    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="unmeasured")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["schedule", "started_at"], name="unmeasured_stretch_once"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__gt=F("started_at")), name="unmeasured_ends_after_start"
            ),
        ]
        indexes = [models.Index(fields=["ended_at"], name="unmeasured_by_end")]

    def __str__(self) -> str:
        return f"not measured from {self.started_at:%Y-%m-%d %H:%M}"


class OutageQuerySet(models.QuerySet["Outage"]):
    def open(self) -> OutageQuerySet:
        return self.filter(closed_at__isnull=True)


class Outage(PublicModel):
    """One unbroken stretch in which a monitor is failing; at most one is open per monitor.

    `started_at` is the first failing run of the streak, `opened_at` when the threshold was reached.
    """

    class CloseReason(models.TextChoices):
        RECOVERED = "recovered", "Recovered"
        REMOVED = "removed", "Monitor removed"

    monitor = models.ForeignKey(Monitor, on_delete=models.PROTECT, related_name="outages")
    started_at = models.DateTimeField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    close_reason = models.CharField(
        max_length=12, choices=CloseReason.choices, blank=True, default=""
    )
    reason = models.CharField(max_length=300, blank=True, default="", help_text="For staff only.")

    objects = OutageQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["monitor"],
                condition=Q(closed_at__isnull=True),
                name="outage_one_open_per_monitor",
            ),
            models.CheckConstraint(
                condition=Q(started_at__lte=F("opened_at"))
                & (Q(closed_at__isnull=True) | Q(closed_at__gte=F("opened_at"))),
                name="outage_times_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.monitor} from {self.opened_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None
