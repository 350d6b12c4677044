"""Points are counted once, however late they come and wherever a process dies; what is old goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.pages import metric_selectors as selectors
from apps.pages.metric_selectors import Grain, SeriesReader
from apps.pages.models import MetricAggregate, MetricPoint
from apps.pages.services import Point, aggregates, count_points, prune_metrics, write_points
from tests.factories import NOW, MetricFactory
from tests.racing import at_once

pytestmark = pytest.mark.django_db


def write(metric, *pairs, source=""):
    write_points(
        points=[Point(metric.pk, NOW + timedelta(seconds=s), source, value) for s, value in pairs]
    )


def kept(size_s=300):
    rows = MetricAggregate.objects.filter(size_s=size_s).order_by("metric", "started_at")
    return [
        (
            (row.started_at - NOW) // timedelta(seconds=1),
            row.count,
            row.total,
            row.minimum,
            row.maximum,
        )
        for row in rows
    ]


def test_points_are_counted_in_three_sizes():
    metric = MetricFactory()
    write(metric, (0, 1.0), (299.5, 5.0), (300, 2.0), (-1, 4.0))

    count_points()

    assert kept(300) == [(-300, 1, 4.0, 4.0, 4.0), (0, 2, 6.0, 1.0, 5.0), (300, 1, 2.0, 2.0, 2.0)]
    assert kept(3600) == [(-3600, 1, 4.0, 4.0, 4.0), (0, 3, 8.0, 1.0, 5.0)]
    assert kept(86_400) == [(-43_200, 4, 12.0, 1.0, 5.0)]


def test_counting_again_changes_nothing():
    write(MetricFactory(), (0, 1.0), (10, 2.0))
    count_points()
    before = kept()

    count_points()

    assert kept() == before


def test_a_repeated_point_is_counted_once_and_a_late_one_too():
    metric = MetricFactory()
    write(metric, (0, 1.0))
    count_points()

    write(metric, (0, 1.0), (-7_200_000, 3.0))
    count_points()

    assert kept() == [(-7_200_000, 1, 3.0, 3.0, 3.0), (0, 1, 1.0, 1.0, 1.0)]


@pytest.mark.django_db(transaction=True)
def test_a_process_that_dies_while_it_counts_has_counted_nothing():
    class Killed(BaseException):
        pass

    @transaction.atomic
    def count_and_die():
        count_points()
        raise Killed

    write(MetricFactory(), (0, 1.0))

    with pytest.raises(Killed):
        count_and_die()

    assert kept() == []
    count_points()
    assert kept() == [(0, 1, 1.0, 1.0, 1.0)]


@pytest.mark.django_db(transaction=True)
def test_two_at_once_count_each_point_once():
    metrics = [MetricFactory() for _ in range(3)]
    for metric in metrics:
        write(metric, *((n, 1.0) for n in range(400)))

    outcomes = at_once([count_points, count_points, partial(write, metrics[0], (7.5, 1.0))])

    assert not [one for one in outcomes if isinstance(one, Exception)]
    count_points()
    assert sum(row[1] for row in kept(86_400)) == 1_201


def test_counting_takes_the_same_statements_however_many_points(monkeypatch):
    def statements(count):
        write(MetricFactory(), *((n, 1.0) for n in range(count)))
        with CaptureQueriesContext(connection) as captured:
            count_points()
        # A line for each row of the one statement that adds them.
        return len([q for q in captured if not q["sql"].lstrip().startswith("INSERT")])

    assert statements(1) == statements(600)


def test_many_points_are_counted_a_piece_at_a_time(monkeypatch):
    monkeypatch.setattr(aggregates, "POINTS_A_TURN", 100)
    write(MetricFactory(), *((n, 1.0) for n in range(250)))

    assert [count_points() for _ in range(3)] == [True, True, False]
    assert sum(row[1] for row in kept(86_400)) == 250


def test_counted_points_go_after_a_day_and_others_stay():
    metric = MetricFactory()
    write(metric, (-27 * 3600, 1.0), (-25 * 3600, 2.0))
    count_points()
    write(metric, (-28 * 3600, 3.0))

    prune_metrics(at=NOW)

    assert sorted(MetricPoint.objects.values_list("value", flat=True)) == [2.0, 3.0]
    assert [row[1] for row in kept(86_400)] == [2]


def test_each_size_is_kept_as_long_as_it_is_shown():
    metric = MetricFactory()
    for hours in (1, 30, 40 * 24):
        write(metric, (-hours * 3600, 1.0))
    count_points()

    prune_metrics(at=NOW)

    assert [len(kept(size)) for size in (300, 3600, 86_400)] == [1, 2, 3]


def test_old_points_are_deleted_in_short_statements(monkeypatch):
    monkeypatch.setattr(aggregates, "_DELETED_A_TURN", 100)
    write(MetricFactory(), *((-30 * 3600 + n, 1.0) for n in range(250)))
    count_points()

    assert [prune_metrics(at=NOW) for _ in range(3)] == [True, True, False]
    assert not MetricPoint.objects.exists()


DAY = Grain(300, 300, NOW - timedelta(hours=24))
WEEK = Grain(3600, 3600, NOW - timedelta(days=7))
MONTH = Grain(3600, 14_400, NOW - timedelta(days=30))


def test_a_series_is_the_same_before_and_after_counting(django_assert_num_queries):
    metric = MetricFactory()
    write(metric, *((-n * 1_700, float(n)) for n in range(300)))
    before = selectors.series([metric.pk], [DAY, WEEK, MONTH], until=NOW)

    count_points()

    with django_assert_num_queries(4):
        after = selectors.series([metric.pk], [DAY, WEEK, MONTH], until=NOW)
    assert after == before
    assert [len(found[metric.pk]) for found in after] == [51, 143, 37]
    assert after[2][metric.pk][0].at == datetime(2026, 2, 24, 12, tzinfo=UTC)


def test_a_reader_reads_the_newest_stretches_each_time_and_the_rest_once(django_assert_num_queries):
    metric = MetricFactory()
    write(metric, *((-n * 1_700, float(n)) for n in range(300)))
    count_points()
    reader = SeriesReader(lambda sample: sample)
    grains = [DAY, replace(WEEK, with_present=False), replace(MONTH, with_present=False)]
    metrics = {metric.pk: metric.public_id}
    with django_assert_num_queries(4):
        cold = reader.read(metrics, grains, until=NOW)
    write(metric, (-60, 1_000.0))

    with django_assert_num_queries(2):
        warm = reader.read(metrics, grains, until=NOW)

    exact = selectors.series([metric.pk], grains, until=NOW)
    day, week, month = (tuple(found[metric.pk]) for found in exact)
    assert warm[0][metric.pk] == day
    assert [one.at for one in cold[0][metric.pk]][-1] == NOW
    # Without the stretch that is going on, and without one that was over just now.
    assert warm[1][metric.pk] == cold[1][metric.pk]
    hour, four_hours = timedelta(hours=1), timedelta(hours=4)
    assert warm[1][metric.pk] == tuple(one for one in week if one.at + hour < NOW)
    assert warm[2][metric.pk] == tuple(one for one in month if one.at + four_hours < NOW)


def test_a_reader_reads_anew_when_a_stretch_is_over():
    metric = MetricFactory()
    metrics = {metric.pk: metric.public_id}
    reader = SeriesReader(lambda sample: sample)
    grains = [DAY, replace(WEEK, with_present=False)]
    assert reader.read(metrics, grains, until=NOW) == [{}, {}]
    write(metric, (-3_700, 1.0), (10, 2.0))

    later = reader.read(metrics, grains, until=NOW + timedelta(hours=1, minutes=10))

    assert [[one.total for one in found[metric.pk]] for found in later] == [[1.0, 2.0], [1.0, 2.0]]


def test_an_hour_that_was_over_just_now_is_held_when_its_late_points_are_in():
    metric = MetricFactory()
    metrics = {metric.pk: metric.public_id}
    reader = SeriesReader(lambda sample: sample.total)
    week = [replace(WEEK, with_present=False)]
    write(metric, (-3_700, 1.0), (-60, 2.0))
    assert reader.read(metrics, week, until=NOW) == [{metric.pk: (1.0,)}]
    write(metric, (-1, 4.0))

    assert reader.read(metrics, week, until=NOW + timedelta(minutes=10)) == [
        {metric.pk: (1.0, 6.0)}
    ]


def test_a_reader_holds_so_many_samples_or_one_pages():
    reader = SeriesReader(lambda sample: sample, most_held=8)
    for _ in range(5):
        metric = MetricFactory()
        write(metric, *((-86_000 + n * 300, 1.0) for n in range(3)))
        reader.read({metric.pk: metric.public_id}, [DAY], until=NOW)

    assert sum(len(one) for _, made in reader._held.values() for one in made.values()) <= 8


values = st.floats(-1e6, 1e6).map(lambda value: round(value, 2))
points = st.lists(
    st.tuples(st.integers(-40 * 86_400, 0), values), max_size=30, unique_by=lambda pair: pair[0]
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(points, st.integers(0, 30))
def test_sums_are_those_of_the_points_whenever_they_are_counted(some, cut):
    metric = MetricFactory()
    write(metric, *some[:cut])
    count_points()
    write(metric, *some[cut:])

    for grain, found in zip(
        (DAY, WEEK, MONTH),
        selectors.series([metric.pk], [DAY, WEEK, MONTH], until=NOW),
        strict=True,
    ):
        since = grain.since.timestamp() // grain.step_s * grain.step_s
        inside = [value for s, value in some if NOW.timestamp() + s >= since]
        samples = found.get(metric.pk, [])
        assert sum(one.count for one in samples) == len(inside)
        assert sum(one.total for one in samples) == pytest.approx(sum(inside))
        assert max((one.maximum for one in samples), default=None) == max(inside, default=None)
