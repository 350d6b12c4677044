"""Markdown of people, rendered and cleaned in this one place."""

from __future__ import annotations

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("strikethrough")
_TAGS = {
    "a", "blockquote", "br", "code", "em", "h3", "h4", "h5", "h6",
    "hr", "li", "ol", "p", "pre", "s", "strong", "ul",
}  # fmt: skip


def render(source: str) -> SafeString:
    """Return safe HTML of a Markdown text: no images, scripts, styles or raw HTML; links open without referrer.

    Headings begin at the third level: the first two are the page's own.
    """
    tokens = _markdown.parse(source)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"} and token.tag in {"h1", "h2"}:
            token.tag = "h3"
    cleaned = nh3.clean(
        _markdown.renderer.render(tokens, _markdown.options, {}),
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(cleaned)  # noqa: S308 - cleaned by nh3 with the allow-list above
