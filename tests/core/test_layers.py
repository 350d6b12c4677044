"""Foreign keys point downwards only, as imports do."""

from __future__ import annotations

import tomllib
from pathlib import Path

from django.apps import apps

ROOT = Path(__file__).resolve().parents[2]


def layers():
    """Return {app label: height}, from pyproject's layers; apps of one layer have one height."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    listed = next(one for one in contracts if one["type"] == "layers")["layers"]
    return {
        name.strip(): height
        for height, layer in enumerate(reversed(listed))
        for name in layer.split("|")
    }


def keys():
    """Every (app, app pointed at, field) between apps of this project."""
    heights = layers()
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.get_fields(include_parents=False):
            target = getattr(field, "related_model", None)
            if target is None or not getattr(field, "concrete", False):
                continue
            source_app, target_app = model._meta.app_label, target._meta.app_label
            if source_app in heights and target_app in heights:
                yield source_app, target_app, f"{model._meta.label}.{field.name}"


def test_every_app_is_in_a_layer():
    folders = {path.parent.name for path in (ROOT / "apps").glob("*/apps.py")}

    assert folders == set(layers())


def test_foreign_keys_point_downwards_only():
    heights = layers()

    upwards = [
        name
        for source, target, name in keys()
        if source != target and heights[source] <= heights[target]
    ]

    assert upwards == []


def test_the_check_sees_keys():
    assert ("incidents", "pages", "incidents.Incident.page") in set(keys())
