"""From rows to the pure planner and back: lock, load, decide, write deliveries.

Called inside the transaction that made something true. The number of statements does not grow with the
monitors, integrations or components of a call. Order of locks: monitors' states (by whoever calls),
component streams by key, incident streams by key.
"""

from __future__ import annotations

from apps.integrations.planning.asked import ask, plan_asked
from apps.integrations.planning.plan import plan_integrations, plan_outages

__all__ = ["ask", "plan_asked", "plan_integrations", "plan_outages"]
