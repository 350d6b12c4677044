"""What monitors tell the apps above. Sent by services, inside the transaction that made it true."""

from django.dispatch import Signal

# opened: list[Outage], closed: list[Outage], actor: Actor, at: datetime (aware UTC)
outages_changed = Signal()

# runs: list[RecordedRun] (monitors/recording.py) of one micro-batch, whatever their result
runs_recorded = Signal()

# monitors: list[Monitor] (archived just now), actor: Actor, at: datetime
monitors_removed = Signal()

# missed: list[Unmeasured] (monitors/stretches.py): new time in which monitors were measured nowhere, at: datetime
measurements_missed = Signal()

# monitor: Monitor (saved in its new workspace, not committed); a receiver that cannot follow raises Invalid
monitor_moved = Signal()
