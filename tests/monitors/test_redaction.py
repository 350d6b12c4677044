"""A secret is masked in each spelling in which it travels."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest

from apps.core.egress import parse_target
from apps.monitors.checkers.redaction import MASK, Redactor

SECRET = "s3/cr+et & <ü>'100%'"


@pytest.mark.parametrize(
    "spelt",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        html.escape(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(SECRET)[1:-1].replace("/", "\\/"),
        json.dumps(SECRET)[1:-1].replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"),
        base64.b64encode(SECRET.encode()).decode(),
    ],
)  # fmt: skip
def test_each_spelling_is_masked(spelt: str):
    assert Redactor([SECRET]).mask(f"it is {spelt}!") == f"it is {MASK}!"


@pytest.mark.parametrize("place", ["http://a.test/{}/x", "http://a.test/?q={}&r=1"])
def test_a_secret_in_an_address_that_was_sent_is_masked(place: str):
    sent = parse_target(place.format(SECRET.replace("?", ""))).url

    assert Redactor([SECRET]).mask_url(sent) == place.format(MASK)


def test_what_a_hash_left_of_a_secret_in_an_address_is_masked():
    sent = parse_target("http://a.test/?q=first-half#second-half").url

    assert Redactor(["first-half#second-half"]).mask_url(sent) == f"http://a.test/?q={MASK}"
