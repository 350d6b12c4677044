"""What sources say, as values: replaced, withdrawn, muted."""

from __future__ import annotations

from datetime import timedelta

from apps.pages.contributions import ContributionChange, Held, Word, applied
from tests.factories import NOW

LATER = NOW + timedelta(minutes=1)
FAILING = Held("link", Word("a", "major_outage", NOW, "Check"), muted=True)


def change(*, upsert=(), withdraw=(), source="link"):
    return ContributionChange(1, source, upsert=upsert, withdraw=withdraw)


def test_the_same_word_again_keeps_its_mute():
    after = applied([FAILING], [change(upsert=(Word("a", "major_outage", NOW, "Check"),))])

    assert after == {("link", "a"): FAILING}


def test_a_renamed_source_keeps_its_mute():
    after = applied([FAILING], [change(upsert=(Word("a", "major_outage", NOW, "New"),))])

    assert after["link", "a"].muted
    assert after["link", "a"].word.label == "New"


def test_another_status_ends_the_mute():
    after = applied([FAILING], [change(upsert=(Word("a", "operational", LATER),))])

    assert not after["link", "a"].muted


def test_failing_anew_ends_the_mute():
    after = applied([FAILING], [change(upsert=(Word("a", "major_outage", LATER),))])

    assert not after["link", "a"].muted


def test_withdrawing_takes_only_the_named_word_of_that_source():
    others = [Held("link", Word("b", "degraded_performance", NOW)), Held("incident", FAILING.word)]

    after = applied([FAILING, *others], [change(withdraw=("a", "unknown"))])

    assert list(after.values()) == others


def test_changes_take_effect_in_their_order():
    said, unsaid = change(upsert=(Word("a", "partial_outage", LATER),)), change(withdraw=("a",))

    assert applied([], [said, unsaid]) == {}
    assert applied([FAILING], [unsaid, said])["link", "a"].word.status == "partial_outage"
