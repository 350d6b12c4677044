"""Whatever is on a page, everything that is published of it keeps the contract."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.publishing import services
from apps.publishing.assets import load_assets
from apps.publishing.models import Publication
from tests.contracts import statuspage_feeds, statuspage_html, statuspage_public
from tests.factories import NOW
from tests.publishing import generated

pytestmark = pytest.mark.django_db


def check_everything(built: services.Built) -> None:
    """Raise Breach unless all files of a build keep the contract, one by one and together."""
    files = {file.key: file.content for file in built.version.files}
    files |= built.work.files
    documents = statuspage_public.decoded(files)
    statuspage_public.check(documents)
    page = documents["status"]["page"]
    statuspage_feeds.check(files, page)
    statuspage_html.check_overview(files[""], documents["summary"])
    singles: dict[str, Any] = {}
    for key, content in files.items():
        if key.startswith("incidents/") and key.endswith(".json"):
            event = singles[key.removesuffix(".json")] = json.loads(content)
            statuspage_public.check_event(event, page)
        if key.startswith("history") and key.endswith(".json"):
            statuspage_html.check_history(json.loads(content), page)
    assert singles.keys() == {
        key for key in files if key.startswith("incidents/") and not key.endswith(".json")
    }
    for key, event in singles.items():
        statuspage_html.check_event_page(files[key], event)
    for name in ("incidents", "scheduled-maintenances"):
        for event in documents[name][name.replace("-", "_")]:
            assert singles[f"incidents/{event['id']}"] == event
    told = {
        one["code"]
        for month in json.loads(files["history.json"])["months"]
        for one in month["incidents"]
    }
    assert told <= {event["id"] for event in singles.values()}


@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_everything_that_is_published_of_any_page_keeps_the_contract(data: st.DataObject) -> None:
    with transaction.atomic():
        page = data.draw(generated.pages())

        built = services.render(Publication.objects.get(page=page), load_assets(), at=NOW)

        transaction.set_rollback(True)
    check_everything(built)
