"""What every kind of check promises to the engine and to those who configure it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django import forms

from apps.core.egress import EgressResponse, Fault
from apps.monitors.checkers import CHECKERS, Done, MonitorSpec, RequestSpec, Send, get_checker
from apps.monitors.models import Monitor
from tests.monitors.checker_support import answer, no_answer

# A valid definition for each kind: a new kind adds its own.
DEFINITIONS: dict[str, tuple[dict[str, Any], MonitorSpec]] = {
    "http": (
        {"requests": [{"name": "Home", "url": "http://service.test/"}]},
        MonitorSpec(requests=(RequestSpec("Home", "http://service.test/"),)),
    ),
}

every_kind = pytest.mark.parametrize("kind", sorted(CHECKERS))


@every_kind
def test_a_kind_says_what_it_is(kind: str) -> None:
    checker = get_checker(kind)

    assert checker.kind == kind
    assert checker.label
    assert kind in Monitor.Kind.values
    assert issubclass(checker.config_form, forms.Form)
    assert checker.secret_fields <= set(checker.config_form.base_fields)


def test_every_kind_that_can_be_chosen_has_a_checker() -> None:
    assert set(Monitor.Kind.values) == set(CHECKERS)


@every_kind
def test_its_form_takes_a_valid_configuration_and_names_an_unknown_key(kind: str) -> None:
    config, _ = DEFINITIONS[kind]

    assert get_checker(kind).config_form(config).is_valid()
    assert not get_checker(kind).config_form({**config, "nonsense": 1}).is_valid()


@every_kind
@pytest.mark.parametrize(
    ("response", "result"),
    [
        (answer(), "passed"),
        (answer(b"\xff" * 1000, status=500), "failed"),
        (no_answer(), "failed"),
        (no_answer("no_slot", Fault.PLATFORM), "error"),
    ],
)
def test_a_run_ends_whatever_comes_and_its_outcome_can_be_stored(
    kind: str, response: EgressResponse, result: str
) -> None:
    _, spec = DEFINITIONS[kind]
    session = get_checker(kind).begin(spec)
    step = session.first(0.0)
    steps = 0

    while isinstance(step, Send):
        steps += 1
        assert steps < 100
        assert step.request.timeout_s > 0
        step = session.receive(response, 0.1 * steps)

    assert isinstance(step, Done)
    outcome = step.outcome
    assert outcome.result == result
    assert (outcome.reason == "") is (result == "passed")
    assert len(outcome.reason) <= 300
    json.dumps(outcome.detail)


@every_kind
def test_two_runs_share_nothing(kind: str) -> None:
    _, spec = DEFINITIONS[kind]
    checker = get_checker(kind)

    first, second = checker.begin(spec), checker.begin(spec)
    first.first(0.0)
    first.receive(no_answer(), 0.1)
    second.first(0.0)
    step = second.receive(answer(), 0.1)

    assert isinstance(step, Done)
    assert step.outcome.result == "passed"
