"""What the tests of the egress share."""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass, field
from typing import Any

import trustme

from apps.core.egress import EgressRequest, EgressResponse, Lookup, Transfers

TRUSTED = frozenset({"127.0.0.1", "localhost"})


def request(url: str, method: str = "GET", **options: Any) -> EgressRequest:
    """A request that may reach loopback."""
    return EgressRequest(method, url, **{"timeout_s": 5.0, "trusted_hosts": TRUSTED, **options})


@dataclass
class Answers:
    """Collects what `submit` calls back with, in order, under names."""

    arrived: list[tuple[str, EgressResponse]] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def take(self, name: str) -> Any:
        def on_done(response: EgressResponse) -> None:
            with self._changed:
                self.arrived.append((name, response))
                self._changed.notify_all()

        return on_done

    def wait_for(self, count: int, timeout_s: float = 20.0) -> list[tuple[str, EgressResponse]]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.arrived) >= count, timeout_s)
            return list(self.arrived)


def names(table: dict[str, tuple[str, ...]]) -> Any:
    """A DNS of its own: the table's names, and nothing else."""

    def resolve(host: str) -> Lookup:
        addresses = table.get(host, ())
        return Lookup(addresses, "" if addresses else "no such name")

    return resolve


def server_tls(authority: trustme.CA, *hosts: str, **options: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*hosts, **options).configure_cert(context)
    return context


__all__ = ["TRUSTED", "Answers", "Transfers", "names", "request", "server_tls"]
