"""A page that moved to another slug is still found by its old one."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import pytest

from apps.pages.models import FormerSlug
from apps.pages.services import archive_page, create_page, update_page
from apps.publishing import bundles, layout
from apps.publishing.front_documents import LOOK_EVERY_S
from tests.factories import NOW, PERSON

pytestmark = pytest.mark.django_db


@pytest.fixture
def moved(build):
    """Acme, first at /status/acme/ and now at /status/shop/."""
    page = create_page(name="Acme", slug="acme", actor=PERSON, at=NOW)
    build()
    update_page(page_id=page.pk, slug="shop", actor=PERSON, at=NOW)
    build()
    return page


@pytest.mark.usefixtures("moved")
@pytest.mark.parametrize(
    ("host", "path", "location"),
    [
        ("status.test", "/status/acme", "/status/shop/"),
        ("status.test", "/status/acme/", "/status/shop/"),
        ("status.test", "/status/acme/history/2026-03", "/status/shop/history/2026-03"),
        ("status.test", "/status/acme/a b\xc3\xa9\r\nX: y", "/status/shop/a%20b%C3%A9%0D%0AX%3A%20y"),
        ("acme.pages.test", "/api/v2/summary.json", "//shop.pages.test/api/v2/summary.json"),
        ("Acme.pages.test:8443", "/", "//shop.pages.test:8443/"),
    ],
)  # fmt: skip
def test_an_old_address_leads_to_the_new_one(client, host, path, location):
    answer = client.get(path, host=host)

    assert (answer.status, answer.headers["Location"]) == (301, location)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "max-age=300" in answer.headers["Cache-Control"]


@pytest.mark.usefixtures("moved")
def test_what_was_asked_for_goes_along(client):
    answer = client.get("/status/acme/history.json", query="page=2")

    assert answer.headers["Location"] == "/status/shop/history.json?page=2"
    assert client.get("/status/shop/").status == 200


@pytest.mark.usefixtures("moved")
def test_whoever_takes_the_old_slug_is_found_there(client, build):
    other = create_page(name="Other", slug="acme", actor=PERSON, at=NOW)

    build()

    assert "Other" in client.get("/status/acme/").text
    assert not FormerSlug.objects.exists()
    update_page(page_id=other.pk, slug="other", actor=PERSON, at=NOW + timedelta(hours=1))
    build()
    time.sleep(LOOK_EVERY_S * 1.2)
    assert client.get("/status/acme/").headers["Location"] == "/status/other/"


def test_a_page_that_comes_back_is_led_nowhere(moved, client, build):
    update_page(page_id=moved.pk, slug="acme", actor=PERSON, at=NOW)

    build()

    assert client.get("/status/acme/").status == 200
    assert client.get("/status/shop/").headers["Location"] == "/status/acme/"


def test_every_slug_that_a_page_had_leads_to_its_last_one(moved, client, build):
    update_page(page_id=moved.pk, slug="store", actor=PERSON, at=NOW)

    build()

    for old in ("acme", "shop"):
        assert client.get(f"/status/{old}/").headers["Location"] == "/status/store/"


def test_an_archived_pages_slugs_lead_nowhere(moved, client, build):
    archive_page(page_id=moved.pk, actor=PERSON, at=NOW)

    build()

    assert client.get("/status/acme/").status == 404


@pytest.mark.usefixtures("moved")
def test_another_host_leads_to_the_same_address(tmp_path):
    bundles.BundleSync(tmp_path).turn()

    assert json.loads((tmp_path / layout.HOSTS).read_bytes())["moved"] == {"acme": "shop"}


def test_a_file_of_an_older_release_is_read(published_dir, client, moved):
    hosts = json.loads((published_dir / layout.HOSTS).read_bytes())
    del hosts["moved"]
    (published_dir / layout.HOSTS).write_text(json.dumps(hosts))

    assert client.get("/status/shop/").status == 200
    assert client.get("/status/acme/").status == 404
