"""Every change of incidents, their post-mortems and templates, of maintenance, and of drafts of all these."""

from apps.incidents.services.drafts import (
    Outcome,
    discard_draft,
    edit_draft,
    hand_over_draft,
    keep_draft,
    override_approval,
    post_draft,
    send_back_draft,
)
from apps.incidents.services.due_drafts import publish_due_drafts
from apps.incidents.services.incidents import (
    archive_incident,
    edit_incident,
    open_incident,
    take_over,
)
from apps.incidents.services.maintenance import (
    archive_maintenance,
    cancel_maintenance,
    create_maintenance,
    edit_maintenance,
    post_maintenance_update,
    reschedule_maintenance,
)
from apps.incidents.services.maintenance_corrections import edit_maintenance_update
from apps.incidents.services.maintenance_moves import move_due_maintenances
from apps.incidents.services.merging import merge_incidents
from apps.incidents.services.postmortems import (
    delete_postmortem,
    publish_postmortem,
    revert_postmortem,
    save_postmortem,
)
from apps.incidents.services.retrospective import PastUpdate, tell_past_incident
from apps.incidents.services.series import (
    announce_due_series,
    archive_series,
    create_series,
    update_series,
)
from apps.incidents.services.submitting import submit_draft, submit_post
from apps.incidents.services.templates import (
    Texts,
    archive_template,
    create_template,
    fill_texts,
    update_template,
)
from apps.incidents.services.updates import edit_update, post_update

__all__ = [
    "Outcome",
    "PastUpdate",
    "Texts",
    "announce_due_series",
    "archive_incident",
    "archive_maintenance",
    "archive_series",
    "archive_template",
    "cancel_maintenance",
    "create_maintenance",
    "create_series",
    "create_template",
    "delete_postmortem",
    "discard_draft",
    "edit_draft",
    "edit_incident",
    "edit_maintenance",
    "edit_maintenance_update",
    "edit_update",
    "fill_texts",
    "hand_over_draft",
    "keep_draft",
    "merge_incidents",
    "move_due_maintenances",
    "open_incident",
    "override_approval",
    "post_draft",
    "post_maintenance_update",
    "post_update",
    "publish_due_drafts",
    "publish_postmortem",
    "reschedule_maintenance",
    "revert_postmortem",
    "save_postmortem",
    "send_back_draft",
    "submit_draft",
    "submit_post",
    "take_over",
    "tell_past_incident",
    "update_series",
    "update_template",
]
