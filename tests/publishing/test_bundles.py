from __future__ import annotations

import json
import shutil
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from apps.pages.models import Page
from apps.publishing import bundles, layout, services, versions
from apps.publishing.assets import load_assets
from apps.publishing.models import Publication
from tests import factories as make
from tests.publishing import models

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(published_dir: Path) -> Page:
    row: Page = make.PageFactory(slug="acme", name="Acme")
    make.IncidentFactory(page=row, started_at=timezone.now() - timedelta(days=70))
    publish(row)
    return row


def publish(page: Page) -> None:
    services.request(page_ids=[page.pk], at=timezone.now())
    Publication.objects.update(published_at=None)
    services.build_due()


def tree(root: Path) -> dict[str, bytes]:
    """Return every file below pages' links, assets and archive, with what is in it."""
    skipped = {"lock"}
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.name not in skipped
    }


def test_a_version_survives_being_packed():
    version = services.render_version(models.in_trouble(), load_assets())

    unpacked = bundles.unpack(bundles.pack(version))

    assert unpacked == version
    assert unpacked.name == version.name


def test_another_host_writes_the_same_files(page, published_dir, tmp_path):
    elsewhere = tmp_path / "elsewhere"

    bundles.BundleSync(elsewhere).turn()

    assert tree(elsewhere) == tree(published_dir)


def test_another_host_follows_changes_and_removals(page, published_dir, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    sync = bundles.BundleSync(elsewhere)
    sync.turn()
    Page.objects.update(name="Renamed")
    publish(page)

    sync.turn()

    path = layout.current_link(elsewhere, page.public_id) / "api/v2/status.json"
    assert json.loads(path.read_text())["page"]["name"] == "Renamed"
    Page.objects.update(archived_at=timezone.now())
    sync.turn()
    assert not layout.page_dir(elsewhere, page.public_id).exists()
    assert json.loads((elsewhere / layout.HOSTS).read_text())["slugs"] == {}


def test_where_everything_is_newest_one_query_is_all(
    page, published_dir, django_assert_num_queries
):
    sync = bundles.BundleSync(published_dir)
    sync.turn()
    before = {path: path.stat().st_mtime_ns for path in published_dir.rglob("*")}

    with django_assert_num_queries(1):
        sync.turn()

    assert {path: path.stat().st_mtime_ns for path in published_dir.rglob("*")} == before


def test_a_host_that_lost_its_folder_gets_it_back(page, published_dir):
    sync = bundles.BundleSync(published_dir)
    sync.turn()
    before = tree(published_dir)
    shutil.rmtree(published_dir)

    sync.turn()

    assert tree(published_dir).keys() >= {key for key in before if not key.endswith("/fresh")}


def test_a_newer_version_of_this_host_is_kept(page, published_dir):
    newest = services.render_version(models.operational(), load_assets())
    versions.install(published_dir, page.public_id, newest)
    name = versions.current_name(published_dir, page.public_id)
    Publication.objects.update(fresh_until=None)

    bundles.BundleSync(published_dir).turn()

    assert versions.current_name(published_dir, page.public_id) == name


@pytest.mark.django_db(transaction=True)
def test_the_thread_keeps_the_folder_while_the_application_lives(page, settings, tmp_path):
    settings.PUBLISHED_DIR = tmp_path / "elsewhere"
    stopping = threading.Event()

    def run() -> None:
        try:
            bundles.sync_bundles(stopping)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and not versions.current_name(
        settings.PUBLISHED_DIR, page.public_id
    ):
        time.sleep(0.02)
    stopping.set()
    thread.join(timeout=5)

    assert versions.current_name(settings.PUBLISHED_DIR, page.public_id)
