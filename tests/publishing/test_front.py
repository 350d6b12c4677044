from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta

import brotli
import pytest
from django.utils import timezone

from apps.publishing import layout, services, versions
from apps.publishing.assets import load_assets
from apps.publishing.front_documents import LOOK_EVERY_S
from tests.publishing import models

ACME = models.operational()
PAGE = ACME.page.id


@pytest.fixture
def published(publish):
    return publish(ACME, domain="status.acme.test")


def look_again() -> None:
    time.sleep(LOOK_EVERY_S * 1.2)


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    ("host", "prefix"),
    [
        ("status.test", "/status/acme"),
        ("10.0.0.7:8000", "/status/acme"),
        ("acme.pages.test", ""),
        ("ACME.pages.test.:8443", ""),
        ("status.acme.test", ""),
    ],
)
def test_a_page_answers_by_path_and_by_host(client, host, prefix):
    page = client.get(f"{prefix}/", host=host)
    document = client.get(f"{prefix}/api/v2/summary.json", host=host)
    history = client.get(f"{prefix}/history", host=host)

    assert (page.status, document.status, history.status) == (200, 200, 200)
    assert "All Systems Operational" in page.text
    assert json.loads(document.body)["page"]["id"] == PAGE


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("host", ["acme.pages.test", "status.acme.test", "nobody.pages.test"])
@pytest.mark.parametrize(
    "path", ["/admin/", "/api/v2/", "/api/v2/pages", "/status/acme/", "/static/x"]
)
def test_admin_and_api_never_answer_on_a_pages_host(client, host, path):
    assert client.get(path, host=host).status == 404


@pytest.mark.usefixtures("published")
def test_everything_else_goes_on_to_the_application(client):
    assert client.get("/admin/").text == "the application"
    assert client.get("/").headers["Location"] == "/admin/"


def test_a_domain_cannot_take_the_main_host_over(client, publish):
    publish(ACME, domain="status.test")

    assert client.get("/admin/").text == "the application"


@pytest.mark.usefixtures("published")
def test_the_address_without_slash_leads_to_the_page(client):
    answer = client.get("/status/acme")

    assert (answer.status, answer.headers["Location"]) == (301, "/status/acme/")


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/status/acme/nothing", "status.test"),
        ("/status/acme/history/1999-01", "status.test"),
        ("/status/acme/incidents/000000000000", "status.test"),
        ("/status/acme/404.path", "status.test"),
        ("/nothing", "acme.pages.test"),
    ],
)
def test_an_unknown_document_of_a_page_is_told_by_the_page(client, path, host):
    answer = client.get(path, host=host)

    assert answer.status == 404
    assert "There is nothing at this address" in answer.text
    assert f'href="{"/status/acme/" if host == "status.test" else "/"}"' in answer.text


@pytest.mark.usefixtures("published")
def test_what_is_missing_is_missing_also_for_who_has_seen_its_page(client):
    first = client.get("/status/acme/nope")

    for known in (first.headers["ETag"], "*"):
        assert client.get("/status/acme/nope", If_None_Match=known).status == 404


@pytest.mark.usefixtures("published")
def test_an_unknown_document_of_the_api_is_json(client):
    answer = client.get("/status/acme/api/v2/nothing.json")

    assert answer.status == 404
    assert json.loads(answer.body) == {"error": "not found"}


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    ("path", "host"),
    [("/status/nobody/", ""), ("/status/", ""), ("/status", ""), ("/", "nobody.pages.test")],
)
def test_an_unknown_page_is_404(client, path, host):
    assert client.get(path, host=host).status == 404


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    "path",
    [
        "/status/acme/../../hosts.json",
        "/status/acme/assets/../hosts.json",
        "/status/acme/assets/..%2fhosts.json",
        "/status/../hosts.json",
        "/status/acme/incidents/../../x",
        "/status/acme/manifest.json",
        "/status/acme/index.html",
        "/status/-/assets/../hosts.json",
        "/status/acme//etc/passwd",
        "/status/acme/\x00",
    ],
)
def test_no_path_leads_out_of_what_is_published(client, path):
    assert client.get(path).status == 404


@pytest.mark.usefixtures("published")
def test_documents_have_the_contracts_headers(client):
    headers = client.get("/status/acme/api/v2/summary.json").headers

    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Cache-Control"] == (
        "max-age=10, public, s-maxage=10, stale-while-revalidate=20, stale-if-error=3600"
    )
    assert headers["Vary"] == "Accept,Accept-Encoding"
    assert len(headers["X-Statuspage-Version"]) == 40


@pytest.mark.usefixtures("published")
def test_pages_are_strict_about_what_they_load(client):
    headers = client.get("/status/acme/").headers

    assert headers["Cache-Control"] == "no-cache"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("path", ["", "history", "api/v2/status.json"])
def test_who_has_a_file_gets_304(client, path):
    first = client.get(f"/status/acme/{path}")
    tag = first.headers["ETag"]
    assert tag.startswith('W/"')
    assert len(tag) == 36

    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        answer = client.get(f"/status/acme/{path}", if_none_match=known)
        assert (answer.status, answer.body) == (304, b"")
        assert answer.headers["ETag"] == tag
    assert client.get(f"/status/acme/{path}", if_none_match='W/"0"').status == 200


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.0, gzip;q=0", None),
        ("*", "br"),
        ("*;q=0", None),
        ("identity", None),
        ("", None),
        ("GZIP", "gzip"),
        ("br;q=x", None),
    ],
)
def test_a_file_comes_in_the_best_encoding_that_is_accepted(client, accepted, encoding):
    plain = client.get("/status/acme/")
    answer = client.get("/status/acme/", accept_encoding=accepted)

    assert answer.headers.get("Content-Encoding") == encoding
    assert answer.headers["ETag"] == plain.headers["ETag"]
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    decode = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[encoding]
    assert decode(answer.body) == plain.body


@pytest.mark.usefixtures("published")
def test_head_is_get_without_a_body(client):
    head = client.request("HEAD", "/status/acme/api/v2/status.json")

    assert head.status == 200
    assert head.body == b""
    assert head.headers == client.get("/status/acme/api/v2/status.json").headers


@pytest.mark.usefixtures("published")
def test_other_methods_are_refused_and_options_told(client):
    refused = client.request("POST", "/status/acme/")
    told = client.request("OPTIONS", "/status/acme/api/v2/status.json")

    assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert told.status == 204
    assert told.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.usefixtures("published")
def test_assets_stay_in_caches_for_ever(client):
    name = load_assets().css
    answers = [
        client.get(f"/status/acme/assets/{name}"),
        client.get(f"/status/-/assets/{name}"),
        client.get(f"/assets/{name}", host="acme.pages.test"),
    ]

    assert {answer.body for answer in answers} == {load_assets().files[name]}
    assert all("immutable" in answer.headers["Cache-Control"] for answer in answers)
    assert answers[0].headers["Content-Type"] == "text/css; charset=utf-8"


def test_a_new_version_is_served_at_once(client, publish, published):
    assert "All Systems Operational" in client.get("/status/acme/").text

    publish(replace(models.in_trouble(), seq=9))
    look_again()

    assert "Partial System Outage" in client.get("/status/acme/").text


def test_an_archive_file_is_served_and_renewed(client, published_dir, published):
    key = "incidents/n00000000001"
    versions.write_archive(published_dir, PAGE, {key: b"<p>first</p>"})
    assert client.get(f"/status/acme/{key}").body == b"<p>first</p>"

    versions.write_archive(published_dir, PAGE, {key: b"<p>second</p>"})
    assert client.get(f"/status/acme/{key}").body == b"<p>second</p>"

    versions.write_archive(published_dir, PAGE, {key: b""})
    assert client.get(f"/status/acme/{key}").status == 404


def test_stale_copies_are_marked_until_the_page_is_true_again(client, published_dir, published):
    key = "incidents/n00000000001"
    versions.write_archive(published_dir, PAGE, {key: b"<!--stale old stale-->"})
    versions.write_fresh_until(published_dir, PAGE, timezone.now() + timedelta(seconds=0.3))
    fresh = client.get("/status/acme/")
    assert "X-Page-Stale" not in fresh.headers

    time.sleep(0.4)
    stale = client.get("/status/acme/")
    document = client.get("/status/acme/api/v2/summary.json")

    assert stale.status == 200
    assert stale.headers["X-Page-Stale"] == "true"
    assert stale.headers["ETag"] != fresh.headers["ETag"]
    assert '<div class="stale" role="status">' in stale.text
    assert document.headers["X-Page-Stale"] == "true"
    assert client.get(f"/status/acme/{key}").body == b"old"
    versions.write_fresh_until(published_dir, PAGE, timezone.now() + timedelta(seconds=60))
    look_again()
    assert client.get("/status/acme/").headers["ETag"] == fresh.headers["ETag"]


def test_a_version_that_is_not_whole_does_not_replace_one_in_memory(
    client, published_dir, published
):
    client.get("/status/acme/")
    broken = replace(models.in_trouble(), seq=9)
    version = services.render_version(broken, load_assets())
    folder = versions.write_version(published_dir, PAGE, version)
    (folder / "index.html").write_bytes(b"")
    versions.put_in_place(published_dir, PAGE, version.name)
    look_again()

    assert "All Systems Operational" in client.get("/status/acme/").text


def test_a_page_before_its_first_version_asks_for_patience(client, published_dir):
    versions.write_hosts(published_dir, [(PAGE, "acme", "")])

    answer = client.get("/status/acme/")

    assert answer.status == 503
    assert answer.headers["Retry-After"] == "2"


def test_pages_come_and_go_with_the_addresses(client, published_dir, published):
    assert client.get("/status/acme/").status == 200

    versions.write_hosts(published_dir, [])
    look_again()

    assert client.get("/status/acme/").status == 404


def test_nothing_published_is_404_and_no_error(client):
    assert client.get("/status/acme/").status == 404
    assert client.get("/admin/").text == "the application"


def test_no_answer_is_torn_while_versions_change(client, publish, published):
    stop = threading.Event()
    wrong: list[object] = []
    seen: set[str] = set()

    def read() -> None:
        while not stop.is_set():
            html = client.get("/status/acme/")
            document = client.get("/status/acme/api/v2/status.json")
            again = client.get("/status/acme/")
            if not (html.status == document.status == again.status == 200):
                wrong.append((html.status, document.status, again.status))
                return
            time.sleep(0.002)
            names = [one.headers["X-Statuspage-Version"] for one in (html, document, again)]
            seen.update(names)
            name = json.loads(document.body)["page"]["name"]
            # Where the page did not change in between, all three are of one version.
            is_one = names[0] == names[2]
            if is_one and (names[0] != names[1] or f">{name}</span>" not in html.text):
                wrong.append(names)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for seq in range(10, 20):
        publish(replace(ACME, seq=seq, page=replace(ACME.page, name=f"n{seq}")))
        time.sleep(0.06)
    stop.set()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert len(seen) > 3


def test_the_hot_path_asks_the_disk_at_most_every_so_often(client, published, monkeypatch):
    client.get("/status/acme/")
    looks: list[str] = []
    readlink = os.readlink
    monkeypatch.setattr(os, "readlink", lambda path: looks.append(str(path)) or readlink(path))
    started = time.monotonic()
    answered = 0

    while time.monotonic() - started < 0.3:
        client.get("/status/acme/")
        answered += 1

    assert answered > 100
    assert len(looks) <= 8


def test_the_front_needs_nothing_of_django():
    code = "import sys, apps.publishing.front; print([m for m in sys.modules if m.startswith('django')])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


def test_addresses_are_read_from_host_headers():
    assert layout.host_of("Acme.Pages.Test:8000") == "acme.pages.test"
    assert layout.host_of("acme.pages.test.") == "acme.pages.test"
    assert layout.host_of("[::1]:8000") == "[::1]"
    assert layout.host_of("[::1]") == "[::1]"
