"""A list without rows says why it has none, and what to do."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db

TEMPLATES = "admin:incidents_incidenttemplate_changelist"


def test_a_list_of_nothing_offers_to_add_and_speaks_of_no_filters(console: Client):
    page = console.get(reverse(TEMPLATES)).content.decode()

    assert "There is no incident template." in page
    assert "Add incident template" in page
    assert "Reset filters" not in page


@pytest.mark.parametrize("query", ["?q=nowhere", "?kind__exact=maintenance"])
def test_a_list_that_was_narrowed_to_nothing_says_so(console: Client, query: str):
    page = console.get(reverse(TEMPLATES) + query).content.decode()

    assert "No incident template fits the search and the filters." in page
    assert "Reset filters" in page
