import re

import pytest

from tests.architecture.repository import ROOT, repository_files, text_of

ADRS = ROOT / "docs" / "adr"
PAGES = [path for path in repository_files() if path.suffix == ".md"]
# In code, inside a line or in a block of its own.
TARGET = re.compile(r"(?:`|^\s*(?:\$ )?)make (?:[A-Z_]+=\S+ )*([a-z][a-zA-Z0-9-]*)", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)")


def records():
    return sorted(path.name for path in ADRS.glob("[0-9]*.md"))


def is_target(name: str) -> bool:
    targets = re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    benchmark = ROOT / "benchmarks" / name.removeprefix("bench-").replace("-", "_")
    runs = benchmark.with_suffix(".py").is_file() or (benchmark / "__main__.py").is_file()
    return name in {*targets, "bench-NAME"} or (name.startswith("bench-") and runs)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_make_that_a_page_names_exists(page):
    assert [name for name in TARGET.findall(text_of(page)) if not is_target(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_links_to_exists(page):
    assert [link for link in LINK.findall(text_of(page)) if not (page.parent / link).exists()] == []


def test_the_index_of_decisions_lists_each_once_and_in_order():
    assert re.findall(r"\]\(([0-9][^)]*\.md)\)", (ADRS / "README.md").read_text()) == records()


@pytest.mark.parametrize("name", records())
def test_a_decision_has_the_four_parts(name):
    text = (ADRS / name).read_text()
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Status", "Context", "Decision", "Consequences"]
    assert re.match(r"# \d+\. \S", text)


def test_every_help_line_of_make_has_a_target_that_can_run():
    phony = set(re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE))
    documented = set(re.findall(r"^([a-z][a-z-]*):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"demo", "test", "check", "fix", "lock", "train", "test-train", "clean", "help"} <= documented
    assert documented <= phony
