from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from apps.publishing.charts import MONTH, WEEK, chart_of, nice_ceiling, number_text
from apps.publishing.readmodel import MetricFacts, PointFacts
from tests.factories import NOW

BERLIN = ZoneInfo("Europe/Berlin")


def metric(*values_by_minutes_ago: tuple[int, float]) -> MetricFacts:
    points = tuple(
        PointFacts(NOW - timedelta(minutes=minutes), value)
        for minutes, value in values_by_minutes_ago
    )
    return MetricFacts("m00000000001", "Latency", "ms", points)


def test_a_chart_has_labels_in_words_and_in_the_pages_zone():
    chart = chart_of(metric((600, 100.0), (5, 300.0)), until=NOW, zone=BERLIN)

    assert chart is not None
    assert (chart.latest, chart.mean, chart.highest) == ("300 ms", "200 ms", "300 ms")
    assert chart.moments == ("13:00", "19:00", "01:00", "07:00", "13:00")
    assert chart.values == ("300 ms", "150 ms", "0 ms")
    assert "Latency over the past 24 hours: latest 300 ms" in chart.picture


def test_the_line_is_broken_where_nothing_was_measured():
    chart = chart_of(metric((60, 1.0), (55, 1.0), (20, 1.0), (15, 1.0)), until=NOW, zone=BERLIN)

    assert chart is not None
    assert chart.picture.split('class="line"')[1].count("M") == 2


def test_older_points_are_left_out_and_none_makes_no_chart():
    assert chart_of(metric((60 * 25, 1.0)), until=NOW, zone=BERLIN) is None


def test_a_week_and_a_month_have_their_own_labels_and_their_own_breaks():
    hours = tuple(PointFacts(NOW - timedelta(hours=n), 1.0) for n in (5, 4, 2, 1))
    facts = MetricFacts("m00000000001", "Latency", "ms", (), week=hours, month=hours)

    week = chart_of(facts, until=NOW, zone=BERLIN, period=WEEK)
    month = chart_of(facts, until=NOW, zone=BERLIN, period=MONTH)

    assert week is not None
    assert month is not None
    assert week.moments == ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Mon")
    assert month.moments == ("31 Jan", "6 Feb", "12 Feb", "18 Feb", "24 Feb", "2 Mar")
    assert "Latency over the past 30 days: latest 1 ms" in month.picture
    assert week.picture.split('class="line"')[1].count("M") == 1


def test_a_stretch_with_more_values_weighs_more():
    points = (PointFacts(NOW - timedelta(hours=2), 10.0, 9), PointFacts(NOW, 20.0, 1))
    chart = chart_of(MetricFacts("m00000000001", "Latency", "", points), until=NOW, zone=BERLIN)

    assert chart is not None
    assert chart.mean == "11"


@pytest.mark.parametrize("values", [(0.0, 0.0), (-5.0, 5.0), (-3.0, -1.0), (1e9, 2.0), (1e-9, 0.0)])
def test_any_values_make_a_chart(values):
    chart = chart_of(metric((10, values[0]), (5, values[1])), until=NOW, zone=BERLIN)

    assert chart is not None
    assert "nan" not in chart.picture


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (-3, 1), (1, 1), (561, 600), (0.07, 0.08), (1001, 1200), (99, 100)]
)
def test_the_scale_ends_at_a_round_number(value, top):
    assert nice_ceiling(value) == pytest.approx(top)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (12.345, "12.3"),
        (0.01234, "0.0123"),
        (1234.5, "1,234"),
        (5.0, "5"),
        (-7.5, "-7.5"),
    ],
)
def test_numbers_have_three_figures(value, text):
    assert number_text(value) == text
