from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.incidents.models import Incident
from apps.pages.models import Component, Page
from apps.publishing import layout, services
from apps.publishing.incident_selectors import MOST_TOLD
from apps.publishing.models import ArchiveFile, ArchiveMonth, Publication
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def page() -> Page:
    row: Page = make.PageFactory(slug="acme", name="Acme")
    return row


@pytest.fixture
def rebuild(page: Page, published_dir: Path) -> Any:
    def run() -> None:
        services.request(page_ids=[page.pk], at=timezone.now())
        Publication.objects.update(published_at=None)
        while services.build_due() is not None:
            Publication.objects.update(published_at=None)
        assert Publication.objects.get(pk=page.pk).last_error == ""

    return run


def incident(page: Page, *, days_ago: int, **values: Any) -> Incident:
    began = timezone.now() - timedelta(days=days_ago)
    done = {"status": "resolved", "resolved_at": began + timedelta(hours=1)}
    row: Incident = make.IncidentFactory(page=page, started_at=began, **(done | values))
    return row


def file(published_dir: Path, page: Page, key: str) -> Path:
    return layout.archive_dir(published_dir, page.public_id) / f"{key}.html"


def month(at: datetime) -> str:
    return f"history/{at:%Y-%m}"


def stamps(published_dir: Path, page: Page) -> dict[str, int]:
    folder = layout.archive_dir(published_dir, page.public_id)
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*.html")}


def test_incident_pages_and_closed_months_are_files_of_their_own(page, rebuild, published_dir):
    recent, old = incident(page, days_ago=0), incident(page, days_ago=80)

    rebuild()

    for row in (recent, old):
        content = file(published_dir, page, f"incidents/{row.public_id}").read_text()
        assert row.name in content
    assert old.name in file(published_dir, page, month(old.started_at)).read_text()
    assert not file(published_dir, page, month(timezone.now())).exists()


def test_nothing_is_written_again_while_nothing_changed(page, rebuild, published_dir):
    for days in (0, 3, 40, 80):
        incident(page, days_ago=days)
    rebuild()
    before, seq = stamps(published_dir, page), Publication.objects.get().archive_seq

    rebuild()

    assert stamps(published_dir, page) == before
    assert Publication.objects.get().archive_seq == seq


def test_an_old_incident_that_is_edited_is_written_again_with_its_month(
    page, rebuild, published_dir
):
    for _ in range(52):
        incident(page, days_ago=100)
    old = incident(page, days_ago=300)
    rebuild()

    Incident.objects.filter(pk=old.pk).update(name="Put right", updated_at=timezone.now())
    rebuild()

    for key in (f"incidents/{old.public_id}", month(old.started_at)):
        assert "Put right" in file(published_dir, page, key).read_text()


def test_an_archived_incident_goes(page, rebuild, published_dir):
    gone = incident(page, days_ago=40)
    rebuild()

    Incident.objects.filter(pk=gone.pk).update(archived_at=timezone.now())
    rebuild()

    assert not file(published_dir, page, f"incidents/{gone.public_id}").exists()
    assert gone.name not in file(published_dir, page, month(gone.started_at)).read_text()


def test_a_component_that_is_hidden_leaves_every_archived_page(page, rebuild, published_dir):
    component = make.ComponentFactory(page=page, name="Sensitive thing")
    for _ in range(60):
        row = incident(page, days_ago=30)
        make.IncidentComponentFactory(incident=row, component=component)
    rebuild()
    folder = layout.archive_dir(published_dir, page.public_id)
    told = (folder / "incidents").rglob("*.html")
    assert sum("Sensitive" in path.read_text() for path in told) == 60

    Component.objects.update(hidden=True)
    rebuild()

    kept = [path for path in folder.rglob("*") if path.suffix in {".html", ".json"}]
    assert not any("Sensitive" in path.read_text() for path in kept)
    assert Publication.objects.get().archive_cursor == 0


def test_a_walk_goes_on_in_builds_of_its_own_and_holds_up_no_version(page, published_dir):
    for _ in range(60):
        incident(page, days_ago=30)
    services.request(page_ids=[page.pk], at=timezone.now())

    wait = services.build_due()

    row = Publication.objects.get()
    assert row.published_seq == 1
    assert row.archive_cursor > 0
    assert wait == pytest.approx(0.2)


def test_what_a_build_wrote_before_it_died_is_written_again(page, rebuild, published_dir):
    row = incident(page, days_ago=1)
    rebuild()
    path = file(published_dir, page, f"incidents/{row.public_id}")
    path.write_text("written by a build that died before it said so")
    ArchiveFile.objects.all().delete()

    rebuild()

    assert row.name in path.read_text()


def test_a_month_that_closes_is_written(page, rebuild, published_dir):
    row = incident(page, days_ago=40)
    rebuild()
    ArchiveMonth.objects.all().delete()
    file(published_dir, page, month(row.started_at)).unlink()

    rebuild()

    assert row.name in file(published_dir, page, month(row.started_at)).read_text()


def test_an_incident_whose_start_is_put_right_moves_to_another_month(page, rebuild, published_dir):
    row = incident(page, days_ago=100)
    before = month(row.started_at)
    rebuild()

    began = row.started_at - timedelta(days=70)
    Incident.objects.filter(pk=row.pk).update(started_at=began, updated_at=timezone.now())
    rebuild()

    assert row.name not in file(published_dir, page, before).read_text()
    assert row.name in file(published_dir, page, month(began)).read_text()


def test_maintenance_and_post_mortems_are_in_the_archive(page, rebuild, published_dir):
    row = incident(page, days_ago=100)
    ended = row.started_at + timedelta(hours=5)
    work = make.MaintenanceFactory(
        page=page,
        status="completed",
        created_at=row.started_at,
        scheduled_for=row.started_at,
        started_at=row.started_at,
        completed_at=ended,
    )
    rebuild()
    make.PostmortemFactory(
        incident=row, published=True, draft="We learnt a lot.", updated_at=timezone.now()
    )
    rebuild()

    told = file(published_dir, page, month(row.started_at)).read_text()
    assert row.name in told
    assert work.name in told
    page_of = file(published_dir, page, f"incidents/{row.public_id}").read_text()
    assert "We learnt a lot." in page_of
    folder = layout.archive_dir(published_dir, page.public_id)
    document = json.loads((folder / f"incidents/{row.public_id}.json").read_text())
    assert document["status"] == "postmortem"
    index = (layout.current_link(published_dir, page.public_id) / "history.html").read_text()
    assert "1 incident, 1 maintenance" in index


def test_closed_quarters_are_documents_of_their_own(page, rebuild, published_dir):
    row = incident(page, days_ago=200)

    rebuild()

    folder = layout.archive_dir(published_dir, page.public_id) / "history"
    quarter = f"{row.started_at.year}-q{(row.started_at.month + 2) // 3}"
    document = json.loads((folder / f"{quarter}.json").read_text())
    codes = [one["code"] for part in document["months"] for one in part["incidents"]]
    assert codes == [row.public_id]


def test_an_incidents_document_follows_its_components_while_it_is_open(
    page, rebuild, published_dir
):
    component = make.ComponentFactory(page=page, status="major_outage")
    row = make.IncidentFactory(page=page, started_at=timezone.now())
    old = incident(page, days_ago=50)
    for one in (row, old):
        make.IncidentComponentFactory(incident=one, component=component)
    rebuild()
    folder = layout.archive_dir(published_dir, page.public_id) / "incidents"
    stamp = (folder / f"{old.public_id}.json").stat().st_mtime_ns

    Component.objects.update(status="operational")
    rebuild()

    document = json.loads((folder / f"{row.public_id}.json").read_text())
    assert [one["status"] for one in document["components"]] == ["operational"]
    assert (folder / f"{old.public_id}.json").stat().st_mtime_ns == stamp


def test_a_closed_month_of_a_flapping_monitor_tells_of_the_newest_and_counts_all(
    page, rebuild, published_dir
):
    last = timezone.now().replace(day=1, hour=0, minute=0) - timedelta(days=2)
    for number in range(MOST_TOLD + 2):
        at = last + timedelta(seconds=number)
        make.IncidentFactory(
            page=page, started_at=at, status="resolved", resolved_at=at, name=f"No {number:03d}."
        )

    rebuild()

    content = file(published_dir, page, month(last)).read_text()
    assert "No 001." not in content
    assert "No 002." in content
    assert f"the newest {MOST_TOLD} incidents are listed" in content
    kept = ArchiveMonth.objects.get(key=f"{last:%Y-%m}")
    assert kept.incidents == MOST_TOLD + 2
    assert len(kept.document["incidents"]) == MOST_TOLD
