"""Check the audit trail against its seals."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from apps.core.models import AuditEvent, AuditSeal
from apps.core.sealing import COLUMNS, FIRST, hash_of, key_id, mark_of

LATE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Report:
    """What was found. `fault` names the first seal that does not hold, "" for none."""

    seals: int
    events: int
    unsealed: int
    head: AuditSeal | None
    fault: str
    # Events that were sealed more than a day after their time: before seals were kept, after a standstill, or anew.
    late: int


class _Counted:
    """Passes events on, and counts them."""

    def __init__(self, events: Iterable[dict[str, Any]], late_before: datetime) -> None:
        self.events, self.late_before = events, late_before
        self.count = self.late = 0
        self.first: int | None = None
        self.last: int | None = None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for event in self.events:
            self.count += 1
            self.late += event["at"] < self.late_before
            self.first = self.first or event["id"]
            self.last = event["id"]
            yield event


def check_chain(*, secret_keys: Sequence[str], expected: tuple[int, str] | None = None) -> Report:
    """Read every sealed event once, in bounded memory, and compare with the seals.

    `secret_keys` are those that marks may be made with. `expected` is the number and hash of a seal noted elsewhere.
    """
    keys = {key_id(key): key for key in secret_keys}
    head: AuditSeal | None = None
    seals = events = late = 0
    fault = ""
    for seal in AuditSeal.objects.order_by("number").iterator(chunk_size=500):
        rows = _Counted(_events_of(seal, head), seal.sealed_at - LATE)
        fault = _fault_of(seal, head, rows, keys)
        if not fault and expected and seal.number == expected[0] and seal.hash != expected[1]:
            fault = f"{_named(seal)} is not the one noted: its hash is {seal.hash}."
        if fault:
            break
        head = seal
        seals += 1
        events += rows.count
        late += rows.late
    if not fault and expected and (head is None or head.number < expected[0]):
        fault = f"Seal {expected[0]} is missing: the chain ends at {head.number if head else 0}."
    unsealed = AuditEvent.objects.filter(id__gt=head.last_id if head else 0).count()
    return Report(seals, events, unsealed, head, fault, late)


def _events_of(seal: AuditSeal, before: AuditSeal | None) -> Iterator[dict[str, Any]]:
    rows: Any = AuditEvent.objects.filter(id__lte=seal.last_id).order_by("id")
    if before:
        # The first seal covers all that is below its end: ids begin at 1, but who forges one is not bound to that.
        rows = rows.filter(id__gt=before.last_id)
    found: Iterator[dict[str, Any]] = rows.values(*COLUMNS[max(COLUMNS)]).iterator(chunk_size=1_000)
    return found


def _fault_of(
    seal: AuditSeal, before: AuditSeal | None, rows: _Counted, keys: dict[str, str]
) -> str:
    number = before.number + 1 if before else 1
    if seal.number != number:
        return f"Seal {number} is missing: the next one is {_named(seal)}."
    if seal.previous_hash != (before.hash if before else FIRST):
        return f"{_named(seal)} does not follow the seal before it."
    if seal.version not in COLUMNS:
        return f"{_named(seal)} is of version {seal.version}, which this release does not know."
    hash_ = hash_of(seal.previous_hash, rows, version=seal.version)
    if rows.count != seal.count:
        return f"{_named(seal)} was made of {seal.count} events; there are {rows.count}."
    if hash_ != seal.hash or (rows.first, rows.last) != (seal.first_id, seal.last_id):
        return f"{_named(seal)} does not fit: an event in it was changed, or the seal."
    key = keys.get(seal.key_id)
    if key is None:
        return (
            f"{_named(seal)} is marked with another SECRET_KEY ({seal.key_id}). If yours was changed, give the "
            "earlier one by --old-key-file."
        )
    if not hmac.compare_digest(mark_of(seal.hash, key), seal.mark):
        return f"{_named(seal)} has a mark that was not made with SECRET_KEY."
    return ""


def _named(seal: AuditSeal) -> str:
    return (
        f"Seal {seal.number} (events {seal.first_id} to {seal.last_id}, "
        f"sealed {seal.sealed_at:%Y-%m-%d %H:%M:%S} UTC)"
    )
