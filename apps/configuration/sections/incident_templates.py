"""`incident_templates[]`: prepared texts, by page and name."""

from __future__ import annotations

from apps.configuration.context import Context
from apps.configuration.reading import Entry
from apps.configuration.sections.bringing import Bringer, NameKey, Present, Values
from apps.configuration.sections.page_names import ComponentNames, live_pages, page_of
from apps.core.errors import Invalid
from apps.incidents import services
from apps.incidents.models import IncidentTemplate

OWN_KEYS = (
    "name",
    "kind",
    "title",
    "message",
    "update_status",
    "impact_override",
    "component_status",
    "deliver_notifications",
)


def present() -> dict[NameKey, Present]:
    """Return the live templates of live pages, by page and name. Components that left the page are not named."""
    names = ComponentNames()
    rows = (
        IncidentTemplate.objects.live()
        .filter(page__archived_at__isnull=True)
        .select_related("page")
        .prefetch_related("components")
        .order_by("page__slug", "name")
    )
    return {
        (row.page.slug, row.name): Present(
            row.pk,
            {"page": row.page.slug, **{key: getattr(row, key) for key in OWN_KEYS}}
            | {
                "components": _in_order(
                    names.of(row.page_id), [one.pk for one in row.components.all()]
                )
            },
        )
        for row in rows
    }


def bring(context: Context) -> None:
    if not context.entries("incident_templates"):
        return
    held, pages, names = present(), live_pages(), ComponentNames()
    for entry in context.entries("incident_templates"):
        page_id = page_of(context, entry, pages)
        if page_id is None:
            continue
        bringer = _bringer(context, page_id, names)
        found = held.get((entry.values["page"], entry.values["name"]))
        bringer.bring_one(context, _as_exported(entry, page_id, names), found)


def remove_missing(context: Context) -> None:
    if context.has("incident_templates"):
        _bringer(context, 0, ComponentNames()).remove_missing(context, present())


def _as_exported(entry: Entry, page_id: int, names: ComponentNames) -> Entry:
    """Return the entry with its components named as an export names them, where all are there."""
    try:
        found = names.find_all(page_id, entry.values["components"], field="components")
    except Invalid:
        # Told, at its place, when the template is made.
        return entry
    listed = _in_order(names.of(page_id), found)
    return Entry(entry.node, entry.values | {"components": listed})


def _in_order(names: dict[int, str], ids: list[int]) -> list[str]:
    """Their order says nothing and is not kept: they are listed as they are on the page."""
    return [name for pk, name in names.items() if pk in ids]


def _bringer(context: Context, page_id: int, names: ComponentNames) -> Bringer:
    who = context.who

    def components(values: Values) -> list[int]:
        return names.find_all(page_id, values["components"], field="components")

    def own(values: Values) -> Values:
        return {key: values[key] for key in OWN_KEYS}

    def create(values: Values) -> None:
        services.create_template(
            page_id=page_id, component_ids=components(values), **own(values), **who
        )

    def update(template_id: int, values: Values) -> None:
        services.update_template(
            template_id=template_id, component_ids=components(values), **own(values), **who
        )

    def archive(template_id: int) -> None:
        services.archive_template(template_id=template_id, **who)

    return Bringer(
        section="incident_templates",
        kind="template",
        key_of=lambda values: (values["page"], values["name"]),
        create=create,
        update=update,
        archive=archive,
    )
