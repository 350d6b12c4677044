"""Claim what is due and tell the locations' workers, in batches."""

from __future__ import annotations

import logging
import time
from itertools import groupby

from celery import current_app
from kombu.exceptions import OperationalError

from apps.monitors.engine.claim import Claim, claim
from apps.monitors.engine.jumps import go_on_after_jumps
from apps.monitors.selectors import location_codes

logger = logging.getLogger(__name__)

CLAIMS_AT_ONCE = 2000
CLAIMS_PER_MESSAGE = 200
# A tick gives way to the next one: what it leaves is claimed then.
DEADLINE_S = 0.8
# One that comes late adopts nothing, so this only keeps a queue that nobody works from growing. It is told by the clocks
# of two hosts, which may differ by an hour.
EXPIRES_S = 2 * 3600

TASK = "monitors.run_checks"


def dispatch() -> int:
    """Claim all that is due within the horizon and send it out; return how many schedules were claimed.

    A message that is not sent, or lost, costs a lease: the claims lapse and are made again.
    """
    go_on_after_jumps()
    stop_at = time.monotonic() + DEADLINE_S
    total = 0
    while True:
        claims = claim(CLAIMS_AT_ONCE)
        total += len(claims)
        if not claims or not _send(claims):
            return total
        if len(claims) < CLAIMS_AT_ONCE or time.monotonic() > stop_at:
            return total


def dispatch_once() -> None:
    """Dispatch as the pump's job: what a person asked for now does not wait for the tick."""
    dispatch()


def _send(claims: list[Claim]) -> bool:
    codes = location_codes({found.location_id for found in claims})
    claims.sort(key=lambda found: found.location_id)
    for location_id, found in groupby(claims, key=lambda found: found.location_id):
        keys = [[one.schedule_id, one.claim_no] for one in found]
        for start in range(0, len(keys), CLAIMS_PER_MESSAGE):
            try:
                current_app.send_task(
                    TASK,
                    args=[keys[start : start + CLAIMS_PER_MESSAGE]],
                    queue=f"checks.{codes[location_id]}",
                    expires=EXPIRES_S,
                    retry=False,
                )
            except (OperationalError, OSError):
                logger.warning("broker not reached, claims left to lapse claims=%d", len(claims))
                return False
    return True
