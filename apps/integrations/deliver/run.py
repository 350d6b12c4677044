"""The job of the pump and its sweep."""

from __future__ import annotations

import logging
import time

from celery import current_app
from kombu.exceptions import OperationalError

from apps.integrations.deliver.local import attempt_local
from apps.integrations.deliver.remote import attempt_remote, is_due
from apps.integrations.planning import plan_asked

logger = logging.getLogger(__name__)

REMOTE_TASK = "integrations.deliver_remote"
# Short: pages are built between two turns, so a flood of outages shows as it is worked off.
LOCAL_BUDGET_S = 1.0
SWEEP_BUDGET_S = 4.0
REMOTE_BUDGET_S = 50.0


def run() -> float | None:
    """Plan what was asked for, attempt the deliveries to our own pages; have a worker call the others.

    Returns the seconds until it wants to run again, or None. Calls over the network are never made here: a
    destination that hangs must not keep pages from being built.
    """
    all_planned = plan_asked(until=time.monotonic() + LOCAL_BUDGET_S)
    again_in_s = attempt_local(until=time.monotonic() + LOCAL_BUDGET_S)
    if is_due():
        _wake_remote()
    return again_in_s if all_planned else 0.0


def sweep() -> None:
    """Attempt all that is due, also what a dead process left. Bounded to less than a minute."""
    plan_asked(until=time.monotonic() + SWEEP_BUDGET_S)
    attempt_local(until=time.monotonic() + SWEEP_BUDGET_S)
    deliver_remote()


def deliver_remote() -> None:
    """Attempt the deliveries to other destinations. Bounded to less than a minute and one lease."""
    attempt_remote(until=time.monotonic() + REMOTE_BUDGET_S)


def _wake_remote() -> None:
    try:
        current_app.send_task(REMOTE_TASK, expires=30, retry=False)
    except (OperationalError, OSError):
        # The rows say what is to be done; the sweep finds them when the broker is back.
        logger.warning("broker not reached, remote deliveries left to the sweep")
