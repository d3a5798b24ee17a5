"""The pages about secrets: everything but the value."""

from runbooks.models import Node, Secret
from runbooks.usecases.secrets.read import StoredSecrets
from tests.usecases.test_secrets import PATH, VALUE
from tests.web.helpers import main_text
from tests.world import World

FORM = {"project": "payments", "slug": "deploy", "title": "Deploy key", "value": f"{VALUE}\r\nsecond line\r\n"}
STEP = {"id": "main", "interpreter": ["sh"], "script": "true", "secrets": {"KEY": PATH}}


def test_an_owner_keeps_a_secret_and_nobody_ever_sees_it_again(world: World) -> None:
    browser = world.browser("owner")
    assert browser.post("/secrets/new", FORM)["Location"] == f"/secrets/{PATH}"
    assert StoredSecrets().read(PATH) == f"{VALUE}\nsecond line\n"
    world.published("uses-it", steps=[STEP])
    for path in ("/secrets", f"/secrets/{PATH}", "/secrets/new", "/audit", "/access"):
        page = world.browser("owner").get(path)
        assert VALUE not in page.content.decode(), path
    text = main_text(browser.get("/secrets"))
    assert "Deploy key" in text
    assert "Uses it" in text
    assert "Uses it" in main_text(browser.get(f"/secrets/{PATH}"))


def test_what_was_typed_does_not_come_back_beside_an_error(world: World) -> None:
    browser = world.browser("owner")
    answer = browser.post("/secrets/new", {**FORM, "slug": "Not A Slug"})
    assert answer.status_code == 422
    assert VALUE not in answer.content.decode()
    world.secret()
    again = browser.post("/secrets/new", FORM)
    assert again.status_code == 409
    assert VALUE not in again.content.decode()
    short = browser.post(f"/secrets/{PATH}", {"value": "xyz"})
    assert short.status_code == 422
    assert "xyz" not in short.content.decode()


def test_a_new_value_and_the_end_of_one(world: World) -> None:
    world.secret()
    browser = world.browser("owner")
    browser.post(f"/secrets/{PATH}", {"value": "another-value"})
    assert StoredSecrets().read(PATH) == "another-value"
    assert "destroyed" in main_text(browser.get(f"/secrets/{PATH}"))
    browser.post(f"/secrets/{PATH}/archive")
    assert Secret.objects.get().archived_at
    assert "No secret yet" in main_text(browser.get("/secrets"))
    assert "archived" in main_text(browser.get("/secrets?state=all"))
    assert browser.post(f"/secrets/{PATH}", {"value": "another-value"}).status_code == 409


def test_who_may_only_look_is_told_why_they_cannot_change_it(world: World) -> None:
    world.secret()
    text = main_text(world.browser("runner").get(f"/secrets/{PATH}"))
    assert "“use”" in text
    assert "Set it" not in text


def test_a_secret_names_the_nodes_that_it_signs_in_to(world: World) -> None:
    secret = world.secret("deploy")
    for number in range(22):
        Node.objects.create(project=world.project, name=f"web{number:02}", host="web", private_key=secret)
    text = main_text(world.browser("owner").get("/secrets/payments/deploy"))
    assert "Signs in to web00 , web01" in text
    assert "web20" not in text
    assert "and 2 more" in text


def test_a_value_is_destroyed_only_after_a_question(world: World) -> None:
    world.secret("deploy")
    page = world.browser("owner").get("/secrets/payments/deploy").content.decode()
    asking = page.index('<dialog popover class="sheet" id="archive"')
    assert page.index('action="/secrets/payments/deploy/archive"') > asking
    assert "destroyed, at once and for good" in page
