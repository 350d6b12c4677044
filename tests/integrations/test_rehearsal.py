"""A rehearsal says what would be sent, exactly, and sends and writes nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.apps import apps as installed

from apps.integrations.changes import to_json
from apps.integrations.models import Connector, ConnectorComponent, Delivery, Integration
from apps.integrations.preview import Draft, DraftLink, draft_of, scene_of
from apps.integrations.rehearsal import Planned
from tests.factories import IntegrationFactory, MonitorFactory
from tests.integrations.scene import (
    deliver_all,
    end_maintenance,
    fails,
    integrate,
    maintain,
    make_monitor,
    make_page,
    minutes,
    recovers,
)

pytestmark = pytest.mark.django_db

FAILS_AT, RECOVERS_AT = minutes(0), minutes(5)


def _rehearsed(integration: Integration) -> tuple[list[Any], list[Any]]:
    scene = scene_of(draft_of(integration))
    played = scene.rehearse(fails_at=FAILS_AT, recovers_at=RECOVERS_AT)
    return [_seen(one) for one in played.fails], [_seen(one) for one in played.recovers]


def _seen(planned: Planned) -> Any:
    return _told(planned.stream, to_json(planned.change))


def _told(stream: str, change: dict[str, Any]) -> Any:
    """Return stream and change but for the outage's own key, which a rehearsal has not."""
    kind, *rest = stream.split(":")
    stream = ":".join([kind, rest[0], rest[-1]]) if kind == "incident" else stream
    return stream, {key: value for key, value in change.items() if key != "idempotency_key"}


def _sent_since(last: int) -> list[Any]:
    rows = Delivery.objects.filter(pk__gt=last).select_related("stream").order_by("pk")
    return [_told(row.stream.key, row.change) for row in rows]


def _last() -> int:
    newest = Delivery.objects.order_by("-pk").values_list("pk", flat=True).first()
    return newest or 0


def _play(monitor: Any, failing_at: datetime, passing_at: datetime) -> tuple[list[Any], list[Any]]:
    last = _last()
    fails(monitor, failing_at)
    first = _sent_since(last)
    last = _last()
    recovers(monitor, passing_at)
    second = _sent_since(last)
    deliver_all()
    return first, second


def test_it_says_exactly_what_is_sent_when_it_happens():
    monitor = make_monitor()
    page = make_page(components=("Checkout", "Search"))
    links = {"Checkout": "major_outage", "Search": "partial_outage"}
    integration = integrate(monitor, page, links=links)

    rehearsed = _rehearsed(integration)

    assert [len(step) for step in rehearsed] == [3, 3]
    assert rehearsed == _play(monitor, FAILS_AT, RECOVERS_AT)


def test_it_names_what_other_integrations_say_of_the_component():
    monitor, page = make_monitor(), make_page()
    integration = integrate(monitor, page)
    other = make_monitor("Check payment")
    integrate(other, page, nickname="Payment to page", incident=None)
    fails(other, minutes(-10))
    deliver_all()

    rehearsed = _rehearsed(integration)

    assert len(rehearsed[0][0][1]["words"]) == 2
    assert rehearsed == _play(monitor, FAILS_AT, RECOVERS_AT)


def test_during_a_maintenance_it_creates_no_incident():
    monitor, page = make_monitor(), make_page()
    integration = integrate(monitor, page)
    maintain("Checkout", minutes(-10))

    rehearsed = _rehearsed(integration)

    assert [len(step) for step in rehearsed] == [1, 1]
    assert rehearsed == _play(monitor, FAILS_AT, RECOVERS_AT)
    end_maintenance("Checkout", minutes(10))


def test_elsewhere_a_component_is_not_touched_before_the_first_failure(toy: Connector):
    component = ConnectorComponent.objects.filter(page__connector=toy).first()
    assert component is not None
    monitor = MonitorFactory()
    draft = Draft(
        monitor_id=monitor.pk,
        page_id=component.page_id,
        link_components=(DraftLink(component.pk, failure_status="partial_outage"),),
    )

    played = scene_of(draft).rehearse(fails_at=FAILS_AT, recovers_at=RECOVERS_AT)

    said = [to_json(one.change)["status"] for one in (*played.fails, *played.recovers)]
    assert said == ["partial_outage", "operational"]


def test_a_paused_one_is_rehearsed_as_if_it_acted():
    integration = integrate(make_monitor(), make_page(), enabled=False)

    fails_, recovers_ = _rehearsed(integration)

    assert [len(fails_), len(recovers_)] == [2, 2]


def test_one_that_fails_now_is_rehearsed_from_the_start():
    monitor, page = make_monitor(), make_page()
    integration = integrate(monitor, page)
    before = _rehearsed(integration)
    fails(monitor, minutes(-5))
    deliver_all()

    assert _rehearsed(integration) == before


def test_nothing_is_written():
    monitor, page = make_monitor(), make_page()
    integration = integrate(monitor, page)
    before = _every_row()

    _rehearsed(integration)

    assert _every_row() == before


def test_it_costs_the_same_with_more_components(django_assert_max_num_queries: Any):
    names = tuple(f"Part {number}" for number in range(12))
    monitor, page = make_monitor(), make_page(components=names)
    integration = integrate(monitor, page, links=dict.fromkeys(names, "major_outage"))
    draft = draft_of(integration)

    with django_assert_max_num_queries(12):
        scene_of(draft).rehearse(fails_at=FAILS_AT, recovers_at=RECOVERS_AT)


def test_what_is_gone_meanwhile_does_not_break_it():
    integration = IntegrationFactory()

    assert _rehearsed(integration) == ([], [])


def _every_row() -> dict[str, list[Any]]:
    return {
        model._meta.label: sorted(model._default_manager.values_list(), key=repr)
        for model in installed.get_models()
        if model._meta.app_label in {"integrations", "incidents", "pages", "monitors", "core"}
    }
