"""A request's headers as lines. Those that hold a secret are shown as •••, stored ones and just typed ones alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from apps.core.adminkit.fields import PairsField
from apps.core.adminkit.sealing import seal, unseal
from apps.core.audit import HIDDEN
from apps.core.unfold import Textarea
from apps.monitors.confidential import is_secret_header, only_refers


def is_hidden(name: str, value: str) -> bool:
    """Say whether the header's value is shown as ••• only."""
    return is_secret_header(name) and not only_refers(value)


class HeaderLinesWidget(Textarea):
    """What was typed and may be a secret comes back as •••, and sealed in an input beside it."""

    template_name = "admin/monitors/header_lines.html"

    def __init__(self) -> None:
        super().__init__(attrs={"rows": 3, "spellcheck": "false"})

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        shown, secrets = _parted(value or "")
        context = super().get_context(name, shown, attrs)
        context["widget"]["sealed"] = seal(json.dumps(secrets) if secrets else "")
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        text = data.get(name)
        kept = unseal(data.get(f"{name}-sealed"))
        return _joined(text, json.loads(kept)) if text and kept else text


class HeaderLinesField(PairsField):
    """{name: value}; a value of ••• stands for the stored one."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(separator=":", widget=HeaderLinesWidget(), **kwargs)


def _parted(text: str) -> tuple[str, dict[str, str]]:
    """Return the text with secrets as •••, and those secrets by name."""
    lines, secrets = [], {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        name, value = name.strip(), value.strip()
        if colon and value != HIDDEN and is_hidden(name, value):
            secrets[name] = value
            line = f"{name}: {HIDDEN}"
        lines.append(line)
    return "\n".join(lines), secrets


def _joined(text: str, secrets: Mapping[str, str]) -> str:
    """Return the text with the sealed secrets back where ••• stands for them."""
    lines = []
    for line in text.splitlines():
        name, _, value = line.partition(":")
        name = name.strip()
        if value.strip() == HIDDEN and name in secrets:
            line = f"{name}: {secrets[name]}"
        lines.append(line)
    return "\n".join(lines)
