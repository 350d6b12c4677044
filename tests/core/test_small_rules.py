"""Public ids, waits between attempts, errors, validation, actors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.actors import person_actor
from apps.accounts.models import Workspace
from apps.core.actors import AUTOMATION, command_actor
from apps.core.backoff import retry_delay
from apps.core.errors import Conflict, Invalid
from apps.core.ids import ALPHABET, LENGTH, new_public_id
from apps.core.validation import clean, invalid, validate_time_zone
from tests.factories import PageFactory, UserFactory


def test_public_ids_are_twelve_characters_of_the_alphabet_and_differ():
    ids = {new_public_id() for _ in range(1000)}

    assert len(ids) == 1000
    assert all(len(one) == LENGTH == 12 and set(one) <= set(ALPHABET) for one in ids)


def test_no_public_id_reads_as_a_word():
    assert not set(ALPHABET) & set("aeiou")
    assert ALPHABET == "0123456789bcdfghjklmnpqrstvwxyz"


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 1), (2, 2), (5, 16), (10, 512), (11, 600)])
def test_waits_double_up_to_the_longest(attempts, seconds):
    assert retry_delay(attempts).total_seconds() == seconds


@given(st.integers(1, 10**9))
def test_a_wait_is_never_longer_than_the_longest(attempts):
    assert 1 <= retry_delay(attempts).total_seconds() <= 600


def test_before_the_first_attempt_there_is_no_wait_to_ask_for():
    with pytest.raises(ValueError):
        retry_delay(0)


def test_an_error_names_its_field_and_keeps_its_code():
    error = Invalid("invalid", "is too long", field="requests[0].url")

    assert str(error) == "requests[0].url: is too long"
    assert error.code == "invalid"
    assert error.errors == (("requests[0].url", "is too long"),)
    assert str(Conflict("taken", "taken already")) == "taken already"


@pytest.mark.django_db
def test_cleaning_a_row_lists_every_field_at_fault_under_its_path():
    page = PageFactory.build(name="", slug="Not A Slug", time_zone="Mars")

    with pytest.raises(Invalid) as refused:
        clean(page, at="pages[2]")

    assert {path for path, _ in refused.value.errors} == {
        "pages[2].name",
        "pages[2].slug",
        "pages[2].time_zone",
    }
    assert refused.value.field in {path for path, _ in refused.value.errors}


@pytest.mark.django_db
def test_a_broken_rule_of_the_whole_row_is_named_by_its_path():
    Workspace.objects.create(name="Team")

    with pytest.raises(Invalid, match="already a workspace"):
        clean(Workspace(name="Team"), at="workspaces[1]")


def test_a_bare_refusal_is_told_at_its_path():
    from django.core.exceptions import ValidationError

    assert invalid(ValidationError("no"), at="here").field == "here"


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"])
def test_iana_zones_are_accepted(name):
    validate_time_zone(name)


def test_actors_say_who_and_of_what_kind():
    user = UserFactory.build(username="robin", first_name="Robin", last_name="Doe")

    assert person_actor(user).key == user.public_id
    assert person_actor(user).label == "Robin Doe"
    assert person_actor(UserFactory.build(username="robin")).label == "robin"
    assert command_actor("apply").label == "manage.py apply"
    assert AUTOMATION.is_automation
    assert not person_actor(user).is_automation
