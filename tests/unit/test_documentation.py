"""What the documentation says can be followed: links lead somewhere, settings load, commands exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from dagster_project.cli import app
from dagster_project.settings.paths import PROJECT_ROOT
from dagster_project.settings.publishing import PublishingSettings
from dagster_project.settings.sources import SourcesSettings
from dagster_project.settings.standards import Standard
from dagster_project.settings.yaml_documents import load_model

MODELS = {
    "sources.yaml": SourcesSettings,
    "standards.yaml": Standard,
    "publishing.yaml": PublishingSettings,
}
PAGES = sorted(
    page.relative_to(PROJECT_ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md")
    for page in PROJECT_ROOT.glob(pattern)
)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
FIRST_LINE = re.compile(r"# (a read of |part of )?config/(\w+\.yaml)")
# A command starts a line of a shell block (after a prompt and settings of the environment) or a piece of inline code.
IN_BLOCK = re.compile(r"^ *(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?strata( .*)?$", re.MULTILINE)
INLINE = re.compile(r"`(?:\.venv/bin/)?strata( [^`]*)?`")


def text_of(page: str) -> str:
    return (PROJECT_ROOT / page).read_text(encoding="utf-8")


def slugs(text: str) -> set[str]:
    """Anchors as GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def yaml_examples() -> Iterator[Any]:
    for page in PAGES:
        for number, (_, language, body) in enumerate(FENCE.findall(text_of(page)), start=1):
            if language == "yaml":
                yield pytest.param(body, id=f"{page} block {number}")


def commands_in(page: str) -> list[list[str]]:
    """Words after `strata`, of every mention."""
    text = text_of(page)
    blocks = "\n".join(body for _, language, body in FENCE.findall(text) if language in ("", "sh", "console"))
    prose = FENCE.sub("", text)
    said = [*IN_BLOCK.findall(blocks), *INLINE.findall(prose)]
    return [words.partition("#")[0].split() for words in said]


@pytest.mark.parametrize("page", PAGES)
def test_no_page_holds_two_versions_of_itself(page: str) -> None:
    """What git leaves of a conflict."""
    assert not re.search(r"^(<<<<<<<|=======|>>>>>>>)", text_of(page), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_to_a_file_and_a_heading(page: str) -> None:
    for target in LINK.findall(FENCE.sub("", text_of(page))):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        file = (PROJECT_ROOT / page).parent / path if path else PROJECT_ROOT / page
        assert file.exists(), f"{page} links to {target}"
        if anchor and file.suffix == ".md":
            assert anchor in slugs(file.read_text(encoding="utf-8")), f"{page} links to {target}"


@pytest.mark.parametrize("example", yaml_examples())
def test_every_yaml_example_is_a_setting_that_loads(example: str, tmp_path: Path) -> None:
    first_line = example.splitlines()[0].strip()
    named = FIRST_LINE.fullmatch(first_line)
    assert named, f"the first line must say which file the example is of, such as `# config/sources.yaml`: {first_line}"
    part, file_name = named.groups()
    path = tmp_path / file_name
    if part is None:
        path.write_text(example, encoding="utf-8")
    elif part == "a read of ":
        read = yaml.safe_load(example)
        source = {"name": "example", "time_zone": "UTC", "reads": [read]}
        business = {"time_zone": "UTC", "currency": "EUR", "history_starts_on": "2026-01-01"}
        write_yaml(path, {"business": business, "sources": [source]})
    else:
        shipped = yaml.safe_load((PROJECT_ROOT / "config" / file_name).read_text(encoding="utf-8"))
        write_yaml(path, merged(shipped, yaml.safe_load(example)))
    load_model(path, MODELS[file_name])


@pytest.mark.parametrize("page", PAGES)
def test_every_command_exists_with_the_options_it_is_shown_with(page: str) -> None:
    for words in commands_in(page):
        command: Any = typer.main.get_command(app)
        rest = list(words)
        while rest and hasattr(command, "commands") and not rest[0].startswith("-"):
            assert rest[0] in command.commands, f"{page}: there is no `strata {' '.join(words)}`"
            command = command.commands[rest.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        for word in rest:
            if word.startswith("--"):
                option = word.partition("=")[0]
                assert option in options | {"--help"}, f"{page}: `strata {' '.join(words)}` has no {option}"


def merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """`base` with the values of `change`; mappings are merged, lists replaced."""
    both = {
        name: merged(base[name], value) if isinstance(base.get(name), dict) and isinstance(value, dict) else value
        for name, value in change.items()
    }
    return {**base, **both}


def write_yaml(path: Path, document: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
