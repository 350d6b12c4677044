"""What a source says about components, as values. Pure but for the enumeration of statuses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from apps.pages.status import Opinion


@dataclass(frozen=True, slots=True)
class Word:
    """One holder's opinion: `key` names the holder within its source, `since` is when it came to it (UTC)."""

    key: str
    status: str
    since: datetime
    label: str = ""


@dataclass(frozen=True, slots=True)
class ContributionChange:
    """What changes in one source's words on one component. `withdraw` holds keys; one not held is no error."""

    component_id: int
    source: str
    upsert: tuple[Word, ...] = ()
    withdraw: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A contribution as it is kept."""

    source: str
    word: Word
    muted: bool = False

    def opinion(self) -> Opinion:
        return Opinion(self.source, self.word.key, self.word.status, self.muted, self.word.label)


def applied(
    held: Iterable[Held], changes: Iterable[ContributionChange]
) -> dict[tuple[str, str], Held]:
    """Return {(source, key): contribution} of one component after the changes, in their order.

    A word equal in (status, since) to the held one keeps it, mute included (its label is brought up to
    date); any other replaces it and ends its mute.
    """
    result = {(one.source, one.word.key): one for one in held}
    for change in changes:
        for key in change.withdraw:
            result.pop((change.source, key), None)
        for word in change.upsert:
            before = result.get((change.source, word.key))
            same = before is not None and (before.word.status, before.word.since) == (
                word.status,
                word.since,
            )
            result[change.source, word.key] = Held(
                change.source, word, before.muted if before is not None and same else False
            )
    return result
