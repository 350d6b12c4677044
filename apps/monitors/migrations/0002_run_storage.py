"""Store runs as they are used: partitioned by day on PostgreSQL, clustered by key on SQLite.

The schedule table is updated at each claim, so it leaves room in its pages and is vacuumed early.
"""

from django.db import migrations

RUN = "monitors_run"

# The columns are copied from the table that the state knows, so that both cannot drift apart.
POSTGRESQL = f"""
ALTER TABLE {RUN} RENAME TO {RUN}_plain;
CREATE TABLE {RUN} (LIKE {RUN}_plain INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (due_at);
CREATE TABLE {RUN}_default PARTITION OF {RUN} DEFAULT;
INSERT INTO {RUN} SELECT * FROM {RUN}_plain;
DROP TABLE {RUN}_plain;
ALTER TABLE {RUN} ADD CONSTRAINT {RUN}_pkey PRIMARY KEY (schedule_id, due_at);
CREATE INDEX {RUN}_due_brin ON {RUN} USING brin (due_at);
ALTER TABLE monitors_schedule SET (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.1
);
"""

POSTGRESQL_BACK = f"""
CREATE TABLE {RUN}_plain (LIKE {RUN} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
INSERT INTO {RUN}_plain SELECT * FROM {RUN};
DROP TABLE {RUN};
ALTER TABLE {RUN}_plain RENAME TO {RUN};
ALTER TABLE {RUN} ADD CONSTRAINT {RUN}_pkey PRIMARY KEY (schedule_id, due_at);
ALTER TABLE monitors_schedule RESET (
    fillfactor, autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor
);
"""

WITHOUT_ROWID = " WITHOUT ROWID"


def store_by_use(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL)
    else:
        _rebuild(schema_editor, lambda sql: sql.removesuffix(WITHOUT_ROWID) + WITHOUT_ROWID)


def store_plainly(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL_BACK)
    else:
        _rebuild(schema_editor, lambda sql: sql.removesuffix(WITHOUT_ROWID))


def _rebuild(schema_editor, changed):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = %s", [RUN])
        sql = cursor.fetchone()[0].rstrip()
        cursor.execute(f'ALTER TABLE "{RUN}" RENAME TO "{RUN}_old"')
        cursor.execute(changed(sql))
        cursor.execute(f'INSERT INTO "{RUN}" SELECT * FROM "{RUN}_old"')
        cursor.execute(f'DROP TABLE "{RUN}_old"')


class Migration(migrations.Migration):
    dependencies = [("monitors", "0001_initial")]

    operations = [migrations.RunPython(store_by_use, store_plainly)]
