"""Two people at one text: the second is told, sees what the first wrote, and keeps what they typed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.errors import Conflict
from apps.incidents.drafting import digest_of_text
from apps.incidents.models import Incident
from apps.incidents.services import (
    edit_maintenance_update,
    edit_update,
    hand_over_draft,
    keep_draft,
    post_draft,
    save_postmortem,
)
from tests.console.composing import mistakes, shown
from tests.factories import NOW, PERSON, IncidentFactory, MaintenanceFactory
from tests.incidents.draft_scene import KIM

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=2)
BY = {"actor": PERSON, "at": LATER}


def screen(name: str, row) -> str:
    return reverse(f"admin:incidents_{row._meta.model_name}_{name}", args=[row.pk])


@pytest.mark.parametrize("make", [IncidentFactory, MaintenanceFactory])
def test_a_correction_over_anothers_is_held_once_and_shows_what_it_says_now(console: Client, make):
    row = make()
    update = row.updates.get()
    url = f"{screen('edit_update', row)}?update={update.public_id}"
    mine = shown(console, url) | {"body": "Mine.", "do": "save"}
    correct = edit_update if isinstance(row, Incident) else edit_maintenance_update
    correct(update_id=update.pk, body="**Theirs**.", **BY)

    answer = console.post(url, mine)

    assert "changed this text meanwhile" in mistakes(answer)[""][0]
    assert "<strong>Theirs</strong>" in answer.content.decode()
    form = answer.context["form"]
    assert form["body"].value() == "Mine."
    again = mine | {"seen": form["seen"].value()}
    assert console.post(url, again).status_code == 302
    update.refresh_from_db()
    assert update.body == "Mine."


@pytest.mark.parametrize("wish", ["save", "publish"])
def test_a_post_mortem_over_anothers_is_held_once_and_shows_theirs(console: Client, wish: str):
    incident = IncidentFactory(resolved=True)
    url = screen("postmortem", incident)
    mine = shown(console, url) | {"body": "Mine.", "do": wish}
    save_postmortem(incident_id=incident.pk, body="**Theirs**.", **BY)

    answer = console.post(url, mine)

    assert "changed this text meanwhile" in mistakes(answer)[""][0]
    assert "<strong>Theirs</strong>" in answer.content.decode()
    form = answer.context["form"]
    assert form["body"].value() == "Mine."
    again = mine | {"seen": form["seen"].value()}
    assert console.post(url, again).status_code == 302
    incident.postmortem.refresh_from_db()
    assert incident.postmortem.draft == "Mine."


def test_a_correction_that_waited_is_not_approved_over_another_one():
    incident = IncidentFactory()
    update = incident.updates.get()
    draft = keep_draft(
        page_id=incident.page_id,
        kind="correct_update",
        incident_id=incident.pk,
        asked={"update": update.public_id, "body": "Mine.", "seen": digest_of_text(update.body)},
        **BY,
    )
    hand_over_draft(draft_id=draft.pk, **BY)
    edit_update(update_id=update.pk, body="Theirs.", **BY)

    with pytest.raises(Conflict) as refusal:
        post_draft(draft_id=draft.pk, actor=KIM, at=LATER)

    assert refusal.value.code == "text_moved"
    update.refresh_from_db()
    assert update.body == "Theirs."
