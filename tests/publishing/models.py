"""Read models made by hand: a page in each of its states. No database."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from apps.publishing.readmodel import (
    ChangeFacts,
    ComponentFacts,
    DayFacts,
    GroupFacts,
    IncidentFacts,
    MaintenanceFacts,
    MetricFacts,
    MonthFacts,
    PageFacts,
    PageModel,
    PointFacts,
    UpdateFacts,
    UptimeFacts,
)
from tests.factories import LONG_AGO, NOW

PAGE = PageFacts(
    id="p0000000000p",
    slug="acme",
    name="Acme",
    description="Everything that shops and partners of Acme rely on.",
    url="https://status.acme.test",
    time_zone="Europe/Berlin",
    updated_at=NOW - timedelta(minutes=4),
)


def days(**special: Any) -> tuple[DayFacts, ...]:
    """Return 90 operational days up to NOW's; `d3={...}` replaces values of the day three days ago."""
    found = []
    for back in range(89, -1, -1):
        day = DayFacts((NOW - timedelta(days=back)).date(), "operational")
        found.append(replace(day, **special.get(f"d{back}", {})))
    return tuple(found)


def uptime(percentage: float | None = 100.0, **special: Any) -> UptimeFacts:
    return UptimeFacts(percentage, days(**special))


def component(name: str, position: int, **values: Any) -> ComponentFacts:
    defaults: dict[str, Any] = {
        "id": f"c{position:011d}",
        "status": "operational",
        "created_at": LONG_AGO,
        "updated_at": LONG_AGO,
        "description": "",
        "showcase": True,
        "start_date": None,
        "group_id": None,
        "only_show_if_degraded": False,
        "uptime": uptime(),
    }
    return ComponentFacts(name=name, position=position, **(defaults | values))


def group(name: str, position: int, *members: ComponentFacts, description: str = "") -> GroupFacts:
    group_id = f"g{position:011d}"
    return GroupFacts(
        id=group_id,
        name=name,
        description=description,
        created_at=LONG_AGO,
        updated_at=LONG_AGO,
        position=position,
        components=tuple(
            replace(member, group_id=group_id, position=place)
            for place, member in enumerate(members, start=1)
        ),
    )


def update(number: int, status: str, body: str, at: datetime, *changes: ChangeFacts) -> UpdateFacts:
    return UpdateFacts(
        id=f"t{number:011d}",
        status=status,
        body=body,
        created_at=at,
        updated_at=at,
        display_at=at,
        deliver_notifications=True,
        changes=changes,
    )


def incident(name: str, number: int, *updates: UpdateFacts, **values: Any) -> IncidentFacts:
    """Return an incident with the updates, newest first."""
    newest, oldest = updates[0], updates[-1]
    monitoring = [one.display_at for one in updates if one.status == "monitoring"]
    defaults: dict[str, Any] = {
        "number": number,
        "impact": "major",
        "started_at": oldest.display_at,
        "recorded_at": oldest.display_at,
        "updated_at": newest.updated_at,
        "monitoring_at": monitoring[-1] if monitoring else None,
        "resolved_at": next((one.display_at for one in updates if one.status == "resolved"), None),
        "affected": (),
    }
    return IncidentFacts(
        id=f"n{number:011d}",
        name=name,
        status=newest.status,
        updates=tuple(updates),
        **(defaults | values),
    )


def maintenance(
    name: str, number: int, *updates: UpdateFacts, starts: datetime, **values: Any
) -> MaintenanceFacts:
    """Return a maintenance of two hours with the updates, newest first."""
    at = {update.status: update.display_at for update in updates}
    defaults: dict[str, Any] = {
        "number": number,
        "is_cancelled": False,
        "announced_at": updates[-1].created_at,
        "updated_at": updates[0].updated_at,
        "scheduled_for": starts,
        "scheduled_until": starts + timedelta(hours=2),
        "started_at": at.get("in_progress"),
        "verifying_at": at.get("verifying"),
        "completed_at": at.get("completed"),
    }
    return MaintenanceFacts(
        id=f"w{number:011d}",
        name=name,
        status=updates[0].status,
        updates=tuple(updates),
        **(defaults | values),
    )


def maintenances() -> tuple[MaintenanceFacts, ...]:
    """Return one in progress, one announced, one that was called off and one that is over."""
    announced = NOW - timedelta(days=3)
    began = NOW - timedelta(minutes=40)
    over = NOW - timedelta(days=5)
    return (
        maintenance(
            "New database version",
            51,
            update(511, "in_progress", "The shop is read-only for a while.", began),
            update(510, "scheduled", "We renew the database.", announced),
            starts=began,
            affected=(("c00000000002", "E-mail"),),
        ),
        maintenance(
            "Second data centre joins",
            52,
            update(
                520, "scheduled", "No interruption is expected.", announced - timedelta(hours=1)
            ),
            starts=NOW + timedelta(days=4),
            affected=(("c00000000001", "Website"), ("c00000000011", "Checkout")),
        ),
        maintenance(
            "Cable work",
            53,
            update(531, "completed", "The provider has put it off.", NOW - timedelta(days=1)),
            update(
                530, "scheduled", "The provider works on a cable.", announced - timedelta(days=1)
            ),
            starts=NOW + timedelta(days=2),
            is_cancelled=True,
        ),
        maintenance(
            "Certificates renewed",
            54,
            update(543, "completed", "Done.", over + timedelta(hours=2)),
            update(542, "verifying", "We look whether all is well.", over + timedelta(hours=1)),
            update(541, "in_progress", "We have begun.", over),
            update(540, "scheduled", "Certificates are renewed.", over - timedelta(days=2)),
            starts=over,
        ),
    )


def past_incidents() -> tuple[IncidentFacts, ...]:
    mail_at = NOW - timedelta(days=2, hours=3)
    late_at = NOW - timedelta(days=9, hours=1)
    return (
        incident(
            "Confirmation e-mails arrive late",
            1,
            update(
                12, "resolved", "The queue is empty again. E-mails go out within seconds.", mail_at
            ),
            update(
                11,
                "monitoring",
                "The second relay works the queue off.",
                mail_at - timedelta(minutes=30),
            ),
            update(
                10, "identified", "One of two mail relays is down.", mail_at - timedelta(hours=1)
            ),
            impact="minor",
            affected=(("c00000000002", "E-mail"),),
        ),
        incident(
            "Log-in refused for some partners",
            2,
            update(21, "resolved", "A wrong certificate was **replaced**.", late_at),
            update(20, "investigating", "We are looking into it.", late_at - timedelta(minutes=18)),
            impact="critical",
            affected=(("c00000000011", "Log-in"),),
        ),
    )


def metric() -> MetricFacts:
    points = [
        PointFacts(
            NOW - timedelta(minutes=5 * back),
            180
            + 60 * math.sin(back / 18)
            + 25 * math.sin(back * 1.7)
            + (300 if 30 < back < 38 else 0),
        )
        for back in range(287, -1, -1)
        if not 120 < back < 140
    ]
    return MetricFacts("m00000000001", "Checkout response time", "ms", tuple(points))


def operational() -> PageModel:
    major = {"level": "major", "major_s": 4320.0}
    partial = {"level": "partial", "partial_s": 1500.0, "degraded_s": 600.0}
    degraded = {"level": "degraded", "degraded_s": 5400.0}
    maintenance = {"level": "maintenance", "maintenance_s": 7200.0}
    nothing = {f"d{back}": {"level": "no_data"} for back in range(60, 90)}
    checkout = component(
        "Checkout",
        11,
        uptime=uptime(99.8321, d9=major, d34=partial),
        description="Orders and payment.",
    )
    log_in = component("Log-in", 12, uptime=uptime(99.95, d9=partial, d60=maintenance))
    reports = component("Reports", 13, uptime=uptime(100.0, **nothing))
    return PageModel(
        seq=7,
        at=NOW,
        page=PAGE,
        top_level=(
            component(
                "Website",
                1,
                description="The shop and its search",
                uptime=uptime(99.9987, d21=partial),
            ),
            component("E-mail", 2, uptime=uptime(100.0, d2=degraded)),
            group("API", 3, checkout, log_in, reports, description="What partners call."),
            component("Old export", 4, showcase=False, uptime=None),
        ),
        incidents=past_incidents(),
        metrics=(metric(), MetricFacts("m00000000002", "Orders per minute", "", ())),
        months=(
            MonthFacts(2026, 2, 2, 1),
            MonthFacts(2026, 1, 1),
            MonthFacts(2025, 11, 4),
        ),
    )


def with_statuses(model: PageModel, **statuses: str) -> PageModel:
    """Return the page with other statuses: `Website="degraded_performance"`."""

    def changed(one: ComponentFacts) -> ComponentFacts:
        return replace(one, status=statuses.get(one.name, one.status))

    return replace(
        model,
        top_level=tuple(
            replace(entry, components=tuple(changed(one) for one in entry.components))
            if isinstance(entry, GroupFacts)
            else changed(entry)
            for entry in model.top_level
        ),
    )


def degraded() -> PageModel:
    return with_statuses(
        operational(), Website="degraded_performance", **{"E-mail": "under_maintenance"}
    )


def in_trouble() -> PageModel:
    """A major outage with an open incident of three updates, and one that was merely announced."""
    began = NOW - timedelta(minutes=34)
    change = ChangeFacts("c00000000011", "Checkout", "operational", "major_outage")
    model = with_statuses(operational(), Checkout="major_outage", Website="partial_outage")
    outage = incident(
        "Orders cannot be paid",
        3,
        update(
            32,
            "in_progress",
            "The payment provider has confirmed the fault and is switching to its second site.\n\n"
            "- Carts are kept\n- Nothing is charged twice",
            NOW - timedelta(minutes=6),
        ),
        update(31, "identified", "Payments fail at the provider.", NOW - timedelta(minutes=20)),
        update(30, "investigating", "Orders may fail. We are looking into it.", began, change),
        impact="critical",
        affected=(("c00000000011", "Checkout"), ("c00000000001", "Website")),
    )
    notice = incident(
        "Search results lag behind",
        4,
        update(
            40, "monitoring", "New articles appear after some minutes.", NOW - timedelta(hours=2)
        ),
        impact="none",
        monitoring_at=NOW - timedelta(hours=2),
    )
    return replace(model, seq=8, incidents=(outage, notice, *model.incidents))


def maintained() -> PageModel:
    """Maintenance in every state, one of it in progress."""
    return replace(
        with_statuses(operational(), **{"E-mail": "under_maintenance"}),
        seq=9,
        maintenances=maintenances(),
    )


def looked_back() -> PageModel:
    """A post-mortem that is published, an incident that was merged into another, and one told afterwards."""
    model = operational()
    over = NOW - timedelta(days=4)
    told = incident(
        "Payments were charged twice",
        6,
        update(
            63,
            "postmortem",
            "## What happened\n\nA retry.\n\n- We know now",
            NOW - timedelta(days=1),
        ),
        update(62, "resolved", "All is paid back.", over + timedelta(hours=2)),
        update(61, "monitoring", "Mended.", over + timedelta(hours=1)),
        update(60, "investigating", "We look.", over),
        monitoring_at=over + timedelta(hours=1),
        affected=(("c00000000011", "Checkout"),),
    )
    told = replace(told, updated_at=NOW - timedelta(days=1))
    merged = incident(
        "Some payments fail",
        7,
        update(71, "resolved", "Merged.", over + timedelta(minutes=20)),
        update(70, "investigating", "We look.", over - timedelta(minutes=5)),
        merged_into=(told.id, told.name),
    )
    afterwards = incident(
        "A short interruption that nobody told of",
        8,
        update(80, "resolved", "It was over soon.", NOW - timedelta(days=20)),
        recorded_at=NOW - timedelta(hours=1),
    )
    incidents = sorted(
        (told, merged, afterwards, *model.incidents), key=lambda one: one.started_at, reverse=True
    )
    return replace(model, seq=10, incidents=tuple(incidents))


def noticed() -> PageModel:
    """An open incident while every component works."""
    model = in_trouble()
    return replace(operational(), incidents=model.incidents[1:])


def empty() -> PageModel:
    return PageModel(seq=1, at=NOW, page=replace(PAGE, description=""), top_level=(), incidents=())


STATES = {
    "operational": operational,
    "degraded": degraded,
    "in_trouble": in_trouble,
    "noticed": noticed,
    "maintained": maintained,
    "looked_back": looked_back,
    "empty": empty,
}
