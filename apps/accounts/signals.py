"""What accounts tell the apps above. Sent by services, inside the transaction that made it true."""

from django.dispatch import Signal

# workspaces: list[Workspace] (archived just now), actor: Actor, at: datetime (aware UTC)
workspaces_archived = Signal()

# A person came in by single sign-on, or was turned away. user: User, roles: {page's slug or *: role}, every role on
# pages that their groups give, actor: Actor, at: datetime (aware UTC)
roles_came_from_groups = Signal()
