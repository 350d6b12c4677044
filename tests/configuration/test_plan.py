from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.configuration import schema
from apps.configuration.plan import differences, same
from apps.configuration.secrets import is_secret
from apps.configuration.sections.ordering import match_moved, reordered
from apps.monitors.confidential import only_refers
from tests.configuration.test_examples import every_record

DOCS = (Path(__file__).parents[2] / "docs/configuration.md").read_text()


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ([True], [1], False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": None}, {}, False),
        ([1, 2], [2, 1], False),
        ("1", 1, False),
        (None, "", False),
    ],
)
def test_values_are_compared_as_json_has_them(left: Any, right: Any, equal: bool):
    assert same(left, right) is equal
    assert same(right, left) is equal


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1, "b": 2}, {"a": 3}, ["a: 1 → 3"]),
        ({"a": ""}, {"a": "x\n y"}, ['a: "" → x y']),
        ({"a": None}, {"a": {"b": 1, "c": 2}}, ["a: none → {b, c}"]),
        ({"v": {"a": "1", "b": "2"}}, {"v": {"b": "3", "c": "4"}}, ["v.b: 2 → 3", "v.c: none → 4", "v.a: 1 → none"]),
        ({"r": [{"u": 1}, {"u": 2}]}, {"r": [{"u": 1}, {"u": 3}]}, ["r[1].u: 2 → 3"]),
        ({"r": [{"u": 1}]}, {"r": [{"u": 1}, {"u": 3}]}, ["r: 1 item → 2 items"]),
        ({"t": ["a"]}, {"t": []}, ['t: ["a"] → []']),
        ({"t": "x" * 80}, {"t": "y"}, [f"t: {'x' * 59}… → y"]),
        ({"requests": [{}]}, {"requests": [{"json": None}]}, ["requests[0].json: changed"]),
        ({"requests": [{"body": "password"}]}, {"requests": [{"body": "other"}]}, ["requests[0].body: changed"]),
        ({"requests": [{"auth": {}}]}, {"requests": [{"auth": {"token": "{{t}}"}}]}, ["requests[0].auth.token: none → {{t}}"]),
        ({"requests": [{"auth": {"token": "x"}}]}, {"requests": [{"auth": {"token": "{{t}}"}}]}, ["requests[0].auth.token: changed"]),
        ({"api_key": "old"}, {"api_key": "new"}, ["api_key: changed"]),
    ],
)  # fmt: skip
def test_differences_read_as_lines(before: dict[str, Any], after: dict[str, Any], lines: list[str]):
    assert [str(one) for one in differences(before, after)] == lines


@pytest.mark.parametrize(
    ("path", "secret"),
    [
        (("secret_variables", "any"), True),
        (("variables", "password"), False),
        (("api_key",), True),
        (("requests", "auth", "password"), True),
        (("requests", "auth", "token"), True),
        (("requests", "auth", "value"), True),
        (("requests", "auth", "username"), False),
        (("requests", "auth", "in"), False),
        (("requests", "headers", "X-Api-Key"), True),
        (("requests", "headers", "authorization"), True),
        (("requests", "headers", "X-Client"), False),
        (("requests", "url"), False),
    ],
)
def test_secrets_are_known_by_their_place(path: tuple[str, ...], secret: bool):
    assert is_secret(path) is secret


@pytest.mark.parametrize(
    ("text", "refers"),
    [
        ("{{a}}", True),
        ("Bearer {{a}}", True),
        ("{{a}}{{b}}", True),
        ("", True),
        ("bearer", False),
        ("x{{a}}", False),
        ("Bearer abc", False),
        ("Bearer x {{a}}", False),
    ],
)
def test_a_value_that_only_refers_to_variables_is_no_secret(text: str, refers: bool):
    assert only_refers(text) is refers


@pytest.mark.parametrize(
    ("wanted", "present", "moved"),
    [
        ([("G", "a")], [(None, "a")], {("G", "a"): (None, "a")}),
        ([("G", "a")], [("G", "a"), ("H", "a")], {}),
        ([("I", "a")], [("G", "a"), ("H", "a")], {}),
        ([("I", "a"), ("J", "a")], [("G", "a")], {}),
        ([("G", "a"), ("I", "a")], [("G", "a"), ("H", "a")], {("I", "a"): ("H", "a")}),
        ([("G", "a"), (None, "b")], [(None, "a"), ("G", "b")], {("G", "a"): (None, "a"), (None, "b"): ("G", "b")}),
    ],
)  # fmt: skip
def test_a_component_has_moved_where_its_name_says_so(wanted: Any, present: Any, moved: Any):
    assert match_moved(wanted, present) == moved


@given(st.permutations("abcdefg"), st.permutations("abc"), st.permutations("fg"))
def test_reordering_moves_only_what_is_mentioned(
    present: list[str], first: list[str], second: list[str]
):
    order = reordered(present, first, second)

    assert sorted(order) == sorted(present)
    assert [name for name in order if name in "abc"] == first
    assert [name for name in order if name in "fg"] == second
    assert [(i, name) for i, name in enumerate(order) if name in "de"] == [
        (i, name) for i, name in enumerate(present) if name in "de"
    ]
    assert reordered(order, first, second) == order


def test_the_documentation_names_every_section_and_key():
    names = {
        *schema.SECTIONS,
        *schema.NOT_YET,
        *(key for record in every_record().values() for key in record.keys),
    }

    assert [
        name for name in sorted(names) if f"`{name}" not in DOCS and f"{name} (" not in DOCS
    ] == []


def test_a_password_in_a_url_is_not_shown():
    before = {"requests": [{"url": "https://ann:s3cret@a.test/"}]}
    after = {"requests": [{"url": "https://a.test/"}]}

    for one, other in ((before, after), (after, before)):
        assert [str(found) for found in differences(one, other)] == ["requests[0].url: changed"]
