"""What an integration wants a page to say, and what has to change for it. Pure.

`desired` knows the rules (docs/architecture.md, "Integrations"); `said_changes` and `incident_moves` compare
its answer with what was said before. Every create, edit, enable, disable, delete and outage runs the same
three, so there is one rule for "acts at once", "withdrawn" and "left to staff".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.incidents.models import IncidentStatus
from apps.integrations.changes import IncidentChange

DEFAULT_MESSAGE = "We have noticed a problem and are looking into it."
DEFAULT_RESOLVED_MESSAGE = "The problem is solved."


@dataclass(frozen=True, slots=True)
class LinkView:
    """A component link. `said_status` is its present word at the destination ("": none).

    `is_live`: the action is on. `is_reachable`: the destination has the component. `is_on_page`: and has it
    on the integration's page. `is_covered`: it is under maintenance there.
    """

    id: int
    component_id: int
    remote_id: str
    success_status: str
    failure_status: str
    said_status: str = ""
    is_live: bool = True
    is_reachable: bool = True
    is_on_page: bool = True
    is_covered: bool = False

    @property
    def is_listed(self) -> bool:
        """An incident on the integration's page can name it."""
        return self.is_live and self.is_reachable and self.is_on_page


@dataclass(frozen=True, slots=True)
class RuleView:
    """The action that creates incidents."""

    id: int
    key: str
    name: str
    status: str
    impact: str
    message: str = ""
    resolved_message: str = ""
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class IntegrationView:
    """An integration with its actions. `acts`: enabled, and neither it, its monitor nor its connector is removed.

    `speaks_unasked`: its links say their success status also before the first outage (the platform's own
    pages); elsewhere a component is not touched until the monitor has failed once.
    """

    id: int
    monitor_id: int
    page_id: int
    page_key: str
    links: tuple[LinkView, ...] = ()
    rule: RuleView | None = None
    acts: bool = True
    page_is_live: bool = True
    speaks_unasked: bool = True


@dataclass(frozen=True, slots=True)
class OutageView:
    """An outage. `was_removed`: it ended because its monitor was removed."""

    id: int
    key: str
    was_removed: bool = False


@dataclass(frozen=True, slots=True)
class StreamView:
    """An incident that was promised by a rule. `listed` are the remote ids that its opening named."""

    id: int
    outage_id: int
    monitor_id: int
    page_id: int
    key: str
    is_abandoned: bool = False
    listed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Desired:
    """`words` is {link id: status, "" for none}; `incident` is the wanted incident's opening, if any."""

    words: Mapping[int, str]
    incident: IncidentChange | None


@dataclass(frozen=True, slots=True)
class Said:
    """A link's new word from `since` on; an empty status withdraws it."""

    link_id: int
    component_id: int
    status: str
    since: datetime


@dataclass(frozen=True, slots=True)
class IncidentMoves:
    """`opens`: promise this incident. `resolves`: {stream id: its end}. The rest are stream ids."""

    opens: IncidentChange | None = None
    resolves: Mapping[int, IncidentChange] | None = None
    abandons: tuple[int, ...] = ()
    resumes: tuple[int, ...] = ()


def incident_key(rule_key: str, outage_key: str, page_key: str) -> str:
    """Return the key of an incident's stream, which is its idempotency key too.

    The page is part of it, so that a rule moved to another page during an outage tells that page as well.
    """
    return f"incident:{rule_key}:{outage_key}:{page_key}"


def desired(integration: IntegrationView, outage: OutageView | None) -> Desired:
    """Return what the page should say while `outage` is the monitor's open one (None: there is none)."""
    return Desired(
        words={link.id: _word(integration, link, outage) for link in integration.links},
        incident=_opening(integration, outage) if outage else None,
    )


def _word(integration: IntegrationView, link: LinkView, outage: OutageView | None) -> str:
    if not (integration.acts and link.is_live):
        return ""
    if not link.is_reachable:
        # Nobody can be told; the last word stands until the component is back.
        return link.said_status
    if outage is not None:
        return link.failure_status
    return link.success_status if link.said_status or integration.speaks_unasked else ""


def _opening(integration: IntegrationView, outage: OutageView) -> IncidentChange | None:
    rule = integration.rule
    if rule is None or not _tends_incidents(integration):
        return None
    listed = [link for link in integration.links if link.is_listed]
    if listed and all(link.is_covered for link in listed):
        return None
    return IncidentChange(
        kind="open",
        name=rule.name,
        status=rule.status,
        impact=rule.impact,
        message=rule.message or DEFAULT_MESSAGE,
        idempotency_key=incident_key(rule.key, outage.key, integration.page_key),
        components={link.remote_id: link.failure_status for link in listed},
    )


def _tends_incidents(integration: IntegrationView) -> bool:
    return (
        integration.acts
        and integration.page_is_live
        and integration.rule is not None
        and integration.rule.enabled
    )


def said_changes(integration: IntegrationView, wanted: Desired, at: datetime) -> list[Said]:
    """Return the words that differ from what was said, each from `at` on."""
    return [
        Said(link.id, link.component_id, wanted.words[link.id], at)
        for link in integration.links
        if wanted.words[link.id] != link.said_status
    ]


def incident_moves(
    integration: IntegrationView,
    wanted: Desired,
    *,
    outage: OutageView | None,
    closed: OutageView | None,
    streams: Sequence[StreamView],
) -> IncidentMoves:
    """Return what has to be done about incidents.

    `streams` are those of the integration's rule whose outage is open, or `closed` just now. An incident
    that the integration tends no longer is left to staff, once; one that it tends again is taken back.
    """
    resolves: dict[int, IncidentChange] = {}
    abandons: list[int] = []
    resumes: list[int] = []
    for stream in streams:
        tended = (
            _tends_incidents(integration)
            and stream.page_id == integration.page_id
            and stream.monitor_id == integration.monitor_id
        )
        if closed is not None and stream.outage_id == closed.id:
            if stream.is_abandoned:
                continue
            if tended and not closed.was_removed:
                resolves[stream.id] = _resolution(integration, stream)
            else:
                abandons.append(stream.id)
        elif tended and stream.is_abandoned:
            resumes.append(stream.id)
        elif not tended and not stream.is_abandoned:
            abandons.append(stream.id)
    promised = {(stream.outage_id, stream.page_id) for stream in streams}
    opens = (
        wanted.incident
        if outage is not None and (outage.id, integration.page_id) not in promised
        else None
    )
    return IncidentMoves(opens, resolves, tuple(abandons), tuple(resumes))


def _resolution(integration: IntegrationView, stream: StreamView) -> IncidentChange:
    rule = integration.rule
    assert rule is not None  # a stream belongs to a rule
    return IncidentChange(
        kind="resolve",
        name=rule.name,
        status=IncidentStatus.RESOLVED.value,
        impact="",
        message=rule.resolved_message or DEFAULT_RESOLVED_MESSAGE,
        idempotency_key=stream.key,
        components={
            link.remote_id: link.success_status
            for link in integration.links
            if link.is_listed and link.remote_id in stream.listed
        },
    )
