"""``voxedge commands``: what can be said, and what a translator still has to mend."""

import json
from pathlib import Path

import pytest

from voxedge.cli.main import main
from voxedge.commands.language import available

BROKEN = """
language = "xx"
[phrases]
stop = ["halt", "enough"]
pause = ["halt"]
find = ["seek"]
[help]
stop = "Stops."
[slots]
sections = []
words = ["thing"]
numbers = ["one", "one"]
decoys = ["enough"]
"""


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, dict]]:
    code = main(["commands", "lint", "--json", *arguments])
    return code, json.loads(capsys.readouterr().out)


def test_the_languages_that_come_along_have_nothing_to_mend(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, found = report(capsys, "--no-model")
    assert code == 0
    assert set(found) == set(available())
    assert all(not entry["flaws"] for entry in found.values())


def test_every_flaw_of_a_translation_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "xx.toml"
    path.write_text(BROKEN, encoding="utf-8")
    code, found = report(capsys, "--no-model", str(path))
    flaws = found[str(path)]["flaws"]
    assert code == 1
    for flaw in (
        "read has no phrase.",
        "find has no phrase with its slot.",
        "'halt' stands for stop and for pause.",
        "[slots] sections is empty.",
        "The number 'one' stands twice.",
        "The decoy 'enough' is the command stop.",
    ):
        assert flaw in flaws, flaw
    assert main(["commands", "lint", "--no-model", str(path)]) == 1
    assert "to mend" in capsys.readouterr().out


def test_words_that_the_recogniser_does_not_know_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pocketsphinx", reason="the extra 'hearing' is not installed")
    monkeypatch.setenv("VOXEDGE_MODELS", str(tmp_path))  # no Vosk model
    source = Path(__file__).parents[2] / "voxedge/commands/languages/en.toml"
    text = source.read_text(encoding="utf-8")
    path = tmp_path / "en.toml"
    path.write_text(text.replace('"total"', '"zzyzxov"'), encoding="utf-8")
    code, found = report(capsys, str(path))
    assert code == 1
    assert found[str(path)]["recogniser"] == "pocketsphinx"
    assert "The recogniser cannot hear 'find zzyzxov'." in found[str(path)]["flaws"]
    code, found = report(capsys, "en")
    assert (code, found["en"]["flaws"]) == (0, []), "English is whole"


def test_a_recogniser_that_is_missing_is_no_flaw_of_the_translation(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VOXEDGE_MODELS", str(tmp_path))
    code, found = report(capsys, "zh")
    assert code == 0
    assert found["zh"]["recogniser"].startswith("not asked: ")


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [("none.toml", None, 4), ("bad.toml", "language = ", 3), ("tlh", None, None)],
)
def test_what_is_no_language_is_told(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    text: str | None,
    code: int | None,
) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text, encoding="utf-8")
    got = main(["commands", "lint", "--no-model", str(path) if "." in name else name])
    assert got != 0
    assert code is None or got == code
    assert capsys.readouterr().err


def test_what_can_be_said_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["commands", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("next-sentence") and "skip" in line for line in lines)
    assert main(["commands", "list", "--lang", "ko"]) == 0
    assert "다음 문장" in capsys.readouterr().out
