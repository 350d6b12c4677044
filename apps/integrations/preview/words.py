"""What an integration does, in sentences for staff. Pure: a scene in, lines out.

What happens is taken from the rehearsal of the scene, so that the sentences cannot promise what the planner does not do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apps.incidents.models import Impact, IncidentStatus
from apps.integrations.changes import ComponentChange, IncidentChange
from apps.integrations.models import MetricRule
from apps.integrations.preview.scene import MonitorFacts, Scene
from apps.integrations.rehearsal import Planned
from apps.pages.status import ComponentStatus

# The words do not depend on the time; a rehearsal needs one.
_FAILS_AT = datetime(2000, 1, 1, tzinfo=UTC)
_RECOVERS_AT = _FAILS_AT + timedelta(minutes=5)

MEASURES = {
    MetricRule.Measure.RESPONSE_TIME_MS.value: "Each run’s response time",
    MetricRule.Measure.SLOWEST_REQUEST_MS.value: "The time of each run’s slowest request",
    MetricRule.Measure.PASSED.value: "1 for each run that passed and 0 for each that failed",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence. `status` is a component status that ends it, `quote` what readers read (Markdown)."""

    text: str
    status: str = ""
    quote: str = ""

    @property
    def status_label(self) -> str:
        """The status in words; empty where there is none."""
        return str(ComponentStatus(self.status).label) if self.status else ""


@dataclass(frozen=True, slots=True)
class Preview:
    """`missing` is what is still to be chosen, `warnings` what staff may not have meant."""

    fails_title: str
    fails: tuple[Line, ...]
    recovers_title: str
    recovers: tuple[Line, ...]
    always: tuple[Line, ...]
    told: str
    warnings: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def says_something(self) -> bool:
        """Whether there is anything that happens."""
        return bool(self.fails or self.recovers or self.always)


def preview_of(scene: Scene) -> Preview:
    """Return what the scene's draft does, as far as it is chosen."""
    played = scene.rehearse(fails_at=_FAILS_AT, recovers_at=_RECOVERS_AT)
    monitor = scene.monitor
    name = f"“{monitor.name}”" if monitor else "the monitor"
    return Preview(
        fails_title=f"When {name} fails{_comma(when_it_fails(monitor))}",
        fails=tuple(_line(scene, one) for one in played.fails) if scene.page else (),
        recovers_title=f"When it passes again{_comma(when_it_recovers(monitor))}",
        recovers=tuple(_line(scene, one) for one in played.recovers) if scene.page else (),
        always=_always(scene),
        told=_told(scene),
        warnings=tuple(_warnings(scene)),
        missing=tuple(_missing(scene)),
    )


def when_it_fails(monitor: MonitorFacts | None) -> str:
    """Say what makes the monitor fail, such as “after 2 failed runs in a row at 1 of its 3 locations”."""
    if monitor is None:
        return ""
    runs = monitor.failure_threshold
    words = "after one failed run" if runs == 1 else f"after {runs} failed runs in a row"
    if monitor.locations > 1:
        quorum = min(monitor.quorum, monitor.locations)
        if quorum == monitor.locations:
            return f"{words} at each of its {monitor.locations} locations"
        return f"{words} at {'any one' if quorum == 1 else quorum} of its {monitor.locations} locations"
    return words


def when_it_recovers(monitor: MonitorFacts | None) -> str:
    """Say what makes the monitor pass again, such as “after 2 passed runs in a row”."""
    if monitor is None:
        return ""
    runs = monitor.recovery_threshold
    words = "after one passed run" if runs == 1 else f"after {runs} passed runs in a row"
    if monitor.locations > 1:
        quorum = min(monitor.quorum, monitor.locations)
        if quorum == 1:
            return f"{words} at every location that failed"
        return f"{words}, once fewer than {quorum} locations are failing"
    return words


def _comma(words: str) -> str:
    return f" ({words})" if words else ""


def _line(scene: Scene, planned: Planned) -> Line:
    change = planned.change
    page = f"“{scene.page.name}”" if scene.page else "the page"
    if isinstance(change, IncidentChange):
        return _incident_line(change, page, scene)
    return _component_line(scene, planned, change, page)


def _component_line(scene: Scene, planned: Planned, change: ComponentChange, page: str) -> Line:
    facts = scene.component(planned.component_id or 0)
    name = facts.name if facts else "the component"
    if facts and facts.is_covered:
        return Line(f"“{name}” on {page} stays", ComponentStatus.UNDER_MAINTENANCE.value)
    return Line(f"“{name}” on {page} becomes", change.status)


def _incident_line(change: IncidentChange, page: str, scene: Scene) -> Line:
    if change.kind == "resolve":
        return Line(
            f"The incident is resolved, unless a person took it over. Readers of {page} read:",
            quote=change.message,
        )
    names = [
        facts.name
        for facts in (scene.components or {}).values()
        if facts.remote_id in change.components and not facts.is_hidden
    ]
    lists = f" It lists {_and(names)}." if names else ""
    title = change.name or "…"
    return Line(
        f"The incident “{title}” is created on {page}, {IncidentStatus(change.status).label}, impact"
        f" {Impact(change.impact).label}.{lists} Readers read:",
        quote=change.message,
    )


def _always(scene: Scene) -> tuple[Line, ...]:
    if scene.metric is None or scene.page is None:
        return ()
    what = MEASURES.get(scene.draft.measure, "A measure of each run")
    return (Line(f"{what} goes to the metric “{scene.metric}” of “{scene.page.name}”."),)


def _told(scene: Scene) -> str:
    if scene.page is None or scene.draft.create_incident is None:
        return ""
    page = f"“{scene.page.name}”"
    if not scene.page.is_local:
        return f"Who is told of the incident besides, {page} decides itself: it is elsewhere."
    if scene.told is None:
        return f"Nobody is written to: {page} is the only place where it is told."
    if scene.told == 0:
        return f"Nobody is subscribed to this yet: {page} is the only place where it is told."
    people = "1 subscriber is" if scene.told == 1 else f"{scene.told} subscribers are"
    return f"{people} told when the incident is created, and again when it is resolved."


def _warnings(scene: Scene) -> list[str]:
    return [*_about_monitor(scene), *_about_page(scene), *_about_components(scene)]


def _about_monitor(scene: Scene) -> list[str]:
    found = []
    monitor = scene.monitor
    if not scene.draft.enabled:
        found.append("The integration is paused: nothing of this happens until it is resumed.")
    if monitor is None:
        return found
    if monitor.is_archived:
        found.append(f"The monitor “{monitor.name}” was removed: it does not run any more.")
    elif monitor.is_paused:
        found.append(
            f"The monitor “{monitor.name}” is paused: nothing happens until it runs again."
        )
    elif not monitor.locations:
        found.append(f"The monitor “{monitor.name}” has no location: it does not run.")
    if monitor.failing_since and not monitor.is_archived and scene.draft.enabled:
        since = f"{monitor.failing_since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        then = (
            "what is said of failing is on the page already, and what you change as soon as it is saved."
            if scene.draft.integration_id
            else "what is said of failing is on the page as soon as you save."
        )
        found.append(f"The monitor “{monitor.name}” has been failing since {since}: {then}")
    return found


def _about_page(scene: Scene) -> list[str]:
    found = []
    if scene.page and scene.page.is_archived:
        found.append(f"The page “{scene.page.name}” is gone: no incident is created there.")
    elif scene.page and not scene.page.is_published:
        found.append(f"The page “{scene.page.name}” is not published yet: nobody can read it.")
    if scene.twins:
        verb = "creates" if len(scene.twins) == 1 else "create"
        twins = _and([f"“{twin}”" for twin in scene.twins])
        found.append(
            f"{twins} {verb} an incident for the same monitor on this page, too: readers would see"
            f" {len(scene.twins) + 1}."
        )
    return found


def _about_components(scene: Scene) -> list[str]:
    found: list[str] = []
    links = scene.draft.link_components or ()
    for link in links:
        facts = scene.component(link.component_id)
        if facts is None:
            continue
        name = f"“{facts.name}”"
        if facts.is_gone:
            found.append(f"The component {name} is gone: nothing can be said of it.")
        elif facts.is_elsewhere:
            found.append(f"The component {name} is on another page now.")
        if facts.is_hidden:
            found.append(f"The component {name} is hidden: readers see nothing of it.")
        if facts.others:
            others = _and(
                [
                    f"“{one}”" if one else "An integration of another workspace"
                    for one in facts.others
                ]
            )
            verb = "links" if len(facts.others) == 1 else "link"
            found.append(f"{others} {verb} {name}, too: readers see the worst of what is said.")
        if link.success_status == link.failure_status:
            found.append(f"{name} has the same status when the monitor passes and when it fails.")
        elif link.success_status != ComponentStatus.OPERATIONAL:
            label = ComponentStatus(link.success_status).label
            found.append(f"{name} is shown as {label} also while the monitor passes.")
    covered = [
        facts.name
        for link in links
        if (facts := scene.component(link.component_id)) is not None and facts.is_covered
    ]
    if covered:
        found.append(_of_maintenance(covered, len(links), scene.draft.create_incident is not None))
    return found


def _of_maintenance(covered: list[str], links: int, with_incident: bool) -> str:
    names = _and([f"“{name}”" for name in covered])
    verb = "is" if len(covered) == 1 else "are"
    no_incident = (
        ", and no incident is created; if the monitor still fails when the maintenance ends, it is created then"
        if with_incident and len(covered) == links
        else ""
    )
    return f"{names} {verb} under maintenance now: while that lasts the status stays{no_incident}."


def _missing(scene: Scene) -> list[str]:
    draft = scene.draft
    found = []
    if scene.monitor is None:
        found.append("Choose a monitor.")
    if scene.page is None:
        found.append("Choose a page.")
    has_action = (
        draft.link_components is not None or draft.create_incident is not None or draft.with_metric
    )
    if not has_action:
        found.append("Choose at least one action.")
    if draft.link_components is not None and not draft.link_components:
        found.append("Choose the component that is linked.")
    if draft.create_incident is not None and not draft.create_incident.name:
        found.append("Give the incident a name.")
    if draft.with_metric and scene.metric is None:
        found.append("Choose the metric that is sent.")
    return found


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
