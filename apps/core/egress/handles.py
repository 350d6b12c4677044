"""libcurl's easy handles, kept with all set that never changes: for the plainest request only its URL and time are.

A handle is used again as it is only after a request that set nothing else and went well. After any other it is reset,
so that nothing of a request (headers, body, cookies, credentials, pinned addresses) can reach the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import pycurl

from apps.core.egress.guard import Guard

_PROTOCOLS = pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS


@dataclass(frozen=True)
class Manner:
    """What all requests of a process share."""

    guard: Guard
    user_agent: str
    ca_file: str | None


class Caller(Protocol):
    """Whom a handle calls back while it serves them."""

    def open_socket(self, purpose: int, address: Any) -> Any: ...

    def write(self, data: bytes) -> int | None: ...


class Handle:
    """An easy handle for requests that agree in whether TLS is verified and whether cookies are kept.

    `is_plain` is cleared by who sets more than `URL` and `TIMEOUT_MS`. `header_lines` are the last answer's.
    """

    __slots__ = (
        "_caller",
        "_keeps_cookies",
        "_manner",
        "_verify",
        "curl",
        "header_lines",
        "is_plain",
    )

    def __init__(self, manner: Manner, *, verify: bool, keeps_cookies: bool) -> None:
        self.curl = pycurl.Curl()
        self.header_lines: list[bytes] = []
        self._manner = manner
        self._verify = verify
        self._keeps_cookies = keeps_cookies
        self._caller: Caller | None = None
        self._prepare()

    def serve(self, caller: Caller) -> None:
        """Call this one back from now on."""
        self._caller = caller
        self.is_plain = True
        self.header_lines.clear()

    def clear(self, *, went_well: bool) -> None:
        """Forget whom it served, and all that was set for them."""
        self._caller = None
        if not (went_well and self.is_plain):
            self.curl.reset()
            self._prepare()

    def close(self) -> None:
        self._caller = None
        self.curl.close()

    def _prepare(self) -> None:
        self.is_plain = True
        curl = self.curl
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.PROTOCOLS, _PROTOCOLS)
        curl.setopt(pycurl.PROXY, "")
        curl.setopt(pycurl.NOPROXY, "*")
        curl.setopt(pycurl.FRESH_CONNECT, 1)
        curl.setopt(pycurl.FORBID_REUSE, 1)
        curl.setopt(pycurl.PATH_AS_IS, 1)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        curl.setopt(pycurl.ACCEPT_ENCODING, "")
        curl.setopt(pycurl.USERAGENT, self._manner.user_agent)
        curl.setopt(pycurl.DNS_CACHE_TIMEOUT, 0)
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        curl.setopt(pycurl.WRITEFUNCTION, self._write)
        curl.setopt(pycurl.HEADERFUNCTION, self.header_lines.append)
        curl.setopt(pycurl.SSL_VERIFYPEER, 1 if self._verify else 0)
        curl.setopt(pycurl.SSL_VERIFYHOST, 2 if self._verify else 0)
        curl.setopt(pycurl.OPT_CERTINFO, 1)
        # A resumed session sends no certificate, and hides one that was replaced.
        curl.setopt(pycurl.SSL_SESSIONID_CACHE, 0)
        if self._verify and self._manner.ca_file:
            curl.setopt(pycurl.CAINFO, self._manner.ca_file)
        if self._keeps_cookies:
            curl.setopt(pycurl.COOKIEFILE, "")
            # The jar outlives a reset.
            curl.setopt(pycurl.COOKIELIST, "ALL")

    def _open_socket(self, purpose: int, address: Any) -> Any:
        caller = self._caller
        return pycurl.SOCKET_BAD if caller is None else caller.open_socket(purpose, address)

    def _write(self, data: bytes) -> int | None:
        caller = self._caller
        return 0 if caller is None else caller.write(data)


class Handles:
    """The handles of a process, at most `most` of them idle of each kind."""

    def __init__(self, manner: Manner, most: int) -> None:
        self._manner = manner
        self._most = most
        self._idle: dict[tuple[bool, bool], list[Handle]] = {}

    def take(self, *, verify: bool, keeps_cookies: bool) -> Handle:
        """Return an idle handle, or a new one."""
        idle = self._idle.get((verify, keeps_cookies))
        if idle:
            return idle.pop()
        return Handle(self._manner, verify=verify, keeps_cookies=keeps_cookies)

    def give_back(
        self, handle: Handle, *, verify: bool, keeps_cookies: bool, went_well: bool
    ) -> None:
        """Keep a handle for another request."""
        idle = self._idle.setdefault((verify, keeps_cookies), [])
        if len(idle) < self._most:
            handle.clear(went_well=went_well)
            idle.append(handle)
        else:
            handle.close()

    def close(self) -> None:
        """Free those that are idle."""
        for idle in self._idle.values():
            for handle in idle:
                handle.close()
        self._idle.clear()
