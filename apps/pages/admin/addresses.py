"""Where readers find a page, and what goes into other sites and programs; whether its own domain leads to it."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.core.egress.shared import shared_transfers
from apps.pages.admin.outlets import outlet
from apps.pages.domain_check import check_domain
from apps.pages.models import Page


def table(page: Page) -> str:
    """Return the page's addresses for its own screen, in one query."""
    address = outlet().address(page)
    snippet = f'<script src="{address}/embed/script.js" async></script>'
    by_path = f"{settings.PUBLIC_URL}/status/{page.slug}/"
    rows = [
        ("The page", f"{address}/", True),
        *([("Also at", by_path, True)] if page.domain else []),
        ("Atom feed", f"{address}/history.atom", True),
        ("RSS feed", f"{address}/history.rss", True),
        ("JSON: all in one", f"{address}/api/v2/summary.json", True),
        ("JSON: status only", f"{address}/api/v2/status.json", True),
        ("For your own site", snippet, False),
    ]
    former = [f"/status/{row.slug}/" for row in page.former_slugs.all()]
    context = {
        "rows": [
            {"label": label, "text": text, "is_link": is_link} for label, text, is_link in rows
        ],
        "former": former,
        "domain": page.domain,
        "check_url": reverse("admin:pages_page_domain", args=[page.pk]) if page.domain else "",
    }
    return render_to_string("admin/pages/addresses.html", context)


def domain_help() -> str:
    """Return how a page gets a domain of its own."""
    return (
        f"The page’s own host name, such as status.example.com; empty: none. {_record('status.example.com')} "
        "It needs a certificate where this platform is reached by https."
    )


def _record(domain: str) -> str:
    """Return the DNS record to make, in a sentence."""
    host = str(urlsplit(settings.PUBLIC_URL).hostname)
    if host == "localhost" or _is_address(host):
        return f"Make a DNS record for {domain} that leads to this machine (type A or AAAA)."
    return f"Make a DNS record of type CNAME for {domain} that points to {host}."


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def domain_screen(request: HttpRequest, screen: Any, page: Page) -> HttpResponse:
    """Say what the page's domain needs; asked by POST, ask it and say what came of it. Nothing is changed."""
    if not screen.has_change_permission(request, page):
        raise PermissionDenied
    verdict = None
    if request.method == "POST" and page.domain:
        verdict = check_domain(page, address=outlet().address(page), transfers=shared_transfers())
    context = {
        **screen.admin_site.each_context(request),
        "opts": screen.opts,
        "original": page,
        "title": f"The domain of {page}",
        "page": page,
        "record": _record(page.domain or "status.example.com"),
        "verdict": verdict,
        "media": screen.media,
        "back": reverse("admin:pages_page_change", args=[page.pk]),
    }
    return TemplateResponse(request, "admin/pages/domain.html", context)
