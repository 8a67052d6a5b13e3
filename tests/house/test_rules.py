"""The rules of the house that a machine can hold: who imports whom, what the docs promise."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from voxedge.cli.main import build_parser
from voxedge.errors import UsageError

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])


def test_nobody_imports_what_it_must_not() -> None:
    result = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stdout


def commands_of(page: Path) -> list[str]:
    """Return each ``voxedge ...`` line of the page's shell blocks."""
    blocks = re.findall(r"```(?:sh|console|bash)\n(.*?)```", page.read_text(), flags=re.DOTALL)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    lines = [re.split(r"\s+(?:#|\||>|2>)", line)[0] for line in lines]
    return [line for line in lines if line.startswith("voxedge ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_the_docs_are_understood(page: Path) -> None:
    parser = build_parser()
    for command in commands_of(page):
        words = shlex.split(command)[1:]
        if words in (["--help"], ["--version"]):
            continue
        try:
            parser.parse_args(words)
        except UsageError as error:
            pytest.fail(f"{page.name}: `{command}`: {error}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_in_the_docs_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name} -> {target}"


def test_scripts_named_in_the_readme_exist_and_run() -> None:
    named = set(
        re.findall(r"(?<![\w/])(?:scripts|image-build)/[\w-]+", (ROOT / "README.md").read_text())
    )
    assert {"scripts/demo", "scripts/test"} <= named
    for name in named:
        path = ROOT / name
        assert path.exists(), name
        assert path.stat().st_mode & 0o111 or path.suffix, f"{name} is not executable"
