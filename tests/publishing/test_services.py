from __future__ import annotations

import json
import shutil
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.core.clock import database_now
from apps.pages.models import Page
from apps.pages.signals import pages_changed
from apps.publishing import layout, services, versions
from apps.publishing.assets import load_assets
from apps.publishing.models import Bundle, Publication
from tests import factories as make
from tests.factories import NOW

pytestmark = pytest.mark.django_db
two_connections = pytest.mark.django_db(transaction=True)


@pytest.fixture
def page() -> Page:
    row: Page = make.PageFactory(slug="acme", name="Acme")
    services.request(page_ids=[row.pk], at=NOW)
    return row


def publication(page: Page) -> Publication:
    return Publication.objects.get(pk=page.pk)


def let_time_pass(page: Page, seconds: float) -> None:
    """Age what the publication remembers, instead of waiting."""
    earlier = database_now() - timedelta(seconds=seconds)
    for name in ("published_at", "checked_at"):
        Publication.objects.filter(pk=page.pk, **{f"{name}__isnull": False}).update(
            **{name: earlier}
        )


def summary(root: Path, page: Page) -> dict[str, Any]:
    path = layout.current_link(root, page.public_id) / "api/v2/summary.json"
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def rename(page: Page, name: str) -> None:
    with transaction.atomic():
        Page.objects.filter(pk=page.pk).update(name=name)
        pages_changed.send(sender=Page, page_ids={page.pk}, at=NOW)


@two_connections
def test_a_change_raises_what_is_asked_for_in_its_own_transaction(page):
    def fail_after() -> None:
        with transaction.atomic():
            rename(page, "Lost")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after()
    assert publication(page).requested_seq == 1

    rename(page, "Kept")

    assert publication(page).requested_seq == 2


@two_connections
def test_asking_twice_at_once_for_a_page_without_a_row_makes_one():
    page = make.PageFactory()

    def ask() -> None:
        try:
            services.request(page_ids=[page.pk], at=NOW)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert publication(page).requested_seq == 4


def test_a_first_change_is_built_at_once_and_marked(page, published_dir):
    assert services.build_due() is None

    row = publication(page)
    assert row.published_seq == row.requested_seq == 1
    assert row.leased_until is None
    assert row.fresh_until - row.checked_at == services.FRESH_FOR
    assert summary(published_dir, page)["page"]["name"] == "Acme"
    assert row.bundle.name == versions.current_name(published_dir, page.public_id)


def test_the_next_version_waits_for_its_turn(page, published_dir):
    services.build_due()
    rename(page, "Second")
    Publication.objects.update(published_at=database_now())

    wait = services.build_due()

    assert wait is not None
    assert 0 < wait <= 0.2
    assert summary(published_dir, page)["page"]["name"] == "Acme"
    let_time_pass(page, 0.2)
    assert services.build_due() is None
    assert summary(published_dir, page)["page"]["name"] == "Second"


def test_a_page_is_looked_at_each_minute_and_then_only_its_freshness_moves(page, published_dir):
    services.build_due()
    name = versions.current_name(published_dir, page.public_id)
    assert not services.is_anything_due()
    let_time_pass(page, 61)
    published_at = publication(page).published_at
    fresh = layout.fresh_file(published_dir, page.public_id).read_text()
    assert services.is_anything_due()

    services.build_due()

    assert versions.current_name(published_dir, page.public_id) == name
    assert layout.fresh_file(published_dir, page.public_id).read_text() > fresh
    assert publication(page).published_at == published_at


def test_a_look_publishes_what_nobody_asked_for(page, published_dir):
    metric = make.MetricFactory(page=page)
    rename(page, "Acme")
    services.build_due()
    make.MetricPointFactory(metric=metric, at=timezone.now(), value=42.0)
    let_time_pass(page, 61)

    services.build_due()

    path = layout.current_link(published_dir, page.public_id) / "index.html"
    assert "latest 42 ms" in path.read_text()


def test_a_page_in_the_hands_of_another_process_is_left_alone(page, published_dir):
    Publication.objects.update(leased_until=database_now() + timedelta(seconds=5))

    assert services.build_due() is None
    assert not services.is_anything_due()

    assert versions.current_name(published_dir, page.public_id) is None


def test_a_lapsed_lease_is_taken_over(page):
    Publication.objects.update(leased_until=database_now() - timedelta(seconds=1))

    services.build_due()

    assert publication(page).published_seq == 1


def test_swapped_but_not_marked_is_healed_by_the_next_build(page, published_dir):
    services.build_due()
    Publication.objects.update(published_seq=0, published_at=None, checked_at=None)
    Bundle.objects.all().delete()

    services.build_due()

    assert publication(page).published_seq == 1
    assert Bundle.objects.get().name == versions.current_name(published_dir, page.public_id)


def test_a_lost_folder_is_written_again_whole(page, published_dir):
    incident = make.IncidentFactory(page=page, started_at=timezone.now() - timedelta(days=70))
    rename(page, "Acme")
    services.build_due()
    shutil.rmtree(published_dir)
    let_time_pass(page, 61)

    services.build_due()

    assert summary(published_dir, page)["page"]["name"] == "Acme"
    archive = layout.archive_dir(published_dir, page.public_id)
    assert (archive / f"incidents/{incident.public_id}.html").exists()


def test_a_build_that_lost_its_lease_marks_nothing(page):
    row = publication(page)
    built = services.render(row, load_assets(), at=database_now())
    Publication.objects.update(claim_no=7)

    services.mark(row, built, is_new=True)

    assert publication(page).published_seq == 0
    assert not Bundle.objects.exists()


def test_a_page_that_cannot_be_built_holds_up_no_other(page, published_dir):
    other = make.PageFactory()
    services.request(page_ids=[other.pk], at=NOW + timedelta(seconds=1))
    blocked = layout.page_dir(published_dir, page.public_id)
    blocked.parent.mkdir(parents=True)
    blocked.write_text("a file where the folder should be")

    services.build_due()

    assert publication(other).published_seq == 1
    row = publication(page)
    assert row.published_seq == 0
    assert "Error" in row.last_error
    assert row.leased_until > database_now()
    blocked.unlink()
    Publication.objects.update(leased_until=None)
    services.build_due()
    assert publication(page).last_error == ""


def test_an_archived_page_is_taken_away(page, published_dir):
    services.build_due()
    Page.objects.update(archived_at=NOW)
    rename(page, "Acme")
    let_time_pass(page, 1)

    services.build_due()

    assert not layout.page_dir(published_dir, page.public_id).exists()
    assert json.loads((published_dir / layout.HOSTS).read_text())["slugs"] == {}
    assert not services.is_anything_due()


def test_a_database_restored_from_a_backup_overtakes_the_files_of_its_future(page, published_dir):
    Publication.objects.update(requested_seq=50)
    services.build_due()
    Publication.objects.update(requested_seq=3, published_seq=2, published_at=None)
    Page.objects.update(name="Restored")

    services.build_due()
    let_time_pass(page, 1)
    services.build_due()

    assert summary(published_dir, page)["page"]["name"] == "Restored"


def test_addresses_are_published(page, published_dir):
    make.PageFactory(slug="other", domain="up.acme.test")
    services.build_due()

    hosts = json.loads((published_dir / layout.HOSTS).read_text())

    assert set(hosts["slugs"]) == {"acme", "other"}
    assert set(hosts["domains"]) == {"up.acme.test"}


@two_connections
def test_the_files_of_a_version_agree_while_it_is_changed_under_load(page, published_dir):
    component = make.ComponentFactory(page=page, name="n0")
    rename(page, "n0")
    services.build_due()
    stop = threading.Event()
    torn: list[str] = []
    seen: set[str] = set()

    def read() -> None:
        link = layout.current_link(published_dir, page.public_id)
        while not stop.is_set():
            folder = link.resolve()
            try:
                html = (folder / "index.html").read_text()
                name = json.loads((folder / "api/v2/summary.json").read_text())["page"]["name"]
                component_name = json.loads((folder / "api/v2/components.json").read_text())
            except FileNotFoundError:
                torn.append("a file was gone")
                return
            seen.add(name)
            time.sleep(0.002)
            if f">{name}</span>" not in html or component_name["components"][0]["name"] != name:
                torn.append(name)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(1, 9):
        with transaction.atomic():
            type(component).objects.update(name=f"n{number}")
            rename(page, f"n{number}")
        let_time_pass(page, 1)
        services.build_due()
    stop.set()
    for thread in threads:
        thread.join()

    assert torn == []
    assert len(seen) > 3


def test_a_builds_queries_do_not_grow_with_the_page(page):
    def count() -> int:
        let_time_pass(page, 61)
        with CaptureQueriesContext(connection) as captured:
            services.build_due()
        return len(captured)

    def fill(number: int) -> None:
        group = make.ComponentGroupFactory(page=page)
        components = make.ComponentFactory.create_batch(number, group=group)
        for hours in range(number):
            began = timezone.now() - timedelta(hours=hours)
            incident = make.IncidentFactory(page=page, started_at=began, updated_at=began)
            make.IncidentComponentFactory(incident=incident, component=components[0])
        rename(page, "Acme")
        count()

    fill(1)
    before = count()
    fill(30)

    assert count() == before
