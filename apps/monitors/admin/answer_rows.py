"""The assertion builder's HTML: an answer in which each value is a button.

What a button makes is in its data: `data-assertion` and `data-extraction` are rows of the form, as JSON.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from apps.monitors.answers import Node, Part, SeenAnswer

_OPEN_DEPTH = 3


@dataclass(frozen=True, slots=True)
class AnswerShown:
    """An answer as the template shows it; `tree` is None where the body is no JSON."""

    parts: SafeString
    headers: SafeString
    header_count: int
    tree: SafeString | None
    text: str
    problem: str


def answer_shown(seen: SeenAnswer) -> AnswerShown:
    """Return the HTML of what can be clicked."""
    return AnswerShown(
        parts=_parts(seen.parts),
        headers=_parts(seen.headers),
        header_count=len(seen.headers),
        tree=None if seen.tree is None else _tree(seen.tree),
        text=seen.text,
        problem=seen.problem,
    )


def _parts(parts: tuple[Part, ...]) -> SafeString:
    return format_html_join(
        "", "<li>{}</li>", ((_button(p.label, p.text, p.assertion, p.extraction),) for p in parts)
    )


def _tree(root: Node) -> SafeString:
    return format_html('<ul class="console-tree">{}</ul>', _item(root, 0))


def _item(node: Node, depth: int) -> SafeString:
    button = _button(node.label, node.text, node.assertion, node.extraction, node.kind)
    if not node.children and not node.left_out:
        return format_html("<li>{}</li>", button)
    children = [_item(child, depth + 1) for child in node.children]
    if node.left_out:
        children.append(
            format_html('<li class="console-quiet">… and {} more</li>', f"{node.left_out:,}")
        )
    # A button inside a summary would both open and choose: it stands beside it.
    return format_html(
        '<li class="console-tree-branch">{}<details{}><summary>{}</summary><ul>{}</ul></details></li>',
        button,
        mark_safe(" open") if depth < _OPEN_DEPTH else "",
        node.label,
        format_html_join("", "{}", ((child,) for child in children)),
    )


def _button(
    label: str,
    text: str,
    assertion: dict[str, Any] | None,
    extraction: dict[str, Any] | None,
    kind: str = "value",
) -> SafeString:
    if assertion is None:
        return format_html('<span class="console-pick-none"><b>{}</b> {}</span>', label, text)
    return format_html(
        '<button type="button" class="console-pick console-pick-{}" data-assertion="{}" data-extraction="{}">'
        "<b>{}</b> <span>{}</span></button>",
        kind,
        json.dumps(assertion),
        json.dumps(extraction) if extraction else "",
        label,
        text,
    )
