"""What a person tried out: nothing changes but the audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from apps.core.actors import Actor
from apps.core.audit import HIDDEN
from apps.monitors.checkers.spec import RequestSpec
from apps.monitors.confidential import holds_password
from apps.monitors.services.lifecycle import locked_monitor, note


@transaction.atomic
def note_trial(
    *, monitor_id: int, requests: Sequence[RequestSpec], actor: Actor, at: datetime
) -> None:
    """Record that the actor sends requests with a stored monitor's secrets, and where to. NotFound."""
    sent = [
        f"{one.method} {HIDDEN if holds_password(one.url) else one.url}"[:300] for one in requests
    ]
    note(
        actor=actor,
        at=at,
        action="monitor.tried",
        row=locked_monitor(monitor_id),
        changes={"requests": [None, sent]},
    )
