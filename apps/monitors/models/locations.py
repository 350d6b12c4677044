"""Places from which monitors run."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from apps.core.models import ArchivableModel

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
