"""Who saw pages before there were memberships becomes a member of each live page.

Django's model permissions said what staff did there; each gives the lowest role that may do the same. Whoever
only is a member of a workspace becomes a viewer. Superusers need no membership.
"""

from django.db import migrations
from django.db.models import Q

LADDER = ("viewer", "editor", "publisher", "admin")
ROLES = {
    "page": {"view": "viewer", "add": "admin", "change": "admin", "delete": "admin"},
    "componentgroup": {"view": "viewer", "add": "editor", "change": "editor", "delete": "editor"},
    "metric": {"view": "viewer", "add": "editor", "change": "editor", "delete": "editor"},
    # Whoever changed components also set and corrected their status.
    "component": {"view": "viewer", "add": "editor", "change": "publisher", "delete": "editor"},
    "correction": {"view": "viewer"},
    "incidenttemplate": {"view": "viewer", "add": "editor", "change": "editor", "delete": "editor"},
    **{
        name: {"view": "viewer", "add": "publisher", "change": "publisher", "delete": "publisher"}
        for name in ("incident", "maintenance", "maintenanceseries")
    },
}


def role_of(permissions):
    """Return the role that does what the permissions [(model, codename)] allowed; "" for none."""
    roles = [
        ROLES.get(model, {}).get(codename.partition("_")[0]) for model, codename in permissions
    ]
    return max(filter(None, roles), key=LADDER.index, default="")


def forwards(apps, _):
    User = apps.get_model("accounts", "User")
    Permission = apps.get_model("auth", "Permission")
    PageMembership = apps.get_model("pages", "PageMembership")
    pages = list(apps.get_model("pages", "Page").objects.filter(archived_at__isnull=True))
    of_pages = Permission.objects.filter(content_type__app_label__in=["pages", "incidents"])
    for user in User.objects.filter(is_staff=True, is_superuser=False).order_by("pk"):
        held = of_pages.filter(Q(user=user) | Q(group__user=user))
        role = role_of(held.values_list("content_type__model", "codename"))
        if not role and user.memberships.exists():
            role = "viewer"
        if role:
            PageMembership.objects.bulk_create(
                PageMembership(user=user, page=page, role=role) for page in pages
            )


class Migration(migrations.Migration):
    dependencies = [
        ("pages", "0006_former_slugs"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
