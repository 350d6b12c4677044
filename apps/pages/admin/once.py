"""What a screen shows of a row, made once: the theme's templates ask for a read-only field several times."""

from __future__ import annotations

from collections.abc import Callable

from django.db import models


def once(row: models.Model, name: str, make: Callable[[], str]) -> str:
    """Return what `make` returned the first time that it was asked for this row object."""
    made: dict[str, str] = row.__dict__.setdefault("console_made", {})
    if name not in made:
        made[name] = make()
    return made[name]
