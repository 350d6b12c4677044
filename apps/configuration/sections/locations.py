"""`locations[]`: places from which monitors run, by code."""

from __future__ import annotations

from apps.configuration.context import Context
from apps.configuration.sections.bringing import Bringer, NameKey, Present, Values
from apps.monitors import services
from apps.monitors.models import Location


def present() -> dict[NameKey, Present]:
    """Return the live locations, by code."""
    return {
        (location.code,): Present(
            location.pk,
            {
                "code": location.code,
                "name": location.name,
                "reference_targets": list(location.reference_targets),
            },
        )
        for location in Location.objects.live().order_by("code")
    }


def bring(context: Context) -> None:
    _bringer(context).bring(context, context.entries("locations"), present())


def remove_missing(context: Context) -> None:
    """Archive the locations that are missing; `default` always exists."""
    if context.has("locations"):
        keep = frozenset({(Location.DEFAULT_CODE,)})
        _bringer(context).remove_missing(context, present(), keep=keep)


def _bringer(context: Context) -> Bringer:
    who = context.who

    def update(location_id: int, values: Values) -> None:
        services.update_location(
            location_id=location_id,
            name=values["name"],
            reference_targets=values["reference_targets"],
            **who,
        )

    return Bringer(
        section="locations",
        kind="location",
        key_of=lambda values: (values["code"],),
        create=lambda values: services.create_location(**values, **who),
        update=update,
        archive=lambda location_id: services.archive_location(location_id=location_id, **who),
    )
