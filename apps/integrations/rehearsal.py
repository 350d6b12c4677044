"""What an integration would send if its monitor failed now, and then passed. Pure: nothing is sent or written.

The planner decides, as it does when it happens (planner.py): a rehearsal is its answer to an outage that is not
there. It begins with a monitor that passes, whatever the monitor does now, and with an integration that acts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from apps.integrations.changes import Change, ComponentChange, SaidWord
from apps.integrations.planner import (
    IntegrationView,
    LinkView,
    OutageView,
    Said,
    StreamView,
    desired,
    incident_moves,
    said_changes,
)

_OUTAGE = OutageView(id=0, key="outage")


@dataclass(frozen=True, slots=True)
class Around:
    """What a rehearsal needs besides the integration.

    `keys` are the links' public ids by link, `streams` the keys of the components' streams by component, `words` what
    other links say of those components now. `label` names this integration as a source.
    """

    keys: Mapping[int, str]
    streams: Mapping[int, str]
    words: Mapping[int, tuple[SaidWord, ...]]
    label: str


@dataclass(frozen=True, slots=True)
class Planned:
    """A delivery that would be written: its stream's key, its component (None: it is an incident's) and the change."""

    stream: str
    component_id: int | None
    change: Change


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The deliveries when the monitor fails, and when it passes again, each in the order of sending."""

    fails: tuple[Planned, ...]
    recovers: tuple[Planned, ...]


def rehearse(
    integration: IntegrationView, around: Around, *, fails_at: datetime, recovers_at: datetime
) -> Rehearsal:
    """Return what would be sent if the monitor failed and recovered at these times."""
    before = _while_passing(integration)
    wanted = desired(before, _OUTAGE)
    said = said_changes(before, wanted, fails_at)
    opens = incident_moves(before, wanted, outage=_OUTAGE, closed=None, streams=()).opens
    fails = _components(before, said, around)
    if opens is not None:
        fails.append(Planned(opens.idempotency_key, None, opens))

    during = replace(before, links=tuple(_after(link, said) for link in before.links))
    wanted = desired(during, None)
    ended = said_changes(during, wanted, recovers_at)
    recovers = _components(during, ended, around)
    if opens is not None:
        stream = StreamView(
            id=0,
            outage_id=_OUTAGE.id,
            monitor_id=during.monitor_id,
            page_id=during.page_id,
            key=opens.idempotency_key,
            listed=tuple(opens.components),
        )
        moves = incident_moves(during, wanted, outage=None, closed=_OUTAGE, streams=[stream])
        recovers += [Planned(stream.key, None, end) for end in (moves.resolves or {}).values()]
    return Rehearsal(tuple(fails), tuple(recovers))


def _while_passing(integration: IntegrationView) -> IntegrationView:
    """Return the integration as it is after its monitor has passed for long. A link that was taken off is over."""
    links = tuple(link for link in integration.links if link.is_live)
    acting = replace(integration, acts=True, links=links)
    words = desired(acting, None).words
    return replace(acting, links=tuple(replace(link, said_status=words[link.id]) for link in links))


def _after(link: LinkView, said: Sequence[Said]) -> LinkView:
    spoken = {one.link_id: one.status for one in said}
    return replace(link, said_status=spoken.get(link.id, link.said_status))


def _components(view: IntegrationView, said: Sequence[Said], around: Around) -> list[Planned]:
    planned = []
    for one in sorted(said, key=lambda word: word.component_id):
        ours = (SaidWord(around.keys[one.link_id], around.label, one.status, one.since),)
        words = (*around.words.get(one.component_id, ()), *(ours if one.status else ()))
        change = ComponentChange(tuple(sorted(words, key=lambda word: word.key)))
        planned.append(Planned(around.streams[one.component_id], one.component_id, change))
    return planned
