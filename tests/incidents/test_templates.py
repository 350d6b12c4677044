"""Templates of a page: kept, and filled in with what the page knows and what people say."""

from __future__ import annotations

import pytest

from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.models import AuditEvent
from apps.incidents.models import IncidentTemplate
from apps.incidents.services import (
    Texts,
    archive_template,
    create_template,
    fill_texts,
    update_template,
)
from tests.factories import NOW, PERSON, ComponentFactory, PageFactory
from tests.incidents.scene import LATER

pytestmark = pytest.mark.django_db


def made(page, **fields):
    given = {"name": "Slow", "title": "{{components}} slow", "message": "{{cause}}"} | fields
    return create_template(page_id=page.pk, actor=PERSON, at=NOW, **given)


def test_a_template_keeps_texts_and_components():
    component = ComponentFactory()

    template = made(
        component.page, component_ids=[component.pk], component_status="degraded_performance"
    )

    template.refresh_from_db()
    assert (template.title, template.message) == ("{{components}} slow", "{{cause}}")
    assert list(template.components.all()) == [component]
    assert AuditEvent.objects.get().action == "incidenttemplate.created"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": "{{oh no}}"}, "title"),
        ({"message": "{{"}, "message"),
        ({"name": ""}, "name"),
        ({"kind": "other"}, "kind"),
        ({"update_status": "scheduled"}, "update_status"),
        ({"kind": "maintenance", "update_status": "investigating"}, "update_status"),
        ({"component_status": "broken"}, "component_status"),
    ],
)
def test_a_template_is_refused_by_the_field_at_fault(fields, field):
    page = PageFactory()

    with pytest.raises(Invalid) as refused:
        made(page, **fields)

    assert refused.value.field == field
    assert not IncidentTemplate.objects.exists()


def test_a_refused_change_leaves_the_template_as_it_was():
    template = made(PageFactory())

    with pytest.raises(Invalid):
        update_template(template_id=template.pk, message="{{", actor=PERSON, at=LATER)

    template.refresh_from_db()
    assert template.message == "{{cause}}"


def test_a_foreign_component_is_refused():
    with pytest.raises(Invalid) as refused:
        made(PageFactory(), component_ids=[ComponentFactory().pk])

    assert refused.value.field == "components"


def test_a_name_is_taken_once_on_a_page_until_it_is_archived():
    page = PageFactory()
    template = made(page)

    with pytest.raises((Invalid, Conflict)):
        made(page)
    archive_template(template_id=template.pk, actor=PERSON, at=LATER)
    made(page)

    assert IncidentTemplate.objects.live().count() == 1


def test_changed_components_are_told_in_the_audit_trail():
    first, second = ComponentFactory.create_batch(2, page=PageFactory())
    template = made(first.page, component_ids=[first.pk])

    update_template(
        template_id=template.pk, component_ids=[second.pk], title="New", actor=PERSON, at=LATER
    )

    assert list(template.components.all()) == [second]
    changes = [event.changes for event in AuditEvent.objects.order_by("pk")[1:]]
    assert changes == [
        {"title": ["{{components}} slow", "New"]},
        {"components": [[str(first)], [str(second)]]},
    ]


def test_a_component_that_left_the_page_stays_on_its_template():
    component = ComponentFactory()
    template = made(component.page, component_ids=[component.pk])
    component.page = PageFactory()
    component.save()

    update_template(template_id=template.pk, component_ids=[component.pk], actor=PERSON, at=LATER)

    assert list(template.components.all()) == [component]


def test_texts_are_filled_with_what_the_page_knows():
    page = PageFactory(name="Acme", time_zone="Europe/Berlin")
    first = ComponentFactory(page=page, name="API", position=1)
    second = ComponentFactory(page=page, name="Web", position=2)
    texts = Texts("{{components}} slow", "{{page}}, {{date}} {{time}}: {{why}}", {"why": "Fire."})

    name, message = fill_texts(page=page, component_ids=[second.pk, first.pk], texts=texts, at=NOW)

    assert name == "API and Web slow"
    assert message == "Acme, 2 March 2026 13:00 CET: Fire."


def test_a_hidden_component_is_not_named_to_readers():
    hidden = ComponentFactory(hidden=True, name="Vault")

    with pytest.raises(Invalid, match=r"\{\{components\}\}"):
        fill_texts(
            page=hidden.page,
            component_ids=[hidden.pk],
            texts=Texts("{{components}} down", ""),
            at=NOW,
        )


def test_built_in_values_are_not_overridden():
    page = PageFactory(name="Acme")

    name, _ = fill_texts(
        page=page, component_ids=[], texts=Texts("{{page}}", "", {"page": "Other"}), at=NOW
    )

    assert name == "Acme"


def test_an_archived_template_is_gone():
    template = made(PageFactory())
    archive_template(template_id=template.pk, actor=PERSON, at=LATER)

    with pytest.raises(NotFound):
        update_template(template_id=template.pk, title="New", actor=PERSON, at=LATER)
