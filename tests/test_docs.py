"""What the documentation points at is there, and what is made from the code is up to date."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from docs.state_diagrams import PAGE, text
from runbooks.domain.definition import parse_definition
from runbooks.domain.rights import RIGHTS
from runbooks.domain.syntax.yaml_text import read_yaml

HOME = Path(__file__).resolve().parent.parent
PAGES = [HOME / "README.md", HOME / "CONTRIBUTING.md", *sorted((HOME / "docs").rglob("*.md"))]
CODE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
NAMED = re.compile(r"`([A-Za-z0-9_.][A-Za-z0-9_./-]*)`")
FOREIGN = re.compile(r"https?://|mailto:")
TOP = {"opsaas", "runbooks", "tests", "docs", "requirements", ".ci"}
MADE = ("runbooks/assets/node_modules", "runbooks/static")  # by make, and ignored by git


def names(page: Path) -> str:
    return str(page.relative_to(HOME))


@cache
def tracked() -> frozenset[str]:
    """Files and folders of the repository."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listing, cwd=HOME, capture_output=True, text=True, check=True).stdout.splitlines()
    folders = {str(parent) for file in files for parent in Path(file).parents}
    return frozenset({file for file in files if (HOME / file).exists()} | folders)


def anchors(page: Path) -> set[str]:
    """As GitHub makes them from headings."""
    headings = re.findall(r"^#+ +(.*)$", CODE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(CODE.sub("", page.read_text())):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if FOREIGN.match(link):
            continue
        known = target.is_relative_to(HOME) and str(target.relative_to(HOME)) in tracked()
        if not known or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_file_that_is_named_exists(page: Path) -> None:
    candidates = NAMED.findall(CODE.sub("", page.read_text()))
    paths = [name for name in candidates if "/" in name and name.partition("/")[0] in TOP and not name.startswith(MADE)]
    assert [path for path in paths if path.rstrip("/") not in tracked()] == []


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_page_can_be_reached_from_the_readme_or_the_index(page: Path) -> None:
    entrances = [HOME / "README.md", HOME / "docs/index.md"]
    linked = {
        (entrance.parent / link.partition("#")[0]).resolve()
        for entrance in entrances
        for link in LINK.findall(entrance.read_text())
    }
    assert page == HOME / "README.md" or page in linked


def test_the_page_of_states_is_what_the_tables_say() -> None:
    assert PAGE.read_text() == text(), "docs/states.md is out of date: make docs"


def test_the_glossary_names_every_right() -> None:
    glossary = (HOME / "docs/glossary.md").read_text()
    assert [right for right in RIGHTS if f"`{right}`" not in glossary] == []


def test_the_first_runbook_of_the_readme_is_accepted() -> None:
    (example,) = re.findall(r"<<'END'\n(.*?)^END$", (HOME / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    assert parse_definition(read_yaml(example.encode())).slug == "free-space"


def test_pictures_are_small() -> None:
    pictures = sorted((HOME / "docs/images").glob("*.png"))
    assert pictures
    assert [names(picture) for picture in pictures if picture.stat().st_size > 200_000] == []
