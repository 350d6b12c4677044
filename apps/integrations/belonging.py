"""What an integration's rows have to belong to, kept by the database itself: by triggers, since other tables decide.

Looked at when a row is written. A component or monitor that moves afterwards is legal, and is shown as what broke
the integration; therefore an integration is written before its actions. The triggers read by primary key and lock
nothing.

They are made after migrating rather than by a migration: SQLite makes a table anew to change it, which loses its
triggers, and renames none that another table's trigger reads. So there they are taken away before tables change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, connections

from apps.core.errors import Invalid


@dataclass(frozen=True, slots=True)
class Rule:
    """`name` is the trigger's, and what a refusal says; a rule whose SQL changes gets another name.

    `found` is a query on the row `NEW` that finds something where it belongs. `field` and `message` are the
    refusal in a service's words.
    """

    name: str
    table: str
    columns: tuple[str, str]
    found: str
    field: str
    message: str


MONITOR = Rule(
    "integration_monitor_of_workspace",
    "integrations_integration",
    ("workspace_id", "monitor_id"),
    "SELECT 1 FROM monitors_monitor WHERE id = NEW.monitor_id AND workspace_id = NEW.workspace_id",
    "monitor",
    "Choose a monitor of the workspace.",
)
PAGE = Rule(
    "integration_page_of_connector",
    "integrations_integration",
    ("connector_id", "page_id"),
    "SELECT 1 FROM integrations_connectorpage WHERE id = NEW.page_id AND connector_id = NEW.connector_id",
    "page",
    "Choose a page of the connector.",
)
COMPONENT = Rule(
    "link_component_of_page",
    "integrations_componentlink",
    ("integration_id", "component_id"),
    "SELECT 1 FROM integrations_integration AS held JOIN integrations_connectorcomponent AS part"
    " ON part.page_id = held.page_id WHERE held.id = NEW.integration_id AND part.id = NEW.component_id",
    "component",
    "Choose a component of the page.",
)
METRIC = Rule(
    "rule_metric_of_page",
    "integrations_metricrule",
    ("integration_id", "metric_id"),
    "SELECT 1 FROM integrations_integration AS held JOIN integrations_connectormetric AS part"
    " ON part.page_id = held.page_id WHERE held.id = NEW.integration_id AND part.id = NEW.metric_id",
    "metric",
    "Choose a metric of the page.",
)
RULES = (MONITOR, PAGE, COMPONENT, METRIC)
READ = frozenset(
    {
        "monitors_monitor",
        "integrations_connectorpage",
        "integrations_connectorcomponent",
        "integrations_connectormetric",
        *(rule.table for rule in RULES),
    }
)


@contextmanager
def refusals_named(path: str = "") -> Iterator[None]:
    """Turn the database's refusal into Invalid at its field, below `path`; other errors rise as they are.

    Wants a transaction around it that the refusal ends, as a service's own.
    """
    try:
        yield
    except IntegrityError as error:
        for rule in RULES:
            if rule.name in str(error):
                field = f"{path}.{rule.field}" if path else rule.field
                raise Invalid("invalid", rule.message, field=field) from error
        raise


def install(*, using: str = "default") -> None:
    """Make the triggers that are missing, once all their tables are there."""
    connection = connections[using]
    if not set(connection.introspection.table_names()) >= READ:
        return
    make = _on_postgresql if connection.vendor == "postgresql" else _on_sqlite
    there = installed(using=using)
    with connection.cursor() as cursor:
        for rule in RULES:
            for event in ("insert", "update"):
                name = f"{rule.name}_{event}"
                if name not in there:
                    for statement in make(rule, name, event):
                        cursor.execute(statement)


def installed(*, using: str = "default") -> set[str]:
    """Return the names of the triggers on the rules' tables."""
    connection = connections[using]
    tables = sorted({rule.table for rule in RULES})
    listed = (
        "SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
        " WHERE NOT tgisinternal AND pg_table_is_visible(tgrelid) AND relname IN (%s, %s, %s)"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN (%s, %s, %s)"
    )
    with connection.cursor() as cursor:
        cursor.execute(listed, tables)
        return {name for (name,) in cursor.fetchall()}


def make_way(*, using: str, plan: Sequence[Any], **_: Any) -> None:
    """Take the triggers away before tables change on SQLite; nothing where no table will."""
    connection = connections[using]
    if connection.vendor != "sqlite" or not plan:
        return
    with connection.cursor() as cursor:
        for name in sorted(installed(using=using)):
            cursor.execute(f'DROP TRIGGER "{name}"')


def _event(rule: Rule, event: str) -> str:
    return "INSERT" if event == "insert" else f"UPDATE OF {', '.join(rule.columns)}"


def _on_sqlite(rule: Rule, name: str, event: str) -> list[str]:
    return [
        f"CREATE TRIGGER {name} BEFORE {_event(rule, event)} ON {rule.table} FOR EACH ROW"
        f" WHEN NOT EXISTS ({rule.found})"
        f" BEGIN SELECT RAISE(ABORT, '{rule.name}'); END"
    ]


def _on_postgresql(rule: Rule, name: str, event: str) -> list[str]:
    return [
        f"CREATE OR REPLACE FUNCTION {rule.name}() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" BEGIN IF NOT EXISTS ({rule.found}) THEN"
        f" RAISE EXCEPTION '{rule.name}' USING ERRCODE = 'check_violation';"
        " END IF; RETURN NEW; END $$",
        f"CREATE OR REPLACE TRIGGER {name} BEFORE {_event(rule, event)} ON {rule.table}"
        f" FOR EACH ROW EXECUTE FUNCTION {rule.name}()",
    ]
