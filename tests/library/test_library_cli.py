"""``voxedge library``: a sighted helper gets out what was kept, and nothing is changed by it."""

import json
from pathlib import Path

import pytest

from voxedge.cli.main import main
from voxedge.document.model import Box, Document, Page, Paragraph, Section, Sentence, Word
from voxedge.document.serde import from_json
from voxedge.errors import DocumentMissing, InputMissing, OutputUnwritable
from voxedge.reader.library import Library


def document(*words: Word, pages: int = 1) -> Document:
    sentences = (Sentence(words),)
    return Document(
        (Section((Paragraph(sentences),)),), tuple(Page(9, 9) for _ in range(pages)), ""
    )


def word(text: str, second: str | None = None) -> Word:
    return Word(text, Box(0, 0, 9, 9), 0.9, second=second)


LEAFLET = document(word("Take"), word("5", "50"), word("mg", "mg"), word("daily"), pages=2)
LETTER = document(word("Dear"), word("Ms"), word("Smith"))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    library = Library(tmp_path / "library.sqlite", keep_recent=3)
    library.add(LEAFLET, saved=True, title="The leaflet", pictures={0: b"one", 1: b"two"})
    library.add(LETTER)
    library.close()
    return tmp_path


def run(state: Path, *arguments: str) -> int:
    return main(["library", *arguments, "--state", str(state)])


def test_what_is_kept_is_listed(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(state, "list") == 0
    letter, leaflet = capsys.readouterr().out.splitlines()
    assert letter == "   2  Dear Ms Smith  (1 page, not saved)"
    assert leaflet == "   1  The leaflet  (2 pages)"
    assert run(state, "list", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["documents"]
    assert rows[1] == {"number": 1, "title": "The leaflet", "saved": True, "pages": 2}


@pytest.mark.parametrize("name", ["1", "the leaflets"])
def test_a_document_is_copied_out_with_its_pictures(state: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    assert run(state, "get", name, str(out)) == 0
    assert {file.name for file in out.iterdir()} == {
        "The-leaflet.txt",
        "The-leaflet.json",
        "The-leaflet-1.jpg",
        "The-leaflet-2.jpg",
    }
    assert (out / "The-leaflet-2.jpg").read_bytes() == b"two"
    assert out.stat().st_mode & 0o777 == 0o700, "it is private"
    text = (out / "The-leaflet.txt").read_text()
    assert text.startswith("Take 5 mg daily\n")
    assert "could not be read with certainty" in text
    assert "- 5 mg" in text
    assert from_json(json.loads((out / "The-leaflet.json").read_text())).text == LEAFLET.text


def test_a_text_without_doubts_is_only_the_text(state: Path, tmp_path: Path) -> None:
    assert run(state, "get", "2", str(tmp_path / "out")) == 0
    assert (tmp_path / "out" / "Dear-Ms-Smith.txt").read_text() == "Dear Ms Smith\n"


def test_looking_does_not_change_what_was_read_last(state: Path, tmp_path: Path) -> None:
    run(state, "get", "1", str(tmp_path / "out"))
    library = Library(state / "library.sqlite")
    last = library.last()
    library.close()
    assert last is not None
    assert last.number == 2


def test_nothing_kept_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "list") == InputMissing.exit_code
    assert "library.sqlite" in capsys.readouterr().err
    assert not (tmp_path / "library.sqlite").exists(), "looking makes no library"
    Library(tmp_path / "library.sqlite").close()
    assert run(tmp_path, "list") == 0
    assert capsys.readouterr().out == "Nothing is kept.\n"


@pytest.mark.parametrize("name", ["no such title", "99", "", " "])
def test_an_unknown_document_is_told(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert run(state, "get", name, str(tmp_path / "out")) == DocumentMissing.exit_code
    assert "no saved document" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_told(state: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert run(state, "get", "1", str(tmp_path / "file")) == OutputUnwritable.exit_code
