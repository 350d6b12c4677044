"""`/healthz` and `/readyz`, answered before Django: no host check, no session, no middleware.

`/healthz` says that the process serves requests. `/readyz` looks at what the platform needs:

    {"status": "ready" | "not ready",
     "checks": {name: {"ok": bool, "detail": text, "age_s" | "lag_s": seconds}}}

with 200 or 503. It names no address, since anyone may read it. A thread for each need looks, at most
once a second; whoever asks waits no longer than LIMIT_S, also when the database hangs. Nothing of
Django is imported here: the looks are handed in (`readiness.py`).
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
        self._checks: dict[str, Check] = {}
        self._looked_at = float("-inf")

    def start(self) -> None:
        """Begin a look unless one goes on or the last is fresh."""
        with self._condition:
            if self._is_looking or self._is_fresh():
                return
            self._is_looking = True
            threading.Thread(target=self._renew, name=f"ready: {self._name}", daemon=True).start()

    def wait(self, *, deadline: float) -> dict[str, Check]:
        """Return what the look begun before found; at the deadline (monotonic) say it hangs."""
        with self._condition:
            while self._is_looking:
                if not self._condition.wait(deadline - time.monotonic()):
                    return {self._name: {"ok": False, "detail": f"no answer in {LIMIT_S:g} s"}}
            return self._checks

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
        deadline = time.monotonic() + LIMIT_S
        found: dict[str, Check] = {}
        for need in self._needs:
            found |= need.wait(deadline=deadline)
        return found


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
