"""Every screen opens, for a constant number of queries."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db


def _name(model: type, screen: str) -> str:
    return f"admin:{model._meta.app_label}_{model._meta.model_name}_{screen}"  # type: ignore[attr-defined]


def test_every_list_and_add_form_opens_for_a_superuser(console: Client):
    for model, model_admin in admin.site._registry.items():
        response = console.get(reverse(_name(model, "changelist")))
        assert response.status_code == 200, model

        response = console.get(reverse(_name(model, "add")))
        allowed = model_admin.has_add_permission(response.wsgi_request)
        assert response.status_code == (200 if allowed else 403), model


def test_the_overview_opens(console: Client):
    response = console.get(reverse("admin:index"))

    assert response.status_code == 200


def test_no_way_of_showing_something_is_hidden_by_a_column_of_its_name(db: None):
    # Django asks the model's columns first, also where the admin has a method of that name.
    hidden = [
        (screen, name)
        for model, model_admin in admin.site._registry.items()
        for screen, shown in [
            (model_admin, model),
            *((one, one.model) for one in model_admin.inlines),
        ]
        for name in {*screen.readonly_fields, *getattr(screen, "list_display", ())}
        if name in {field.name for field in shown._meta.fields}
        and callable(getattr(screen, name, None))
    ]

    assert hidden == []
