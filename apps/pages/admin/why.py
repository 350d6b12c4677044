"""Why is this red? Every contribution to a component's status: who says it, since when, and whether it counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.core.adminkit import lasting, local, tag
from apps.pages.admin import knowledge
from apps.pages.admin.knowledge import Source, Text
from apps.pages.models import Component, StatusContribution
from apps.pages.status import SEVERITY, ComponentStatus, Explained, Opinion, derive

OPERATIONAL = ComponentStatus.OPERATIONAL
Kind = StatusContribution.Source
_SAYS: dict[str, str] = {
    Kind.STAFF: "staff say so",
    Kind.LINK: "a monitor says so",
    Kind.INCIDENT: "an incident says so",
    Kind.MAINTENANCE: "maintenance covers it",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A contribution: `role` is its part in the status (status.py), `part` says that in words."""

    kind: str
    title: Text
    facts: tuple[Text, ...]
    status: SafeString
    since: str
    lasting: str
    role: str
    part: str


@dataclass(frozen=True, slots=True)
class Why:
    """`verdict` is the answer in a sentence; `beside` are things that do not decide."""

    verdict: str
    rows: tuple[Row, ...]
    beside: tuple[Text, ...]


def zone_of(component: Component) -> str:
    """Return the zone in which the component's times are shown: its page's."""
    return component.page.time_zone if component.page else "UTC"


def why(component: Component, *, user: User, at: datetime) -> Why:
    """Return why the component has its status, as far as the person may know; a constant number of queries."""
    contributions = list(StatusContribution.objects.filter(component=component).order_by("pk"))
    derived = derive(
        Opinion(row.source, row.key, row.status, row.muted, row.label) for row in contributions
    )
    told = knowledge.sources(user, contributions)
    pairs = list(zip(contributions, derived.explained, strict=True))
    rows = [
        _row(contribution, explained, told.get(contribution.pk), component, derived.status, at)
        for contribution, explained in pairs
    ]
    # Those that decide first, then by how bad they are.
    order = sorted(
        range(len(rows)),
        key=lambda place: (
            rows[place].role != "decides",
            -SEVERITY[contributions[place].status],
            place,
        ),
    )
    return Why(
        verdict=_verdict(component, [explained for _, explained in pairs]),
        rows=tuple(rows[place] for place in order),
        beside=tuple(knowledge.beside(user, component)),
    )


def _row(
    row: StatusContribution,
    explained: Explained,
    source: Source | None,
    component: Component,
    status: str,
    at: datetime,
) -> Row:
    return Row(
        kind=row.get_source_display(),
        title=source.title if source else row.label,
        facts=source.facts if source else (),
        status=tag(row.status, row.get_status_display()),
        since=local(row.since, zone_of(component)),
        lasting=lasting(row.since, max(at, row.since)),
        role=explained.role,
        part=part_of(explained, status),
    )


def part_of(explained: Explained, status: str) -> str:
    """Return an opinion's part in the component's status, and why, in words."""
    opinion = explained.opinion
    label = ComponentStatus(status).label.lower()
    match explained.role:
        case "muted":
            return (
                "Set aside: staff set the component operational while this monitor failed. It counts again "
                "with the monitor’s next change."
            )
        case "masked":
            return (
                "Set aside while maintenance covers the component. It counts again when that ends."
            )
        case "decides" if status == OPERATIONAL:
            return "Counts, and says that all is well."
        case "decides" if opinion.source == "maintenance":
            return (
                "Decides: only what staff or an incident say to be worse would outweigh the work."
            )
        case "decides":
            return "Decides: nothing that counts is worse."
    if opinion.status == OPERATIONAL:
        return f"Counts, but “{label}” is worse."
    if status == ComponentStatus.UNDER_MAINTENANCE:
        return "Counts, but the maintenance goes before it."
    return f"Counts, but “{label}” outweighs it."


def _verdict(component: Component, explained: list[Explained]) -> str:
    status = component.get_status_display()
    since = local(component.status_since, zone_of(component))
    if component.is_archived:
        return f"{component} is archived: it keeps its last status, {status.lower()}."
    aside = [
        one
        for one in explained
        if one.role in {"muted", "masked"} and one.opinion.status != OPERATIONAL
    ]
    words = {"muted": "muted by staff", "masked": "set aside by maintenance"}
    roles = dict.fromkeys(words[one.role] for one in aside)
    without = (
        f" {len(aside)} monitor{'s' * (len(aside) != 1)} that would say otherwise "
        f"{'is' if len(aside) == 1 else 'are'} {' or '.join(roles)}."
        if aside
        else ""
    )
    if component.status == OPERATIONAL:
        because = (
            "nobody who counts says otherwise" if explained else "nobody says anything about it"
        )
        return f"Operational since {since}: {because}.{without}"
    deciding = [one.opinion for one in explained if one.role == "decides"]
    because = " and ".join(dict.fromkeys(_SAYS[one.source] for one in deciding))
    return f"{status} since {since}: {because or 'it was said before'}.{without}"


def table(component: Component, *, user: User) -> str:
    """Return the answer for the component's own screen."""
    found = why(component, user=user, at=timezone.now())
    return render_to_string("admin/pages/why_table.html", {"why": found})


def screen(request: HttpRequest, model_admin: Any, component: Component) -> HttpResponse:
    """Show the answer as a screen of its own, which lists and incidents lead to."""
    user: Any = request.user
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": component,
        "title": f"Why does {component} have this status?",
        "component": component,
        "status": tag(component.status, component.get_status_display()),
        "why": why(component, user=user, at=timezone.now()),
        "zone": zone_of(component),
        "media": model_admin.media,
        "links": [
            ("The component", reverse("admin:pages_component_change", args=[component.pk])),
            ("Its past, day by day", reverse("admin:pages_component_past", args=[component.pk])),
            *(
                [("Its page", reverse("admin:pages_page_change", args=[component.page_id]))]
                if component.page_id
                else []
            ),
        ],
    }
    return TemplateResponse(request, "admin/pages/why.html", context)
