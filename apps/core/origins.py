"""From where something is done: the middleware says it once per request, and the audit trail asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from apps.core.actors import Actor
from apps.core.addresses import client_address
from apps.core.models import AuditEvent

Channel = AuditEvent.Channel
API_PREFIXES = ("/api/", "/compat/")
SESSION_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Origin:
    """A channel, the client's IP address, and what stands for its log-in session; "" where there is none."""

    channel: str = ""
    address: str = ""
    session: str = ""


NOWHERE = Origin()
_present: ContextVar[Callable[[], Origin] | None] = ContextVar("origin", default=None)


def origin_of(actor: Actor) -> Origin:
    """Return from where the actor acts now. Automation acts by itself, also while a request is served."""
    if actor.is_automation:
        return Origin(Channel.AUTOMATION)
    found = _present.get()
    if found is not None:
        return found()
    return Origin(Channel.COMMAND) if actor.kind == "command" else NOWHERE


@contextmanager
def coming_from(origin: Origin) -> Iterator[None]:
    """Let what is done inside come from there."""
    token = _present.set(lambda: origin)
    try:
        yield
    finally:
        _present.reset(token)


class OriginMiddleware:
    """Say for each request where it comes from. It stands after the one that gives requests their session."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Looked at only when something is recorded: a request that reads must not open its session.
        token = _present.set(lambda: _origin(request))
        try:
            return self.get_response(request)
        finally:
            _present.reset(token)


def session_mark(session_key: str) -> str:
    """Return what stands for a session in the audit trail; the key itself would let a reader in."""
    digest = salted_hmac(
        "audit.session", session_key, secret=settings.SECRET_KEY, algorithm="sha256"
    )
    return digest.hexdigest()[:SESSION_LENGTH]


def _origin(request: HttpRequest) -> Origin:
    channel = Channel.API if request.path.startswith(API_PREFIXES) else Channel.ADMIN
    session = getattr(request, "session", None)
    key = session.session_key if channel == Channel.ADMIN and session is not None else None
    return Origin(channel, client_address(request), session_mark(key) if key else "")
