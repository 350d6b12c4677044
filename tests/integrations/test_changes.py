from __future__ import annotations

import json
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.integrations.changes import (
    Change,
    ComponentChange,
    IncidentChange,
    SaidWord,
    from_json,
    to_json,
)
from apps.pages.status import ComponentStatus

words = st.builds(
    SaidWord,
    key=st.text(min_size=1, max_size=12),
    label=st.text(max_size=20),
    status=st.sampled_from(ComponentStatus.values),
    since=st.datetimes(timezones=st.just(UTC)),
)
changes = st.one_of(
    st.builds(ComponentChange, words=st.lists(words, max_size=4).map(tuple)),
    st.builds(
        IncidentChange,
        kind=st.sampled_from(["open", "resolve"]),
        name=st.text(max_size=20),
        status=st.sampled_from(["investigating", "resolved"]),
        impact=st.sampled_from(["", "major"]),
        message=st.text(max_size=20),
        idempotency_key=st.text(min_size=1, max_size=20),
        components=st.dictionaries(
            st.text(max_size=5), st.sampled_from(ComponentStatus.values), max_size=3
        ),
    ),
)


@given(changes)
def test_a_change_survives_json(change: Change) -> None:
    assert from_json(json.loads(json.dumps(to_json(change)))) == change


def test_a_component_without_words_is_operational() -> None:
    assert ComponentChange(()).status == "operational"


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown change"):
        from_json({"kind": "poke"})
