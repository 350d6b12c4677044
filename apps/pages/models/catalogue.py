"""Status pages, their groups and their components."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from apps.core.models import ArchivableModel
from apps.core.validation import validate_time_zone
from apps.pages.status import ComponentStatus

SLUG = RegexValidator(
    r"^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$", "Use lower-case letters, digits and inner hyphens."
)
DOMAIN = RegexValidator(
    r"^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$",
    "Enter a host name such as status.example.com, without http:// and path.",
)


class Page(ArchivableModel):
    """A public status page. `updated_at` is the last change of anything on it."""

    name = models.CharField(max_length=120, help_text="Shown to readers, without the word Status.")
    slug = models.CharField(
        max_length=63, validators=[SLUG], help_text="The page's address: /status/<slug>/."
    )
    description = models.TextField(blank=True, default="")
    time_zone = models.CharField(
        max_length=64,
        default="UTC",
        validators=[validate_time_zone],
        help_text="IANA name, such as Europe/Berlin.",
    )
    domain = models.CharField(
        max_length=253,
        blank=True,
        default="",
        validators=[DOMAIN],
        help_text="The page's own host name, if it has one.",
    )
    requires_approval = models.BooleanField(
        default=False,
        verbose_name="second person approves",
        help_text=(
            "What a person posts waits until another publisher has approved exactly that text. "
            "Integrations, tokens and commands are not held up."
        ),
    )

    class Meta(ArchivableModel.Meta):
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["slug"],
                condition=Q(archived_at__isnull=True),
                name="page_slug_once",
                violation_error_message="There is already a page with this slug.",
            ),
            models.UniqueConstraint(
                fields=["domain"],
                condition=Q(archived_at__isnull=True) & ~Q(domain=""),
                name="page_domain_once",
                violation_error_message="Another page has this domain.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse the platform's own host: there is the admin, so the page would not be found there."""
        super().clean()
        if self.domain and self.domain == urlsplit(settings.PUBLIC_URL).hostname:
            raise ValidationError(
                {"domain": "This is the platform's own host (PUBLIC_URL); use another one."}
            )


class ComponentGroup(ArchivableModel):
    """A named group of components on a page. Groups do not nest."""

    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="groups")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True, default="")
    position = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)])

    class Meta(ArchivableModel.Meta):
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["page", "name"],
                condition=Q(archived_at__isnull=True),
                name="group_name_once",
                violation_error_message="The page has a group with this name already.",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Component(ArchivableModel):
    """A part of what readers use. Without a page it is unplaced: it keeps its history, no one sees it.

    `status` is derived from the contributions (see status.py) and kept here for reading.
    `status_since` is when it came to that status.
    """

    page = models.ForeignKey(
        Page, on_delete=models.PROTECT, related_name="components", null=True, blank=True
    )
    group = models.ForeignKey(
        ComponentGroup, on_delete=models.PROTECT, related_name="components", null=True, blank=True
    )
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True, default="")
    position = models.PositiveIntegerField(
        default=1, validators=[MinValueValidator(1)], help_text="Its place inside its level."
    )
    showcase = models.BooleanField(default=True, help_text="Show uptime bars.")
    hidden = models.BooleanField(
        default=False, help_text="Keep it off every public surface, and out of the page's status."
    )
    only_show_if_degraded = models.BooleanField(default=False)
    start_date = models.DateField(
        null=True, blank=True, help_text="Uptime is shown from this day on."
    )
    status = models.CharField(
        max_length=24,
        choices=ComponentStatus.choices,
        default=ComponentStatus.OPERATIONAL,
        editable=False,
    )
    status_since = models.DateTimeField(editable=False)

    class Meta(ArchivableModel.Meta):
        ordering = ["position", "name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["group", "name"],
                condition=Q(archived_at__isnull=True, group__isnull=False),
                name="component_name_once_in_group",
                violation_error_message="The group has a component with this name already.",
            ),
            models.UniqueConstraint(
                fields=["page", "name"],
                condition=Q(archived_at__isnull=True, group__isnull=True),
                name="component_name_once_on_page",
                violation_error_message="The page has a component with this name already.",
            ),
            models.CheckConstraint(
                condition=Q(group__isnull=True) | Q(page__isnull=False),
                name="component_group_needs_page",
            ),
        ]

    def __str__(self) -> str:
        return self.name
