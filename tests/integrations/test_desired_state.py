"""Whatever happens in whatever order, also with deaths in between, the page ends where it should."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.incidents.models import Incident
from apps.integrations.deliver.local import attempt_local
from apps.integrations.models import ComponentLink, Delivery, DeliveryStream, Integration
from apps.integrations.selectors import definition_of
from apps.integrations.services import set_enabled, update_integration
from apps.monitors.models import Outage
from apps.pages.models import StatusContribution, StatusPeriod
from apps.pages.status import worst
from tests.factories import PERSON
from tests.integrations.scene import (
    INCIDENT,
    deliver_all,
    fails,
    integrate,
    make_monitor,
    make_page,
    minutes,
    pending,
    recovers,
    statuses,
)

# A few each time; the seeds differ from run to run. STATE_EXAMPLES=500 looks harder.
EXAMPLES = int(os.environ.get("STATE_EXAMPLES", "10"))

NAMES = ("a", "b", "c")
# Integrations by name: their monitor and the components that they link.
MONITORS = {"a": 0, "b": 1, "c": 1}
LINKS = {"a": ("Checkout",), "b": ("Checkout", "Website"), "c": ("Website",)}

steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["fail", "recover"]), st.integers(0, 1)),
        st.tuples(
            st.sampled_from(["disable", "enable", "incident", "worse"]), st.sampled_from(NAMES)
        ),
        st.tuples(st.sampled_from(["deliver", "deliver one", "die"]), st.none()),
    ),
    min_size=3,
    max_size=14,
)


class ProcessDied(Exception):
    """The end of a process in the middle of a delivery."""


class Story:
    """The world of one example, and what was done to it."""

    def __init__(self) -> None:
        page = make_page(components=("Checkout", "Website"))
        self.monitors = [make_monitor("first"), make_monitor("second")]
        for name in NAMES:
            integrate(
                self.monitors[MONITORS[name]],
                page,
                nickname=name,
                links=dict.fromkeys(LINKS[name], "partial_outage"),
            )
        self.at = minutes(0)

    def take(self, action: str, subject: int | str | None) -> None:
        self.at += timedelta(minutes=1)
        if isinstance(subject, int):
            self._monitor(action, subject)
        elif isinstance(subject, str):
            self._integration(action, subject)
        elif action == "deliver":
            deliver_all()
        elif action == "deliver one":
            attempt_local(until=0)
        else:
            with suppress(ProcessDied), transaction.atomic():
                attempt_local(until=0)
                raise ProcessDied

    def _monitor(self, action: str, number: int) -> None:
        monitor = self.monitors[number]
        is_open = Outage.objects.open().filter(monitor=monitor).exists()
        if action == "fail" and not is_open:
            fails(monitor, self.at)
        if action == "recover" and is_open:
            recovers(monitor, self.at)

    def _integration(self, action: str, nickname: str) -> None:
        row = Integration.objects.get(nickname=nickname)
        if action in {"disable", "enable"}:
            set_enabled(integration_id=row.pk, enabled=action == "enable", actor=PERSON, at=self.at)
            return
        held = definition_of(row)
        if action == "incident":
            changed = replace(held, create_incident=None if held.create_incident else INCIDENT)
        else:
            flipped = {"partial_outage": "major_outage", "major_outage": "partial_outage"}
            links = tuple(
                replace(link, failure_status=flipped[link.failure_status])
                for link in held.link_components
            )
            changed = replace(held, link_components=links)
        update_integration(integration_id=row.pk, definition=changed, actor=PERSON, at=self.at)


def expected_words() -> dict[tuple[str, str], str]:
    """Return {(component, link key): status} that should be said, from the configuration and the outages."""
    failing = set(Outage.objects.open().values_list("monitor_id", flat=True))
    return {
        (link.component.name, link.public_id): link.failure_status
        if link.integration.monitor_id in failing
        else link.success_status
        for link in ComponentLink.objects.filter(
            archived_at__isnull=True, integration__enabled=True
        ).select_related("component", "integration")
    }


def check_incidents() -> None:
    keys = Counter(Incident.objects.values_list("idempotency_key", flat=True))
    assert set(keys.values()) <= {1}
    streams = {
        stream.key: stream
        for stream in DeliveryStream.objects.filter(kind="incident").select_related(
            "outage", "rule__integration"
        )
    }
    assert set(streams) == set(keys)
    for incident in Incident.objects.all():
        stream = streams[str(incident.idempotency_key)]
        assert stream.outage is not None
        tended = stream.abandoned_at is None
        assert incident.is_open == (stream.outage.is_open or not tended)
    for integration in Integration.objects.select_related("incident_rule"):
        outage = Outage.objects.open().filter(monitor=integration.monitor).first()
        wanted = outage is not None and integration.enabled and integration.incident_rule.enabled
        held = [
            stream
            for stream in streams.values()
            if stream.rule == integration.incident_rule
            and stream.outage == outage
            and stream.abandoned_at is None
        ]
        assert len(held) == (1 if wanted else 0)


@pytest.mark.django_db
def test_any_sequence_ends_in_the_desired_state() -> None:
    story = Story()

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(steps)
    def holds(taken: list[tuple[str, int | str | None]]) -> None:
        with transaction.atomic():
            story.at = minutes(0)
            for action, subject in taken:
                story.take(action, subject)

            deliver_all()

            check_components()
            check_incidents()
            assert pending() == 0
            assert not Delivery.objects.filter(state="dead").exists()
            transaction.set_rollback(True)

    holds()


def check_components() -> None:
    words = expected_words()
    held = StatusContribution.objects.values_list("component__name", "key", "status")
    assert {(name, key): status for name, key, status in held} == words
    for name, status in statuses().items():
        assert status == worst(word for (where, _), word in words.items() if where == name)
    assert periods_follow_time()


def periods_follow_time() -> bool:
    """Whether the periods of each component follow each other without a hole."""
    for name in statuses():
        rows = list(StatusPeriod.objects.filter(component__name=name).order_by("started_at", "pk"))
        ends: list[datetime | None] = [row.ended_at for row in rows]
        if ends[:-1] != [row.started_at for row in rows[1:]] or ends[-1] is not None:
            return False
    return True
