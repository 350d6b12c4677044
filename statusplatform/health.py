"""`/healthz` and `/readyz`, answered before Django: no host check, no session, no middleware.

`/healthz` says that the process serves requests. `/readyz` looks at what the platform needs:

    {"status": "ready" | "not ready",
     "checks": {name: {"ok": bool, "detail": text, "age_s" | "lag_s": seconds}}}

with 200 or 503. It names no address, since anyone may read it. A thread for each need looks, at most
once a second; a look that has gone on for LIMIT_S hangs, and nobody waits for it any more. Before that a few
may wait; all others are told what the look before found, so that a hanging database never takes the threads
of those who read pages. Nothing of Django is imported here: the looks are handed in (`readiness.py`).
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

logger = logging.getLogger(__name__)

LIMIT_S = 2.0
FRESH_S = 1.0
# Of the web process's threads: see threads.py.
MOST_WAITING = 2

Check = dict[str, Any]
Look = Callable[[], dict[str, Check]]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]
WSGIApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Readiness:
    """The last look at one thing that the platform needs, renewed on demand by a thread of its own.

    `name` is what is blamed while the look hangs.
    """

    def __init__(self, name: str, look: Look) -> None:
        self._name = name
        self._look = look
        self._condition = threading.Condition()
        self._is_looking = False
        self._checks: dict[str, Check] = {name: {"ok": False, "detail": "not looked at yet"}}
        self._began_at = self._looked_at = float("-inf")

    def start(self) -> None:
        """Begin a look unless one goes on or the last is fresh."""
        with self._condition:
            if self._is_looking or self._is_fresh():
                return
            self._is_looking = True
            self._began_at = time.monotonic()
            threading.Thread(target=self._renew, name=f"ready: {self._name}", daemon=True).start()

    def wait(self) -> dict[str, Check]:
        """Return what the look begun before found; once it has gone on for LIMIT_S, that it hangs."""
        with self._condition:
            while self._is_looking:
                if not self._condition.wait(self._began_at + LIMIT_S - time.monotonic()):
                    return self._hanging()
            return self._checks

    def known(self) -> dict[str, Check] | None:
        """Return what can be said at once; None when the answer is worth waiting for."""
        with self._condition:
            if not self._is_looking:
                return self._checks
            return self._hanging() if time.monotonic() > self._began_at + LIMIT_S else None

    def last(self) -> dict[str, Check]:
        """Return what the last finished look found."""
        with self._condition:
            return self._checks

    def _hanging(self) -> dict[str, Check]:
        return {self._name: {"ok": False, "detail": f"no answer in {LIMIT_S:g} s"}}

    def _is_fresh(self) -> bool:
        return time.monotonic() - self._looked_at <= FRESH_S

    def _renew(self) -> None:
        try:
            checks = self._look()
        except Exception:
            logger.exception("readiness check failed name=%s", self._name)
            checks = {self._name: {"ok": False, "detail": "the check itself failed; see the log"}}
        with self._condition:
            self._checks = checks
            self._looked_at = time.monotonic()
            self._is_looking = False
            self._condition.notify_all()


class HealthEndpoints:
    """WSGI: answers the two addresses and hands everything else on."""

    def __init__(self, application: WSGIApp, looks: Mapping[str, Look]) -> None:
        self._application = application
        self._needs = [Readiness(name, look) for name, look in looks.items()]
        self._waiting = threading.BoundedSemaphore(MOST_WAITING)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO")
        if path == "/healthz":
            return _answer(environ, start_response, "200 OK", {"status": "alive"})
        if path == "/readyz":
            checks = self._checks()
            ready = all(check["ok"] for check in checks.values())
            body = {"status": "ready" if ready else "not ready", "checks": checks}
            status = "200 OK" if ready else "503 Service Unavailable"
            return _answer(environ, start_response, status, body)
        return self._application(environ, start_response)

    def _checks(self) -> dict[str, Check]:
        for need in self._needs:
            need.start()
        answers = [need.known() for need in self._needs]
        if any(answer is None for answer in answers):
            answers = self._awaited()
        found: dict[str, Check] = {}
        for answer in answers:
            found |= answer or {}
        return found

    def _awaited(self) -> list[dict[str, Check] | None]:
        if not self._waiting.acquire(blocking=False):
            return [need.known() or need.last() for need in self._needs]
        try:
            return [need.wait() for need in self._needs]
        finally:
            self._waiting.release()


def _answer(
    environ: dict[str, Any], start_response: StartResponse, status: str, body: dict[str, Any]
) -> Iterable[bytes]:
    headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
    if environ.get("REQUEST_METHOD") not in {"GET", "HEAD"}:
        start_response("405 Method Not Allowed", [*headers, ("Allow", "GET, HEAD")])
        return [b""]
    content = json.dumps(body).encode()
    start_response(status, [*headers, ("Content-Length", str(len(content)))])
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else content]
