"""The feeds in every hand-made state, and what the contract says of single words in them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from apps.publishing.documents import documents
from apps.publishing.feeds import entry_html, feeds
from apps.publishing.readmodel import PageModel
from tests.contracts import statuspage_feeds
from tests.factories import NOW
from tests.publishing import models


def page_object(model: PageModel) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(documents(model)["api/v2/status.json"])["page"]
    return found


@pytest.mark.parametrize("state", models.STATES)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Tijuana", "Asia/Kolkata"])
def test_the_feeds_of_every_state_keep_the_contract(state, zone):
    model = models.STATES[state]()
    model = replace(model, page=replace(model.page, time_zone=zone))

    statuspage_feeds.check(feeds(model), page_object(model))


def test_a_page_by_path_has_feeds_too():
    page = replace(models.PAGE, url="http://status.test:8000/status/acme")
    model = replace(models.in_trouble(), page=page)

    statuspage_feeds.check(feeds(model), page_object(model))


def test_an_entry_is_written_as_readers_split_it():
    incident = models.past_incidents()[0]

    html = entry_html(incident, models.operational().zone)

    assert html == (
        "<p><small>Feb <var data-var='date'>28</var>, <var data-var='time'>10:00</var> CET</small><br>"
        "<strong>Resolved</strong> - The queue is empty again. E-mails go out within seconds.</p>"
        "<p><small>Feb <var data-var='date'>28</var>, <var data-var='time'>09:30</var> CET</small><br>"
        "<strong>Monitoring</strong> - The second relay works the queue off.</p>"
        "<p><small>Feb <var data-var='date'>28</var>, <var data-var='time'>09:00</var> CET</small><br>"
        "<strong>Identified</strong> - One of two mail relays is down.</p>"
    )


def test_a_maintenance_opens_with_its_window_and_days_are_padded():
    upcoming = models.maintenances()[1]

    html = entry_html(upcoming, models.operational().zone)

    assert html.startswith(
        "<p><strong>THIS IS A SCHEDULED EVENT Mar  6, 13:00 - 15:00 CET</strong></p>"
    )


def test_a_status_that_is_told_again_is_an_update():
    labels = [
        part.split("</strong>")[0]
        for part in entry_html(models.in_trouble().incidents[0], models.operational().zone).split(
            "<strong>"
        )[1:]
    ]

    # In progress is readers' Identified.
    assert labels == ["Update", "Identified", "Investigating"]


def test_what_a_text_says_beyond_a_paragraph_follows_it():
    incident = models.incident(
        "Texts", 9, models.update(90, "investigating", "One.\n\nTwo.\n\n- a\n- b", NOW)
    )

    html = entry_html(incident, models.operational().zone)

    assert html.endswith(" - One.<br><br>Two.</p>\n<ul>\n<li>a</li>\n<li>b</li>\n</ul>")


def test_an_announced_maintenance_is_dated_by_its_start_and_all_tell_their_end():
    model = models.maintained()
    items = ElementTree.fromstring(feeds(model)["history.rss"]).iter("item")

    found = {
        str(item.findtext("title")): (item.findtext("pubDate"), item.findtext("maintenanceEndDate"))
        for item in items
    }

    assert found["Second data centre joins"] == (
        "Fri, 06 Mar 2026 13:00:00 +0100",
        "Fri, 06 Mar 2026 15:00:00 +0100",
    )
    assert found["New database version"][0] == "Mon, 02 Mar 2026 12:20:00 +0100"
    assert found["Confirmation e-mails arrive late"][1] is None


def test_an_unchanged_page_has_unchanged_feeds():
    model = models.maintained()

    assert feeds(model) == feeds(replace(model, at=NOW + timedelta(minutes=5)))


def test_what_xml_cannot_hold_is_left_out():
    nasty = "a\x00b\x0bc\ufffed\x1be ]]> <script> \U0001f525"
    model = replace(
        models.empty(),
        page=replace(models.PAGE, name=nasty),
        incidents=(
            models.incident(nasty, 1, models.update(1, "investigating", nasty, NOW), impact="none"),
        ),
    )

    found = ElementTree.fromstring(feeds(model)["history.rss"])

    assert found.findtext("channel/item/title") == "abcde ]]> <script> \U0001f525"
    statuspage_feeds.check(feeds(model), page_object(model))


def test_the_feeds_hold_the_twenty_five_that_changed_last():
    incidents = tuple(
        models.incident(
            f"No {n}", n, models.update(n, "investigating", "?", NOW - timedelta(hours=n))
        )
        for n in range(40)
    )

    root = ElementTree.fromstring(
        feeds(replace(models.empty(), incidents=incidents))["history.rss"]
    )

    titles = [item.findtext("title") for item in root.iter("item")]
    assert titles == [f"No {n}" for n in range(25)]
