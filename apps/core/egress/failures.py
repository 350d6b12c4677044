"""What went wrong, in words. libcurl's error numbers (libcurl-errors(3)) become stable codes and sentences.

| code | fault | when |
|---|---|---|
| `invalid_request` | request | the method, URL or a header cannot be sent |
| `address_refused` | request | the guard refused every address of the host |
| `dns_failed` | network | the name does not resolve |
| `connect_failed` | network | nothing accepts connections there |
| `timeout` | network | the time ran out; the message names the phase |
| `tls_failed` | network | the handshake broke |
| `certificate_invalid` | target | the certificate does not verify |
| `closed_early` | network | the connection ended before an answer, or in the middle of one |
| `send_failed`, `receive_failed` | network | the connection broke |
| `not_http` | target | the answer is not HTTP |
| `bad_encoding` | target | the compressed body cannot be decoded |
| `body_too_large`, `headers_too_large` | target | more than is read |
| `too_many_redirects`, `bad_redirect` | target | the chain does not end, or leaves HTTP |
| `protocol_error` | target | HTTP/2 framing, or anything else that libcurl rejects |
| `stalled` | platform | the time ran out while we stood still |
| `no_slot`, `stopped`, `no_ca_file`, `internal` | platform | we could not send |
"""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass

import pycurl

from apps.core.egress.request import EgressError, Fault, Timings

# libcurl takes 300 kB and 5,000 lines of header, 100 kB in one line.
_HEADER_FLOOD = re.compile(
    r"too (large|many|long).*header|header.*too (large|many|long)", re.IGNORECASE
)
_TOO_LARGE = 100  # CURLE_TOO_LARGE, which pycurl does not name
_WANTS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_CERTIFICATE = re.compile(r"^SSL(?: certificate problem)?: ")


@dataclass(frozen=True)
class Facts:
    """What is known of a transfer that failed. `hop` is its last one's timings; None: the name was not resolved."""

    where: str
    is_tls: bool
    timeout_s: float
    hop: Timings | None
    status: int | None
    received_bytes: int


def explain(code: int, detail: str, facts: Facts) -> EgressError:
    """Turn libcurl's error number and text into an error that says what to look at."""
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return timed_out(facts)
    if code == _TOO_LARGE or _HEADER_FLOOD.search(detail):
        return EgressError(
            "headers_too_large", "the header fields of the answer are too large", Fault.TARGET
        )
    if code == pycurl.E_COULDNT_RESOLVE_HOST:
        return EgressError("dns_failed", f"{facts.where}: the name does not resolve", Fault.NETWORK)
    if code == pycurl.E_COULDNT_CONNECT:
        reason = "connection refused" if _is_refused(detail) else "no connection"
        return EgressError("connect_failed", f"{reason} by {facts.where}", Fault.NETWORK)
    if code == pycurl.E_PEER_FAILED_VERIFICATION:
        text = _CERTIFICATE.sub("", detail) or "it does not verify"
        return EgressError(
            "certificate_invalid", f"the certificate of {facts.where}: {text}", Fault.TARGET
        )
    if code == pycurl.E_SSL_CONNECT_ERROR:
        return EgressError(
            "tls_failed", f"the TLS handshake with {facts.where} failed: {detail}", Fault.NETWORK
        )
    if code == pycurl.E_SSL_CACERT_BADFILE:
        return EgressError(
            "no_ca_file", "the file of trusted certificates cannot be read", Fault.PLATFORM
        )
    if code == pycurl.E_GOT_NOTHING:
        return EgressError(
            "closed_early", f"{facts.where} closed the connection without an answer", Fault.NETWORK
        )
    if code == pycurl.E_PARTIAL_FILE:
        return EgressError(
            "closed_early",
            f"{facts.where} closed the connection in the middle of the body",
            Fault.NETWORK,
        )
    if code == pycurl.E_SEND_ERROR:
        return EgressError(
            "send_failed", f"the connection to {facts.where} broke while sending", Fault.NETWORK
        )
    if code == pycurl.E_RECV_ERROR:
        return _receive_error(detail, facts)
    if code in (pycurl.E_UNSUPPORTED_PROTOCOL, pycurl.E_FTP_WEIRD_SERVER_REPLY):
        return EgressError("not_http", f"the answer of {facts.where} is not HTTP", Fault.TARGET)
    if code == pycurl.E_BAD_CONTENT_ENCODING:
        return EgressError(
            "bad_encoding", "the compressed body is damaged or of an unknown kind", Fault.TARGET
        )
    if code in (pycurl.E_OUT_OF_MEMORY, pycurl.E_FAILED_INIT):
        return EgressError("internal", f"libcurl: {detail}", Fault.PLATFORM)
    return EgressError(
        "protocol_error", f"{facts.where}: {detail or f'libcurl error {code}'}", Fault.TARGET
    )


def timed_out(facts: Facts) -> EgressError:
    """Say in which phase the time ran out."""
    if facts.hop is None:
        phase = "the name was not resolved"
    elif facts.hop.connect_ms == 0:
        phase = "no connection was made"
    elif facts.is_tls and facts.hop.tls_ms == 0:
        phase = "the TLS handshake did not end"
    elif facts.status is None:
        phase = "no answer came"
    else:
        phase = f"the answer did not end ({facts.received_bytes} bytes of its body came)"
    return EgressError(
        "timeout", f"{phase} within {facts.timeout_s:g} s at {facts.where}", Fault.NETWORK
    )


def is_our_want(error: OSError) -> bool:
    """Tell whether a socket could not be made for want of something that this host is out of."""
    return error.errno in _WANTS


def wanting(error: OSError) -> EgressError:
    """Say what this host is out of: it says nothing about the target."""
    return EgressError(
        "internal", f"no connection could be opened here: {error.strerror}", Fault.PLATFORM
    )


def too_large(limit: int) -> EgressError:
    return EgressError(
        "body_too_large", f"the body is larger than the {limit} bytes that are read", Fault.TARGET
    )


def _is_refused(detail: str) -> bool:
    return "refused" in detail.lower() or "could not connect" in detail.lower()


def _receive_error(detail: str, facts: Facts) -> EgressError:
    lowered = detail.lower()
    if any(word in lowered for word in ("chunk", "malformed", "invalid", "nul byte", "header")):
        return EgressError("protocol_error", f"{facts.where}: {detail}", Fault.TARGET)
    return EgressError(
        "receive_failed", f"the connection to {facts.where} broke while receiving", Fault.NETWORK
    )
