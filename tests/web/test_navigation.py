from tests.web.helpers import main_text
from tests.world import World


def entries(world: World, name: str) -> list[str]:
    page = world.browser(name).get("/me").content.decode()
    main = page.partition('<nav class="main-nav"')[2].partition("</nav>")[0]
    return labels(main)


def labels(part: str) -> list[str]:
    return [piece.partition("</a>")[0].rpartition(">")[2] for piece in part.split("<a ")[1:]]


def test_everybody_sees_the_pages_that_hold_something_for_them(world: World) -> None:
    everybodys = ["Catalog", "Runs", "Nodes", "Secrets", "Reviews", "Approvals", "Guardrails", "Access"]
    assert entries(world, "runner") == everybodys
    assert entries(world, "auditor") == [*everybodys, "Audit"]
    assert entries(world, "admin") == [*everybodys, "Admin"]


def test_an_author_comes_from_a_project_to_its_editor_by_links(world: World) -> None:
    author = world.browser("author")
    assert 'href="/projects/payments/new"' in author.get("/projects").content.decode()
    assert 'href="/projects/payments/new"' not in world.browser("runner").get("/projects").content.decode()
    assert "New runbook" in main_text(author.get("/projects/payments/new"))
