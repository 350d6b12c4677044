"""How a stretch of the audit trail becomes a hash: pure, so that the chain can be checked elsewhere too.

A seal's hash is SHA-256 over the hash of the seal before and its events, one canonical JSON object a line. Its mark
is an HMAC of the hash under a key made of SECRET_KEY: who can write the database, and no more, cannot make one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

VERSION = 1
# The columns that a version hashes, for ever: a new column means a new version.
COLUMNS = {
    1: (
        *("id", "at", "actor_kind", "actor_key", "actor_label", "action"),
        *("object_type", "object_id", "object_label", "changes", "channel", "address", "session"),
    )
}
FIRST = "0" * 64


def canonical(event: Mapping[str, Any], *, version: int = VERSION) -> bytes:
    """Return an event ({column: value}) as it is hashed: JSON with sorted keys, times in UTC to the microsecond."""
    values = {name: _plain(event[name]) for name in COLUMNS[version]}
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def hash_of(previous: str, events: Iterable[Mapping[str, Any]], *, version: int = VERSION) -> str:
    """Return the hash (hex) of events in the order of their ids, chained to the previous one."""
    digest = hashlib.sha256(bytes.fromhex(previous))
    for event in events:
        digest.update(canonical(event, version=version))
        digest.update(b"\n")
    return digest.hexdigest()


def mark_of(hash_: str, secret_key: str) -> str:
    """Return the mark (hex) that only who knows SECRET_KEY can make."""
    return hmac.new(_key(secret_key), bytes.fromhex(hash_), hashlib.sha256).hexdigest()


def key_id(secret_key: str) -> str:
    """Return what tells which SECRET_KEY a mark is made with, and does not tell the key."""
    return hashlib.sha256(b"id:" + _key(secret_key)).hexdigest()[:12]


def _key(secret_key: str) -> bytes:
    return hmac.new(secret_key.encode(), b"statusplatform audit seal", hashlib.sha256).digest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value
