"""Every page of authors and keepers answers those it is for, empty and full, and sends strangers to sign in."""

import pytest
from django.test import Client
from django.utils import timezone

from runbooks.models import Delivery, Group
from runbooks.usecases.people.groups import add_group, add_member
from tests.world import World, announced

EMPTY = {
    "/projects": "runner",
    "/projects/payments/new": "author",
    "/reviews": "owner",
    "/nodes": "runner",
    "/nodes?q=role%3Dworker&state=archived": "owner",
    "/nodes?q=name+%3D": "owner",
    "/nodes/new": "owner",
    "/nodes/import": "owner",
    "/secrets": "runner",
    "/secrets?q=none&state=all": "stranger",
    "/secrets/new": "owner",
    "/access": "runner",
    "/access?state=all&principal=user:runner&object=project:payments": "admin",
    "/access/new": "owner",
    "/audit": "auditor",
    "/audit?q=grant&outcome=done&from=2020-01-01T00:00&to=2999-01-01T00:00": "auditor",
    "/audit/1": "auditor",
    "/audit/integrity": "auditor",
    "/admin": "admin",
    "/admin/people": "admin",
    "/admin/people?q=nobody-of-that-name": "admin",
    "/admin/new-person": "admin",
    "/admin/new-service-account": "admin",
    "/admin/people/runner": "admin",
    "/admin/people/robot": "author",
    "/admin/groups": "admin",
    "/admin/deliveries": "owner",
    "/me": "stranger",
}
FULL = {
    "/runbooks/payments/hello/edit": "author",
    "/runbooks/payments/hello/versions/2": "owner",
    "/runbooks/payments/hello/versions/1/diff/2": "runner",
    "/reviews": "owner",
    "/access": "owner",
    "/admin": "admin",
    "/admin/groups/sre": "admin",
    "/admin/deliveries": "admin",
    "/admin/people/owner2": "admin",
    "/me": "author",
}


@pytest.mark.parametrize(("path", "name"), EMPTY.items())
def test_the_page_answers_whom_it_is_for(world: World, path: str, name: str) -> None:
    assert world.browser(name).get(path).status_code == 200


@pytest.mark.parametrize(("path", "name"), FULL.items())
def test_the_page_answers_when_there_is_something_to_show(world: World, path: str, name: str) -> None:
    world.executed(world.started())
    announced()
    world.drafted(script="echo other")
    group = add_group(actor=world.actor("admin"), slug="sre", title="SRE", now=timezone.now())
    world.give(group, world.project, "view")
    add_member(actor=world.actor("admin"), group=group, user=world.user("owner2"), now=timezone.now())
    Delivery.objects.update(last_error="550 no such mailbox")
    world.token("author")
    answer = world.browser(name).get(path)
    assert answer.status_code == 200
    assert Group.objects.count() == 1


@pytest.mark.parametrize("path", [*EMPTY, *FULL])
def test_a_stranger_is_sent_to_sign_in_and_back(world: World, path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/login/?next=")
