"""Requests tried out as they stand, without a slot, a lease or a record: nothing is counted and nobody is told.

They are sent from here, the web process, and not by a location's worker: what is tried is not stored anywhere, so a
worker would have to be handed it with its secrets through the broker. The same checker judges it, and the same guard
watches the way out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from apps.core.egress import EgressRequest, EgressResponse
from apps.monitors.checkers import CheckOutcome, MonitorSpec, Send, get_checker

LIMIT_S = 20.0


@dataclass(frozen=True)
class Trial:
    """What came of it. `answers` are the last ones, by the request's position from 0; they are not masked, `mask` does it."""

    outcome: CheckOutcome
    mask: Callable[[str], str]
    answers: Mapping[int, EgressResponse] = field(default_factory=dict, repr=False)


def try_out(
    spec: MonitorSpec,
    *,
    fetch: Callable[[EgressRequest], EgressResponse],
    now: Callable[[], float] = time.monotonic,
) -> Trial:
    """Make the spec's requests once each, in order, for at most `LIMIT_S` seconds in all."""
    bounded = replace(
        spec,
        timeout_s=min(spec.timeout_s, LIMIT_S),
        run_limit_s=min(spec.run_limit_s, LIMIT_S),
        retries=0,
        is_told_in_full=True,
    )
    session = get_checker(bounded.kind).begin(bounded)
    answers: dict[int, EgressResponse] = {}
    step = session.first(now())
    while isinstance(step, Send):
        answers[step.position] = fetch(step.request)
        step = session.receive(answers[step.position], now())
    return Trial(step.outcome, session.mask, answers)
