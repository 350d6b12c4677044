"""For the matrix of roles: two teams with a row of every kind, one's people, and their requests.

Requests go straight to the view that the site's resolver gives, as the site wraps it, without middleware and
(mostly) without rendering: the matrix asks for some thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import Http404
from django.test import RequestFactory
from django.urls import resolve

from apps.accounts.models import User
from apps.accounts.tokens import TokenLimits, create_token
from apps.core.models import AuditEvent
from apps.incidents.models import Draft
from apps.incidents.services import keep_draft
from apps.integrations.mirror import native_connector
from apps.integrations.models import Delivery
from apps.pages.services import correct_period
from tests import factories as make
from tests.factories import NOW

OUTSIDER, SUPERUSER, NOBODY = "outsider", "superuser", "nobody"
# From who may least to who may most; everybody but the first is staff with one role in the workspace and on the page.
PEOPLE = (OUTSIDER, "viewer", "editor", "publisher", "admin", SUPERUSER)
MISSING = 987_654_321
WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")


class Place:
    """A team's workspace and page with a row of every kind; `mark` is in every name."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self.workspace = make.WorkspaceFactory(name=f"{mark} team")
        self.page = make.PageFactory(name=f"{mark} page")
        self.rows: dict[str, Any] = {}

    def __getitem__(self, kind: str) -> Any:
        if kind not in self.rows:
            self.rows[kind] = ROWS[kind](self)
        return self.rows[kind]

    def native_page(self) -> Any:
        return make.ConnectorPageFactory(
            connector=native_connector(),
            remote_id=self.page.public_id,
            name=f"{self.mark} native page",
        )


def _member(place: Place) -> Any:
    return make.UserFactory(username=f"{place.mark}-member")


def _on_page(factory: Any, **fields: Any) -> Callable[[Place], Any]:
    return lambda place: factory(page=place.page, name=f"{place.mark} row", **fields)


def _component(place: Place) -> Any:
    row = make.ComponentFactory(page=place.page, name=f"{place.mark} component")
    make.StatusContributionFactory(component=row)
    return row


def _correction(place: Place) -> Any:
    return correct_period(
        component_id=place["pages.component"].pk,
        started_at=NOW - timedelta(hours=2),
        ended_at=NOW - timedelta(hours=1),
        status="operational",
        reason=f"{place.mark} reason",
        actor=make.PERSON,
        at=NOW,
    )


def _monitor(place: Place, **fields: Any) -> Any:
    row = make.MonitorFactory(
        workspace=place.workspace, name=f"{place.mark} monitor {len(place.rows)}", **fields
    )
    make.ScheduleFactory(monitor=row)
    return row


def _draft(place: Place, state: str = "draft") -> Any:
    incident = make.IncidentFactory(page=place.page, name=f"{place.mark} drafted")
    row = keep_draft(
        page_id=place.page.pk,
        kind=Draft.Kind.POST_UPDATE,
        asked={"status": "identified", "message": f"{place.mark} words"},
        incident_id=incident.pk,
        actor=make.PERSON,
        at=NOW,
    )
    Draft.objects.filter(pk=row.pk).update(state=state)
    return row


def _token(place: Place) -> Any:
    token, _ = create_token(
        user=place["accounts.user"],
        name=f"{place.mark} token",
        limits=TokenLimits(),
        actor=make.PERSON,
        at=NOW,
    )
    return token


def _run_key(place: Place) -> str:
    """Make a run of the place's monitor; return its name in addresses."""
    schedule = place["monitors.monitor"].schedules.get()
    run = make.RunFactory(schedule=schedule, due_at=NOW)
    return f"{round(run.due_at.timestamp() * 1_000_000)}-{schedule.pk}"


def _delivery(place: Place) -> Any:
    stream = make.DeliveryStreamFactory(
        component=place["integrations.connectorcomponent"], last_sequence=1
    )
    return make.DeliveryFactory(
        stream=stream,
        sequence=1,
        integration=place["integrations.integration"],
        state=Delivery.State.DEAD,
        last_error=f"{place.mark} error",
    )


# {kind: how to make one of the place}; a kind is a model's label, or one with a state in words behind it.
ROWS: dict[str, Callable[[Place], Any]] = {
    "accounts.user": _member,
    "accounts.workspace": lambda place: place.workspace,
    "accounts.apitoken": _token,
    "pages.page": lambda place: place.page,
    "pages.component": _component,
    "pages.componentgroup": _on_page(make.ComponentGroupFactory),
    "pages.metric": _on_page(make.MetricFactory),
    "pages.correction": _correction,
    "monitors.location": lambda place: make.LocationFactory(),
    "monitors.monitor": lambda place: _monitor(place, tags=["shop"]),
    "monitors.monitor paused": lambda place: _monitor(place, paused=True),
    "a run's key": _run_key,
    "monitors.outage": lambda place: make.OutageFactory(
        monitor=place["monitors.monitor"], reason=f"{place.mark} reason"
    ),
    "incidents.incident": _on_page(make.IncidentFactory),
    "incidents.incident automated": _on_page(make.IncidentFactory, automated=True),
    "incidents.incident resolved": _on_page(make.IncidentFactory, resolved=True),
    "incidents.incident with a story": lambda place: (
        make.PostmortemFactory(
            incident__page=place.page, incident__name=f"{place.mark} story"
        ).incident
    ),
    "incidents.draft": _draft,
    "incidents.draft waiting": lambda place: _draft(place, "waiting"),
    "incidents.maintenance": _on_page(make.MaintenanceFactory),
    "incidents.maintenance in progress": _on_page(make.MaintenanceFactory, in_progress=True),
    "incidents.maintenanceseries": _on_page(make.MaintenanceSeriesFactory),
    "incidents.incidenttemplate": _on_page(make.IncidentTemplateFactory),
    "integrations.connector": lambda place: make.ConnectorFactory(),
    "integrations.connectorpage": lambda place: place.native_page(),
    "integrations.connectorcomponent": lambda place: make.ConnectorComponentFactory(
        page=place["integrations.connectorpage"], name=f"{place.mark} component"
    ),
    "integrations.connectormetric": lambda place: make.ConnectorMetricFactory(
        page=place["integrations.connectorpage"], name=f"{place.mark} metric"
    ),
    "integrations.integration": lambda place: make.IntegrationFactory(
        monitor=place["monitors.monitor"],
        page=place["integrations.connectorpage"],
        nickname=f"{place.mark} bridge",
    ),
    "integrations.delivery": _delivery,
    "integrations.integration off": lambda place: make.IntegrationFactory(
        monitor=place["monitors.monitor"],
        page=place["integrations.connectorpage"],
        nickname=f"{place.mark} bridge, off",
        enabled=False,
    ),
    "core.auditevent": lambda place: AuditEvent.objects.create(
        at=NOW, actor_kind="person", action="monitor.updated", object_label=f"{place.mark} label"
    ),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request: the status, where it led, what it wrote, and the answer itself."""

    status: int
    location: str = ""
    writes: tuple[str, ...] = ()
    response: Any = field(default=None, compare=False, repr=False)

    @property
    def is_refused(self) -> bool:
        return self.status in (403, 404) or self.leads_away

    @property
    def leads_away(self) -> bool:
        """Tell whether Django says that there is no such row: it leads to the overview."""
        return self.status == 302 and self.location == "/admin/"


class Scene:
    """Three teams and one person of each kind.

    In ours people have their role, in the one seen all are viewers, of the foreign one they know nothing.
    """

    def __init__(self) -> None:
        self.own, self.seen, self.foreign = Place("OURS"), Place("SEEN"), Place("CANARY")
        for place in (self.own, self.seen, self.foreign):
            for kind in ROWS:
                place[kind]
        self.people: dict[str, Any] = {"anonymous": AnonymousUser()}
        for name in PEOPLE:
            self.people[name] = self._person(name)

    def _person(self, name: str) -> User:
        user: User = make.UserFactory(username=f"the-{name}", is_superuser=name == SUPERUSER)
        if name not in (OUTSIDER, SUPERUSER):
            for place, role in ((self.own, name), (self.seen, "viewer")):
                make.MembershipFactory(user=user, workspace=place.workspace, role=role)
                make.PageMembershipFactory(user=user, page=place.page, role=role)
        return user

    def request(
        self, person: str, url: str, data: dict[str, Any] | None = None, *, posts: bool = False
    ) -> Any:
        """Return a request of the person as a view gets it."""
        requests = RequestFactory()
        request: Any = requests.post(url, data or {}) if posts else requests.get(url, data)
        # A fresh one: what a request remembers of its person is the request's.
        user = self.people[person]
        request.user = User.objects.get(pk=user.pk) if user.pk else user
        request.session = SessionStore()
        request._messages = CookieStorage(request)
        request._dont_enforce_csrf_checks = True
        request.resolver_match = resolve(url.partition("?")[0])
        return request

    def ask(
        self,
        person: str,
        url: str,
        data: dict[str, Any] | None = None,
        *,
        posts: bool = False,
        renders: bool = False,
    ) -> Outcome:
        """Send a request as the person; what it changed is taken back."""
        request = self.request(person, url, data, posts=posts)
        match = request.resolver_match
        with _undone(), _writes() as written:
            try:
                response = match.func(request, *match.args, **match.kwargs)
                if renders and hasattr(response, "render"):
                    response.render()
            except PermissionDenied:
                return Outcome(403, writes=tuple(written))
            except Http404:
                return Outcome(404, writes=tuple(written))
            location = response.headers.get("Location", "")
        return Outcome(response.status_code, location, tuple(written), response)


@contextmanager
def _undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def _writes() -> Iterator[list[str]]:
    written: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().upper().startswith(WRITES):
            written.append(" ".join(sql.split()[:3]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield written
