"""Nothing private is in any published file (invariant 11): canaries in every private field of every app."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import pytest
from django.utils import timezone

from apps.pages.models import StatusContribution
from apps.publishing import services
from apps.publishing.models import ArchiveFile, Bundle
from tests import factories as make

pytestmark = pytest.mark.django_db

CANARY = "canary"


def test_no_private_field_is_in_any_published_file(published_dir: Path) -> None:
    now = timezone.now()
    page = make.PageFactory(slug="acme", name="Acme")
    shown = make.ComponentFactory(page=page, name="Checkout API")
    hidden = make.ComponentFactory(
        page=page, name=f"{CANARY} hidden", description=f"{CANARY} text", hidden=True
    )
    make.ComponentFactory(page=page, name=f"{CANARY} archived", archived=True)
    make.ComponentFactory(unplaced=True, name=f"{CANARY} unplaced")
    private_group = make.ComponentGroupFactory(page=page, name=f"{CANARY} group")
    make.ComponentFactory(page=page, group=private_group, name=f"{CANARY} inner", hidden=True)
    make.MetricFactory(page=page, name=f"{CANARY} metric", hidden=True)
    monitor = make.MonitorFactory(name=f"{CANARY} monitor", with_request=False)
    make.MonitorRequestFactory(monitor=monitor, url=f"https://{CANARY}.internal/health")
    make.OutageFactory(monitor=monitor, reason=f"{CANARY} reason")
    make.StatusContributionFactory(
        component=shown, source=StatusContribution.Source.LINK, label=f"{CANARY} label"
    )
    incident = make.IncidentFactory(
        page=page,
        name="Orders fail",
        started_at=now,
        with_update=False,
        is_automated=True,
        origin=f"{CANARY} origin",
        idempotency_key=f"{CANARY} key",
    )
    for component in (shown, hidden):
        make.IncidentComponentFactory(incident=incident, component=component)
    update = make.IncidentUpdateFactory(
        incident=incident, author=f"{CANARY} author", display_at=now
    )
    for component in (shown, hidden):
        update.components.create(
            component=component, old_status="operational", new_status="major_outage"
        )
    other = make.PageFactory(slug="other", name="Other")
    make.IncidentFactory(page=other, name=f"{CANARY} of another page")
    make.IncidentFactory(page=page, name=f"{CANARY} archived incident", archived=True)
    services.request(page_ids=[page.pk], at=now)

    services.build_due()

    files = {path: path.read_bytes() for path in published_dir.rglob("*") if path.is_file()}
    files = {
        path: gzip.decompress(content) if path.suffix == ".gz" else content
        for path, content in files.items()
        if page.public_id in str(path) and path.suffix != ".br"
    }
    assert any(b"Orders fail" in content for content in files.values())
    assert [path for path, content in files.items() if CANARY.encode() in content.lower()] == []
    rows = [bytes(Bundle.objects.get(publication=page.pk).content)]
    rows += [bytes(row.content) for row in ArchiveFile.objects.filter(publication=page.pk)]
    assert len(rows) > 1
    assert not any(CANARY.encode() in zlib.decompress(row).lower() for row in rows)


def test_internal_keys_are_in_no_document(published_dir: Path) -> None:
    page = make.PageFactory(pk=7_654_321, slug="acme")
    component = make.ComponentFactory(pk=8_765_432, page=page)
    incident = make.IncidentFactory(pk=9_876_543, page=page)
    make.IncidentComponentFactory(incident=incident, component=component)
    services.request(page_ids=[page.pk], at=timezone.now())

    services.build_due()

    for path in published_dir.rglob("*.json"):
        text = path.read_text()
        assert not any(str(pk) in text for pk in (page.pk, component.pk, incident.pk))
