"""Variables in texts: found, filled, never published raw."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import Invalid
from apps.incidents.filling import (
    asked_for,
    built_in,
    check_syntax,
    fill,
    listed,
    variables_in,
)

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)
PLAIN = st.text(alphabet=st.characters(exclude_characters="{}", exclude_categories=["Cs"]))
VALUES = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("none", []),
        ("{{cause}}", ["cause"]),
        ("{{ cause }} and {{cause}} and {{who_2}}", ["cause", "who_2"]),
        ("{{page}}: {{cause}}", ["page", "cause"]),
        ("{single} {{ {{", []),
    ],
)
def test_variables_are_found_once_in_their_order(text, names):
    assert variables_in(text) == names


def test_only_what_is_not_built_in_is_asked_for():
    assert asked_for("{{page}} {{cause}}", "{{date}} {{time}} {{components}} {{who}}") == [
        "cause",
        "who",
    ]


@pytest.mark.parametrize("text", ["{{", "{{}}", "{{a b}}", "{{1st}}", "{{a}", "{{é}}", "{{a}} {{"])
def test_what_is_no_variable_is_refused(text):
    with pytest.raises(Invalid) as refused:
        check_syntax(text, field="message")

    assert refused.value.field == "message"


def test_an_unset_variable_is_named_and_nothing_is_filled():
    with pytest.raises(Invalid, match=r"no value for \{\{cause\}\}, \{\{who\}\}"):
        fill("{{page}}: {{cause}} {{who}}", {"page": "Acme", "who": " "}, field="message")


def test_what_is_put_in_is_not_looked_at_again():
    assert fill("{{a}}", {"a": "{{b}}", "b": "secret"}, field="message") == "{{b}}"


@given(st.lists(st.tuples(PLAIN, NAMES)), PLAIN, st.data())
def test_every_variable_gives_way_to_its_value_and_the_rest_stays(parts, end, data):
    values = {name: data.draw(VALUES) for _, name in parts}
    text = "".join(f"{plain}{{{{{name}}}}}" for plain, name in parts) + end

    filled = fill(text, values, field="message")

    assert filled == "".join(plain + values[name] for plain, name in parts) + end


@pytest.mark.parametrize(
    ("zone", "at", "date", "time"),
    [
        ("UTC", datetime(2026, 3, 2, 12, 5, tzinfo=UTC), "2 March 2026", "12:05 UTC"),
        ("Europe/Berlin", datetime(2026, 3, 2, 23, 5, tzinfo=UTC), "3 March 2026", "00:05 CET"),
        ("America/New_York", datetime(2026, 7, 1, 3, 0, tzinfo=UTC), "30 June 2026", "23:00 EDT"),
    ],
)
def test_date_and_time_are_the_pages_own(zone, at, date, time):
    values = built_in(page="Acme", components=["API", "Web"], time_zone=zone, at=at)

    assert values == {"page": "Acme", "components": "API and Web", "date": date, "time": time}


@pytest.mark.parametrize(
    ("names", "text"),
    [([], ""), (["A"], "A"), (["A", "B"], "A and B"), (["A", "B", "C"], "A, B and C")],
)
def test_names_are_listed_as_people_do(names, text):
    assert listed(names) == text
