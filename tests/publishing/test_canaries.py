"""Nothing private is in any published file (invariant 11): canaries in every private field of every model."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import brotli
import pytest
from django.apps import apps
from django.db import models
from django.utils import timezone

from apps.incidents.models import Incident, Maintenance
from apps.publishing import services
from apps.publishing.models import ArchiveFile, ArchiveMonth, Bundle, Publication
from tests import factories as make
from tests.publishing.classified_fields import FIELDS, Fields

pytestmark = pytest.mark.django_db

# Vowels are in no public id, and seven characters fit into any field.
CANARY = re.compile(rb"oea[0-9]{4}")


def own_models() -> dict[str, type[models.Model]]:
    """Return the platform's own models by label."""
    return {
        model._meta.label: model
        for model in apps.get_models(include_auto_created=True)
        if model.__module__.startswith("apps.")
    }


def texts_of(model: type[models.Model]) -> list[str]:
    """Return the names of the fields that can hold text: all but numbers, times and links to other rows."""
    kinds = (
        models.IntegerField,
        models.FloatField,
        models.DecimalField,
        models.BooleanField,
        models.DateField,
        models.TimeField,
        models.DurationField,
    )
    return sorted(
        field.name
        for field in model._meta.concrete_fields
        if not isinstance(field, kinds) and not field.is_relation
    )


def test_every_text_field_of_every_model_is_classified() -> None:
    found = {label: texts_of(model) for label, model in own_models().items() if texts_of(model)}

    assert found == {label: fields.all for label, fields in FIELDS.items()}


class Canaries:
    """Puts a canary of its own into each field of each row, past all validation."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self.placed: dict[str, str] = {}

    def fill(self, rows: models.QuerySet[Any], names: str) -> None:
        label = rows.model._meta.label
        for row in rows:
            for name in names.split():
                canary = f"oea{next(self._numbers):04d}"
                field = rows.model._meta.get_field(name)
                value: Any = canary
                if isinstance(field, models.BinaryField):
                    value = canary.encode()
                elif "JSON" in type(field).__name__:
                    value = {canary: canary}
                rows.model._base_manager.filter(pk=row.pk).update(**{name: value})
                self.placed[canary] = f"{label}.{name}"


def make_row(model: type[models.Model]) -> models.Model:
    """Return a row of a model that no factory made: defaults, first choices and first rows of others."""
    values: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if isinstance(field, models.AutoField) or field.has_default() or field.null:
            continue
        if field.is_relation:
            other = field.related_model
            assert isinstance(other, type)
            values[field.name] = other._base_manager.order_by("-pk").first() or make_row(other)
        elif field.choices:
            values[field.name] = next(iter(field.flatchoices))[0]
        elif isinstance(field, models.DateTimeField):
            values[field.name] = timezone.now()
        elif isinstance(field, models.DateField):
            values[field.name] = timezone.now().date()
        elif isinstance(field, (models.IntegerField, models.FloatField)):
            values[field.name] = 1
        elif isinstance(field, models.BinaryField):
            values[field.name] = b""
        else:
            values[field.name] = "x"
    return model._base_manager.create(**values)


@pytest.fixture
def page() -> Any:
    """A page with everything on it that can be seen, and a row of every other model around it."""
    now = timezone.now()
    page = make.PageFactory(slug="acme", name="Acme", domain="status.acme.test")
    make.PublicationFactory(page=page)
    shown = make.ComponentFactory(page=page, group=make.ComponentGroupFactory(page=page))
    monitor = make.MonitorFactory()
    make.AssertionFactory(request=monitor.requests.get())
    make.ExtractionFactory(request=monitor.requests.get())
    make.RunFactory(schedule=make.ScheduleFactory(monitor=monitor), failed=True)
    make.OutageFactory(monitor=monitor)
    make.StatusContributionFactory(component=shown, status="partial_outage")
    make.MetricPointFactory(metric=make.MetricFactory(page=page), at=now)
    make.MembershipFactory()
    for row in (
        make.IncidentFactory(page=page, started_at=now, automated=True, idempotency_key="a"),
        make.IncidentFactory(page=page, resolved=True),
        make.IncidentFactory(page=page, resolved=True, started_at=now - timedelta(days=120)),
    ):
        make.IncidentComponentFactory(incident=row, component=shown)
        row.updates.get().components.create(
            component=shown, old_status="operational", new_status="major_outage"
        )
        if not row.is_open:
            make.PostmortemFactory(incident=row, published=True)
    for trait in ({}, {"in_progress": True}, {"completed": True}, {"cancelled": True}):
        work = make.MaintenanceFactory(
            page=page, series=make.MaintenanceSeriesFactory(page=page), **trait
        )
        Maintenance.objects.filter(pk=work.pk).update(occurrence_at=work.scheduled_for)
        make.MaintenanceComponentFactory(maintenance=work, component=shown)
    make.IncidentTemplateFactory(page=page)
    integration = make.IntegrationFactory(monitor=monitor)
    make.ComponentLinkFactory(integration=integration)
    make.IncidentRuleFactory(integration=integration)
    make.MetricRuleFactory(integration=integration)
    make.DeliveryFactory()
    for label, model in own_models().items():
        if FIELDS.get(label, Fields()).private and not model._base_manager.exists():
            make_row(model)
    return page


def place_unseen_rows(page: Any, canaries: Canaries) -> None:
    """Make rows that the page must not show, and put canaries also into what would be public of them."""
    shown = page.components.get()
    hidden = [
        make.ComponentFactory(page=page, hidden=True, status="major_outage"),
        make.ComponentFactory(unplaced=True),
        make.ComponentFactory(page=page, group=make.ComponentGroupFactory(page=page), hidden=True),
    ]
    incident = Incident.objects.filter(page=page).order_by("-started_at").first()
    assert incident is not None
    work = Maintenance.objects.filter(page=page, status="in_progress").get()
    update = incident.updates.get()
    for component in hidden:
        make.IncidentComponentFactory(incident=incident, component=component)
        make.MaintenanceComponentFactory(maintenance=work, component=component)
        for one in (update, work.updates.get()):
            one.components.create(
                component=component, old_status="operational", new_status="major_outage"
            )
    canaries.fill(_among(type(shown), hidden), "public_id name description")
    # An archived one is still told of in what it was a part of, and nowhere else.
    canaries.fill(
        _among(type(shown), [make.ComponentFactory(page=page, archived=True)]),
        "public_id name description",
    )
    groups = [hidden[2].group]
    canaries.fill(_among(type(groups[0]), groups), "public_id name description")
    metrics = [
        make.MetricFactory(page=page, hidden=True),
        make.MetricFactory(page=page, archived=True),
    ]
    canaries.fill(_among(type(metrics[0]), metrics), "public_id name unit")
    other = make.PageFactory()
    incidents = [
        make.IncidentFactory(page=other),
        make.IncidentFactory(page=page, archived=True),
        make.IncidentFactory(page=page, with_update=False, last_sequence=0),
    ]
    works = [make.MaintenanceFactory(page=other), make.MaintenanceFactory(page=page, archived=True)]
    for rows in (incidents, works):
        canaries.fill(_among(type(rows[0]), rows), "public_id name")
        for row in rows:
            canaries.fill(row.updates.all(), "public_id body")
    canaries.fill(_among(type(other), [other]), "name description")
    for unseen in (make.IncidentFactory(page=page, resolved=True), make.IncidentFactory(page=page)):
        # A draft's old text, and the post-mortem of an incident that was reopened.
        text = make.PostmortemFactory(incident=unseen, published=unseen.is_open)
        canaries.fill(_among(type(text), [text], key="incident_id"), "public_id body")


def _among(model: type[models.Model], rows: list[Any], key: str = "pk") -> models.QuerySet[Any]:
    return model._base_manager.filter(pk__in=[row.pk for row in rows])


def published_texts(root: Path) -> dict[str, bytes]:
    """Return everything that is published, on disk and in the database, without its encoding."""
    found = {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }
    for name, content in found.items():
        if name.endswith(".gz"):
            found[name] = gzip.decompress(content)
        elif name.endswith(".br"):
            found[name] = brotli.decompress(content)
    for bundle in Bundle.objects.all():
        found[f"bundle {bundle.name}"] = zlib.decompress(bytes(bundle.content))
    for file in ArchiveFile.objects.exclude(content=b""):
        found[f"archive {file.path}"] = zlib.decompress(bytes(file.content))
    for month in ArchiveMonth.objects.all():
        found[f"month {month.key}"] = json.dumps(month.document).encode()
    return found


def test_no_private_field_is_in_any_published_file(page: Any, published_dir: Path) -> None:
    canaries = Canaries()
    place_unseen_rows(page, canaries)
    for label, model in own_models().items():
        if label in FIELDS:
            canaries.fill(model._base_manager.all(), FIELDS[label].private)
    services.request(page_ids=[page.pk], at=timezone.now())

    services.build_due()

    assert Publication.objects.get(page=page).published_seq > 0
    found = published_texts(published_dir)
    leaks = {
        canaries.placed.get(canary.decode(), "?"): name
        for name, content in found.items()
        for canary in CANARY.findall(content)
    }
    assert leaks == {}
    for kind in (
        "api/v2/summary.json", "history.atom", "history.rss", "embed/frame", "metrics-display/",
        "uptime.html.stale.br", "archive incidents/", "archive uptime", "archive history/", "bundle ", "month ",
    ):  # fmt: skip
        assert any(kind in name for name in found), (kind, sorted(found))
    covered = {place.rpartition(".")[0] for place in canaries.placed.values()}
    assert {label for label, fields in FIELDS.items() if fields.private} <= covered
    told = Incident.objects.live().filter(page=page, last_sequence__gt=0)
    for row in (*page.components.live().filter(hidden=False), *told):
        assert any(row.name.encode() in content for content in found.values())


def test_internal_keys_are_in_no_document(published_dir: Path) -> None:
    page = make.PageFactory(pk=7_654_321, slug="acme")
    component = make.ComponentFactory(pk=8_765_432, page=page)
    incident = make.IncidentFactory(pk=9_876_543, page=page)
    make.IncidentComponentFactory(incident=incident, component=component)
    work = make.MaintenanceFactory(pk=6_543_219, page=page)
    services.request(page_ids=[page.pk], at=timezone.now())

    services.build_due()

    for path in published_dir.rglob("*"):
        if path.suffix in {".json", ".html", ".atom", ".rss"}:
            text = path.read_text()
            assert not any(str(row.pk) in text for row in (page, component, incident, work))
