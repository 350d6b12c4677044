"""What is made once is kept while its inputs are the same, within bounds; a page with it reads as one without."""

from __future__ import annotations

from dataclasses import replace

from apps.publishing import fragments, presentation
from apps.publishing.kept import Kept
from tests.publishing import models


def test_the_same_inputs_are_made_once_and_others_anew():
    kept: Kept[str] = Kept(100, len)
    made: list[int] = []

    def get(value: int) -> str:
        return kept.get("key", (value,), lambda: made.append(value) or str(value))

    assert [get(1), get(1), get(2), get(2), get(1)] == ["1", "1", "2", "2", "1"]
    assert made == [1, 2, 1]


def test_the_oldest_goes_when_there_is_too_much_and_what_is_too_large_is_not_kept():
    kept: Kept[str] = Kept(10, len)

    for key, size in (("a", 4), ("b", 4), ("a", 5), ("c", 4), ("d", 11)):
        kept.get(key, (size,), lambda size=size: "x" * size)

    assert list(kept._held) == ["a", "c"]
    assert kept._bytes == 9


def test_a_change_of_one_component_renders_one():
    def kept_after(**statuses: str) -> dict[object, object]:
        presentation.top_level(models.with_statuses(models.operational(), **statuses))
        return {key: held[1] for key, held in fragments._kept._held.items()}

    before, again = kept_after(), kept_after()
    changed = kept_after(Website="major_outage")

    assert all(before[key] is again[key] for key in before)
    website = models.operational().top_level[0]
    assert [key for key in before if changed[key] is not before[key]] == [(website.id, "h3")]


def test_everything_that_a_component_shows_makes_it_anew():
    def shown(**changes):
        one = replace(models.component("API", 1), **changes)
        return fragments.component_fragment(one, heading="h3")

    base = shown()
    today = {"level": "partial", "partial_s": 900.0}
    variants = [
        shown(name="Other"),
        shown(description="Words"),
        shown(status="major_outage"),
        shown(uptime=None),
        shown(uptime=models.uptime(99.5)),
        shown(uptime=models.uptime(d0=today)),
        shown(uptime=models.uptime(d0=today | {"partial_s": 1800.0})),
        shown(uptime=models.uptime(d0={"corrections": ("A false alarm",)})),
        shown(uptime=models.uptime(d4=today)),
        fragments.component_fragment(models.component("API", 1), heading="h4"),
    ]

    assert len({base, *variants}) == 1 + len(variants)
    assert shown() == base
