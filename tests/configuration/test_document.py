from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.configuration.document import Node, load
from apps.configuration.placeholders import PlaceholderError, Placeholders, escape, fill
from apps.configuration.problems import Problem, Problems
from apps.configuration.writing import dump


def loaded(text: str, environ: dict[str, str] | None = None) -> tuple[Node | None, list[str]]:
    problems = Problems()
    root = load(text.encode(), environ=environ or {}, problems=problems)
    return root, [str(problem) for problem in problems.found]


def test_a_node_knows_its_place_and_line():
    root, problems = loaded(
        "monitors:\n- name: A\n  requests:\n  - url: x\n    headers: {X.Y: z}\n"
    )

    request = root.value["monitors"].value[0].value["requests"].value[0]
    assert problems == []
    assert (request.value["url"].place, request.value["url"].line) == (
        "monitors[0].requests[0].url",
        4,
    )
    assert request.value["headers"].value["X.Y"].place == 'monitors[0].requests[0].headers["X.Y"]'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the file is empty; it begins with `version: 1`"),
        ("a: [1", "not YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: 1\n---\nb: 2", "not YAML: but found another document"),
        ("a: 1\nb: 2\na: 3", "a (line 3): this key is written twice"),
        ("a: {b: 1, b: 2}", "a.b (line 1): this key is written twice"),
        ("? [a]\n: 1", "a key must be text"),
        ("a: !!python/object/apply:os.system [x]", "a (line 1): the tag tag:yaml.org,2002:python"),
        ("a: !!binary aGk=", "a (line 1): the tag tag:yaml.org,2002:binary is not supported"),
        ("a: !!int x", "a (line 1): is not what its tag tag:yaml.org,2002:int says"),
        ("a: .inf", "a (line 1): infinity and not-a-number cannot be stored"),
        ('a: "\\0"', "a (line 1): holds a character that cannot be stored"),
        ('a: "\\ud800"', "a (line 1): holds a character that cannot be stored"),
        ("a: &x [*x]", "nested more than 40 deep"),
        ("a: " + "[" * 2000 + "]" * 2000, "nested more than 40 deep"),
        ("a: ${NAME}", "a (line 1): the environment variable NAME is not set"),
        ("a: [x, '-${N-M}-']", "a[1] (line 1): `${` begins a variable"),
        ("b: {<<: 1}", "`<<` takes a mapping"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, problem: str):
    _, problems = loaded(text)

    assert any(problem in found for found in problems), problems


def test_aliases_that_grow_without_bound_are_refused():
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )

    root, problems = loaded(text)

    assert root is None
    assert "more than 200000 values" in problems[0]


def test_bytes_that_are_no_text_are_refused():
    problems = Problems()

    assert load(b"a: \xff\xfe\xff", environ={}, problems=problems) is None
    assert "not YAML" in str(problems.found[0])


def test_an_alias_and_a_merged_mapping_are_read_where_they_are_used():
    root, problems = loaded("base: &b {a: 1, c: 2}\nthing: {<<: *b, c: 3}\nother: *b\n")

    assert problems == []
    assert root.plain() == {
        "base": {"a": 1, "c": 2},
        "thing": {"c": 3, "a": 1},
        "other": {"a": 1, "c": 2},
    }
    assert root.value["thing"].value["a"].place == "thing.a"


def test_keys_and_dates_stay_text():
    root, _ = loaded("on: 2026-01-01\n1: x\n")

    assert root.plain() == {"on": "2026-01-01", "1": "x"}


def test_variables_are_filled_once_and_escapes_stay_literal():
    environ = {"A": "one", "B": "${A}"}

    assert fill("${A}-${B}-$${A}-$$${A}-$A", environ) == "one-${A}-${A}-$${A}-$A"


@given(st.text(alphabet="${}A_ b") | st.text())
def test_filling_what_was_escaped_gives_the_text_back(text: str):
    assert fill(escape(text), {}) == text


@pytest.mark.parametrize("text", ["${", "${}", "${A", "${1}", "${A B}", "${a.b}"])
def test_an_opening_without_a_name_is_refused(text: str):
    with pytest.raises(PlaceholderError, match="begins a variable"):
        fill(text, {"A": "x"})


def test_placeholders_are_words_of_their_own():
    placeholders = Placeholders()

    names = [
        placeholders.name("Acme production", "Check-out", "password", place="a"),
        placeholders.name("Acme production", "Check out", "password", place="b"),
        placeholders.name("3 Überblick", "", place="c"),
        placeholders.name("日本", place="d"),
    ]

    assert names == [
        "${ACME_PRODUCTION_CHECK_OUT_PASSWORD}",
        "${ACME_PRODUCTION_CHECK_OUT_PASSWORD_2}",
        "${_3_UBERBLICK}",
        "${SECRET}",
    ]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0$")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(json_values)
def test_what_the_dumper_writes_is_read_as_it_was(value: object):
    problems = Problems()

    root = load(dump({"v": value}).encode(), environ={}, problems=problems)

    assert problems.found == []
    assert root.plain() == {"v": value}


def test_a_problem_without_a_place_is_told_by_its_line():
    assert str(Problem(4, "", "not YAML")) == "line 4: not YAML"
