"""Who may start now: targets that hang wait for each other, and nobody waits for them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from apps.core.egress.slots import Pace, Slots


def _admitted(slots: Slots[str], now: float) -> list[str]:
    return [admission.item for admission in slots.admit(now)]


def _known(slots: Slots[str], key: str, *, took_s: float, answered: bool) -> None:
    slots.enqueue(key, key)
    (admission,) = slots.admit(0.0)
    slots.release(admission, took_s, answered=answered)


def _queue_dead(slots: Slots[str], count: int) -> None:
    keys = [f"dead{number}" for number in range(count)]
    for key in keys:
        _known(slots, key, took_s=10.0, answered=False)
    for key in keys:
        slots.enqueue(key, key)


def test_a_key_is_remembered_by_its_last_transfer() -> None:
    slots: Slots[str] = Slots(8, slow_after_s=1.0)
    _known(slots, "prompt", took_s=0.2, answered=True)
    _known(slots, "refusing", took_s=0.1, answered=False)
    _known(slots, "slow", took_s=3.0, answered=True)
    _known(slots, "dead", took_s=10.0, answered=False)

    paces = [slots.pace(key) for key in ("prompt", "refusing", "slow", "dead", "new")]

    assert paces == [Pace.QUICK, Pace.QUICK, Pace.SLOW, Pace.HANGING, Pace.UNKNOWN]


def test_hanging_keys_share_half_the_slots_and_leave_the_rest_alone() -> None:
    slots: Slots[str] = Slots(8)
    _known(slots, "good", took_s=0.1, answered=True)
    _queue_dead(slots, 20)

    started = _admitted(slots, 20.0)
    slots.enqueue("good", "good")

    assert len(started) == 4
    assert _admitted(slots, 20.0) == ["good"]


def test_slow_targets_that_answer_do_not_wait_for_those_that_hang() -> None:
    slots: Slots[str] = Slots(8)
    _known(slots, "report", took_s=3.0, answered=True)
    _queue_dead(slots, 20)
    list(slots.admit(20.0))
    slots.enqueue("report", "report")

    assert _admitted(slots, 20.0) == ["report"]


def test_a_flood_of_new_keys_leaves_a_quarter_to_those_known_to_be_good() -> None:
    slots: Slots[str] = Slots(8)
    _known(slots, "good", took_s=0.1, answered=True)
    for number in range(20):
        slots.enqueue(f"new{number}", f"new{number}")

    flood = _admitted(slots, 1.0)
    slots.enqueue("good", "good")

    assert len(flood) == 6
    assert _admitted(slots, 1.0) == ["good"]


def test_whoever_overstays_gives_its_place_to_the_next_and_its_waiting_like_are_held_back() -> None:
    slots: Slots[str] = Slots(4, slow_after_s=1.0)
    for number in range(3):
        slots.enqueue(f"a{number}", "dead.example")
    list(slots.admit(0.0))
    for number in range(6):
        slots.enqueue(f"b{number}", "dead.example")
    slots.enqueue("other", "other.example")

    assert _admitted(slots, 0.5) == []
    assert slots.tick(0.5) == 1.0

    slots.tick(1.0)

    # Two of the dead host's, as the hanging share of four slots allows, and the other host at once.
    assert sorted(_admitted(slots, 1.0)) == ["b0", "b1", "other"]
    assert slots.waiting == 4


def test_a_key_that_recovers_is_prompt_again() -> None:
    slots: Slots[str] = Slots(4)
    _known(slots, "host", took_s=10.0, answered=False)

    _known(slots, "host", took_s=0.1, answered=True)

    assert slots.pace("host") is Pace.QUICK


def test_a_slot_that_is_given_back_unused_teaches_nothing() -> None:
    slots: Slots[str] = Slots(1)
    slots.enqueue("x", "x")
    (admission,) = slots.admit(0.0)

    slots.forgo(admission)

    assert slots.in_flight == 0
    assert slots.pace("x") is Pace.UNKNOWN


@given(
    st.lists(st.tuples(st.integers(0, 5), st.floats(0, 3), st.booleans()), min_size=1, max_size=60),
    st.integers(1, 6),
)
def test_accounts_never_pass_the_ceiling_and_everything_is_served_in_the_end(
    jobs: list[tuple[int, float, bool]], total: int
) -> None:
    slots: Slots[int] = Slots(total, ceiling=2 * total, slow_after_s=1.0)
    for number, (key, _, _) in enumerate(jobs):
        slots.enqueue(number, key)
    now, served = 0.0, 0

    in_flight = list(slots.admit(now))
    while in_flight:
        assert slots.in_flight == len(in_flight) <= 2 * total
        admission = in_flight.pop(0)
        _, took_s, answered = jobs[admission.item]
        now = max(now, admission.admitted_at + took_s)
        slots.tick(now)
        slots.release(admission, now, answered=answered)
        served += 1
        in_flight += slots.admit(now)

    assert served == len(jobs)
    assert slots.in_flight == 0
