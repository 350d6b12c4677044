"""URLs as they are sent, and the host that is in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.egress.urls import BadURL, host_of, parse_target


@pytest.mark.parametrize(
    ("given_url", "sent"),
    [
        ("http://example.com", "http://example.com/"),
        ("HTTP://Example.COM:8080/a", "http://example.com:8080/a"),
        (
            "https://example.com/ä b?q=ü&x=%20%zz#part",
            "https://example.com/%C3%A4%20b?q=%C3%BC&x=%20%25zz",
        ),
        ("http://münchen.example/", "http://xn--mnchen-3ya.example/"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
        ("http://user:p%40ss@example.com/", "http://user:p%40ss@example.com/"),
        ("http://example.com/a/../b", "http://example.com/a/../b"),
        ("http://2130706433/", "http://127.0.0.1/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://0177.0.0.1/", "http://127.0.0.1/"),
        ("http://a_b.example/", "http://a_b.example/"),
    ],
)
def test_a_url_is_sent_percent_encoded_as_utf8(given_url: str, sent: str) -> None:
    assert parse_target(given_url).url == sent


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.com/", "http:// or https://"),
        ("example.com", "http:// or https://"),
        ("file:///etc/passwd", "http:// or https://"),
        ("http://", "names no host"),
        ("http://example.com:99999/", "malformed"),
        ("http://example.com/\r\nHost: x", "line break"),
        ("http://example.com/\0", "control character"),
        ("http://exa mple.com/", "characters that no host name has"),
        ("http://a..b/", "characters that no host name has"),
        ("http://[fe80::1%25eth0]/", "scope"),
        ("http://[::zz]/", "malformed|IPv6"),
        ("http://999.1.1.1/", "no IPv4 address"),
    ],
)
def test_a_url_that_cannot_be_sent_is_refused_with_a_reason(url: str, reason: str) -> None:
    with pytest.raises(BadURL, match=reason):
        parse_target(url)


def test_a_refusal_shows_no_part_of_the_url() -> None:
    with pytest.raises(BadURL) as caught:
        parse_target("http://example.com:s3cret/")

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://Intra.:80/", "intra"),
        ("http://trusted.example@evil.example/", "evil.example"),
        ("http://evil.example#@trusted.example/", "evil.example"),
        ("http://evil.example?@trusted.example/", "evil.example"),
        ("http://017700000001/", "127.0.0.1"),
        ("http://evil.example\\@trusted.example/", "trusted.example"),
        ("http://[::ffff:7f00:1]/", "::ffff:127.0.0.1"),
        ("nonsense", None),
    ],
)
def test_the_host_is_the_one_that_is_dialled(url: str, host: str | None) -> None:
    parsed = host_of(url)

    assert parsed == host or (host == "::ffff:127.0.0.1" and parsed == "::ffff:7f00:1")


@given(st.text(max_size=40))
def test_whatever_follows_the_host_leaves_it_and_makes_a_plain_ascii_url(path: str) -> None:
    try:
        target = parse_target(f"http://example.com/{path}")
    except BadURL:
        return

    assert target.host == "example.com"
    assert target.url.isascii()
    assert not any(c in target.url for c in " \r\n\t\0")


@given(st.text(max_size=30))
def test_rebuilding_a_rebuilt_url_changes_nothing(text: str) -> None:
    try:
        target = parse_target(f"https://{text}")
    except BadURL:
        return

    assert parse_target(target.url) == target
