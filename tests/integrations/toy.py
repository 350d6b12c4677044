"""A destination that fails in every way, on loopback, and the provider that speaks to it.

Its server keeps what it is told like a real status page, deduplicates nothing, and does to the next
requests what `faults` says.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django import forms

from apps.integrations.changes import ComponentChange, IncidentChange
from apps.integrations.providers.base import (
    Account,
    Limits,
    ProviderError,
    RemoteItem,
    RemotePage,
)

CALL_TIMEOUT_S = 0.3
API_KEY = "t0y-k3y"

# What the server can do to a request: answer late, drop it, apply it and drop the answer, answer twice,
# refuse it for now, ask to wait 120 s, refuse it for good, or answer nonsense.
FAULTS = ("late", "silent", "lost", "twice", "500", "429", "400", "garbage")
PASSING = ("late", "silent", "lost", "twice", "500", "429", "garbage")


@dataclass
class ToyState:
    components: dict[str, str] = field(
        default_factory=lambda: {"c-web": "operational", "c-api": "operational"}
    )
    incidents: dict[str, dict[str, Any]] = field(default_factory=dict)
    journal: list[tuple[str, str]] = field(default_factory=list)
    faults: deque[str] = field(default_factory=deque)
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class _Handler(BaseHTTPRequestHandler):
    server: ToyServer

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def log_message(self, *_: Any) -> None:
        pass

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        state = self.server.state
        with state.lock:
            state.requests += 1
            fault = state.faults.popleft() if state.faults else ""
            if self.headers.get("Authorization") != API_KEY:
                return self._answer(401, {})
            if fault in {"500", "429", "400"}:
                return self._answer(int(fault), {})
            if fault == "silent":
                return self._drop()
            status, answer = self._apply(json.loads(body or b"{}"))
        if fault == "late":
            time.sleep(CALL_TIMEOUT_S * 2)
        if fault == "lost":
            return self._drop()
        if fault == "garbage":
            self.wfile.write(b"\x00\x01 not HTTP\r\n\r\n")
            return None
        self._answer(status, answer)
        if fault == "twice":
            self._answer(status, answer)
        return None

    def _apply(self, sent: dict[str, Any]) -> tuple[int, Any]:
        url = urllib.parse.urlsplit(self.path)
        state = self.server.state
        match [self.command, *url.path.strip("/").split("/")]:
            case ["GET", "catalogue"]:
                return 200, {"components": list(state.components)}
            case ["PUT", "components", remote_id]:
                if remote_id not in state.components:
                    return 404, {}
                state.components[remote_id] = sent["status"]
                state.journal.append((remote_id, sent["status"]))
                return 200, {}
            case ["POST", "pages", "p-1", "incidents"]:
                remote_id = f"i-{len(state.incidents) + 1}"
                state.incidents[remote_id] = {**sent, "id": remote_id}
                state.journal.append(("incident", sent["status"]))
                return 201, state.incidents[remote_id]
            case ["GET", "pages", "p-1", "incidents"]:
                key = urllib.parse.parse_qs(url.query)["key"][0]
                return 200, [one for one in state.incidents.values() if one["key"] == key]
            case ["GET", "incidents", remote_id] if remote_id in state.incidents:
                return 200, state.incidents[remote_id]
            case ["PUT", "incidents", remote_id] if remote_id in state.incidents:
                state.incidents[remote_id].update(sent)
                state.journal.append(("incident", sent["status"]))
                return 200, {}
        return 404, {}

    def _answer(self, status: int, answer: Any) -> None:
        body = json.dumps(answer).encode()
        try:
            self.send_response(status)
            if status == 429:
                self.send_header("Retry-After", "120")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            # The client gave up waiting.
            pass

    def _drop(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()


class ToyServer(ThreadingHTTPServer):
    """The destination. `state` is what a person would see there."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.state = ToyState()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, *_: Any) -> None:
        pass

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class ToySettings(forms.Form):
    api_key = forms.CharField()
    base_url = forms.CharField()


class ToyProvider:
    kind = "toy"
    label = "Toy"
    is_local = False
    limits = Limits(call_timeout_s=CALL_TIMEOUT_S)
    config_form: type[forms.Form] = ToySettings
    secret_fields: frozenset[str] = frozenset({"api_key"})

    def catalogue(self, account: Account) -> tuple[RemotePage, ...]:
        found = self._call(account, "GET", "catalogue")
        components = tuple(RemoteItem(one, one.title()) for one in found["components"])
        return (RemotePage("p-1", "Toy page", "toy", components, (RemoteItem("m-1", "Latency"),)),)

    def apply_components(
        self,
        account: Account,
        *,
        page_id: str,
        changes: Mapping[str, ComponentChange],
        at: datetime,
    ) -> None:
        for remote_id, change in changes.items():
            self._call(account, "PUT", f"components/{remote_id}", {"status": change.status})

    def open_incident(
        self, account: Account, *, page_id: str, change: IncidentChange, at: datetime
    ) -> str:
        sent = {
            "key": change.idempotency_key,
            "name": change.name,
            "status": change.status,
            "impact": change.impact,
            "message": change.message,
            "components": dict(change.components),
        }
        return str(self._call(account, "POST", f"pages/{page_id}/incidents", sent)["id"])

    def find_incident(self, account: Account, *, page_id: str, idempotency_key: str) -> str | None:
        query = urllib.parse.urlencode({"key": idempotency_key})
        found = self._call(account, "GET", f"pages/{page_id}/incidents?{query}")
        return str(found[0]["id"]) if found else None

    def resolve_incident(
        self,
        account: Account,
        *,
        page_id: str,
        remote_id: str,
        change: IncidentChange,
        at: datetime,
    ) -> None:
        if self._call(account, "GET", f"incidents/{remote_id}")["status"] == "resolved":
            return
        sent = {"status": change.status, "message": change.message}
        self._call(account, "PUT", f"incidents/{remote_id}", sent)

    def _call(self, account: Account, method: str, path: str, sent: Any = None) -> Any:
        request = urllib.request.Request(
            f"{account.base_url}/{path}",
            data=None if sent is None else json.dumps(sent).encode(),
            headers={"Authorization": account.api_key},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=CALL_TIMEOUT_S) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            if error.code == 429:
                raise ProviderError(
                    "the destination asks to wait",
                    retry_in_s=float(error.headers.get("Retry-After") or 0),
                ) from error
            retry_in_s = 0.0 if error.code >= 500 else None
            raise ProviderError(
                f"the destination answered {error.code}", retry_in_s=retry_in_s
            ) from error
        except Exception as error:
            raise ProviderError(f"no answer: {type(error).__name__}", retry_in_s=0) from error
