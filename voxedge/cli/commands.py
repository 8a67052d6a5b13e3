"""``voxedge commands list|lint``: what can be said, and what a translator still has to mend."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from voxedge.cli.options import Subparsers
from voxedge.commands.grammar import build
from voxedge.commands.language import CommandLanguage, available, flaws_of, load, parse
from voxedge.errors import InputMissing, VoxedgeError


def register(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("commands", help="what can be said, and check translations of it")
    kinds = parser.add_subparsers(metavar="WHAT", required=True)

    listing = kinds.add_parser("list", help="print what can be said")
    listing.add_argument("--lang", default="en", metavar="L", help="language")
    listing.set_defaults(run=run_list)

    lint = kinds.add_parser(
        "lint",
        help="check a translation",
        description="Check language files: missing and colliding phrases, numbers, decoys, and "
        "phrases with words that the installed recogniser does not know.",
    )
    lint.add_argument(
        "languages", nargs="*", metavar="L|FILE", help="languages or files; all that come along"
    )
    lint.add_argument("--no-model", action="store_true", help="leave the recogniser's words out")
    lint.add_argument("--json", action="store_true", help="print one JSON object")
    lint.set_defaults(run=run_lint)


def run_list(arguments: argparse.Namespace) -> int:
    """Print each action with its phrases."""
    language = load(arguments.lang)
    for action, phrases in language.book.phrases.items():
        if phrases:
            print(f"{action.label:24}{', '.join(phrases)}")
    return 0


def run_lint(arguments: argparse.Namespace) -> int:
    """Print what is wrong; the exit code is 1 where anything is."""
    found: dict[str, dict[str, object]] = {}
    for name in arguments.languages or available():
        language = _language(name)
        flaws = list(flaws_of(language))
        model = "not asked"
        if not arguments.no_model:
            model, unknown = _unheard(language)
            flaws += [f"The recogniser cannot hear '{phrase}'." for phrase in unknown]
        found[name] = {"language": language.tag, "recogniser": model, "flaws": flaws}
    if arguments.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        print("\n".join(_lines(found)))
    return 1 if any(report["flaws"] for report in found.values()) else 0


def _language(name: str) -> CommandLanguage:
    path = Path(name)
    if path.suffix != ".toml":
        return load(name)
    if not path.is_file():
        raise InputMissing(path=path)
    return parse(path.read_text(encoding="utf-8", errors="replace"), str(path))


def _unheard(language: CommandLanguage) -> tuple[str, tuple[str, ...]]:
    """Return the recogniser's name, or why it was not asked, and the phrases it cannot hear."""
    from voxedge.engines.asr.hosted import open_recogniser

    try:
        engine = open_recogniser(language.tag)
    except VoxedgeError as error:
        return f"not asked: {error}", ()
    try:
        return engine.name, engine.unheard(build(language))
    finally:
        engine.close()


def _lines(found: dict[str, dict[str, object]]) -> list[str]:
    lines: list[str] = []
    for name, report in found.items():
        flaws = report["flaws"]
        assert isinstance(flaws, list)
        lines.append(f"{name}: {len(flaws)} to mend (recogniser: {report['recogniser']})")
        lines += [f"  {flaw}" for flaw in flaws]
    return lines
