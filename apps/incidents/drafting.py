"""What may be done with a draft, and what its digest stands for. Pure (docs/architecture.md, "Drafts")."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from apps.core.errors import Conflict, Invalid
from apps.incidents.models import Draft

Step = Literal["edit", "ask", "post", "send_back", "discard"]

_State = Draft.State
UNSETTLED = frozenset(
    {_State.DRAFT, _State.WAITING, _State.SENT_BACK, _State.SCHEDULED, _State.REFUSED}
)

# {step: the states that it is taken from}. A change of the words voids an approval and a schedule: the draft is one
# again. What is posted or discarded stays so.
STEPS: dict[Step, frozenset[str]] = {
    "edit": frozenset(UNSETTLED),
    "ask": frozenset({_State.DRAFT, _State.SENT_BACK, _State.REFUSED}),
    "post": frozenset(UNSETTLED),
    "send_back": frozenset({_State.WAITING, _State.SCHEDULED}),
    "discard": frozenset(UNSETTLED),
}

_DONE: dict[Step, str] = {
    "edit": "changed",
    "ask": "handed over",
    "post": "posted",
    "send_back": "sent back",
    "discard": "discarded",
}

EDITABLE = frozenset(
    {
        Draft.Kind.OPEN_INCIDENT,
        Draft.Kind.POST_UPDATE,
        Draft.Kind.ANNOUNCE,
        Draft.Kind.POST_MAINTENANCE,
    }
)
"""The kinds that are written on a screen of their own, so that their words can be changed there."""

SCHEDULABLE = EDITABLE
"""The kinds that may be posted at a time."""


def check_step(step: Step, state: str) -> None:
    """Raise Conflict `draft_settled` or `draft_state` where the table has no such step."""
    if state in STEPS[step]:
        return
    label = str(_State(state).label).lower()
    code = "draft_settled" if state not in UNSETTLED else "draft_state"
    raise Conflict(code, f"this draft is {label}: it cannot be {_DONE[step]}")


def check_kind(kind: str, *, has_incident: bool, has_maintenance: bool) -> None:
    """Raise Invalid where the kind is unknown, or does not fit what it is about."""
    if kind not in Draft.Kind:
        raise Invalid("invalid", f"{kind!r} is no kind of draft", field="kind")
    about = {
        "incident": {Draft.Kind.POST_UPDATE, Draft.Kind.CORRECT_UPDATE}
        | {Draft.Kind.MERGE, Draft.Kind.POSTMORTEM, Draft.Kind.CHANGE_INCIDENT},
        "maintenance": {Draft.Kind.POST_MAINTENANCE, Draft.Kind.CORRECT_MAINTENANCE}
        | {Draft.Kind.CANCEL_MAINTENANCE, Draft.Kind.CHANGE_MAINTENANCE},
    }
    if has_incident != (kind in about["incident"]) or has_maintenance != (
        kind in about["maintenance"]
    ):
        raise Invalid("invalid", f"{kind} is about something else", field="kind")


def digest_of_text(text: str) -> str:
    """Return what stands for exactly this text: a screen carries it, so that it is known what was seen."""
    return hashlib.sha256(text.encode()).hexdigest()


def check_text(text: str, seen: str | None) -> None:
    """Raise Conflict `text_moved` where another text than this was seen. None or "": whatever it says now."""
    if seen and seen != digest_of_text(text):
        raise Conflict("text_moved", "somebody changed this text meanwhile")


def digest_of(
    *, kind: str, about: str, asked: Mapping[str, Any], publish_at: datetime | None
) -> str:
    """Return what stands for exactly these words at exactly this time. `about`: the event's public id, or ""."""
    exact = [kind, about, asked, publish_at.isoformat() if publish_at else None]
    text = json.dumps(exact, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
