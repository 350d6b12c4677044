"""The old roles become rungs of the ladder on which nobody loses what they could do.

A responder ran monitors, as an editor does; an editor also configured integrations and sent deliveries
again, as a publisher does.
"""

from django.db import migrations
from django.db.models import Case, Value, When

NEW = {"responder": "editor", "editor": "publisher", "owner": "admin"}
OLD = {"editor": "responder", "publisher": "editor", "admin": "owner"}


def _rename(apps, names):
    rows = apps.get_model("accounts", "Membership").objects.filter(role__in=names)
    # One statement: a name is both an old and a new one.
    rows.update(role=Case(*(When(role=old, then=Value(new)) for old, new in names.items())))


def forwards(apps, _):
    _rename(apps, NEW)


def backwards(apps, _):
    _rename(apps, OLD)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_ladder_of_roles")]

    operations = [migrations.RunPython(forwards, backwards)]
