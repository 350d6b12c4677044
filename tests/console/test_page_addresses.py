"""Where readers find a page: its addresses, its former ones, and whether its own domain leads to it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.egress import Transfers
from apps.pages.domain_check import check_domain
from apps.pages.models import FormerSlug, Page, PageMembership
from tests.console.forms import save
from tests.core.loopback import answering, serving
from tests.factories import ComponentFactory, PageFactory, UserFactory

pytestmark = pytest.mark.django_db


def form_of(page: Page) -> str:
    return reverse("admin:pages_page_change", args=[page.pk])


def domain_of(page: Page) -> str:
    return reverse("admin:pages_page_domain", args=[page.pk])


def summary(page_id: str) -> bytes:
    return json.dumps({"page": {"id": page_id}}).encode()


def test_a_page_shows_its_addresses_its_feeds_and_what_other_sites_embed(
    console: Client, settings: Any
):
    settings.PUBLIC_URL = "https://status.test"
    page = PageFactory(slug="acme", domain="up.acme.test")

    text = console.get(form_of(page)).content.decode()

    for address in (
        "https://up.acme.test/",
        "https://status.test/status/acme/",
        "https://up.acme.test/history.atom",
        "https://up.acme.test/history.rss",
        "https://up.acme.test/api/v2/summary.json",
        "&lt;script src=&quot;https://up.acme.test/embed/script.js&quot; async&gt;",
    ):
        assert address in text, address
    assert "of type CNAME for status.example.com that points to status.test" in text


def test_a_changed_slug_is_kept_as_a_way_to_the_page(console: Client):
    page = PageFactory(slug="acme")

    assert save(console, form_of(page), slug="shop").status_code == 302

    text = console.get(form_of(page)).content.decode()
    assert "led here: <code>/status/acme/</code>" in text
    assert "Readers who come by /status/acme/ are led to /status/shop/." in text


def test_who_takes_another_pages_former_slug_is_told(console: Client):
    page = PageFactory(name="Acme", slug="acme")
    save(console, form_of(page), slug="shop")

    save(console, reverse("admin:pages_page_add"), name="Other", slug="acme")

    text = console.get(reverse("admin:pages_page_changelist")).content.decode()
    assert "/status/acme/ led readers to Acme until now." in text
    assert not FormerSlug.objects.exists()


def test_the_list_says_what_is_wrong_on_a_page(console: Client):
    page = PageFactory(name="Acme")
    ComponentFactory(page=page)
    ComponentFactory(page=page, status="major_outage")
    PageFactory(name="Empty")
    fine = ComponentFactory()

    text = console.get(reverse("admin:pages_page_changelist")).content.decode()

    assert "1 not operational" in text
    assert "All operational" in text
    trouble = console.get(reverse("admin:pages_component_changelist") + "?trouble=yes")
    assert [row.status for row in trouble.context["cl"].result_list] == ["major_outage"]
    assert fine not in trouble.context["cl"].result_list


def test_a_component_says_what_readers_see_of_it(console: Client):
    for fields in ({"hidden": True}, {"unplaced": True}, {"only_show_if_degraded": True}, {}):
        ComponentFactory(**fields)

    text = console.get(reverse("admin:pages_component_changelist")).content.decode()

    for words in ("Hidden", "Unplaced", "See it while it is degraded", "See it"):
        assert words in text


@pytest.mark.parametrize(
    ("status", "body", "is_ours", "words"),
    [
        ("200 OK", "ours", True, "answers with this page"),
        ("200 OK", "another", False, "answers, but not with this page"),
        ("200 OK", "", False, "answers, but not with this page"),
        ("404 Not Found", "", False, "answers with status 404"),
    ],
)
def test_a_domain_is_asked_for_its_page(status: str, body: str, is_ours: bool, words: str):
    page = PageFactory(domain="up.acme.test")
    content = {"ours": summary(page.public_id), "another": summary("0" * 12)}.get(body, b"hello")
    transfers = Transfers()

    with serving(answering(content, status=status)) as server:
        verdict = check_domain(page, address=server.url(""), transfers=transfers)
    transfers.close()

    assert verdict.is_ours is is_ours
    assert words in verdict.text


def test_a_domain_that_does_not_answer_is_said(console: Client, settings: Any):
    page = PageFactory(slug="acme")
    with serving(answering()) as server:
        port = server.port
    # A port on which nobody listens any more.
    settings.PUBLIC_URL = f"http://status.test:{port}"
    Page.objects.filter(pk=page.pk).update(domain="127.0.0.1")

    asked = console.get(domain_of(page)).content.decode()
    told = console.post(domain_of(page)).content.decode()

    assert "pass the Host header on" in asked
    assert "Not yet." not in asked
    assert "Not yet." in told
    assert "does not answer" in told


def test_a_domain_that_leads_here_is_said(console: Client, settings: Any):
    page = PageFactory(slug="acme")
    with serving(answering(summary(page.public_id))) as server:
        settings.PUBLIC_URL = f"http://status.test:{server.port}"
        Page.objects.filter(pk=page.pk).update(domain="127.0.0.1")

        told = console.post(domain_of(page)).content.decode()

        assert "It works." in told
        assert b"Host: 127.0.0.1" in server.asked[0]


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("editor", 200)])
def test_who_may_only_look_asks_no_domain(client: Client, role: str, status: int):
    page = PageFactory()
    user = UserFactory(username="ann")
    PageMembership.objects.create(page=page, user=user, role=role)
    client.force_login(user)

    assert client.get(domain_of(page)).status_code == status
