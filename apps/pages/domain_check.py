"""Whether a page's own domain leads to it: asks it as a reader would."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from apps.core.egress import EgressRequest, EgressResponse, Transfers, host_of
from apps.pages.models import Page

TIMEOUT_S = 6.0
_MOST_BYTES = 200_000
_SUMMARY = "/api/v2/summary.json"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it, in a sentence for staff."""

    is_ours: bool
    text: str


def check_domain(page: Page, *, address: str, transfers: Transfers) -> Verdict:
    """Ask the page's own domain (`address`, its canonical one without a slash) for the page.

    Takes TIMEOUT_S at most. The domain may be on a private network: an admin of the page wrote it down.
    """
    url = address + _SUMMARY
    host = host_of(url)
    answer = transfers.fetch(
        EgressRequest(
            method="GET",
            url=url,
            timeout_s=TIMEOUT_S,
            trusted_hosts=frozenset({host} if host else ()),
            max_body_bytes=_MOST_BYTES,
        )
    )
    return _verdict(page, answer)


def _verdict(page: Page, answer: EgressResponse) -> Verdict:
    if answer.error is not None:
        return Verdict(False, f"{page.domain} does not answer: {answer.error.message}")
    if answer.status == 200 and _page_id(answer.body) == page.public_id:
        return Verdict(True, f"{page.domain} answers with this page.")
    if answer.status == 200:
        return Verdict(
            False,
            f"{page.domain} answers, but not with this page. Is it another site’s address, or does a proxy "
            "before this platform change the Host header?",
        )
    return Verdict(
        False,
        f"{page.domain} answers with status {answer.status}, not with this page. Does its DNS record lead to "
        "this platform, and does a proxy before it pass the Host header on?",
    )


def _page_id(body: bytes) -> Any:
    try:
        return json.loads(body)["page"]["id"]
    except (ValueError, KeyError, TypeError):
        return None
