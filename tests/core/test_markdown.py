"""Markdown of people becomes safe HTML."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.markdown import render

ALLOWED = {
    "a", "blockquote", "br", "code", "em", "h3", "h4", "h5", "h6",
    "hr", "li", "ol", "p", "pre", "s", "strong", "ul",
}  # fmt: skip


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("**bold** and *em*", "<p><strong>bold</strong> and <em>em</em></p>"),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("~~gone~~", "<p><s>gone</s></p>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("### Title", "<h3>Title</h3>"),
        ("a < b & c", "<p>a &lt; b &amp; c</p>"),
        (
            "[more](https://acme.example/x?a=1&b=2)",
            '<p><a href="https://acme.example/x?a=1&amp;b=2" '
            'rel="noopener noreferrer nofollow">more</a></p>',
        ),
        (
            "<mailto:help@acme.example>",
            '<p><a href="mailto:help@acme.example" '
            'rel="noopener noreferrer nofollow">mailto:help@acme.example</a></p>',
        ),
    ],
)
def test_text_is_rendered(source, html):
    assert render(source).strip() == html


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](javascript:alert(1))",
        "![x](https://evil.example/pixel.png)",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:msgbox)",
        "[x](\x01javascript:alert(1))",
        "[x](&#106;avascript:alert(1))",
        '[x](https://a.example "onmouseover=alert(1)")',
        '<https://a.example/"onclick=alert(1)>',
        "<a href='javascript:alert(1)'>x</a>",
        "<iframe src=https://evil.example></iframe>",
        "<svg onload=alert(1)>",
        "<style>*{display:none}</style>",
        "<form action=https://evil.example><input name=q></form>",
        "</p></div><script>alert(1)</script>",
        "<!-- --><script>alert(1)</script>",
        "`<script>alert(1)</script>`",
        "```html\n<script>alert(1)</script>\n```",
        "[x]: javascript:alert(1)\n\n[x]",
    ],
)
def test_nothing_that_acts_comes_through(source):
    html = render(source)

    assert_harmless(html)


@given(st.text(st.sampled_from("<>/\"'=()[]!:`*_~#-& \n\tabjsx"), max_size=60))
def test_no_text_becomes_anything_that_acts(source):
    assert_harmless(render(source))


class Tags(HTMLParser):
    """The elements that a browser would see, with their attributes."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def assert_harmless(html):
    parser = Tags()
    parser.feed(html)
    for tag, attributes in parser.found:
        assert tag in ALLOWED
        assert set(attributes) <= ({"href", "rel", "title"} if tag == "a" else set())
        target = urlsplit(attributes.get("href") or "")
        assert target.scheme in {"", "http", "https", "mailto"}
        assert tag != "a" or attributes["rel"] == "noopener noreferrer nofollow"


@pytest.mark.parametrize(
    ("source", "tag"), [("# A", "h3"), ("## A", "h3"), ("### A", "h3"), ("#### A", "h4")]
)
def test_headings_begin_below_those_of_the_page(source, tag):
    assert render(source) == f"<{tag}>A</{tag}>\n"
