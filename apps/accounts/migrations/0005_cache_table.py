"""The table of Django's cache: what must outlive a restart without being anybody's data, such as failed log-ins."""

from typing import Any

from django.core.management import call_command
from django.db import migrations

TABLE = "django_cache"


def make(apps: Any, schema_editor: Any) -> None:
    """Make the table where it is missing; also where another cache is configured now, for the way back."""
    call_command("createcachetable", TABLE, database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_people_keep_their_roles")]

    operations = [migrations.RunPython(make, migrations.RunPython.noop, elidable=False)]
