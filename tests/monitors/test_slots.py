"""Slots keep their phase, whatever was missed, and every one is run, missed or an overrun."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from apps.monitors.slots import (
    HORIZON,
    SHORT_INTERVAL_S,
    Every,
    by_crontab,
    claim,
    claimed_slots,
    first_slot,
    skip,
    take,
)
from tests.factories import NOW

INTERVALS = st.integers(1, 7 * 86_400)
INSTANTS = st.timedeltas(timedelta(days=-3000), timedelta(days=3000)).map(lambda span: NOW + span)
LATENESS = st.timedeltas(timedelta(days=-3), timedelta(days=3))


def step(interval_s: int) -> timedelta:
    return timedelta(seconds=interval_s)


@given(INTERVALS, INSTANTS, st.text(min_size=1))
def test_the_first_slot_lies_ahead_within_the_interval(interval_s: int, now: datetime, key: str):
    slot = first_slot(key=key, interval_s=interval_s, now=now)

    assert now < slot <= now + step(interval_s)


@given(INTERVALS, INSTANTS, LATENESS)
def test_the_phase_of_a_key_is_always_the_same(interval_s: int, now: datetime, later: timedelta):
    one = first_slot(key="a:b", interval_s=interval_s, now=now)
    other = first_slot(key="a:b", interval_s=interval_s, now=now + later)

    assert (other - one) % step(interval_s) == timedelta(0)


def test_a_thousand_keys_spread_over_the_interval():
    phases = sorted(
        (first_slot(key=f"m{number}:l", interval_s=20, now=NOW) - NOW).total_seconds()
        for number in range(1000)
    )

    by_second = [sum(second < phase <= second + 1 for phase in phases) for second in range(20)]
    assert min(by_second) > 20
    assert max(by_second) < 90


@given(INTERVALS, INSTANTS, LATENESS)
def test_a_claim_keeps_the_phase_and_accounts_for_every_slot(
    interval_s: int, due: datetime, late: timedelta
):
    now = due + late
    taken = claim(next_run_at=due, cadence=Every(interval_s), now=now)

    assert taken.missed >= 0
    assert taken.count >= 1
    assert taken.first == due + taken.missed * step(interval_s)
    assert taken.next_run_at == taken.first + taken.count * step(interval_s)


@given(INTERVALS, INSTANTS, st.timedeltas(timedelta(0), timedelta(days=3)))
def test_of_the_slots_that_have_passed_only_the_newest_is_run(
    interval_s: int, due: datetime, late: timedelta
):
    now = due + late
    taken = claim(next_run_at=due, cadence=Every(interval_s), now=now)

    assert taken.first <= now < taken.first + step(interval_s)


@given(st.integers(1, SHORT_INTERVAL_S - 1), INSTANTS, st.timedeltas(-HORIZON, HORIZON))
def test_a_short_interval_takes_every_slot_of_the_horizon(
    interval_s: int, due: datetime, late: timedelta
):
    now = due + late
    taken = claim(next_run_at=due, cadence=Every(interval_s), now=now)

    last = claimed_slots(first=taken.first, count=taken.count, interval_s=interval_s)[-1]
    assert last <= now + HORIZON or taken.count == 1
    assert taken.next_run_at > now + HORIZON


@given(st.integers(SHORT_INTERVAL_S, 7 * 86_400), INSTANTS, LATENESS)
def test_a_longer_interval_takes_one(interval_s: int, due: datetime, late: timedelta):
    assert claim(next_run_at=due, cadence=Every(interval_s), now=due + late).count == 1


@given(INTERVALS, INSTANTS, LATENESS)
def test_skipping_counts_what_it_skips(interval_s: int, due: datetime, late: timedelta):
    until = due + late
    after, skipped = skip(next_run_at=due, cadence=Every(interval_s), until=until)

    assert after > until or skipped == 0
    assert after == due + skipped * step(interval_s)
    assert skipped == 0 or after - step(interval_s) <= until


@given(st.integers(1, 60), INSTANTS, st.timedeltas(timedelta(0), timedelta(minutes=5)))
def test_taking_takes_what_skipping_would_skip(interval_s: int, due: datetime, span: timedelta):
    taken, after = take(next_run_at=due, cadence=Every(interval_s), until=due + span)

    assert (after, len(taken)) == skip(next_run_at=due, cadence=Every(interval_s), until=due + span)
    assert list(taken) == [due + number * step(interval_s) for number in range(len(taken))]


CRONTABS = st.sampled_from(["* * * * *", "*/15 * * * *", "0 * * * *", "30 2 * * *", "7 6 * * 1-5"])
CROOKED = st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo"])


@given(CRONTABS, CROOKED, INSTANTS, st.timedeltas(timedelta(days=-1), timedelta(days=2)))
def test_a_claim_by_a_crontab_accounts_for_every_slot(
    expression: str, zone: str, moment: datetime, late: timedelta
):
    cadence = by_crontab(expression, zone)
    due = cadence.after(moment, moment)
    now = due + late

    taken = claim(next_run_at=due, cadence=cadence, now=now)

    slots, slot = [], due
    while slot <= now:
        slots.append(slot)
        slot = cadence.after(slot, slot)
    assert taken.count == 1
    assert taken.first == (slots[-1] if slots else due)
    assert taken.missed == max(0, len(slots) - 1)
    assert taken.next_run_at == cadence.after(taken.first, taken.first)


@given(CRONTABS, CROOKED, INSTANTS, st.timedeltas(timedelta(0), timedelta(days=3)))
def test_skipping_by_a_crontab_counts_what_it_skips(
    expression: str, zone: str, moment: datetime, span: timedelta
):
    cadence = by_crontab(expression, zone)
    due = cadence.after(moment, moment)

    taken, after = take(next_run_at=due, cadence=cadence, until=due + span)

    assert skip(next_run_at=due, cadence=cadence, until=due + span) == (after, len(taken))
