"""The pages that an API token is limited to."""

from __future__ import annotations

from django.db import models

from apps.accounts.models import ApiToken
from apps.pages.models.catalogue import Page


class TokenPage(models.Model):
    """One page that a token may reach. A token without any reaches all of its person's."""

    id = models.BigAutoField(primary_key=True)
    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="token_pages")
    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["token", "page"], name="token_page_once")]

    def __str__(self) -> str:
        return f"{self.token} at {self.page}"
