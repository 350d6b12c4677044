"""What an audit event says, in words: `monitor.updated` of Checkout is “changed monitor Checkout”."""

from __future__ import annotations

_VERBS = {
    "created": "added",
    "updated": "changed",
    "edited": "changed",
    "deleted": "deleted",
    "archived": "archived",
    "paused": "paused",
    "resumed": "resumed",
    "enabled": "enabled",
    "disabled": "disabled",
    "cancelled": "cancelled",
    "announced": "announced",
    "revoked": "revoked",
    "limited": "limited",
    "merged": "merged",
    "reopened": "reopened",
    "resolved": "resolved",
    "opened": "opened",
    "closed": "closed",
}
_PHRASES = {
    "run_requested": "asked for a run of {}",
    "status_set": "set the status of {}",
    "members_set": "changed the members of {}",
    "reordered": "changed the order on {}",
    "taken_over": "took over {}",
    "told_afterwards": "told {} afterwards",
    "update_posted": "posted an update to {}",
    "update_edited": "corrected an update of {}",
    "postmortem_saved": "saved the post-mortem of {}",
    "postmortem_published": "published the post-mortem of {}",
    "postmortem_withdrawn": "took back the post-mortem of {}",
    "postmortem_deleted": "deleted the post-mortem of {}",
    "period_corrected": "corrected the past of {}",
    "correction_revoked": "took back a correction of {}",
    "replayed": "sent {} again",
    "sessions_ended": "ended sessions of {}",
    "logged_in": "logged in as {}",
    "log_in_failed": "failed to log in as {}",
    "logged_out": "logged out as {}",
}
_THINGS = {
    "componentgroup": "group",
    "incidenttemplate": "incident template",
    "maintenanceseries": "recurring maintenance",
    "apitoken": "API token",
}


def thing(object_type: str) -> str:
    """Return what people call a kind of object, `monitors.monitor` or `monitor`."""
    name = object_type.rpartition(".")[2]
    return _THINGS.get(name, name.replace("_", " "))


def in_words(action: str, object_type: str, object_label: str) -> str:
    """Return what was done, in the past tense and without its subject."""
    verb = action.partition(".")[2] or action
    named = f"{thing(object_type)} {object_label}".strip()
    if verb in _PHRASES:
        return _PHRASES[verb].format(named)
    return f"{_VERBS.get(verb) or verb.replace('_', ' ')} {named}"
