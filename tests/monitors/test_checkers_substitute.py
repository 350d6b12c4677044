"""`{{name}}` in texts."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.monitors.checkers.substitute import Scope, TextTooLong, UnsetVariable, placeholders

PLAIN = st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]), max_size=20)


def test_a_variable_is_replaced_wherever_it_stands() -> None:
    scope = Scope({"base": "http://a", "n": "7"})

    assert scope.text("{{base}}/x/{{n}}?q={{n}}") == "http://a/x/7?q=7"


def test_a_variables_own_value_may_name_others() -> None:
    assert Scope({"a": "<{{b}}>", "b": "[{{c}}]", "c": "!"}).text("{{a}}") == "<[!]>"


@pytest.mark.parametrize("loop", [{"a": "{{a}}"}, {"a": "{{b}}", "b": "{{a}}"}])
def test_a_variable_that_leads_to_itself_is_unset(loop: dict[str, str]) -> None:
    with pytest.raises(UnsetVariable, match="the variable a is not set"):
        Scope(loop).text("{{a}}")


@pytest.mark.parametrize("name", ["missing", " base ", "Base"])
def test_a_name_that_is_not_exactly_a_variables_is_unset(name: str) -> None:
    with pytest.raises(UnsetVariable) as caught:
        Scope({"base": "x"}).text("{{" + name + "}}")

    assert caught.value.name == name


def test_an_extracted_value_wins_over_a_configured_one() -> None:
    scope = Scope({"token": "old"}, extracted={"token": "new"})

    assert scope.text("{{token}}") == "new"


def test_an_extracted_value_is_taken_literally_and_cannot_fetch_a_secret() -> None:
    scope = Scope({"password": "s3cret"}, extracted={"token": "{{password}}"})

    assert scope.text("Bearer {{token}}") == "Bearer {{password}}"


def test_json_is_filled_in_its_texts_and_keeps_its_types() -> None:
    scope = Scope({"k": "key", "v": "1"})

    filled = scope.value({"{{k}}": ["{{v}}", 1, True, None, {"x": "a{{v}}"}]})

    assert filled == {"key": ["1", 1, True, None, {"x": "a1"}]}


def test_values_that_multiply_are_stopped() -> None:
    scope = Scope({f"v{n}": f"{{{{v{n + 1}}}}}" * 30 for n in range(8)} | {"v8": "x" * 100})

    with pytest.raises(TextTooLong):
        scope.text("{{v0}}")


def test_confidential_texts_are_known_through_other_variables_too() -> None:
    scope = Scope({"a": "{{b}}", "b": "x", "c": "y"}, frozenset({"b"}), {"t": "z"})

    assert scope.is_confidential("Bearer {{a}}")
    assert scope.is_confidential("{{t}}")
    assert not scope.is_confidential("{{c}}")


@given(PLAIN)
def test_a_text_without_placeholders_stays_as_it_is(text: str) -> None:
    assert Scope({}).text(text) == text


@given(st.lists(st.tuples(PLAIN, st.sampled_from("abc")), max_size=5), PLAIN)
def test_every_placeholder_is_replaced_and_nothing_else(
    parts: list[tuple[str, str]], tail: str
) -> None:
    template = "".join(f"{text}{{{{{name}}}}}" for text, name in parts) + tail
    values = {"a": "1", "b": "", "c": "three"}

    filled = Scope(values).text(template)

    assert filled == "".join(f"{text}{values[name]}" for text, name in parts) + tail
    assert placeholders(template) == [name for _, name in parts]


@given(st.dictionaries(st.sampled_from("abcd"), st.text("ab{}", max_size=12), max_size=4))
def test_substitution_always_ends(values: dict[str, str]) -> None:
    with contextlib.suppress(UnsetVariable):
        Scope(values).text("{{a}}{{b}}{{c}}{{d}}")
