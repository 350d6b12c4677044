"""What staff see first. A constant number of queries."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.selectors import for_user
from apps.console.overview.cards import SHOWN, Card, Line, listed
from apps.console.overview.first_steps import first_steps
from apps.console.overview.needs import needs
from apps.console.overview.platform import platform
from apps.console.overview.trouble import troubles
from apps.monitors.locations import standings
from apps.pages.access import pages_for
from apps.pages.models import Page
from apps.pages.status import ComponentStatus


def dashboard(user: Any, *, hides_steps: bool = False) -> dict[str, Any]:
    """Return {troubles, steps, needs, quiet, pages, platform, is_member} for this person.

    `needs` are the cards with something in them, `quiet` what the others say. `steps` is None once all are
    done, for who cannot take them, or once the person hid them and the page works. A person without a role sees none of it.
    """
    person: User = user
    pages = pages_for(person)
    if not (person.is_superuser or pages.exists() or for_user(person).exists()):
        return {"is_member": False}
    now = timezone.now()
    known = standings()
    cards = needs(person, now)
    steps = first_steps(person)
    is_wanted = steps.is_theirs or (steps.is_usable and not hides_steps)
    is_shown = steps.next is not None and is_wanted
    return {
        "is_member": True,
        "troubles": troubles(known, pages),
        "steps": steps if is_shown else None,
        "needs": [card for card in cards if card.lines],
        "quiet": _sentence([card.quiet for card in cards if not card.lines]),
        "pages": _pages(pages),
        "platform": platform(pages=pages, standings=known, now=now),
    }


def _sentence(parts: list[str]) -> str:
    said = "; ".join(part for part in parts if part)
    return f"{said[0].upper()}{said[1:]}." if said else ""


def _pages(pages: QuerySet[Page]) -> Card:
    shown = Q(components__archived_at__isnull=True, components__hidden=False)
    trouble = shown & ~Q(components__status=ComponentStatus.OPERATIONAL)
    rows = pages.annotate(
        shown=Count("components", filter=shown), trouble=Count("components", filter=trouble)
    ).order_by("-trouble", "name", "pk")[:SHOWN]
    return Card(
        title="Pages",
        lines=[
            Line(
                f"{settings.PUBLIC_URL}/status/{row.slug}/",
                row.name,
                "all operational"
                if not row.trouble
                else f"{row.trouble} of {row.shown} components not operational",
            )
            for row in rows
        ],
        quiet="There is no page yet.",
        more=listed("pages_page"),
    )
