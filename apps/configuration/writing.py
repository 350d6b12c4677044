"""Write YAML as a person would: what is short on one line, texts of several lines as they read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

LINE = 88
"""How many characters a mapping or list may take to be written on one line."""

_ODD_BREAK = re.compile("[\x85\u2028\u2029\ufeff]")


def dump(document: Mapping[str, Any]) -> str:
    """Return the document as YAML, its keys in their order."""
    text = yaml.dump(
        dict(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=LINE + 12
    )
    return str(text)


class _Dumper(yaml.SafeDumper):
    """Lists are indented below their key; nothing is written once and referred to later."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_sequence(
        self, tag: str, sequence: Any, flow_style: bool | None = None
    ) -> yaml.SequenceNode:
        node = super().represent_sequence(tag, sequence, flow_style=False)
        node.flow_style = _size(node.value) <= LINE
        return node

    def represent_mapping(
        self, tag: str, mapping: Any, flow_style: bool | None = None
    ) -> yaml.MappingNode:
        node = super().represent_mapping(tag, mapping, flow_style=False)
        inside = [part for pair in node.value for part in pair]
        node.flow_style = _size(inside) <= LINE
        return node


def _size(nodes: list[yaml.Node]) -> int:
    """Return about how many characters the nodes take on one line; too many if one cannot be written so."""
    size = 0
    for node in nodes:
        if isinstance(node, yaml.ScalarNode) and node.style is None:
            size += len(node.value) + 2
        elif isinstance(node, yaml.SequenceNode) and node.flow_style:
            size += _size(node.value) + 2
        else:
            return LINE + 1
    return size


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if _ODD_BREAK.search(text):
        # Within other quotes PyYAML writes these as they are, and reads them as a line's end.
        style = '"'
    elif "\n" in text.strip("\n"):
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
