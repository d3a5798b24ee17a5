"""The pages about machines."""

import json

from django.utils import timezone

from runbooks.domain.rights import ROLES
from runbooks.models import AuditEvent, HostKey, Node, Project
from tests.keys import KEY, OTHER_KEY
from tests.web.helpers import main_text
from tests.world import World

FORM = {
    "project": "payments",
    "name": "web1",
    "port": "22",
    "user": "ops",
    "tags": "web role=front",
    "attributes": "env=production",
}


def test_an_owner_adds_a_node_accepts_its_key_and_changes_it(world: World) -> None:
    browser = world.browser("owner")
    page = browser.post("/nodes/new", FORM)
    node = Node.objects.get()
    assert page["Location"] == f"/nodes/{node.pk}"
    assert (node.host, node.tags, node.attributes) == ("web1", ["web", "role=front"], {"env": "production"})
    key = HostKey.objects.create(node=node, key=KEY, seen_at=timezone.now())
    assert key.fingerprint in main_text(browser.get(f"/nodes/{node.pk}"))
    browser.post(f"/nodes/{node.pk}/keys/{key.pk}/accept")
    assert "pinned" in main_text(browser.get("/nodes"))
    HostKey.objects.create(node=node, key=OTHER_KEY, seen_at=timezone.now())
    assert "another was seen" in main_text(browser.get("/nodes"))
    change = {**FORM, "host": "10.0.0.1", "revision": str(node.revision)}
    assert browser.post(f"/nodes/{node.pk}", change).status_code == 302
    assert "Somebody changed this" in main_text(browser.post(f"/nodes/{node.pk}", change))
    node.refresh_from_db()
    assert node.host == "10.0.0.1"


def test_a_query_shows_its_count_and_what_is_wrong_with_it(world: World) -> None:
    for name, tags in [("web1", ["web"]), ("web2", ["web"]), ("db1", ["db"])]:
        Node.objects.create(project=world.project, name=name, host=name, tags=tags)
    browser = world.browser("runner")
    assert "2 nodes" in main_text(browser.get("/nodes?q=web"))
    assert "1 node" in main_text(browser.get("/nodes", {"q": 'name == "db1"'}))
    wrong = main_text(browser.get("/nodes", {"q": "name =="}))
    assert "no CEL expression" in wrong
    assert "0 nodes" in wrong
    assert "No node fits" in main_text(browser.get("/nodes?q=nothing"))


def test_what_is_wrong_in_a_form_is_shown_at_its_field(world: World) -> None:
    browser = world.browser("owner")
    page = browser.post("/nodes/new", {**FORM, "host": "-x", "host_key": "junk"})
    assert page.status_code == 422
    assert set(page.context["form"].errors) == {"host", "host_key"}
    assert browser.post("/nodes/new", {**FORM, "attributes": "nonsense"}).status_code == 422
    assert not Node.objects.exists()


def test_a_runner_sees_nodes_and_no_buttons(world: World) -> None:
    node = Node.objects.create(project=world.project, name="web1", host="web1")
    HostKey.objects.create(node=node, key=KEY, seen_at=timezone.now())
    text = main_text(world.browser("runner").get(f"/nodes/{node.pk}"))
    assert "Accept" not in text
    assert "needs the right" in text


def test_a_pasted_list_is_taken_whole_or_not_at_all(world: World) -> None:
    browser = world.browser("owner")
    bad = browser.post("/nodes/import", {"project": "payments", "text": "- name: a\n- {name: b, port: 0}"})
    assert bad.status_code == 422
    assert "65535" in main_text(bad)
    assert not Node.objects.exists()
    browser.post("/nodes/import", {"project": "payments", "text": "- name: a\n- name: b\n"})
    assert Node.objects.count() == 2
    assert AuditEvent.objects.filter(action="inventory.imported").exists()


def test_an_archived_node_is_listed_apart_and_comes_back(world: World) -> None:
    node = Node.objects.create(project=world.project, name="web1", host="web1")
    browser = world.browser("owner")
    browser.post(f"/nodes/{node.pk}/archive")
    assert "0 nodes" in main_text(browser.get("/nodes"))
    assert "web1" in main_text(browser.get("/nodes?state=archived"))
    browser.post(f"/nodes/{node.pk}/archive", {"archived": "no"})
    assert "web1" in main_text(browser.get("/nodes"))


def test_an_owner_names_the_secret_that_holds_the_key_and_takes_it_away_again(world: World) -> None:
    world.secret("deploy")
    browser = world.browser("owner")
    assert "Deploy (payments/deploy)" in main_text(browser.get("/nodes/new"))
    browser.post("/nodes/new", {**FORM, "private_key": "payments/deploy"})
    node = Node.objects.get()
    assert node.private_key is not None
    assert node.private_key.path == "payments/deploy"
    text = main_text(browser.get(f"/nodes/{node.pk}"))
    assert "payments/deploy" in text
    assert "correct-horse-battery" not in text
    kept = {**FORM, "revision": "1"}
    browser.post(f"/nodes/{node.pk}", kept)  # a form that does not name the field changes nothing about it
    browser.post(f"/nodes/{node.pk}", {**FORM, "revision": "2", "private_key": "", "password": "payments/deploy"})
    changed = Node.objects.get()
    assert changed.private_key is None
    assert changed.password is not None


def test_only_secrets_that_one_may_use_are_offered_and_taken(world: World) -> None:
    world.secret("deploy")
    world.give("author", world.project, "review")  # who may change nodes, and use no secret
    browser = world.browser("author")
    text = main_text(browser.get("/nodes/new"))
    assert "payments/deploy" not in text
    assert "no secret here that you may use" in text
    page = browser.post("/nodes/new", {**FORM, "private_key": "payments/deploy"})
    assert page.status_code == 422
    assert set(page.context["form"].errors) == {"private_key"}
    assert not Node.objects.exists()


def test_a_secret_that_another_has_named_stays_when_the_node_is_changed(world: World) -> None:
    node = Node.objects.create(project=world.project, name="web1", host="web1", private_key=world.secret("deploy"))
    world.give("author", world.project, "review")
    browser = world.browser("author")
    same = {**FORM, "host": "web1", "port": str(node.port), "user": node.user, "private_key": "payments/deploy"}
    browser.post(f"/nodes/{node.pk}", {**same, "tags": "drained", "revision": "1"})
    node.refresh_from_db()
    assert node.tags == ["drained"]
    assert node.private_key is not None
    browser.post(f"/nodes/{node.pk}", {**same, "host": "web9", "revision": "2"})
    node.refresh_from_db()
    assert node.host == "web1", "who may not use the secret does not say where it is shown"


def test_a_secret_of_another_project_is_refused_beside_its_field(world: World) -> None:
    other = Project.objects.create(slug="lending", title="Lending")
    world.give("owner", other, *ROLES["owner"])
    world.secret("deploy")
    page = world.browser("owner").post("/nodes/new", {**FORM, "project": "lending", "private_key": "payments/deploy"})
    assert page.status_code == 422
    assert "no such secret that you may use here" in str(page.context["form"].errors["private_key"])
    assert not Node.objects.exists()


def test_the_form_suggests_the_nodes_to_go_through(world: World) -> None:
    hidden = Project.objects.create(slug="lending", title="Lending")
    gate = Node.objects.create(project=world.project, name="gate", host="gate")
    Node.objects.create(project=hidden, name="vault", host="vault")
    browser = world.browser("owner")
    text = browser.get("/nodes/new").content.decode()
    assert '<option value="gate">' in text
    assert "vault" not in text
    assert '<option value="gate">' not in browser.get(f"/nodes/{gate.pk}").content.decode()


def test_an_import_names_the_secret_of_all_of_its_nodes(world: World) -> None:
    world.secret("deploy")
    browser = world.browser("owner")
    Node.objects.create(project=world.project, name="other", host="other")
    sent = {"project": "payments", "text": "- name: a\n- name: b", "private_key": "payments/deploy"}
    assert browser.post("/nodes/import", sent).status_code == 302
    named = Node.objects.filter(private_key__slug="deploy").values_list("name", "revision")
    assert sorted(named) == [("a", 2), ("b", 2)]
    told = [json.loads(bytes(one.body)) for one in AuditEvent.objects.filter(action="node.changed")]
    assert [one["details"]["private_key"] for one in told] == ["payments/deploy", "payments/deploy"]
    browser.post("/nodes/import", sent)
    assert AuditEvent.objects.filter(action="node.changed").count() == 2


def test_an_import_by_a_secret_of_another_project_changes_nothing(world: World) -> None:
    other = Project.objects.create(slug="lending", title="Lending")
    world.give("owner", other, *ROLES["owner"])
    world.secret("deploy")
    sent = {"project": "lending", "text": "- name: a", "private_key": "payments/deploy"}
    page = world.browser("owner").post("/nodes/import", sent)
    assert page.status_code == 422
    assert not Node.objects.exists()
