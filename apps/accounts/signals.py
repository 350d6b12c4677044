"""What accounts tell the apps above. Sent by services, inside the transaction that made it true."""

from django.dispatch import Signal

# workspaces: list[Workspace] (archived just now), actor: Actor, at: datetime (aware UTC)
workspaces_archived = Signal()
