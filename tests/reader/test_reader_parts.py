"""The small parts beside the session: what is remembered, kept as sound, and seen."""

import asyncio
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rigs import LEAFLET, SECOND

from voxedge.audio.tape import HEADER_BYTES, WavTape, read_tape
from voxedge.document.cursor import Cursor, Unit
from voxedge.document.model import Document, Page
from voxedge.errors import CameraMissing, DocumentMissing, OutputUnwritable
from voxedge.flow import Frame, PcmChunk, Utterance
from voxedge.reader.book import book_of
from voxedge.reader.bookshelf import Bookshelf
from voxedge.reader.camera import FolderCamera, NoCamera
from voxedge.reader.library import Library
from voxedge.reader.own_phrases import CAPACITY_BYTES, OwnPhrases
from voxedge.reader.preferences import Preferences, load_preferences, save_preferences
from voxedge.testing.fake_reader import sections_of

DOCUMENT = Document(sections_of(LEAFLET), (Page(10, 10),), "en")


# Books


def test_places_and_cursors_are_two_names_of_one_sentence() -> None:
    book = book_of(DOCUMENT)
    for number, spot in enumerate(book.spots):
        cursor = book.cursor(spot)
        assert cursor == book.outline.sentence_cursor(number)
        assert cursor is not None
        assert book.spot(cursor) == spot
        last_word = Cursor(book.outline.span(cursor, Unit.SENTENCE).stop - 1)
        assert book.spot(last_word) == spot


def test_a_book_grows_at_its_end_only() -> None:
    book = book_of(DOCUMENT)
    longer = book.grown(sections_of(SECOND, 1), (Page(10, 10),))
    assert longer.spots[: len(book.spots)] == book.spots
    assert longer.outline.words[: len(book.outline.words)] == book.outline.words
    assert longer.outline.pages == 2
    assert not longer.empty


# Preferences

preferences = st.builds(
    Preferences,
    rate=st.none() | st.floats(0.5, 3.0),
    volume=st.none() | st.floats(0.1, 2.0),
    quiet=st.booleans(),
    new=st.booleans(),
)


@given(preferences)
def test_preferences_come_back(tmp_path_factory: pytest.TempPathFactory, kept: Preferences) -> None:
    path = tmp_path_factory.mktemp("state") / "preferences.json"
    save_preferences(path, kept)
    assert load_preferences(path) == kept
    assert [p.name for p in path.parent.iterdir()] == [path.name], "nothing is left beside it"


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "{}", '{"rate": "fast", "volume": 1, "quiet": 0, "new": 0}', "\x00"]
)
def test_damaged_preferences_are_the_defaults_of_a_known_person(tmp_path: Path, text: str) -> None:
    path = tmp_path / "preferences.json"
    path.write_text(text)
    assert load_preferences(path) == Preferences(new=False)


def test_preferences_out_of_range_are_brought_back_into_it(tmp_path: Path) -> None:
    path = tmp_path / "preferences.json"
    path.write_text('{"rate": 99, "volume": 0, "quiet": false, "new": false}')
    assert load_preferences(path) == Preferences(rate=3.0, volume=0.1, new=False)


def test_preferences_that_cannot_be_written_are_no_failure(tmp_path: Path) -> None:
    save_preferences(tmp_path / "nowhere" / "preferences.json", Preferences())
    assert not (tmp_path / "nowhere").exists()


# Own phrases


def phrase(text: str) -> Utterance:
    return Utterance(text)


def sound(frames: int = 100) -> tuple[PcmChunk, ...]:
    return (PcmChunk(np.zeros(frames, dtype=np.float32), 16_000, last=True),)


def test_a_book_cannot_push_out_the_readers_own_phrases() -> None:
    cache = OwnPhrases()
    assert cache.pin("v", phrase("Marked."), sound())
    for number in range(2000):
        cache.put("v", phrase(f"sentence {number}"), sound(4000))
    assert cache.get("v", phrase("Marked.")) is not None
    assert cache.get("v", phrase("sentence 0")) is None
    assert cache.get("other", phrase("Marked.")) is None
    cache.unpin()
    assert cache.get("v", phrase("Marked.")) is None


def test_what_is_said_in_passing_is_not_kept_for_good() -> None:
    cache = OwnPhrases()
    cache.put("v", phrase("Marked."), sound())
    assert not cache.pinned("v", phrase("Marked.")), "the formant voice may have said it"


def test_own_phrases_are_bounded() -> None:
    cache = OwnPhrases()
    frames = CAPACITY_BYTES // 4
    assert cache.pin("v", phrase("one"), sound(frames))
    assert not cache.pin("v", phrase("two"), sound(1))


# The tape


def test_a_tape_can_be_heard_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    tape = WavTape(path, 16_000)
    tape.write(np.full(160, 0.5, dtype=np.float32))
    assert np.allclose(read_tape(path), 0.5, atol=1e-4)
    tape.write(np.full(160, -1.0, dtype=np.float32))
    tape.close()
    tape.close()
    header = path.read_bytes()[:HEADER_BYTES]
    assert struct.unpack("<I", header[40:44])[0] == 640
    assert len(read_tape(path)) == 320


def test_a_tape_that_cannot_be_begun(tmp_path: Path) -> None:
    with pytest.raises(OutputUnwritable):
        WavTape(tmp_path / "nowhere" / "sound.wav", 16_000)


# Cameras


def test_a_folder_gives_its_pictures_in_turn_and_sees_new_ones(tmp_path: Path) -> None:
    seen: list[str] = []

    def load(path: Path) -> Frame:
        seen.append(path.name)
        return Frame(np.zeros((2, 2), dtype=np.uint8), path.name)

    async def main() -> None:
        camera = FolderCamera(tmp_path, load)
        with pytest.raises(CameraMissing):
            await camera.take()
        for name in ("b.jpg", "a.PNG", "notes.txt"):
            (tmp_path / name).touch()
        await camera.take()
        await camera.take()
        (tmp_path / "c.jpg").touch()
        await camera.take()
        await camera.take()
        camera.press()

    asyncio.run(main())
    assert seen == ["a.PNG", "b.jpg", "c.jpg", "a.PNG"]


def test_no_camera_says_so() -> None:
    with pytest.raises(CameraMissing, match="none is configured"):
        asyncio.run(NoCamera("none is configured").take())


def test_a_folder_that_is_gone_is_a_missing_camera(tmp_path: Path) -> None:
    with pytest.raises(CameraMissing):
        asyncio.run(FolderCamera(tmp_path / "gone", lambda path: Frame(None)).take())  # type: ignore[arg-type]


# The shelf


def test_the_bookshelf_is_a_library_on_a_thread(tmp_path: Path) -> None:
    async def main() -> None:
        shelf = Bookshelf(lambda: Library(tmp_path / "library.sqlite", keep_recent=2))
        assert await shelf.warm_up() is None
        assert await shelf.open(None, None) is None
        recent = await shelf.keep(DOCUMENT, Cursor(2), {0: b"first"})
        assert recent is not None
        number, title = await shelf.save(
            DOCUMENT, "Leaflet", Cursor(3), (Cursor(5),), recent[0], {}
        )
        assert (number, title) == (recent[0], "Leaflet")
        other, _ = await shelf.save(DOCUMENT, "Other", Cursor(1), (Cursor(7),), None, {0: b"other"})
        await shelf.mark(number, Cursor(9))
        await shelf.put_cursor(number, Cursor(11))
        grown = book_of(DOCUMENT).grown(sections_of(SECOND, 1)).document
        await shelf.replace(number, grown, {1: b"second"})
        found = await shelf.open(None, "leaflet")
        assert found is not None
        entry, document, marks = found
        assert (entry.number, entry.cursor, entry.saved) == (number, Cursor(11), True)
        assert len(document.sections) == len(DOCUMENT.sections) + 1
        assert marks == (Cursor(9),)
        assert {e.number for e in await shelf.entries()} == {number, other}
        await shelf.delete(number)
        with pytest.raises(DocumentMissing):
            await shelf.put_cursor(number, Cursor(0))
        assert await shelf.open(number, None) is None
        await shelf.close()
        await shelf.close()

    asyncio.run(main())
