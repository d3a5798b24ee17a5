"""What owners were told, and who may read it."""

from runbooks.models import AuditEvent, Delivery
from tests.web.helpers import main_text
from tests.world import World, announced


def told(world: World) -> Delivery:
    world.executed(world.started())
    announced()
    return Delivery.objects.get(recipient__username="owner")


def test_an_owner_reads_the_message_that_they_got(world: World) -> None:
    message = told(world)
    browser = world.browser("owner")
    assert message.subject in main_text(browser.get("/admin/deliveries"))
    shown = main_text(browser.get(f"/admin/deliveries/{message.pk}"))
    assert "runner ran payments/hello" in shown
    assert "The end of its output: hello" in shown


def test_others_neither_see_nor_read_it(world: World) -> None:
    message = told(world)
    browser = world.browser("runner")
    assert message.subject not in main_text(browser.get("/admin/deliveries"))
    assert browser.get(f"/admin/deliveries/{message.pk}").status_code == 404


def test_an_administrator_sees_that_it_was_sent_but_not_the_output_in_it(world: World) -> None:
    message = told(world)
    browser = world.browser("admin")
    assert message.subject in main_text(browser.get("/admin/deliveries"))
    answer = browser.get(f"/admin/deliveries/{message.pk}")
    assert answer.status_code == 403
    assert "“see_output”" in main_text(answer)
    assert AuditEvent.objects.filter(action="notification.read", outcome="denied", actor_name="admin").exists()


def test_an_auditor_reads_it_and_the_log_knows(world: World) -> None:
    message = told(world)
    assert world.browser("auditor").get(f"/admin/deliveries/{message.pk}").status_code == 200
    assert AuditEvent.objects.filter(action="notification.read", outcome="done", actor_name="auditor").count() == 1


def test_what_failed_is_found_with_its_error(world: World) -> None:
    told(world)
    given_up = {"last_error": "550 no such mailbox", "next_attempt_at": None, "delivered_at": None}
    Delivery.objects.filter(recipient__username="owner").update(**given_up)
    browser = world.browser("admin")
    assert "550 no such mailbox" in main_text(browser.get("/admin/deliveries?state=given_up"))
    assert "550" not in main_text(browser.get("/admin/deliveries?state=waiting"))
    assert "550 no such mailbox" in main_text(browser.get("/admin"))
