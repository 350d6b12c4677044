"""The uptime page: months of days in words and marks, closed months written once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.clock import database_now
from apps.pages import services as pages
from apps.publishing import services, uptime_archive
from apps.publishing.assets import load_assets
from apps.publishing.models import ArchiveFile, Publication
from apps.publishing.months import month_start
from apps.publishing.readmodel import DayFacts
from apps.publishing.uptime_facts import (
    MonthUptime,
    mean_uptime,
    month_key,
    month_of,
    months_back,
    months_between,
)
from apps.publishing.uptime_pages import calendar_of, entries, index_page
from tests import factories as make
from tests.factories import PERSON
from tests.publishing.models import operational

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _look_at_each_build():
    uptime_archive._seen.clear()
    yield
    uptime_archive._seen.clear()


@pytest.fixture
def today():
    return database_now()


def close_all(at):
    while pages.close_days(at=at):
        pass


def rebuild(build):
    """Build once more, with a look at the days."""
    for seen in uptime_archive._seen.values():
        seen.through_at = None
    Publication.objects.update(checked_at=None)
    build()


def component_since(today, days, **values):
    component = make.ComponentFactory(status_since=today - timedelta(days=days), **values)
    make.PublicationFactory(page=component.page)
    return component


def written():
    return dict(ArchiveFile.objects.filter(path__startswith="uptime").values_list("path", "seq"))


def month_ago(today, months):
    """The key and the middle of a month that is over."""
    first = months_back(today.date(), months)
    return month_key(first), datetime(first.year, first.month, 15, 12, tzinfo=UTC)


def test_the_newest_months_are_one_page_and_each_closed_month_has_its_own(build, client, today):
    component = component_since(today, 200, name="Checkout")
    close_all(today)

    build()
    for _ in range(3):
        rebuild(build)

    page = client.get(f"/status/{component.page.slug}/uptime")
    assert page.status == 200
    assert page.text.count("<table") == 3
    assert "Checkout" in page.text
    key, _ = month_ago(today, 4)
    month = client.get(f"/status/{component.page.slug}/uptime/{key}")
    assert month.status == 200
    assert month.text.count("<table") == 1
    assert f'href="uptime/{key}"' in page.text
    assert client.get(f"/status/{component.page.slug}/uptime/2001-01").status == 404


def test_a_file_is_written_again_only_when_what_it_shows_has_changed(build, today):
    component_since(today, 100)
    close_all(today)
    for _ in range(2):
        rebuild(build)
    before = written()

    rebuild(build)

    assert len(before) >= 3
    assert written() == before


def test_a_correction_rewrites_its_month_alone_and_says_why(build, client, today):
    component = component_since(today, 150)
    close_all(today)
    for _ in range(3):
        rebuild(build)
    before = written()
    key, middle = month_ago(today, 3)
    pages.correct_period(
        component_id=component.pk,
        started_at=middle,
        ended_at=middle + timedelta(hours=2),
        status="major_outage",
        reason="Orders <b>failed</b> unseen.",
        actor=PERSON,
        at=today,
    )
    close_all(database_now())

    for _ in range(3):
        rebuild(build)

    after = written()
    assert {path for path in after if after[path] != before.get(path)} == {f"uptime/{key}"}
    text = client.get(f"/status/{component.page.slug}/uptime/{key}").text
    assert "Major outage 2 h. Corrected: Orders &lt;b&gt;failed&lt;/b&gt; unseen" in text
    assert "Robin" not in text


def test_a_correction_of_long_ago_is_told_with_the_next_look(build, client, today):
    component = component_since(today, 300)
    close_all(today)
    for _ in range(6):
        rebuild(build)
    key, middle = month_ago(today, 8)
    pages.correct_period(
        component_id=component.pk,
        started_at=middle,
        ended_at=middle + timedelta(hours=2),
        status="major_outage",
        reason="Found in the logs.",
        actor=PERSON,
        at=today,
    )
    close_all(database_now())

    rebuild(build)

    text = client.get(f"/status/{component.page.slug}/uptime/{key}").text
    assert "Major outage 2 h. Corrected: Found in the logs" in text


def test_a_new_name_comes_to_all_files_some_at_a_time(build, today):
    component = component_since(today, 200)
    close_all(today)
    for _ in range(4):
        rebuild(build)
    before = written()
    pages.update_component(component_id=component.pk, name="New name", actor=PERSON, at=today)

    rebuild(build)

    after = written()
    assert all(seq > before[path] for path, seq in after.items())
    builds = Counter(after.values())
    assert max(builds.values()) == uptime_archive._MONTHS_A_BUILD + 1
    assert len(builds) >= 3


def test_months_before_every_start_date_go(build, today):
    component = component_since(today, 150)
    close_all(today)
    for _ in range(3):
        rebuild(build)
    key, _ = month_ago(today, 3)
    pages.update_component(
        component_id=component.pk,
        start_date=months_back(today.date(), 2),
        actor=PERSON,
        at=today,
    )

    rebuild(build)

    assert not bytes(ArchiveFile.objects.get(path=f"uptime/{key}").content)


def test_hidden_and_unshown_components_are_not_on_it(build, client, today):
    component = component_since(today, 100, name="Shown")
    make.ComponentFactory(page=component.page, hidden=True, name="Secret")
    make.ComponentFactory(page=component.page, showcase=False, name="Barless")
    close_all(today)

    rebuild(build)

    text = client.get(f"/status/{component.page.slug}/uptime").text
    assert "Shown" in text
    assert "Secret" not in text
    assert "Barless" not in text


def test_a_component_that_is_hidden_leaves_every_month_at_once(build, client, today):
    component = component_since(today, 250, name="Secret")
    make.ComponentFactory(page=component.page, name="Other", status_since=component.status_since)
    close_all(today)
    for _ in range(6):
        rebuild(build)
    assert len(written()) > 6
    pages.update_component(component_id=component.pk, hidden=True, actor=PERSON, at=today)

    rebuild(build)

    slug = component.page.slug
    texts = [client.get(f"/status/{slug}/{path}").text for path in written()]
    assert all("Other" in text for text in texts)
    assert not any("Secret" in text for text in texts)


def test_months_stay_while_a_correction_waits_for_their_days(build, client, today):
    component = component_since(today, 150)
    close_all(today)
    for _ in range(3):
        rebuild(build)
    before = written()
    key, middle = month_ago(today, 3)
    pages.correct_period(
        component_id=component.pk,
        started_at=middle,
        ended_at=middle + timedelta(hours=2),
        status="major_outage",
        reason="Orders failed unseen.",
        actor=PERSON,
        at=today,
    )

    rebuild(build)

    assert client.get(f"/status/{component.page.slug}/uptime/{key}").status == 200
    index = client.get(f"/status/{component.page.slug}/uptime").text
    assert f'href="uptime/{key}"' in index
    assert {path for path in before if path != "uptime"} == {
        path for path, seq in written().items() if seq == before[path] and path != "uptime"
    }


def test_what_a_lost_build_would_have_written_the_next_one_writes(build, today):
    component = component_since(today, 40)
    close_all(today)
    publication = Publication.objects.get(page=component.page)
    lost = services.render(publication, load_assets(), at=database_now())
    assert f"uptime/{month_ago(today, 1)[0]}" in lost.work.files

    build()

    assert f"uptime/{month_ago(today, 1)[0]}" in written()


def test_a_look_costs_the_same_however_many_years_there_are(build, today):
    def statements(days):
        component = component_since(today, days)
        close_all(today)
        for _ in range(6):
            rebuild(build)
        uptime_archive._seen[component.page_id].through_at = None
        publication = Publication.objects.get(page=component.page)
        with CaptureQueriesContext(connection) as captured:
            built = services.render(publication, load_assets(), at=database_now())
        assert not [path for path in built.work.files if path.startswith("uptime")]
        return len(captured)

    assert statements(40) == statements(280)


def test_a_new_process_looks_at_every_month_once_and_writes_none_that_is_right(build, today):
    component_since(today, 300)
    close_all(today)
    for _ in range(5):
        rebuild(build)
    before = written()
    ArchiveFile.objects.filter(path=f"uptime/{month_ago(today, 8)[0]}").update(digest="damaged")
    uptime_archive._seen.clear()

    for _ in range(5):
        rebuild(build)

    changed = {path for path, seq in written().items() if seq != before[path]}
    assert changed == {f"uptime/{month_ago(today, 8)[0]}"}


def test_between_two_looks_a_build_asks_nothing(build, today):
    component = component_since(today, 40)
    close_all(today)
    rebuild(build)
    publication = Publication.objects.get(page=component.page)

    with CaptureQueriesContext(connection) as captured:
        services.render(publication, load_assets(), at=database_now())

    assert not [query for query in captured if "built_at" in query["sql"]]


def test_a_group_has_the_mean_of_its_components():
    def month(percentage):
        return MonthUptime("2026-02", percentage, ())

    assert mean_uptime([month(100.0), month(None), month(99.0)]) == 99.5
    assert mean_uptime([month(None)]) is None


def test_each_state_is_told_in_words_and_marks_and_not_by_colour_alone():
    model = operational()
    months = {
        one.id: [month_of(key, one.uptime.days) for key in ("2026-03", "2026-02")]
        for one in model.components
        if one.uptime
    }

    html = index_page(model, months, load_assets(), earlier=["2025-12", "2025-11"]).decode()

    told = "Partial outage 25 min, degraded performance 10 min"
    assert (
        f'<td class="p" title="{told}">9<span class="visually-hidden">: {told}</span></td>' in html
    )
    assert '<th scope="col" abbr="Monday">' in html
    assert f"<strong>9 Feb</strong> {told}" in html
    assert 'href="uptime/2025-12"' in html
    groups = [view for view in entries(model, months) if hasattr(view, "means")]
    assert [title for title, _ in groups[0].means] == ["March 2026", "February 2026"]


def test_a_corrected_day_is_marked_also_where_nothing_happened():
    day = DayFacts(month_start("2026-02"), "operational", 86_400.0, corrections=("False alarm.",))
    model = operational()
    months = {model.components[0].id: [month_of("2026-02", [day])]}

    html = index_page(model, months, load_assets(), earlier=[]).decode()

    assert '<td class="o c" title="No downtime. Corrected: False alarm">1<span' in html


@pytest.mark.parametrize(
    ("first", "last", "keys"),
    [
        ("2025-11", "2026-02", ["2026-02", "2026-01", "2025-12", "2025-11"]),
        ("2026-02", "2026-02", ["2026-02"]),
        ("2026-03", "2026-02", []),
    ],
)
def test_months_are_listed_newest_first(first, last, keys):
    assert months_between(month_start(first), month_start(last)) == keys


def test_months_cut_from_days_in_order_are_those_found_among_them():
    for one in operational().components:
        if one.uptime is None:
            continue
        for key in ("2025-11", "2025-12", "2026-01", "2026-02", "2026-03", "2026-04"):
            found = uptime_archive._month_of(one.id, key, one.uptime.days)
            assert found == month_of(key, one.uptime.days)


def test_a_calendar_is_made_anew_when_what_it_shows_has_changed():
    def shown(*days, key="2026-02"):
        return calendar_of("c00000000001", month_of(key, days))

    quiet = [DayFacts(date(2026, 2, day), "operational", operational_s=86_400.0) for day in (1, 2)]
    today = DayFacts(date(2026, 2, 3), "operational", operational_s=600.0)
    base = shown(*quiet, today)

    assert shown(*quiet, replace(today, operational_s=700.0)) is base
    others = [
        shown(*quiet, replace(today, level="partial", partial_s=900.0)),
        shown(*quiet, replace(today, corrections=("A fault",))),
        shown(quiet[0], replace(quiet[1], level="maintenance", maintenance_s=900.0), today),
        shown(*quiet),
        shown(key="2026-03"),
    ]
    assert len({base.html, *(one.html for one in others)}) == 6
    assert len({base.digest, *(one.digest for one in others)}) == 6


def build_once():
    Publication.objects.update(published_at=None)
    services.build_due()


def test_what_was_asked_for_is_published_before_the_days_are_looked_at(build, client, today):
    component = component_since(today, 100)
    close_all(today)
    for _ in range(3):
        rebuild(build)
    seen = uptime_archive._seen[component.page_id]
    seen.through_at -= timedelta(seconds=40)
    before = written()

    pages.set_staff_status(
        component_id=component.pk, status="major_outage", actor=PERSON, at=database_now()
    )
    pages.correct_period(
        component_id=component.pk,
        started_at=today - timedelta(days=1, hours=3),
        ended_at=today - timedelta(days=1, hours=1),
        status="major_outage",
        reason="Found in the logs.",
        actor=PERSON,
        at=today,
    )
    services.request(page_ids=[component.page_id], at=database_now())
    build_once()
    first = written()
    publication = Publication.objects.get(page=component.page_id)
    build_once()

    assert "Major outage" in client.get(f"/status/{component.page.slug}/").text
    assert (first, publication.checked_at) == (before, None)
    assert written()["uptime"] > before["uptime"]
    assert "Found in the logs" in client.get(f"/status/{component.page.slug}/uptime").text
    assert Publication.objects.get(page=component.page_id).checked_at is not None


def test_looks_are_not_put_off_for_long_however_often_a_page_is_asked_for(build, today):
    component = component_since(today, 5)
    close_all(today)
    rebuild(build)
    for ago_s, is_looked in ((40, False), (200, True)):
        seen = uptime_archive._seen[component.page_id]
        seen.through_at = at = database_now() - timedelta(seconds=ago_s)
        services.request(page_ids=[component.page_id], at=database_now())

        build_once()

        assert (uptime_archive._seen[component.page_id].through_at != at) is is_looked
