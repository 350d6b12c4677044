"""The one way out: every request that the platform makes passes here, guarded at connect time.

`Transfers` moves the bytes, `EgressRequest` and `EgressResponse` are its values, `Guard` decides on addresses, and
`shared_transfers()` (in `egress.shared`, which reads the settings) is the process's own.
"""

from apps.core.egress.client import Transfers
from apps.core.egress.guard import AddressKind, Allow, Guard, Refusal
from apps.core.egress.request import (
    BadRequest,
    EgressError,
    EgressRequest,
    EgressResponse,
    Fault,
    Timings,
)
from apps.core.egress.resolver import Lookup
from apps.core.egress.urls import BadURL, host_of, parse_target, spellings_in_urls

__all__ = [
    "AddressKind",
    "Allow",
    "BadRequest",
    "BadURL",
    "EgressError",
    "EgressRequest",
    "EgressResponse",
    "Fault",
    "Guard",
    "Lookup",
    "Refusal",
    "Timings",
    "Transfers",
    "host_of",
    "parse_target",
    "spellings_in_urls",
]
