"""Every change of incidents, their post-mortems and templates."""

from apps.incidents.services.incidents import (
    archive_incident,
    edit_incident,
    open_incident,
    take_over,
)
from apps.incidents.services.merging import merge_incidents
from apps.incidents.services.postmortems import (
    delete_postmortem,
    publish_postmortem,
    revert_postmortem,
    save_postmortem,
)
from apps.incidents.services.retrospective import PastUpdate, tell_past_incident
from apps.incidents.services.templates import (
    Texts,
    archive_template,
    create_template,
    fill_texts,
    update_template,
)
from apps.incidents.services.updates import edit_update, post_update

__all__ = [
    "PastUpdate",
    "Texts",
    "archive_incident",
    "archive_template",
    "create_template",
    "delete_postmortem",
    "edit_incident",
    "edit_update",
    "fill_texts",
    "merge_incidents",
    "open_incident",
    "post_update",
    "publish_postmortem",
    "revert_postmortem",
    "save_postmortem",
    "take_over",
    "tell_past_incident",
    "update_template",
]
