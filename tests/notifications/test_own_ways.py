"""A way of one's own: to public servers alone, and said in person."""

import pytest
from django.utils import timezone

from runbooks.domain.problems import Invalid
from runbooks.models import Delivery, Endpoint, TokenKind
from runbooks.usecases.notifications.endpoints import change_endpoint, create_endpoint, try_endpoint
from tests.notifications.conftest import Telling
from tests.outgoing.receiver import Receiver
from tests.world import World, announced


@pytest.mark.parametrize("kind", ["webhook", "slack"])
def test_the_list_of_allowed_hosts_is_not_for_a_way_of_ones_own(world: World, receiver: Receiver, kind: str) -> None:
    words = {"place": "me", "slug": "mine", "title": "Mine", "kind": kind}
    by, now = world.actor("owner"), timezone.now()
    with pytest.raises(Invalid, match="does not count"):
        create_endpoint(actor=by, now=now, address=receiver.url, **words)
    made, _ = create_endpoint(actor=by, now=now, address="https://hooks.example.org/", **words)
    with pytest.raises(Invalid, match="does not count"):
        change_endpoint(actor=by, endpoint=made, now=now, address=receiver.url)


def test_a_way_of_ones_own_to_an_allowed_host_is_not_called_either(
    world: World, receiver: Receiver, tell: Telling
) -> None:
    words = {"place": "me", "slug": "mine", "title": "Mine", "kind": "webhook"}
    by, now = world.actor("owner"), timezone.now()
    made, _ = create_endpoint(actor=by, now=now, address="https://hooks.example.org/", **words)
    Endpoint.objects.filter(pk=made.pk).update(address=receiver.url)  # of before this was checked
    tried = try_endpoint(actor=by, endpoint=made, now=now)
    tell()
    tried.refresh_from_db()
    assert receiver.got == []
    assert (tried.delivered_at, tried.next_attempt_at) == (None, None)
    assert "Only https:// is called" in tried.last_error


@pytest.mark.parametrize("limit", [{"scopes": ["view"]}, {"kind": TokenKind.AGENT}])
def test_how_one_is_told_is_said_in_person(world: World, limit: dict[str, object]) -> None:
    words = {"slug": "mine", "title": "Mine", "kind": "webhook", "address": "https://hooks.example.org/"}
    limited, whole = world.client("owner", **limit), world.client("owner")
    mine = whole("POST", "/notifications/endpoints", {**words, "place": "me"}).json()["id"]
    world.executed(world.started())
    announced()
    message = Delivery.objects.get(recipient__username="owner")
    asked = [
        ("POST", "/notifications/endpoints", {**words, "place": "me", "slug": "other"}, 201),
        ("PATCH", f"/notifications/endpoints/{mine}", {"title": "Mine too"}, 200),
        ("POST", f"/notifications/endpoints/{mine}/test", {}, 202),
        ("PUT", "/me/notifications", {"pace": "daily", "requested": "never", "by_email": True}, 200),
        ("POST", f"/notifications/deliveries/{message.pk}/replay", {}, 202),
        ("DELETE", f"/notifications/endpoints/{mine}", None, 204),
    ]
    for method, path, body, _ in asked:
        answer = limited(method, path, body)
        assert (answer.status_code, "without scopes" in answer.content.decode()) == (403, True), path
    for method, path, body, status in asked:
        assert whole(method, path, body).status_code == status, path
