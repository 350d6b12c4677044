"""Bring every stored secret under the first key, while everything runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.db import connection, models, transaction

from apps.core.fields import EncryptedTextField
from apps.core.keys import columns_with_tokens

BATCH = 200
PASSES_AT_MOST = 5
# A Fernet token: URL-safe base64 of a version byte, a time whose first bytes are zero, and more.
_TOKEN = re.compile(r"gAAAA[A-Za-z0-9_\-]{50,}={0,2}")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that holds secrets: as one token, or as JSON with tokens in it."""

    model: type[models.Model]
    name: str
    is_json: bool = False

    @property
    def label(self) -> str:
        return f"{self.model._meta.label}.{self.name}"


@dataclass(slots=True)
class Count:
    """Of one column: values that hold a secret, those brought under the first key, those that no key opens."""

    seen: int = 0
    moved: int = 0
    # Changed by others meanwhile, or under an older key still: another pass looks again.
    left: int = 0
    unreadable: int = 0


def encrypted_columns() -> list[Column]:
    """Return every column with secrets, of every model."""
    own = [
        Column(model, str(field.column))
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
        for field in model._meta.local_concrete_fields
        if isinstance(field, EncryptedTextField)
    ]
    others = [
        Column(apps.get_model(label), name, is_json=True) for label, name in columns_with_tokens()
    ]
    return [*own, *others]


def reencrypt(keys: Sequence[str]) -> dict[str, Count]:
    """Bring all secrets under the first of the keys; return what was found by column.

    In batches, each a transaction of its own: killed at any point it is begun again and does the rest. A value is
    written only where the stored text is still what was read, so that nobody's change is lost.
    """
    totals = {column.label: Count() for column in encrypted_columns()}
    for _ in range(PASSES_AT_MOST):
        again = False
        for column in encrypted_columns():
            count = _one_pass(column, keys)
            total = totals[column.label]
            total.seen, total.left, total.unreadable = count.seen, count.left, count.unreadable
            total.moved += count.moved
            again = again or bool(count.moved or count.left)
        if not again:
            break
    return totals


def count_older(keys: Sequence[str]) -> int:
    """Return how many values are not under the first key. Nothing is written."""
    newest = Fernet(keys[0])
    return sum(
        any(not _opens(newest, token) for token in _TOKEN.findall(text))
        for column in encrypted_columns()
        for rows in _batches(column)
        for _, text in rows
    )


def _one_pass(column: Column, keys: Sequence[str]) -> Count:
    count = Count()
    newest, every = Fernet(keys[0]), MultiFernet([Fernet(key) for key in keys])
    for rows in _batches(column):
        changed: list[tuple[str, Any, str]] = []
        for key, text in rows:
            tokens = _TOKEN.findall(text)
            if not tokens and column.is_json:
                continue
            count.seen += 1
            try:
                found = _rotated(text, newest, every) if tokens else None
            except InvalidToken:
                found = None
                count.unreadable += 1
            else:
                # What is no token at all cannot be read either.
                count.unreadable += not tokens
            if found is not None and found != text:
                changed.append((found, key, text))
        if changed:
            done = _store(column, changed)
            count.moved += done
            count.left += len(changed) - done
    return count


def _rotated(text: str, newest: Fernet, every: MultiFernet) -> str:
    """Return the text with each token under the newest key; those that are keep their bytes. InvalidToken."""
    return _TOKEN.sub(
        lambda found: (
            found[0] if _opens(newest, found[0]) else every.rotate(found[0]).decode("ascii")
        ),
        text,
    )


def _opens(key: Fernet, token: str) -> bool:
    try:
        key.decrypt(token)
    except InvalidToken:
        return False
    return True


def _batches(column: Column) -> Iterator[list[tuple[Any, str]]]:
    """Give the stored texts with their rows' keys, a batch at a time. (Field and manager would decrypt and leave out.)"""
    table, key, name = _names(column)
    last: Any = None
    while True:
        after, values = (f"AND {key} > %s", [last]) if last is not None else ("", [])
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {key}, CAST({name} AS text) FROM {table} "  # noqa: S608  # names of our own models
                f"WHERE CAST({name} AS text) <> '' {after} ORDER BY {key} LIMIT {BATCH}",
                values,
            )
            rows = cursor.fetchall()
        if not rows:
            return
        yield rows
        last = rows[-1][0]


def _store(column: Column, changed: Sequence[tuple[str, Any, str]]) -> int:
    """Write the new texts where the old ones still stand; return how many."""
    table, key, name = _names(column)
    cast = "CAST(%s AS jsonb)" if column.is_json and connection.vendor == "postgresql" else "%s"
    done = 0
    with transaction.atomic(), connection.cursor() as cursor:
        for new, pk, old in changed:
            cursor.execute(
                f"UPDATE {table} SET {name} = {cast} "  # noqa: S608
                f"WHERE {key} = %s AND CAST({name} AS text) = %s",
                [new, pk, old],
            )
            done += cursor.rowcount
    return done


def _names(column: Column) -> tuple[str, str, str]:
    quote = connection.ops.quote_name
    meta = column.model._meta
    assert meta.pk is not None
    return quote(meta.db_table), quote(str(meta.pk.column)), quote(column.name)
