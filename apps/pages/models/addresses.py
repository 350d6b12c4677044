"""Addresses that pages had before."""

from __future__ import annotations

from django.db import models

from apps.pages.models.catalogue import Page


class FormerSlug(models.Model):
    """A slug that a page had: readers who come by it are led to the page's present address.

    A slug leads to one page, the last that had it, and to none once a live page has it again.
    """

    id = models.BigAutoField(primary_key=True)
    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="former_slugs")
    slug = models.CharField(max_length=63, unique=True)
    left_at = models.DateTimeField()

    class Meta:
        ordering = ["-left_at", "id"]

    def __str__(self) -> str:
        return self.slug
