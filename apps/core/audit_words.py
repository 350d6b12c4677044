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
    "tried": "tried the requests of {}",
    "tagged": "tagged {}",
    "untagged": "took tags off {}",
    "status_set": "set the status of {}",
    "members_set": "changed the members of {}",
    "reordered": "changed the order on {}",
    "taken_over": "took over {}",
    "took_in": "merged another into {}",
    "told_afterwards": "told {} afterwards",
    "update_edited": "corrected an update of {}",
    "postmortem_drafted": "wrote at the post-mortem of {}",
    "postmortem_published": "published the post-mortem of {}",
    "postmortem_reverted": "took back the post-mortem of {}",
    "postmortem_deleted": "deleted the post-mortem of {}",
    "kept": "kept the {}",
    "handed_over": "handed the {} over",
    "approved": "approved the {}",
    "overridden": "posted without a second person: {}",
    "sent_back": "sent the {} back",
    "discarded": "discarded the {}",
    "scheduled": "scheduled the {}",
    "published": "posted the {}",
    "refused": "could not post the {}",
    "corrected": "corrected the past of {}",
    "correction_revoked": "took back a correction of {}",
    "replayed": "sent {} again",
    "logged_in": "logged in as {}",
    "logged_out": "logged out as {}",
    "login_failed": "failed to log in as {}",
    "password_changed": "changed the password of {}",
    "password_reset": "reset the password of {}",
    "factor_added": "added a second factor to {}",
    "factor_removed": "removed a second factor of {}",
    "factors_reset": "took all second factors off {}",
    "recovery_codes_renewed": "made new recovery codes for {}",
    "sessions_ended": "ended sessions of {}",
    "roles_set": "set the roles of {}",
    "superuser_given": "made a superuser of {}",
    "superuser_taken": "took superuser rights from {}",
    "created_by_sign_on": "added by single sign-on: {}",
}
# Where the verb alone says something else.
_ACTIONS = {
    "incident.updated": "posted an update to {}",
    "maintenance.updated": "posted an update to {}",
}
_THINGS = {
    "componentgroup": "group",
    "incidenttemplate": "incident template",
    "maintenanceseries": "recurring maintenance",
    "apitoken": "API token",
    "user": "person",
}


def thing(object_type: str) -> str:
    """Return what people call a kind of object, `monitors.monitor` or `monitor`."""
    name = object_type.rpartition(".")[2]
    return _THINGS.get(name, name.replace("_", " "))


def all_verbs() -> list[tuple[str, str]]:
    """Return (the last part of an action, what it says) of all that is known, by what it says."""
    verbs = list(_VERBS.items())
    phrases = [
        (verb, phrase.replace(" {}", " …").replace("{} ", "… "))
        for verb, phrase in _PHRASES.items()
    ]
    return sorted(
        ((verb, text[:1].upper() + text[1:]) for verb, text in (*verbs, *phrases)),
        key=lambda one: one[1],
    )


def in_words(action: str, object_type: str, object_label: str) -> str:
    """Return what was done, in the past tense and without its subject."""
    verb = action.partition(".")[2] or action
    named = f"{thing(object_type)} {object_label}".strip()
    phrase = _ACTIONS.get(action) or _PHRASES.get(verb)
    if phrase is not None:
        return phrase.replace("{}", named)
    return f"{_VERBS.get(verb) or verb.replace('_', ' ')} {named}"
