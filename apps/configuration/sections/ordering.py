"""Match components that moved, and order what the file mentions among what it does not. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

Place = tuple[str | None, str]
"""A component on a page: the name of its group, or None, and its own."""


def match_moved(wanted: Sequence[Place], present: Sequence[Place]) -> dict[Place, Place]:
    """Return {wanted place: present place} of the components that only changed their group.

    What is at its place already has not moved. Of the rest, a name that both sides have exactly once is the
    same component; where it is ambiguous nothing is guessed.
    """
    left_wanted = [place for place in wanted if place not in present]
    left_present = [place for place in present if place not in wanted]
    names_wanted = Counter(name for _, name in left_wanted)
    names_present = Counter(name for _, name in left_present)
    by_name = {name: (group, name) for group, name in left_present}
    return {
        (group, name): by_name[name]
        for group, name in left_wanted
        if names_wanted[name] == 1 and names_present[name] == 1
    }


def reordered(present: Sequence[str], *mentioned: Sequence[str]) -> list[str]:
    """Return `present` with each sequence of `mentioned` in its order, in the places that its members hold.

    What is not mentioned stays where it is.
    """
    order = list(present)
    for names in mentioned:
        members = set(names)
        places = [index for index, name in enumerate(order) if name in members]
        inside = [name for name in names if name in set(order)]
        for place, name in zip(places, inside, strict=True):
            order[place] = name
    return order
