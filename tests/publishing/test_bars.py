from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from django.conf import settings

from apps.publishing.bars import HEIGHT, STEP, WIDTH, percentage_text, uptime_bars, what_happened
from apps.publishing.readmodel import DayFacts
from tests.publishing.models import uptime


@pytest.mark.parametrize(
    ("percentage", "text"),
    [
        (100.0, "100 %"),
        (99.99999, "99.99 %"),
        (99.95, "99.95 %"),
        (99.998, "99.99 %"),
        (0.0, "0.00 %"),
        (None, ""),
    ],
)
def test_a_percentage_is_never_rounded_up(percentage, text):
    assert percentage_text(percentage) == text


def test_every_day_is_told_in_words():
    day = DayFacts(
        date(2026, 3, 1), "major", major_s=4320, partial_s=60, maintenance_s=0, unmeasured_s=7200
    )

    assert what_happened(day) == "Major outage 1 h 12 min, partial outage 1 min, not measured 2 h"
    assert what_happened(DayFacts(date(2026, 3, 1), "operational")) == "No downtime"
    assert what_happened(DayFacts(date(2026, 3, 1), "no_data")) == "No data"


def test_there_is_a_bar_for_each_day_and_a_title_where_there_is_something_to_tell():
    picture = uptime_bars(
        "API", uptime(d1={"maintenance_s": 20.0}, d5={"level": "partial", "partial_s": 600.0})
    )

    assert drawn(picture) == list(range(90))
    assert picture.count("<rect") == 2
    assert re.findall("<title>(.*?)</title>", picture) == [
        "25 Feb 2026: Partial outage 10 min",
        "1 Mar 2026: Maintenance 20 s",
    ]
    assert 'data-until="2026-03-02"' in picture


def drawn(picture: str) -> list[int]:
    """Return the places that have a bar, one by one or in a line of dashes, in order."""
    places = [int(x) // STEP for x in re.findall(r'<rect [^>]*x="(\d+)"', picture)]
    for x, length in re.findall(r'd="M(\d+) \d+h(\d+)"', picture):
        end = int(x) + int(length)
        assert (end + STEP - WIDTH) % STEP == 0
        places += range(int(x) // STEP, (end + STEP - WIDTH) // STEP)
    return sorted(places)


def test_quiet_days_are_short_since_a_page_holds_thousands():
    picture = uptime_bars("API", uptime(d30={"level": "no_data"}, d31={"level": "no_data"}))

    assert drawn(picture) == list(range(90))
    assert len(picture) < 350


def test_a_day_without_data_that_was_corrected_tells_of_it():
    picture = uptime_bars("API", uptime(d1={"level": "no_data", "corrections": ("A fault.",)}))

    assert drawn(picture) == list(range(90))
    assert "<title>1 Mar 2026: No data. Corrected: A fault</title>" in picture


def test_worse_days_stand_taller_so_that_colour_is_not_needed():
    css = (Path(settings.BASE_DIR) / "static" / "public" / "page.css").read_text()
    heights = []
    for told in ["no_data", "maintenance", "operational", "degraded", "partial", "major"]:
        picture = uptime_bars("API", uptime(d0={"level": told, "corrections": ("Told.",)}))
        bar = picture[picture.rindex("<rect") :]
        found = re.search(r'class="(\w)"', bar)
        rule = re.escape(f".bars .{found[1]}" if found else ".bars rect")
        y, height = re.search(
            rf"^{rule} {{\n  y: (\d+)(?:px)?;\n(?:  width: 3px;\n)?  height: (\d+)px;",
            css,
            re.MULTILINE,
        ).groups()
        heights.append(int(height))
        assert int(y) + int(height) == HEIGHT

    assert heights == sorted(set(heights))


@pytest.mark.parametrize(
    ("level", "line", "bar"),
    [("operational", ".bars path", ".bars rect"), ("no_data", ".bars path.n", ".bars .n")],
)
def test_a_day_in_a_line_looks_as_one_alone(level, line, bar):
    css = (Path(settings.BASE_DIR) / "static" / "public" / "page.css").read_text()
    picture = uptime_bars("API", uptime(d0={"level": level}))

    middle = int(re.findall(r'd="M\d+ (\d+)h', picture)[-1])
    width = int(re.search(rf"^{re.escape(line)} {{[^}}]*stroke-width: (\d+)px", css, re.M)[1])
    height = int(re.search(rf"^{re.escape(bar)} {{[^}}]*height: (\d+)px", css, re.M)[1])
    assert width == height
    assert middle + width // 2 == HEIGHT


def test_the_picture_names_its_days_with_problems():
    picture = uptime_bars("API", uptime(99.5, d3={"level": "major", "major_s": 600.0}))

    assert (
        'aria-label="API: 99.50 % uptime over 90 days. 27 Feb 2026: Major outage 10 min."'
        in picture
    )


def test_a_corrected_day_says_so_with_the_reason():
    day = DayFacts(date(2026, 3, 1), "operational", corrections=("A false alarm.", "One <b>more"))
    picture = uptime_bars("API", uptime(d0={"corrections": day.corrections}))

    assert what_happened(day) == ("No downtime. Corrected: A false alarm. Corrected: One <b>more")
    assert "No downtime. Corrected: A false alarm. Corrected: One &lt;b&gt;more</title>" in picture
    assert "2 Mar 2026: No downtime. Corrected: A false alarm." in picture.split(">")[0]
    assert "<b>" not in picture


def test_names_are_escaped():
    assert "<script>" not in uptime_bars("<script>", uptime())
