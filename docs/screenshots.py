"""Make the pictures of the documentation anew: `.venv/bin/python -m docs.screenshots`.

Runs an installation on a data folder of its own, plays a made-up quarter of a shop's history through the
services, and takes the pictures with Debian's Chromium.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page, sync_playwright

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

# A monitor's past, and a neighbour that fails, after the file is applied.
MONITORED = """
import random
from datetime import timedelta
from django.utils import timezone
from apps.accounts.models import User
from apps.core.actors import Actor
from apps.incidents.models import Incident
from apps.incidents.services import keep_draft
from apps.integrations.models import Integration
from apps.monitors.models import Monitor, Outage, RunDay, RunHour, Schedule
from apps.monitors.rollups import tally
from apps.monitors.services.rollups import HOUR, hour_of
from apps.pages.models import Page

random.seed(11)
now = timezone.now()
Monitor.objects.update(created_at=now - timedelta(days=60))
home = Monitor.objects.get(name="Home page")
schedule = Schedule.objects.get(monitor=home)
last = hour_of(now)

def hour(number):
    usual = [("passed", int(90 + 25 * random.random() + (130 if number == 9 else 0)), 60) for _ in range(5)]
    return tally([*usual, ("passed", int(170 + 80 * random.random()), 20)])

RunHour.objects.bulk_create([RunHour.of(schedule.pk, last - n * HOUR, hour(n)) for n in range(1, 30)])
Outage.objects.bulk_create([
    Outage(monitor=home, started_at=at, opened_at=at, closed_at=at + timedelta(minutes=lasted), reason=reason)
    for days, lasted, reason in ((33, 42, "GET /: no answer within 10 s"), (6, 4, "GET /: status is 503, expected less than 400"))
    for at in [now - timedelta(days=days)]
])
incident = Incident.objects.get(resolved_at=None)
keep_draft(
    page_id=incident.page_id, kind="post_update", incident_id=incident.pk, actor=Actor("person", "kim", "Kim"), at=now,
    asked={"status": "monitoring", "message": "Card payments go through again. We keep watching."},
)
answer = {
    "integration": Integration.objects.get().pk,
    "monitor": home.pk,
    "incident": incident.pk,
    "page": Page.objects.get(slug="acme").pk,
}
"""


@dataclass(frozen=True)
class Picture:
    """What is shown where. `steps` are done on the page before it is taken; only the admin needs a log-in."""

    name: str
    path: str
    width: int = 1280
    height: int = 760
    scheme: Literal["light", "dark"] = "light"
    steps: Callable[[Page], None] = lambda tab: None


def write_update(tab: Page) -> None:
    """Fill in an update as somebody would, and wait for its preview."""
    tab.get_by_label("Status", exact=False).first.select_option("Monitoring")
    tab.get_by_label("Message").fill(
        "Card payments go through again.\n\n- Orders that **failed** can be placed again\n- We keep watching"
    )
    tab.wait_for_timeout(1000)


def open_preview(tab: Page) -> None:
    """Show the page beside its form, of which the board is seen."""
    tab.get_by_role("button", name="Preview the page").click()
    tab.evaluate("scrollBy(0, document.getElementById('board').getBoundingClientRect().top - 90)")
    tab.wait_for_timeout(1500)


INTEGRATION = "/admin/integrations/integration/{integration}/change/"
PICTURES = [
    Picture("page-desktop-light", "/status/acme/", 1100, 1500),
    Picture("page-desktop-dark", "/status/acme/", 1100, 1500, "dark"),
    Picture("page-phone-light", "/status/acme/", 390, 1200),
    Picture("admin-overview", "/admin/"),
    Picture("admin-overview-dark", "/admin/", scheme="dark"),
    Picture("admin-overview-phone", "/admin/", 390, 844),
    Picture("admin-integration", INTEGRATION),
    Picture("admin-integration-dark", INTEGRATION, scheme="dark"),
    Picture("admin-integration-phone", INTEGRATION, 390, 844),
    Picture("admin-monitor", "/admin/monitors/monitor/{monitor}/change/"),
    Picture(
        "admin-update", "/admin/incidents/incident/{incident}/post-update/", steps=write_update
    ),
    Picture("admin-page", "/admin/pages/page/{page}/change/", 1200, steps=open_preview),
    Picture("admin-audit", "/admin/core/auditevent/"),
]


def take(place: Installation, keys: dict[str, int]) -> None:
    """Take every picture."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=services.chromium_program(), args=["--no-sandbox", "--disable-gpu"]
        )
        session = None
        for picture in PICTURES:
            context = browser.new_context(
                viewport={"width": picture.width, "height": picture.height},
                color_scheme=picture.scheme,
                storage_state=session,
            )
            tab = context.new_page()
            if session is None:
                tab.goto(f"{place.url}/admin/")
                tab.get_by_label("Username").fill("mira")
                tab.get_by_label("Password").fill("screenshots-only")
                tab.keyboard.press("Enter")
                tab.get_by_role("button", name="Hide this").click()
                tab.get_by_role("heading", name="Set up your status page").wait_for(
                    state="detached"
                )
                session = context.storage_state()
            tab.goto(place.url + picture.path.format(**keys))
            tab.wait_for_timeout(800)
            picture.steps(tab)
            tab.screenshot(path=ROOT / f"docs/images/{picture.name}.png")
            context.close()
        browser.close()


def main() -> None:
    """Start, play the history, take the pictures."""
    (ROOT / "docs/images").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, installation(Path(folder) / "data") as place:
        place.environment["DEMO_URL"] = "http://127.0.0.1:9"
        place.start(ready_within_s=180)
        place.shell(HISTORY)
        place.apply(
            "version: 1\nworkspaces: [{name: Acme production}]\n"
            "monitors: [{name: Home page, workspace: Acme production, interval_s: 10,"
            f" requests: [{{name: Home, url: '{place.url}/healthz'}}]}},\n"
            "  {name: Payment provider, workspace: Acme production, interval_s: 60,"
            " requests: [{name: Ping, url: 'http://127.0.0.1:9/ping'}]}]\n"
            "integrations: [{nickname: Home page to status page, workspace: Acme production,"
            " monitor: Home page, page: acme, link_components: [{component: Website}],"
            " create_incident: {name: The shop cannot be reached}}]\n"
        )
        wait_for(lambda: place.status("/status/acme/") == 200, within_s=10)
        # The overview's figures come by the minute.
        time.sleep(80)
        take(place, place.shell(MONITORED))


if __name__ == "__main__":
    main()
