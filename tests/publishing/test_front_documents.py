"""Each published document through the front: by path and by Host, with its headers."""

from __future__ import annotations

import re
import time

import pytest

from apps.publishing import versions
from apps.publishing.front_documents import LOOK_EVERY_S
from tests.publishing import models

ACME = models.operational()
PAGE = ACME.page.id


@pytest.fixture
def published(publish):
    return publish(ACME, domain="status.acme.test")


ALL = [
    "",
    "history",
    "history/2026-03",
    "history.json",
    "history.atom",
    "history.rss",
    "embed/frame",
    "embed/script.js",
    "api/v2/summary.json",
    "api/v2/status.json",
    "api/v2/components.json",
    "api/v2/incidents.json",
    "api/v2/incidents/unresolved.json",
    "api/v2/scheduled-maintenances.json",
    "api/v2/scheduled-maintenances/upcoming.json",
    "api/v2/scheduled-maintenances/active.json",
]


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("key", ALL)
def test_every_document_answers_get_head_and_304_by_path_and_by_host(client, key):
    by_path = client.get(f"/status/acme/{key}")
    by_host = client.get(f"/{key}", host="acme.pages.test")
    head = client.request("HEAD", f"/status/acme/{key}")
    known = client.get(f"/status/acme/{key}", If_None_Match=by_path.headers["ETag"])

    assert (by_path.status, by_host.status, head.status, known.status) == (200, 200, 200, 304)
    assert by_path.body == by_host.body != b""
    assert (head.body, known.body) == (b"", b"")
    assert head.headers == by_path.headers
    assert re.fullmatch(r'W/"[0-9a-f]{32}"', by_path.headers["ETag"])
    if key.startswith("api/"):
        assert by_path.headers["Content-Type"] == "application/json; charset=utf-8"
        assert by_path.headers["Access-Control-Allow-Origin"] == "*"
        assert by_path.headers["Cache-Control"] == (
            "max-age=10, public, s-maxage=10, stale-while-revalidate=20, stale-if-error=3600"
        )
        assert by_path.headers["Vary"] == "Accept,Accept-Encoding"
        assert re.fullmatch("[0-9a-f]{40}", by_path.headers["X-Statuspage-Version"])


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("kind", ["atom", "rss"])
def test_feeds_say_what_they_are(client, kind):
    answer = client.get(f"/status/acme/history.{kind}")

    assert answer.headers["Content-Type"] == f"application/{kind}+xml; charset=utf-8"


@pytest.mark.usefixtures("published")
def test_the_frame_alone_may_stand_in_other_sites(client):
    frame = client.get("/status/acme/embed/frame").headers

    assert "frame-ancestors *" in frame["Content-Security-Policy"]
    assert "script-src 'self'" in frame["Content-Security-Policy"]
    assert "X-Frame-Options" not in frame
    for key in ("", "history"):
        headers = client.get(f"/status/acme/{key}").headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Frame-Options"] == "DENY"


@pytest.mark.usefixtures("published")
def test_an_event_has_a_page_and_a_document_in_the_archive(client, published_dir):
    files = {"incidents/n00000000001": b"the page", "incidents/n00000000001.json": b'{"id": 1}'}
    versions.write_archive(published_dir, PAGE, files)

    page = client.get("/status/acme/incidents/n00000000001")
    document = client.get("/status/acme/incidents/n00000000001.json")

    assert (page.text, document.text) == ("the page", '{"id": 1}')
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert document.headers["Content-Type"] == "application/json; charset=utf-8"
    assert document.headers["Access-Control-Allow-Origin"] == "*"
    versions.write_archive(published_dir, PAGE, dict.fromkeys(files, b""))
    time.sleep(LOOK_EVERY_S * 1.2)
    assert client.get("/status/acme/incidents/n00000000001").status == 404
    missing = client.get("/status/acme/incidents/n00000000001.json")
    assert (missing.status, missing.headers["Content-Type"]) == (
        404,
        "application/json; charset=utf-8",
    )


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    ("query", "quarter"),
    [("page=2", "2025-q4"), ("page=5", "2025-q1"), ("a=1&page=6", "2024-q4")],
)
def test_history_json_has_a_page_for_each_quarter(client, published_dir, query, quarter):
    versions.write_archive(published_dir, PAGE, {f"history/{quarter}.json": b'{"months": []}'})

    answer = client.get("/status/acme/history.json", query=query)

    assert answer.text == '{"months": []}'
    assert client.get("/status/acme/history.json", query="page=9").status == 404
    first = client.get("/status/acme/history.json").body
    for ignored in ("page=1", "page=0", "page=x", "other=2"):
        assert client.get("/status/acme/history.json", query=ignored).body == first
