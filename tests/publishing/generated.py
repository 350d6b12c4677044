"""Pages made up by Hypothesis: rows in every state that services and automation can leave them in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from apps.incidents.models import Incident, IncidentStatus, Maintenance, MaintenanceStatus
from apps.pages.models import Component, Page
from apps.pages.status import ComponentStatus
from tests import factories as make
from tests.factories import NOW

ZONES = [
    "UTC", "Etc/UTC", "Europe/London", "Europe/Berlin", "America/Tijuana", "Asia/Kolkata", "Australia/Lord_Howe",
    "Pacific/Chatham", "America/St_Johns", "Africa/Casablanca", "Pacific/Kiritimati",
]  # fmt: skip
Draw = Callable[[st.SearchStrategy[Any]], Any]

_ODD = [
    "\U0001f525 down \U0001f469‍\U0001f4bb", "</script><script>alert(1)</script>", "<!--stale -->", "a\r\nb\rc", "** & <b> ]]>",
    "\u202eright to left", "é" * 200, "'\"`{{ x }}{% y %}", "\x0b\x1b\ufffe", "- a\n- b\n\n> c\n\n```\n</p>\n```", "<br />",
]  # fmt: skip
# No NUL, which PostgreSQL cannot hold; no lone surrogates, which are no text.
_letters = st.characters(exclude_characters="\x00", exclude_categories=("Cs",))
names = st.one_of(st.sampled_from(_ODD), st.text(_letters, min_size=1, max_size=40)).filter(
    lambda text: text.strip() != ""
)
bodies = st.one_of(
    st.just(""), st.sampled_from(_ODD), st.text(_letters, max_size=60), st.just("x" * 5000)
)
statuses = st.sampled_from([status.value for status in ComponentStatus])
# Over summer time and winter time, into other months and years, with milliseconds.
ages = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=200))
steps = st.timedeltas(min_value=timedelta(milliseconds=1), max_value=timedelta(days=3))


@st.composite
def pages(draw: Draw) -> Page:
    """Make a page with everything on it; draw inside a transaction that is rolled back."""
    page: Page = make.PageFactory(
        name=draw(names)[:120], time_zone=draw(st.sampled_from(ZONES)), description=draw(bodies)
    )
    make.PublicationFactory(page=page)
    groups = [
        make.ComponentGroupFactory(page=page, name=f"{draw(names)[:90]} {number}")
        for number in range(draw(st.integers(0, 2)))
    ]
    components = []
    for number in range(draw(st.integers(0, 4))):
        row = make.ComponentFactory(
            page=page,
            group=draw(st.sampled_from([None, *groups])),
            name=f"{draw(names)[:90]} {number}",
            position=draw(st.integers(1, 3)),
            status=draw(statuses),
            description=draw(bodies),
            hidden=draw(st.booleans()),
            showcase=draw(st.booleans()),
            only_show_if_degraded=draw(st.booleans()),
            start_date=draw(st.sampled_from([None, date(2026, 1, 31)])),
            period=False,
        )
        components.append(row)
    incidents = [draw(_incidents(page, components)) for _ in range(draw(st.integers(0, 3)))]
    for merged in incidents[1:]:
        if merged.status == IncidentStatus.RESOLVED and draw(st.booleans()):
            Incident.objects.filter(pk=merged.pk).update(merged_into=incidents[0])
    for _ in range(draw(st.integers(0, 3))):
        draw(_maintenances(page, components))
    return page


@st.composite
def _incidents(draw: Draw, page: Page, components: list[Component]) -> Incident:
    began = NOW - draw(ages)
    told = draw(
        st.lists(st.sampled_from([one.value for one in IncidentStatus]), min_size=1, max_size=4)
    )
    is_retrospective = told[-1] == IncidentStatus.RESOLVED and draw(st.booleans())
    times = _times(draw, began, len(told))
    resolved_at = times[-1] if told[-1] == IncidentStatus.RESOLVED else None
    row: Incident = make.IncidentFactory(
        page=page,
        name=draw(names)[:255],
        status=told[-1],
        started_at=began,
        created_at=NOW if is_retrospective else began + timedelta(milliseconds=3),
        updated_at=times[-1],
        monitoring_at=next(
            (at for at, status in zip(times, told, strict=True) if status == "monitoring"), None
        ),
        resolved_at=resolved_at,
        is_retrospective=is_retrospective,
        impact_override=draw(st.sampled_from(["", "", "none", "critical"])),
        last_sequence=len(told),
        with_update=False,
    )
    for sequence, (at, status) in enumerate(zip(times, told, strict=True), start=1):
        update = make.IncidentUpdateFactory(
            incident=row,
            sequence=sequence,
            status=status,
            body=draw(bodies),
            created_at=NOW if is_retrospective else at,
            updated_at=at,
            display_at=at - draw(st.sampled_from([timedelta(0), timedelta(hours=5)])),
            deliver_notifications=draw(st.booleans()),
        )
        _change(draw, update, components)
    for component in components:
        if draw(st.booleans()):
            make.IncidentComponentFactory(incident=row, component=component, status=draw(statuses))
    if resolved_at is not None and draw(st.booleans()):
        make.PostmortemFactory(
            incident=row,
            draft=draw(bodies),
            published=draw(st.booleans()),
            published_at=(NOW if is_retrospective else resolved_at) + draw(steps),
        )
    return row


@st.composite
def _maintenances(draw: Draw, page: Page, components: list[Component]) -> Maintenance:
    announced = NOW - draw(ages)
    order = [status.value for status in MaintenanceStatus]
    told = order[: draw(st.integers(1, 4))]
    if draw(st.booleans()):
        told.append(told[-1])
    is_cancelled = draw(st.booleans())
    if is_cancelled and told[-1] != "completed":
        told.append("completed")
    times = _times(draw, announced, len(told))
    at = dict(zip(told, times, strict=True))
    starts = at.get("in_progress", NOW + draw(steps))
    row: Maintenance = make.MaintenanceFactory(
        page=page,
        name=draw(names)[:255],
        status=told[-1],
        created_at=announced,
        updated_at=times[-1],
        scheduled_for=starts,
        scheduled_until=starts + draw(steps),
        started_at=at.get("in_progress"),
        verifying_at=at.get("verifying"),
        completed_at=at.get("completed"),
        cancelled_at=at.get("completed") if is_cancelled else None,
        last_sequence=len(told),
        with_update=False,
    )
    for sequence, (moment, status) in enumerate(zip(times, told, strict=True), start=1):
        update = make.MaintenanceUpdateFactory(
            maintenance=row,
            sequence=sequence,
            status=status,
            body=draw(bodies),
            created_at=moment,
            updated_at=moment,
            display_at=moment,
        )
        _change(draw, update, components)
    for component in components:
        if draw(st.booleans()):
            make.MaintenanceComponentFactory(maintenance=row, component=component)
    return row


def _times(draw: Draw, began: datetime, count: int) -> list[datetime]:
    """Return so many ascending instants from `began` on."""
    found = [began]
    while len(found) < count:
        found.append(found[-1] + draw(steps))
    return found


def _change(draw: Draw, update: Any, components: list[Component]) -> None:
    for component in components:
        if draw(st.integers(0, 3)) == 0:
            update.components.create(
                component=component, old_status=draw(statuses), new_status=draw(statuses)
            )
