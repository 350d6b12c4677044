"""The main job with real web, worker and beat: a target fails, the page tells; it recovers, the page does too."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.e2e.harness import Installation, wait_for
from tests.e2e.target import Target

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

CONFIGURATION = """
version: 1
workspaces: [{{name: Shop}}]
monitors:
  - name: secret-monitor-name
    workspace: Shop
    interval_s: 2
    timeout_s: 2
    requests:
      - name: Home
        url: "{url}/"
        assertions: [{{source: status, operator: equals, value: 200}}]
pages:
  - slug: shop
    name: Shop
    components: [{{name: Website}}]
    metrics: [{{name: Response time, unit: ms}}]
integrations:
  - nickname: Website to page
    workspace: Shop
    monitor: secret-monitor-name
    page: shop
    link_components: [{{component: Website, failure_status: partial_outage}}]
    create_incident: {{name: The website is failing, impact: major}}
    send_metric: {{metric: Response time}}
"""


def component_status(place: Installation) -> str:
    components = place.json("/status/shop/api/v2/components.json")["components"]
    return str(components[0]["status"])


def summary(place: Installation) -> Any:
    return place.json("/status/shop/api/v2/summary.json")


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def test_a_failing_target_is_on_the_page_with_an_incident_and_its_recovery_too(
    place: Installation, target: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    place.start()
    place.apply(CONFIGURATION.format(url=target.url))
    wait_for(lambda: place.status("/status/shop/") == 200, within_s=5)
    wait_for(lambda: target.answers, within_s=10, hint="the monitor runs")

    delays = []
    for _ in range(3):
        broken_at = time.monotonic()
        target.broken = True
        wait_for(lambda: component_status(place) == "partial_outage", within_s=2 + 1 + 2)
        seen_at = time.monotonic()
        failed_at = target.first_answer_since(broken_at, 503)
        assert failed_at is not None
        delays.append(seen_at - failed_at)
        document = summary(place)
        assert document["status"]["indicator"] != "none"
        assert [incident["name"] for incident in document["incidents"]] == [
            "The website is failing"
        ]
        assert document["incidents"][0]["impact"] == "major"
        html = place.get("/status/shop/")[1].decode()
        assert "Partial outage" in html
        assert "The website is failing" in html
        assert "secret-monitor-name" not in html

        target.broken = False
        wait_for(lambda: component_status(place) == "operational", within_s=2 + 1 + 2)
        assert summary(place)["incidents"] == []

    with capsys.disabled():
        print(
            f"\nfirst failing check to public JSON: median {median(delays) * 1000:.0f} ms of {len(delays)}"
        )
    incidents = place.json("/status/shop/api/v2/incidents.json")["incidents"]
    assert [incident["status"] for incident in incidents] == ["resolved"] * 3
    outages = place.shell(
        "from apps.monitors.models import Outage\n"
        "answer = list(Outage.objects.values_list('closed_at', flat=True))"
    )
    assert len(outages) == 3
    assert None not in outages
    points = place.shell(
        "from apps.pages.models import MetricPoint\nanswer = MetricPoint.objects.count()"
    )
    assert points > 0
