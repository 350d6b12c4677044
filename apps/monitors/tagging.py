"""Monitors by their tags, asked of the database: tags are a list in each monitor's row."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import BooleanField, JSONField, QuerySet
from django.db.models.expressions import RawSQL

# As many rows as a list counts, and as many tags as a person reads.
ROWS, TAGS = 10_000, 200
_HAS_TAG = (
    """EXISTS (SELECT 1 FROM json_each("monitors_monitor"."tags") AS one WHERE one.value = %s)"""
)
_EACH_POSTGRESQL = "SELECT DISTINCT one.value FROM ({some}) AS few, jsonb_array_elements_text(few.tags) AS one(value) LIMIT %s"
_EACH_SQLITE = "SELECT DISTINCT one.value FROM ({some}) AS few, json_each(few.tags) AS one LIMIT %s"


def tagged(rows: QuerySet[Any], name: str) -> QuerySet[Any]:
    """Return those of the monitors that have the tag."""
    if connection.vendor == "postgresql":
        return rows.filter(tags__contains=[name])
    # SQLite has no operator for a value in a JSON list.
    return rows.filter(RawSQL(_HAS_TAG, [name], output_field=BooleanField()))  # noqa: S611 -- a constant


def tags_of(rows: QuerySet[Any]) -> list[str]:
    """Return the tags of the monitors in their order; of very many monitors or tags, those of some."""
    some = rows.exclude(tags=[]).order_by().values("tags")[:ROWS]
    sql, parameters = some.query.sql_with_params()
    each = _EACH_POSTGRESQL if connection.vendor == "postgresql" else _EACH_SQLITE
    with connection.cursor() as cursor:
        cursor.execute(each.format(some=sql), [*parameters, TAGS])
        found = [str(tag) for (tag,) in cursor.fetchall()]
    return sorted(found, key=str.casefold)


def with_tag(name: str) -> RawSQL:
    """Return the tags of a monitor that lacks this one, with it at the end."""
    if connection.vendor == "postgresql":
        return _tags('"tags" || jsonb_build_array(%s::text)', name)
    return _tags("""json_insert("tags", '$[#]', %s)""", name)


def without_tag(name: str) -> RawSQL:
    """Return the tags of a monitor without this one."""
    if connection.vendor == "postgresql":
        return _tags('"tags" - %s::text', name)
    return _tags(
        '(SELECT json_group_array(one.value) FROM json_each("tags") AS one WHERE one.value <> %s)',
        name,
    )


def _tags(sql: str, name: str) -> RawSQL:
    return RawSQL(sql, [name], output_field=JSONField())  # noqa: S611 -- constants, see above
