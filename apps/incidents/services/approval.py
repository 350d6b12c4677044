"""Whether a post needs a second person (docs/architecture.md, "Drafts")."""

from __future__ import annotations

from apps.core.actors import Actor
from apps.core.errors import Conflict
from apps.incidents.models import Incident, Maintenance, MaintenanceSeries
from apps.pages.models import Page


def is_needed(page: Page, actor: Actor) -> bool:
    """Tell whether what the actor posts on the page waits for another. Only people are held up."""
    return actor.kind == "person" and page.requires_approval


def demand(
    event: Incident | Maintenance | MaintenanceSeries, actor: Actor, *, approved: bool
) -> None:
    """Raise Conflict `needs_approval` for a post that nobody approved where somebody has to."""
    if approved or actor.kind != "person":
        return
    if is_needed(event.page, actor):
        raise Conflict("needs_approval", "a second person approves what is posted on this page")
