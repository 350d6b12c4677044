"""Which version of a page is asked for, and which is published."""

from __future__ import annotations

from django.db import models
from django.db.models import F

from apps.core.models import LeasedRow
from apps.pages.models import Page


class Publication(LeasedRow):
    """A page's published state. A change raises `requested_seq`; a build raises `published_seq` to what it read.

    `checked_at` is when a build last found the files true (none: it left some to the next), `fresh_until` when readers should be told that
    they are stale. `archive_seq` counts the changes of the archive; `archive_frame` is the digest of what
    every archive file shows besides its own events, and `archive_cursor` the event's number before which the
    walk over old files stands (0: none is going on).
    """

    page = models.OneToOneField(
        Page, on_delete=models.CASCADE, primary_key=True, related_name="publication"
    )
    requested_seq = models.PositiveBigIntegerField(default=1)
    requested_at = models.DateTimeField(null=True)
    published_seq = models.PositiveBigIntegerField(default=0)
    published_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    fresh_until = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True, default="")
    archive_seq = models.PositiveBigIntegerField(default=0)
    archive_frame = models.CharField(max_length=64, blank=True, default="")
    archive_cursor = models.PositiveBigIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(
                fields=["page"],
                condition=models.Q(requested_seq__gt=F("published_seq")),
                name="publication_behind",
            )
        ]

    def __str__(self) -> str:
        return f"version {self.published_seq} of {self.page}"


class Bundle(models.Model):
    """The files of a page's newest version in one value, from which other hosts write their copy."""

    publication = models.OneToOneField(
        Publication, on_delete=models.CASCADE, primary_key=True, related_name="bundle"
    )
    seq = models.PositiveBigIntegerField()
    name = models.CharField(max_length=40, help_text="The version's name; a newer one sorts later.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the content, hexadecimal.")
    content = models.BinaryField()

    def __str__(self) -> str:
        return f"bundle {self.name}"


class ArchiveFile(models.Model):
    """An event's page or a closed month: a file of its own, written again only when its input changed.

    `seq` is the publication's `archive_seq` that wrote it; other hosts fetch what is newer than theirs.
    `digest` is of the input, `content` the compressed file; an empty content means that the file is gone.
    `month` is the one in whose file an event was told of then (2026-11), empty for none.
    """

    id = models.BigAutoField(primary_key=True)
    publication = models.ForeignKey(
        Publication, on_delete=models.CASCADE, related_name="archive_files"
    )
    path = models.CharField(max_length=60)
    seq = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=64)
    month = models.CharField(max_length=7, blank=True, default="")
    content = models.BinaryField()

    class Meta:
        ordering = ["seq", "id"]
        constraints = [
            models.UniqueConstraint(fields=["publication", "path"], name="archive_path_once")
        ]
        indexes = [models.Index(fields=["publication", "seq"], name="archive_newer")]

    def __str__(self) -> str:
        return self.path


class ArchiveMonth(models.Model):
    """A closed month that has a file in the archive, and how much it tells of. `key` is such as 2026-11.

    `document` is the month's part of `/history.json`.
    """

    id = models.BigAutoField(primary_key=True)
    publication = models.ForeignKey(
        Publication, on_delete=models.CASCADE, related_name="archive_months"
    )
    key = models.CharField(max_length=7)
    incidents = models.PositiveIntegerField()
    maintenances = models.PositiveIntegerField()
    document = models.JSONField(default=dict)

    class Meta:
        ordering = ["-key"]
        constraints = [
            models.UniqueConstraint(fields=["publication", "key"], name="archive_month_once")
        ]

    def __str__(self) -> str:
        return self.key
