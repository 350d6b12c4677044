"""Two connections at once: a draft is posted once, and no approval is for words that nobody saw."""

from __future__ import annotations

from functools import partial

import pytest

from apps.core.errors import Conflict
from apps.incidents.services import (
    discard_draft,
    edit_draft,
    hand_over_draft,
    post_draft,
    publish_due_drafts,
)
from tests.factories import MACHINE, PERSON, PageFactory
from tests.incidents.draft_scene import DUE, KIM, SOON, drafted
from tests.incidents.scene import EVEN_LATER, opened, posted
from tests.racing import at_once, overlap

pytestmark = pytest.mark.django_db(transaction=True)


def codes(outcomes):
    return sorted(one.code for one in outcomes if isinstance(one, Conflict))


def fresh(row):
    row.refresh_from_db()
    return row


def test_two_who_approve_at_once_post_it_once():
    incident = opened(PageFactory(requires_approval=True), actor=MACHINE)
    draft = drafted(incident)
    hand_over_draft(draft_id=draft.pk, actor=PERSON, at=EVEN_LATER)
    approve = partial(
        post_draft, draft_id=draft.pk, expected_digest=draft.digest, actor=KIM, at=EVEN_LATER
    )

    outcomes = at_once([approve, approve])

    assert codes(outcomes) == ["draft_settled"]
    assert incident.updates.count() == 2


def test_two_beats_post_a_scheduled_draft_once():
    incident = opened(PageFactory())
    draft = drafted(incident, publish_at=SOON)
    post_draft(draft_id=draft.pk, actor=PERSON, at=EVEN_LATER)

    outcomes = at_once([partial(publish_due_drafts, at=DUE)] * 3)

    assert sorted(outcomes) == [0, 0, 1]
    assert incident.updates.count() == 2


def test_beat_and_a_person_who_discards_at_once_agree():
    incident = opened(PageFactory())
    draft = drafted(incident, publish_at=SOON)
    post_draft(draft_id=draft.pk, actor=PERSON, at=EVEN_LATER)

    outcomes = at_once(
        [
            partial(publish_due_drafts, at=DUE),
            partial(discard_draft, draft_id=draft.pk, actor=PERSON, at=DUE),
        ]
    )

    was_posted = incident.updates.count() == 2
    assert fresh(draft).state == ("published" if was_posted else "discarded")
    assert codes(outcomes) == (["draft_settled"] if was_posted else [])


def test_an_approval_never_posts_words_that_are_being_changed():
    incident = opened(PageFactory(requires_approval=True), actor=MACHINE)
    draft = drafted(incident)
    hand_over_draft(draft_id=draft.pk, actor=PERSON, at=EVEN_LATER)
    change = partial(
        edit_draft,
        draft_id=draft.pk,
        asked=draft.asked | {"message": "Other."},
        actor=PERSON,
        at=EVEN_LATER,
    )
    approve = partial(
        post_draft, draft_id=draft.pk, expected_digest=draft.digest, actor=KIM, at=EVEN_LATER
    )

    outcomes = overlap(change, approve)

    assert codes(outcomes) == ["draft_moved"]
    assert incident.updates.count() == 1


def test_a_scheduled_draft_and_a_colleagues_update_at_once_never_post_stale_words():
    incident = opened(PageFactory())
    draft = drafted(incident, publish_at=SOON)
    post_draft(draft_id=draft.pk, actor=PERSON, at=EVEN_LATER)

    overlap(
        partial(posted, incident, "resolved", actor=KIM, at=DUE),
        partial(publish_due_drafts, at=DUE),
    )

    assert fresh(draft).state == "refused"
    assert fresh(incident).status == "resolved"
