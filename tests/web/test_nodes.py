"""The pages about machines."""

from django.utils import timezone

from runbooks.models import AuditEvent, HostKey, Node
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
