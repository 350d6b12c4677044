"""Seal the audit trail: close it in stretches, each chained to the one before."""

from __future__ import annotations

import logging
import time
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Max

from apps.core.models import AuditEvent, AuditSeal
from apps.core.sealing import COLUMNS, FIRST, VERSION, hash_of, key_id, mark_of

log = logging.getLogger(__name__)

EVENTS_A_SEAL = 1_000
BUDGET_S = 10.0


def seal_events(*, at: datetime, budget_s: float = BUDGET_S) -> int:
    """Seal what nobody can add to any more; return how many seals were made.

    Two callers make one chain: a seal's number is its key, and the slower one stops. What is left over for want of
    time, or because somebody is writing just now, is sealed next time.
    """
    horizon = settled_until()
    if horizon is None:
        return 0
    made = 0
    ends_at = time.monotonic() + budget_s
    while time.monotonic() < ends_at and _seal_next(horizon, at):
        made += 1
    return made


def settled_until() -> int | None:
    """Return the highest event id below which no other can appear; None when that is not known now.

    Ids are given out at the insertion and seen at the commit: a lower one may appear after a higher one. On PostgreSQL
    the table's lock is free for us only while no transaction holds an id that is not committed, and those that come
    later get higher ids. It is asked for without waiting, and held for one look. SQLite has one writer at a time.
    """
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    table = connection.ops.quote_name(AuditEvent._meta.db_table)
                    cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE NOWAIT")
            found: int | None = AuditEvent.objects.aggregate(last=Max("id"))["last"]
            return found
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", "") == "55P03":  # lock_not_available
            return None
        raise


def _seal_next(horizon: int, at: datetime) -> bool:
    """Make the next seal, of at most EVENTS_A_SEAL events; tell whether there was one to make."""
    head = AuditSeal.objects.order_by("-number").first()
    after = head.last_id if head else 0
    events = list(
        AuditEvent.objects.filter(id__gt=after, id__lte=horizon)
        .order_by("id")
        .values(*COLUMNS[VERSION])[:EVENTS_A_SEAL]
    )
    if not events:
        return False
    previous = head.hash if head else FIRST
    hash_ = hash_of(previous, events)
    seal = AuditSeal(
        number=head.number + 1 if head else 1,
        sealed_at=at,
        first_id=events[0]["id"],
        last_id=events[-1]["id"],
        count=len(events),
        version=VERSION,
        previous_hash=previous,
        hash=hash_,
        key_id=key_id(settings.SECRET_KEY),
        mark=mark_of(hash_, settings.SECRET_KEY),
    )
    try:
        with transaction.atomic():
            seal.save(force_insert=True)
    except IntegrityError:
        return False
    # A log that leaves this host keeps the chain's head out of the reach of who changes the database.
    log.info("sealed the audit trail up to event %s: seal %s %s", seal.last_id, seal.number, hash_)
    return True
