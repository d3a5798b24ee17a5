from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from runbooks.api.base import ApiView


@extend_schema(exclude=True)
class Unknown(ApiView):
    """Addresses that the API does not have, for whoever is signed in; strangers get 401 as everywhere."""

    def get(self, request: Request, rest: str) -> Response:
        raise Http404

    post = put = patch = delete = get
