"""What staff do by the services keeps the contract after each of their steps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.configuration.services import apply_content
from apps.incidents import services as incidents
from apps.pages.models import Page
from apps.publishing import services
from apps.publishing.assets import load_assets
from apps.publishing.models import Publication
from tests import factories as make
from tests.factories import NOW, PERSON
from tests.publishing.test_generated import check_everything

pytestmark = pytest.mark.django_db

DEMO = Path(__file__).resolve().parent.parent.parent / "examples" / "demo.yaml"


def built(page: Page, at: Any) -> services.Built:
    make.PublicationFactory(page=page)
    made = services.render(Publication.objects.get(page=page), load_assets(), at=at)
    check_everything(made)
    return made


def test_each_step_of_staff_is_published_as_the_contract_wants_it() -> None:
    page = make.PageFactory(time_zone="America/Tijuana")
    first, second = (make.ComponentFactory(page=page) for _ in range(2))
    clock = [NOW]
    event: dict[str, Any] = {}

    def by(**values: Any) -> dict[str, Any]:
        return {**values, "actor": PERSON, "at": clock[0]}

    def keep(name: str, row: Any) -> None:
        event[name] = row.pk

    past = [
        incidents.PastUpdate(
            status="investigating", message="We look.", at=NOW - timedelta(days=40)
        ),
        incidents.PastUpdate(status="resolved", message="Over.", at=NOW - timedelta(days=39)),
    ]
    steps: list[Callable[[], Any]] = [
        lambda: keep("one", incidents.open_incident(**by(page_id=page.pk, name="One", status="investigating", message="?", components={first.pk: "major_outage"}))[0]),
        lambda: keep("two", incidents.open_incident(**by(page_id=page.pk, name="Two", status="in_progress", message="", components={second.pk: "degraded_performance"}))[0]),
        lambda: incidents.post_update(**by(incident_id=event["one"], status="monitoring", message="Better.", components={first.pk: "operational"})),
        lambda: incidents.merge_incidents(**by(incident_id=event["two"], into_id=event["one"])),
        lambda: incidents.post_update(**by(incident_id=event["one"], status="resolved", message="Over.")),
        lambda: incidents.save_postmortem(**by(incident_id=event["one"], body="# Why\n\nA reason.")),
        lambda: incidents.publish_postmortem(**by(incident_id=event["one"])),
        lambda: incidents.post_update(**by(incident_id=event["one"], status="investigating", message="Again.")),
        lambda: incidents.post_update(**by(incident_id=event["one"], status="resolved", message="Over.")),
        lambda: incidents.publish_postmortem(**by(incident_id=event["one"], body="Another reason.")),
        lambda: incidents.tell_past_incident(**by(page_id=page.pk, name="Past", updates=past)),
        lambda: keep("work", incidents.create_maintenance(**by(page_id=page.pk, name="Work", message="Soon.", components=[first.pk], scheduled_for=NOW + timedelta(days=1), scheduled_until=NOW + timedelta(days=2)))[0]),
        lambda: keep("other", incidents.create_maintenance(**by(page_id=page.pk, name="Other", message="", scheduled_for=NOW + timedelta(days=3), scheduled_until=NOW + timedelta(days=4)))[0]),
        lambda: incidents.cancel_maintenance(**by(maintenance_id=event["other"], message="Not now.")),
        lambda: incidents.post_maintenance_update(**by(maintenance_id=event["work"], status="in_progress", message="We begin.")),
        lambda: incidents.post_maintenance_update(**by(maintenance_id=event["work"], status="verifying", message="We look.")),
        lambda: incidents.post_maintenance_update(**by(maintenance_id=event["work"], status="completed", message="Done.")),
        lambda: incidents.archive_incident(**by(incident_id=event["two"])),
    ]  # fmt: skip
    for step in steps:
        clock[0] += timedelta(minutes=7, milliseconds=3)

        step()

        built(page, clock[0])
    names = [one.name for one in built(page, clock[0]).model.incidents]
    assert names == ["One", "Past"]
    assert [one.is_cancelled for one in built(page, clock[0]).model.maintenances] == [True, False]


def test_the_demo_is_published_as_the_contract_wants_it() -> None:
    report = apply_content(
        DEMO.read_bytes(),
        actor=PERSON,
        at=NOW,
        environ={"DEMO_URL": "http://127.0.0.1:9", "DEMO_PASSWORD": "hunter2"},
    )

    assert [str(problem) for problem in report.problems] == []
    for page in Page.objects.all():
        built(page, NOW)
