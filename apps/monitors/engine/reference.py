"""Whether a location's own network is at fault: its reference targets, probed every 10 s and at a doubt.

A run that failed because no answer came waits for a verdict: while no reference target answers either, it was the
location's fault. Source: docs/architecture.md, "Runs". `Standing` is the rule and pure; `ReferenceWatch` sends the probes.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from apps.core.egress import (
    BadURL,
    EgressRequest,
    EgressResponse,
    Fault,
    Transfers,
    parse_target,
)

logger = logging.getLogger(__name__)

PROBE_EVERY_S = 10.0
PROBE_TIMEOUT_S = 2.0
# A round that began so long before a doubt answers it as well.
FRESH_S = 0.5
# Nobody reads what comes.
MOST_BYTES = 1024

_HOST_AND_PORT = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:/@?#\[\]]+):(?P<port>[0-9]{1,5})")

Verdict = Callable[[bool], None]


@dataclass(frozen=True, slots=True)
class ReferenceTarget:
    """What is probed: a URL, which has to answer, or a host and port, which have to accept a connection."""

    url: str
    host: str
    needs_answer: bool


def parse_reference(text: str) -> ReferenceTarget:
    """Read a URL or host:port. ValueError says in a sentence what is wrong with it."""
    found = _HOST_AND_PORT.fullmatch(text.strip())
    if found is not None and not 1 <= int(found["port"]) <= 65535:
        raise ValueError("The port is a number from 1 to 65535.")
    if found is None and "://" not in text:
        raise ValueError("Give a URL or host:port.")
    try:
        target = parse_target(f"http://{text.strip()}/" if found else text)
    except BadURL as error:
        raise ValueError(f"Give a URL or host:port: {error}.") from None
    return ReferenceTarget(target.url, target.host, needs_answer=found is None)


def answers(target: ReferenceTarget, response: EgressResponse) -> bool | None:
    """Return whether the way to the target works. None: it tells nothing, since it was not asked."""
    if response.status is not None:
        return True
    if response.error is None or response.error.fault is Fault.TARGET:
        return True
    if response.error.fault in (Fault.REQUEST, Fault.PLATFORM):
        return None
    return not target.needs_answer and response.timings.connect_ms > 0


@dataclass(slots=True)
class Standing:
    """How a location's reference targets stand, by rounds of probes. Moments are monotonic seconds.

    It is at fault from the beginning of a round that nothing answered until the end of the first one that
    something did. A round that tells nothing leaves it as it was.
    """

    failing_since: float | None = None
    failed_until: float | None = None

    def hear(self, results: Iterable[bool | None], *, began: float, ended: float) -> None:
        """Take note of a whole round."""
        told = [result for result in results if result is not None]
        if not told:
            return
        if any(told):
            self.failed_until = ended if self.failing_since is not None else self.failed_until
            self.failing_since = None
        elif self.failing_since is None:
            self.failing_since = began

    def was_at_fault(self, since: float) -> bool:
        """Whether it was at fault at any time from `since` on, as far as is known."""
        if self.failing_since is not None:
            return True
        return self.failed_until is not None and self.failed_until >= since


@dataclass(eq=False, slots=True)
class _Round:
    began: float
    results: list[bool | None] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class _Watched:
    """One location's targets; `round` is the one under way, `asking` who waits for its end."""

    targets: tuple[ReferenceTarget, ...]
    standing: Standing = field(default_factory=Standing)
    round: _Round | None = None
    began: float = float("-inf")
    checked_at: float | None = None
    asking: list[tuple[float, Verdict]] = field(default_factory=list)


class ReferenceWatch:
    """Probes the reference targets of the locations that an engine serves. Thread-safe; asks no database."""

    def __init__(self, transfers: Transfers, *, timeout_s: float = PROBE_TIMEOUT_S) -> None:
        self._transfers = transfers
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._watched: dict[int, _Watched] = {}

    def watch(self, targets: Mapping[int, Sequence[str]]) -> None:
        """Watch exactly these: {location id: URLs or host:port}. Unreadable ones are left out."""
        wanted = {key: found for key, texts in targets.items() if (found := _readable(texts))}
        with self._lock:
            before, self._watched = self._watched, {}
            for key, found in wanted.items():
                held = before.get(key)
                same = held is not None and held.targets == found
                self._watched[key] = before.pop(key) if same else _Watched(found)
            left = [tell for watched in before.values() for _, tell in watched.asking]
        for tell in left:
            tell(False)

    def probe_due(self) -> None:
        """Begin a round wherever the last one began PROBE_EVERY_S ago."""
        now = time.monotonic()
        with self._lock:
            due = [one for one in self._watched.values() if now >= one.began + PROBE_EVERY_S]
        for watched in due:
            self._probe(watched, now)

    def ask(self, location_id: int, *, since: float, tell: Verdict) -> None:
        """Have `tell` called once with whether the location was at fault at any time since `since`.

        At once where that is known, else on the transfer thread after a round. Where nothing is watched: no.
        """
        now = time.monotonic()
        with self._lock:
            watched = self._watched.get(location_id)
            if watched is None:
                verdict: bool | None = False
            elif watched.standing.was_at_fault(since):
                verdict = True
            elif watched.round is None and now <= watched.began + FRESH_S:
                verdict = False
            else:
                verdict = None
                watched.asking.append((since, tell))
        if verdict is not None:
            tell(verdict)
        elif watched is not None:
            self._probe(watched, now)

    def standings(self) -> dict[int, tuple[float, float | None]]:
        """Return {location id: (end of the last round, since when nothing answers)} in monotonic seconds."""
        with self._lock:
            return {
                key: (watched.checked_at, watched.standing.failing_since)
                for key, watched in self._watched.items()
                if watched.checked_at is not None
            }

    def _probe(self, watched: _Watched, now: float) -> None:
        """Begin a round, unless one is under way."""
        with self._lock:
            if watched.round is not None:
                return
            begun = watched.round = _Round(now)
            watched.began = now
        for target in watched.targets:
            self._transfers.submit(
                EgressRequest(
                    method="GET",
                    url=target.url,
                    timeout_s=self._timeout_s,
                    follow_redirects=False,
                    trusted_hosts=frozenset({target.host}),
                    max_body_bytes=MOST_BYTES,
                ),
                on_done=partial(self._heard, watched, begun, target),
                key=("reference", target.url),
            )

    def _heard(
        self,
        watched: _Watched,
        begun: _Round,
        target: ReferenceTarget,
        response: EgressResponse,
    ) -> None:
        if response.error is not None and response.error.code == "stopped":
            # What waits for a verdict is run again elsewhere.
            return
        now = time.monotonic()
        with self._lock:
            if watched.round is not begun:
                return
            begun.results.append(answers(target, response))
            # One that answers is enough to know; nobody waits for the others of its round.
            if begun.results[-1] is not True and len(begun.results) < len(watched.targets):
                return
            watched.standing.hear(begun.results, began=begun.began, ended=now)
            watched.checked_at, watched.round = now, None
            asking, watched.asking = watched.asking, []
        for since, tell in asking:
            tell(watched.standing.was_at_fault(since))


def _readable(texts: Iterable[str]) -> tuple[ReferenceTarget, ...]:
    found = []
    for text in texts:
        try:
            found.append(parse_reference(text))
        except ValueError:
            logger.warning("a reference target cannot be read and is left out")
    return tuple(found)
