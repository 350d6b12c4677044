"""Bring deliveries to their destinations, in order per stream (docs/architecture.md, "How a check becomes a page")."""

from __future__ import annotations

from apps.integrations.deliver.run import deliver_remote, run, sweep

__all__ = ["deliver_remote", "run", "sweep"]
