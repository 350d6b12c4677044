"""What every kind of destination has to do. `native` and a toy on loopback pass the same suite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from apps.incidents.models import Incident
from apps.incidents.services import post_update
from apps.integrations.changes import ComponentChange, IncidentChange, SaidWord
from apps.integrations.providers import kinds, provider_of
from apps.integrations.providers.base import Account, Provider, ProviderError
from apps.pages.models import Component
from tests.factories import NOW, PERSON
from tests.integrations.scene import make_page, minutes
from tests.integrations.toy import API_KEY

pytestmark = pytest.mark.django_db


@dataclass
class Destination:
    """A provider with an account, and what a person can see and do at the destination."""

    provider: Provider
    account: Account
    page_id: str
    component_ids: list[str]
    component_status: Callable[[str], str]
    incident_status: Callable[[str], str]
    incident_count: Callable[[], int]
    person_resolves: Callable[[str], Any]

    def apply(self, *statuses: str) -> None:
        words = tuple(
            SaidWord(f"l1nk{number:08}", "label", status, NOW)
            for number, status in enumerate(statuses)
        )
        self.provider.apply_components(
            self.account,
            page_id=self.page_id,
            changes={self.component_ids[0]: ComponentChange(words)},
            at=minutes(1),
        )

    def open(self, key: str = "incident:a:b:c", page_id: str = "") -> str:
        change = IncidentChange(
            "open",
            "Trouble",
            "investigating",
            "major",
            "We look.",
            key,
            {self.component_ids[0]: "major_outage"},
        )
        return self.provider.open_incident(
            self.account, page_id=page_id or self.page_id, change=change, at=minutes(1)
        )

    def find(self, key: str = "incident:a:b:c") -> str | None:
        return self.provider.find_incident(self.account, page_id=self.page_id, idempotency_key=key)

    def resolve(self, remote_id: str) -> None:
        change = IncidentChange(
            "resolve",
            "Trouble",
            "resolved",
            "",
            "Solved.",
            "incident:a:b:c",
            {self.component_ids[0]: "operational"},
        )
        self.provider.resolve_incident(
            self.account, page_id=self.page_id, remote_id=remote_id, change=change, at=minutes(2)
        )


@pytest.fixture
def native_destination(db: None) -> Destination:
    page = make_page(components=("Checkout", "Website"))

    def person_resolves(remote_id: str) -> None:
        incident = Incident.objects.get(public_id=remote_id)
        post_update(
            incident_id=incident.pk, status="resolved", message="", actor=PERSON, at=minutes(1.5)
        )

    return Destination(
        provider=provider_of("native"),
        account=Account(),
        page_id=page.public_id,
        component_ids=list(Component.objects.order_by("pk").values_list("public_id", flat=True)),
        component_status=lambda key: Component.objects.get(public_id=key).status,
        incident_status=lambda key: Incident.objects.get(public_id=key).status,
        incident_count=Incident.objects.count,
        person_resolves=person_resolves,
    )


@pytest.fixture
def toy_destination(toy_server: Any) -> Destination:
    state = toy_server.state
    return Destination(
        provider=provider_of("toy"),
        account=Account(API_KEY, toy_server.url),
        page_id="p-1",
        component_ids=["c-web", "c-api"],
        component_status=state.components.__getitem__,
        incident_status=lambda key: str(state.incidents[key]["status"]),
        incident_count=lambda: len(state.incidents),
        person_resolves=lambda key: state.incidents[key].update(status="resolved"),
    )


@pytest.fixture(params=["native", "toy"])
def destination(request: pytest.FixtureRequest) -> Destination:
    found: Destination = request.getfixturevalue(f"{request.param}_destination")
    return found


def test_it_says_what_it_is(destination: Destination) -> None:
    provider = destination.provider

    assert isinstance(provider, Provider)
    assert provider.kind in kinds()
    assert provider_of(provider.kind) is provider
    assert provider.label
    assert provider.limits.call_timeout_s > 0
    assert provider.secret_fields <= provider.config_form.base_fields.keys()


def test_its_catalogue_lists_pages_with_what_is_on_them(destination: Destination) -> None:
    (page,) = destination.provider.catalogue(destination.account)

    assert page.remote_id == destination.page_id
    assert [item.remote_id for item in page.components] == destination.component_ids
    assert page.name


def test_a_component_comes_to_its_worst_word(destination: Destination) -> None:
    destination.apply("operational", "partial_outage")

    one, other = destination.component_ids
    assert destination.component_status(one) == "partial_outage"
    assert destination.component_status(other) == "operational"


def test_the_same_words_twice_are_harmless_and_none_are_operational(
    destination: Destination,
) -> None:
    destination.apply("major_outage")
    destination.apply("major_outage")
    failing = destination.component_status(destination.component_ids[0])

    destination.apply()

    assert failing == "major_outage"
    assert destination.component_status(destination.component_ids[0]) == "operational"


def test_an_opened_incident_is_found_by_our_mark(destination: Destination) -> None:
    before = destination.find()

    remote_id = destination.open()

    assert before is None
    assert destination.find() == remote_id
    assert destination.find("incident:a:b:other") is None
    assert destination.incident_status(remote_id) == "investigating"


def test_resolving_ends_an_incident_and_it_is_found_still(destination: Destination) -> None:
    remote_id = destination.open()

    destination.resolve(remote_id)
    destination.resolve(remote_id)

    assert destination.incident_status(remote_id) == "resolved"
    assert destination.find() == remote_id
    assert destination.incident_count() == 1


def test_what_a_person_resolved_stays_as_it_is(destination: Destination) -> None:
    remote_id = destination.open()
    destination.person_resolves(remote_id)

    destination.resolve(remote_id)

    assert destination.incident_status(remote_id) == "resolved"


def test_an_incident_on_a_page_that_is_gone_is_refused_for_good(destination: Destination) -> None:
    with pytest.raises(ProviderError) as refused:
        destination.open(page_id="gone")

    assert refused.value.retry_in_s is None


def test_an_account_shows_no_key() -> None:
    assert "t0p" not in repr(Account(api_key="t0p-s3cret", base_url="https://api.test"))
