"""What may be done with a draft in which state, and what a digest stands for: tables."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import Conflict, Invalid
from apps.incidents.drafting import STEPS, UNSETTLED, check_kind, check_step, digest_of
from apps.incidents.models import Draft
from tests.factories import NOW

# For each step the states that it is taken from; every other pair is refused.
ALLOWED = {
    "edit": "draft waiting sent_back scheduled refused",
    "ask": "draft sent_back refused",
    "post": "draft waiting sent_back scheduled refused",
    "send_back": "waiting scheduled",
    "discard": "draft waiting sent_back scheduled refused",
}
WORDS = st.dictionaries(
    st.sampled_from(["name", "message", "status"]), st.text(max_size=20), max_size=3
)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("state", Draft.State.values)
def test_a_step_is_taken_from_its_states_and_no_others(step, state):
    if state in ALLOWED[step].split():
        check_step(step, state)
        return

    with pytest.raises(Conflict) as refusal:
        check_step(step, state)

    assert refusal.value.code == ("draft_state" if state in UNSETTLED else "draft_settled")


@pytest.mark.parametrize("kind", Draft.Kind.values)
def test_each_kind_is_about_exactly_one_thing(kind):
    fitting = []
    for about in ((False, False), (True, False), (False, True), (True, True)):
        try:
            check_kind(kind, has_incident=about[0], has_maintenance=about[1])
        except Invalid:
            continue
        fitting.append(about)

    assert len(fitting) == 1


@given(WORDS, WORDS)
def test_a_digest_stands_for_exactly_these_words(one, other):
    digests = [
        digest_of(kind="post_update", about="x", asked=asked, publish_at=None)
        for asked in (one, other)
    ]

    assert (digests[0] == digests[1]) == (one == other)


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "merge"},
        {"about": "y"},
        {"asked": {"message": "a", "extra": None}},
        {"publish_at": NOW + timedelta(microseconds=1)},
        {"publish_at": None},
    ],
)
def test_a_digest_stands_for_kind_thing_words_and_time(other):
    given_ = {
        "kind": "post_update",
        "about": "x",
        "asked": {"message": "a"},
        "publish_at": NOW,
    }

    assert digest_of(**given_) != digest_of(**given_ | other)
