"""Make the pictures of the documentation anew: `.venv/bin/python -m docs.screenshots`.

Runs an installation on a data folder of its own, plays a made-up quarter of a shop's history through the
services, and takes the pictures with Debian's Chromium.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests import services
from tests.e2e.harness import ROOT, Installation, installation, wait_for

HISTORY = """
import random
from datetime import timedelta
from django.contrib.auth import get_user_model
from django.utils import timezone
from apps.core.actors import AUTOMATION, Actor
from apps.incidents.services import open_incident, post_update
from apps.pages import services as pages
from apps.pages.contributions import ContributionChange, Word
from apps.pages.services import Point

get_user_model().objects.create_superuser("mira", password="screenshots-only")
random.seed(7)
now = timezone.now()
start = now - timedelta(days=120)
staff = Actor("person", "mira", "Mira")
page = pages.create_page(name="Acme", slug="acme", description="How Acme's shop and its API are doing.", actor=staff, at=start)
shop = pages.create_component(page_id=page.pk, name="Website", description="The shop's front", actor=staff, at=start)
group = pages.create_group(page_id=page.pk, name="API", description="What partners call", actor=staff, at=start)
checkout = pages.create_component(page_id=page.pk, group_id=group.pk, name="Checkout", description="Placing orders", actor=staff, at=start)
search = pages.create_component(page_id=page.pk, group_id=group.pk, name="Search", description="Finding products", actor=staff, at=start)
metric = pages.create_metric(page_id=page.pk, name="Checkout response time", unit="ms", actor=staff, at=start)
pages.write_points(points=[
    Point(metric.pk, now - timedelta(minutes=5 * n), "", 118 + 30 * random.random() + (90 if 60 < n < 72 else 0))
    for n in range(288)
])

def say(component, status, at):
    word = Word(key="shots", status=status, since=at, label="Monitor")
    pages.apply_contributions(changes=[ContributionChange(component.pk, "link", upsert=(word,))], actor=AUTOMATION, at=at)

def trouble(component, status, days, hours, name, text):
    at = now - timedelta(days=days)
    say(component, status, at)
    incident, _ = open_incident(page_id=page.pk, name=name, status="investigating", message=text, components={component.pk: status}, actor=AUTOMATION, at=at)
    end = at + timedelta(hours=hours)
    say(component, "operational", end)
    post_update(incident_id=incident.pk, status="resolved", message="Everything works again.", components={component.pk: "operational"}, actor=AUTOMATION, at=end)

trouble(search, "degraded_performance", 81, 5, "Search is slow", "Some searches take several seconds.")
trouble(checkout, "partial_outage", 58, 1.5, "Some orders fail", "About one order in five fails.")
trouble(shop, "major_outage", 33, 0.7, "The shop cannot be reached", "We are looking into it.")
trouble(checkout, "degraded_performance", 9, 2, "Orders take longer", "Orders go through, but slowly.")
begin = now - timedelta(minutes=26)
say(checkout, "partial_outage", begin)
incident, _ = open_incident(page_id=page.pk, name="Card payments fail for some customers", status="investigating", message="Some card payments are refused. Other ways to pay work.", components={checkout.pk: "partial_outage"}, actor=AUTOMATION, at=begin)
post_update(incident_id=incident.pk, status="identified", message="Our payment provider confirms a fault on their side and is **rolling back**.", components={checkout.pk: "partial_outage"}, actor=staff, at=now - timedelta(minutes=9))
answer = True
"""

PICTURES = [
    # name, path, width, height, colour scheme, needs log-in
    ("page-desktop-light", "/status/acme/", 1100, 1500, "light", False),
    ("page-desktop-dark", "/status/acme/", 1100, 1500, "dark", False),
    ("page-phone-light", "/status/acme/", 390, 1200, "light", False),
    ("admin-overview", "/admin/", 1400, 900, "light", True),
    ("admin-integration", "/admin/integrations/integration/{integration}/change/", 1400, 1100, "light", True),
]  # fmt: skip


def take(place: Installation, integration: int) -> None:
    """Take every picture."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=services.chromium_program(), args=["--no-sandbox", "--disable-gpu"]
        )
        for name, path, width, height, scheme, needs_login in PICTURES:
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if scheme == "dark" else "light",
            )
            tab = context.new_page()
            if needs_login:
                tab.goto(f"{place.url}/admin/")
                tab.fill("[name=username]", "mira")
                tab.fill("[name=password]", "screenshots-only")
                tab.keyboard.press("Enter")
                tab.wait_for_load_state("networkidle")
            tab.goto(place.url + path.format(integration=integration))
            tab.wait_for_timeout(800)
            tab.screenshot(path=ROOT / f"docs/images/{name}.png")
            context.close()
        browser.close()


def main() -> None:
    """Start, play the history, take the pictures."""
    (ROOT / "docs/images").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, installation(Path(folder) / "data") as place:
        place.environment["DEMO_URL"] = "http://127.0.0.1:9"
        place.start()
        place.shell(HISTORY)
        place.apply(
            "version: 1\nworkspaces: [{name: Acme production}]\n"
            "monitors: [{name: Home page, workspace: Acme production, interval_s: 10,"
            f" requests: [{{name: Home, url: '{place.url}/healthz'}}]}}]\n"
            "integrations: [{nickname: Home page to status page, workspace: Acme production,"
            " monitor: Home page, page: acme, link_components: [{component: Website}],"
            " create_incident: {name: The shop cannot be reached}}]\n"
        )
        integration = place.shell(
            "from apps.integrations.models import Integration\nanswer = Integration.objects.get().pk"
        )
        wait_for(lambda: place.status("/status/acme/") == 200, within_s=10)
        time.sleep(12)
        take(place, int(integration))


if __name__ == "__main__":
    main()
