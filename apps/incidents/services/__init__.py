"""Every change of incidents."""

from apps.incidents.services.incidents import (
    archive_incident,
    edit_incident,
    open_incident,
    post_update,
    take_over,
)

__all__ = ["archive_incident", "edit_incident", "open_incident", "post_update", "take_over"]
