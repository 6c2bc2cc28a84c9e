"""What stands in the root for contributors and tools agrees with pyproject.toml and the Makefile."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
DOCS = ROOT / "docs"
# Pages about the kit's own code and its figures are in English alone.
IN_ENGLISH = {"claims", "confusions", "labs", "maintaining", "recorders-compared"}
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[0-9]*.yml"))


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_the_changelog_has_an_unreleased_part_and_one_for_this_version() -> None:
    headings = re.findall(r"^## (.+)$", read("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert headings[1].partition(" ")[0] == PROJECT["version"]
    kinds = set(re.findall(r"^### (.+)$", read("CHANGELOG.md"), re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load(read("CITATION.cff"))
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])
    assert {"cff-version", "message", "title", "authors"} <= set(citation)


def test_a_classifier_for_every_python() -> None:
    low, high = map(int, re.findall(r"3\.(\d+)", PROJECT["requires-python"]))
    named = [one.rpartition(" ")[2] for one in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d", one)]
    assert named == [f"3.{minor}" for minor in range(low, high)]


def test_pre_commit_runs_steps_of_make_test_without_fetching_anything() -> None:
    from pre_commit.clientlib import load_config

    load_config(str(ROOT / ".pre-commit-config.yaml"))  # raises where pre-commit would
    config: dict[str, Any] = yaml.safe_load(read(".pre-commit-config.yaml"))
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    hooks = config["repos"][0]["hooks"]
    assert [hook["language"] for hook in hooks] == ["system"] * len(hooks)
    makefile = read("Makefile").replace("$(BIN)/", "")
    for hook in hooks:
        assert hook["entry"].replace(" --force-exclude", "") in makefile


def test_a_change_in_the_course_or_its_build_is_checked_before_a_commit() -> None:
    (hook,) = (
        one for one in yaml.safe_load(read(".pre-commit-config.yaml"))["repos"][0]["hooks"] if one["id"] == "build"
    )
    for path in ("course/notebooks/00-setup.md", "course/glossary.yml", "notebooks/tr/00-setup.ipynb"):
        assert re.search(hook["files"], path)
    (package,) = (ROOT / "src" / "wslab").glob("**/building")
    assert re.search(hook["files"], (package / "editions.py").relative_to(ROOT).as_posix())
    assert not re.search(hook["files"], "src/wslab/serving/server.py")


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_asks_for_the_doctor_in_both_languages(form: Path) -> None:
    body = yaml.safe_load(form.read_text("utf-8"))["body"]
    identities = [field["id"] for field in body if "id" in field]
    assert len(set(identities)) == len(identities)
    assert "doctor" in identities
    for field in body:
        text = field["attributes"].get("label") or field["attributes"]["value"]
        assert " / " in text or "Türkçe" in text


def test_there_are_issue_forms() -> None:
    assert len(FORMS) == 2


def test_links_of_the_security_policy_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", read("SECURITY.md")):
        assert (ROOT / target).is_file()


def test_every_path_that_the_plan_of_the_house_names_is_there() -> None:
    page = read("docs/maintaining.md")
    named = set(re.findall(r"`((?:src|course|tests|docs|bench)/[^`*…]+)`", page))
    named.remove("course/grading.toml")  # an instructor writes it, and git ignores it
    assert len(named) > 10
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_every_page_of_the_docs_has_both_languages_and_each_leads_to_the_other() -> None:
    names = {page.name.partition(".")[0] for page in DOCS.glob("*.md")}
    assert names >= IN_ENGLISH
    for name in sorted(names - IN_ENGLISH):
        english, turkish = f"{name}.md", f"{name}.tr.md"
        # The document and the glossary: a notebook leads to the one in its language.
        if (DOCS / f"{name}.en.md").is_file():
            assert (DOCS / turkish).is_file()
            continue
        for here, there, word in ((english, turkish, "Türkçe"), (turkish, english, "English")):
            assert (DOCS / here).is_file(), f"docs/{here} is missing"
            assert f"[{word}]({there})" in (DOCS / here).read_text("utf-8"), f"docs/{here}: no link to {there}"


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.tr.md")), ids=lambda page: page.name)
def test_a_turkish_page_leads_to_turkish_pages(page: Path) -> None:
    targets = re.findall(r"\]\(([a-z-]+)\.md[#)]", page.read_text("utf-8"))
    other = f"{page.name.partition('.')[0]}"
    found = [name for name in targets if name != other and (DOCS / f"{name}.tr.md").is_file()]
    assert not found


@pytest.mark.parametrize("page", ["adding-a-notebook", "adding-a-lab", "checks", "predictions"])
def test_the_examples_of_both_languages_are_the_same_but_for_comments(page: str) -> None:
    pages = [(DOCS / f"{page}{ending}.md").read_text("utf-8") for ending in ("", ".tr")]
    fenced = [re.findall(r"^(`{3,4})([^\n]*\n.*?)^\1$", text, re.DOTALL | re.MULTILINE) for text in pages]
    code = [[re.sub(r" +# .*", "", held) for _, held in one] for one in fenced]
    assert code[0] == code[1] != []
