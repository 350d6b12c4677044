"""What an API token may do: a scope for each kind of work."""

from __future__ import annotations

from django.db import models


class Scope(models.TextChoices):
    """A token without any may read status pages."""

    PUBLISH = "status_pages.publish_updates", "Publish incidents, maintenance and statuses"
    CONFIGURE_PAGES = "status_pages.configure", "Configure pages and components"
    READ_MONITORS = "monitors.read", "Read monitors and runs"
    WRITE_MONITORS = "monitors.write", "Configure and run monitors"
    READ_INTEGRATIONS = "integrations.read", "Read integrations and deliveries"
    WRITE_INTEGRATIONS = "integrations.write", "Configure integrations"
