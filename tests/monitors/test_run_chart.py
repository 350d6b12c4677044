"""The picture of a monitor's past says in words what it shows."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from apps.monitors.admin.run_chart import drawn, share_text, time_text
from apps.monitors.history import Span
from apps.monitors.rollups import Tally, merge, tally
from apps.monitors.services.rollups import HOUR
from tests.factories import NOW

NOTHING = Tally()


def span_of(*stretches: Tally) -> Span:
    return Span("24 hours", HOUR, NOW, stretches, merge(stretches))


def quick(number: int = 60, failed: int = 0) -> Tally:
    return tally([("passed", 40, number), ("failed", None, failed)])


def test_the_picture_tells_in_words_how_many_failed_and_when():
    found = drawn(span_of(quick(), quick(50, failed=10), NOTHING))

    svg = ElementTree.fromstring(str(found.picture))
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == (
        "The past 24 hours: 120 runs, 91.66 % passed, half of them within 40 ms and 95 percent within 40 ms."
        " Most failures: 10 in what began 2026-03-02 13:00 UTC."
    )
    assert "style" not in str(found.picture)
    assert (found.runs, found.failed, found.ticks) == ("120", "10", ("12:00", "13:00", "14:00"))


def test_without_runs_there_is_no_picture():
    found = drawn(span_of(NOTHING, NOTHING))

    assert found.picture is None
    assert (found.runs, found.passed, found.median, found.extent) == ("0", "–", "–", "–")


@pytest.mark.parametrize(
    ("stretches", "path"),
    [
        # Through the middles, from the top at 40 ms of 40.
        ((quick(), quick()), "M150.0 0.0L450.0 0.0"),
        ((quick(), NOTHING), "M0.0 0.0h300.0"),
        ((quick(), NOTHING, quick()), "M0.0 0.0h200.0M400.0 0.0h200.0"),
        ((NOTHING, quick(), quick()), "M300.0 0.0L500.0 0.0"),
    ],
)
def test_a_line_is_broken_where_nothing_was_measured(stretches, path):
    svg = ElementTree.fromstring(str(drawn(span_of(*stretches)).picture))

    (line,) = [part for part in svg if part.get("class") == "console-chart-p50"]
    assert line.get("d") == path


@pytest.mark.parametrize(
    ("part", "kinds"),
    [
        (quick(), ["passed"]),
        (quick(0, failed=3), ["failed"]),
        (quick(9999, failed=1), ["failed", "passed"]),
        (tally([("error", None, 4)]), ["error"]),
        (NOTHING, []),
    ],
)
def test_one_failure_among_thousands_is_seen(part, kinds):
    svg = ElementTree.fromstring(str(drawn(span_of(part, quick())).picture))

    blocks = [block for block in _blocks(svg) if block.get("x") == "0.0"]
    assert [str(block.get("class")).removeprefix("console-chart-") for block in blocks] == kinds
    assert all(float(str(block.get("height"))) >= 4 for block in blocks)


def _blocks(svg: ElementTree.Element) -> list[ElementTree.Element]:
    return [part for part in svg if part.tag == "rect" and part.get("class") != "console-chart-hit"]


def test_the_table_has_a_row_for_each_stretch_with_what_a_pointer_is_told():
    slow = tally([("passed", 40, 98), ("passed", 900, 2)])

    found = drawn(span_of(slow, NOTHING))

    first, second = found.rows
    assert (first.began, first.runs, first.passed) == ("2026-03-02 12:00 UTC", "100", "100 %")
    assert (first.median, first.p95, first.p99) == ("40 ms", "40 ms", "900 ms")
    assert (second.runs, second.passed, second.p99) == ("0", "–", "–")
    svg = ElementTree.fromstring(str(found.picture))
    assert [title.text for title in svg.iter("title")] == [
        "2026-03-02 12:00 UTC: 100 runs, 0 failed, 0 errors; p50 40 ms, p95 40 ms, p99 900 ms",
        "2026-03-02 13:00 UTC: no runs",
    ]


@pytest.mark.parametrize("number", [1, 2, 5, 24, 28, 30, 90])
def test_the_first_and_the_last_stretch_are_named_below_the_picture(number):
    found = drawn(span_of(*[quick()] * number))

    assert len(found.ticks) == min(number, 5)
    assert found.ticks[0] == "12:00"
    assert found.ticks[-1] == f"{NOW + (number - 1) * HOUR:%H:%M}"


def test_texts():
    assert [share_text(share) for share in (None, 1.0, 0.999999, 0.5)] == [
        "–", "100 %", "99.99 %", "50.00 %",
    ]  # fmt: skip
    assert [time_text(time) for time in (None, 0, 1234.4, 12_340)] == [
        "–", "0 ms", "1,234 ms", "12.3 s",
    ]  # fmt: skip
