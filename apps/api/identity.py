"""What a key is: clients ask it to see whether theirs works."""

from __future__ import annotations

from django.conf import settings
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import ApiToken
from apps.accounts.selectors import for_user
from apps.api.authentication import TokenAuthentication
from apps.api.errors import answer


class IdentityView(APIView):
    """GET /api/v1/identity: contract of incident.io's status pages API, section 3 ("Next door")."""

    authentication_classes = [TokenAuthentication]
    permission_classes = [IsAuthenticated]
    renderer_classes = [JSONRenderer]

    def get(self, request: Request) -> Response:
        token: ApiToken = request.auth  # type: ignore[assignment]
        limited = token.workspaces.values_list("pk", flat=True)
        teams = for_user(token.user)
        if limited:
            teams = teams.filter(pk__in=limited)
        return Response(
            {
                "identity": {
                    "name": token.name,
                    "roles": token.scopes,
                    "dashboard_url": f"{settings.PUBLIC_URL}/admin/",
                    "team_roles": [],
                    "teams": [{"id": one.public_id, "name": one.name} for one in teams],
                }
            }
        )

    def get_exception_handler(self):  # type: ignore[no-untyped-def]
        return answer
