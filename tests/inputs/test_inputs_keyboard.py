"""Keyboards through device files (FIFOs stand in for them): plugged, unplugged, plugged again."""

import asyncio
import os
import re
import struct
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from voxedge.actions import Action
from voxedge.errors import InputDeviceMissing
from voxedge.inputs.events import Asked, Trouble
from voxedge.inputs.keyboard import Keyboards, has_our_keys, parse_events
from voxedge.inputs.keys import CODES, KEYS

DOCS = Path(__file__).parents[2] / "docs" / "buttons.md"
SPACE, RIGHT, ESCAPE, LETTER_P, LETTER_V, SHIFT = 57, 106, 1, 25, 47, 42


def key(code: int, value: int) -> bytes:
    """Return what the kernel writes for a key: the event and the report that ends it."""
    return struct.pack("llHHi", 1, 2, 1, code, value) + struct.pack("llHHi", 1, 2, 0, 0, 0)


class Board:
    """A FIFO that stands in for a keyboard's device file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)
        self.fd = os.open(path, os.O_RDWR)

    def type(self, *events: tuple[int, int]) -> None:
        os.write(self.fd, b"".join(key(code, value) for code, value in events))

    def unplug(self) -> None:
        self.path.unlink()
        os.close(self.fd)


def in_loop(scene, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    async def main() -> None:
        events: asyncio.Queue[Asked | Trouble] = asyncio.Queue()
        boards = Keyboards(
            events.put_nowait, folder=tmp_path, accepts=lambda _fd: True, look_s=0.01
        )
        try:
            await scene(events, boards)
        finally:
            boards.close()

    asyncio.run(main())


async def actions(events: "asyncio.Queue[Asked | Trouble]", count: int) -> list[Action]:
    found = [await asyncio.wait_for(events.get(), 5) for _ in range(count)]
    return [event.intent.action for event in found if isinstance(event, Asked)]


def test_keys_ask_and_only_moves_repeat(tmp_path: Path) -> None:
    board = Board(tmp_path / "event3")

    async def scene(events, boards) -> None:  # type: ignore[no-untyped-def]
        board.type((SHIFT, 1), (LETTER_P, 1), (LETTER_P, 0))
        board.type((SPACE, 1), (SPACE, 2), (SPACE, 2), (SPACE, 0))
        board.type((RIGHT, 1), (RIGHT, 2), (RIGHT, 0), (ESCAPE, 1))
        assert await actions(events, 4) == [
            Action.READ_OR_STOP,
            Action.FORWARD,
            Action.FORWARD,
            Action.STOP,
        ]
        assert boards.devices == ("event3",)
        assert events.empty()

    in_loop(scene, tmp_path)
    board.unplug()


def test_the_talk_key_listens_for_as_long_as_it_is_held(tmp_path: Path) -> None:
    board = Board(tmp_path / "event3")

    async def scene(events, boards) -> None:  # type: ignore[no-untyped-def]
        board.type((LETTER_V, 1), (LETTER_V, 2), (LETTER_V, 2), (LETTER_V, 0))
        assert await actions(events, 2) == [Action.TALK, Action.TALK_END]
        assert boards.devices == ("event3",)
        assert events.empty()

    in_loop(scene, tmp_path)
    board.unplug()


def test_unplugged_is_told_and_plugged_again_too(tmp_path: Path) -> None:
    board = Board(tmp_path / "event0")

    async def scene(events, boards) -> None:  # type: ignore[no-untyped-def]
        board.type((SPACE, 1))
        assert await actions(events, 1) == [Action.READ_OR_STOP]
        board.unplug()
        told = await asyncio.wait_for(events.get(), 5)
        assert isinstance(told, Trouble)
        assert isinstance(told.error, InputDeviceMissing)
        assert boards.devices == ()
        again = Board(tmp_path / "event7")
        assert await asyncio.wait_for(events.get(), 5) == Trouble("keyboard", None)
        again.type((ESCAPE, 1))
        assert await actions(events, 1) == [Action.STOP]
        boards.close()
        again.unplug()

    in_loop(scene, tmp_path)


def test_no_folder_of_input_devices_is_no_trouble(tmp_path: Path) -> None:
    async def scene(events, boards) -> None:  # type: ignore[no-untyped-def]
        assert boards.devices == ()
        (tmp_path / "input").mkdir()
        board = Board(tmp_path / "input" / "event1")
        board.type((SPACE, 1))
        assert await actions(events, 1) == [Action.READ_OR_STOP]
        boards.close()
        board.unplug()

    in_loop(scene, tmp_path / "input")


def test_what_is_no_keyboard_is_left_alone(tmp_path: Path) -> None:
    board = Board(tmp_path / "event0")
    (tmp_path / "mice").write_bytes(b"")
    (tmp_path / "event-by-path").write_bytes(b"")
    looked: list[int] = []

    async def main() -> None:
        def accepts(fd: int) -> bool:
            looked.append(fd)
            return has_our_keys(fd)  # a FIFO knows no such request, as a mouse has no such keys

        events: asyncio.Queue[Asked | Trouble] = asyncio.Queue()
        boards = Keyboards(events.put_nowait, folder=tmp_path, accepts=accepts, look_s=0.001)
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert boards.devices == ()
        assert len(looked) == 1, "it is not opened again and again"
        boards.close()

    asyncio.run(main())
    board.unplug()


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed(data: bytes) -> None:
    for code, value in parse_events(data):
        assert 0 <= code <= 0xFFFF
        assert value in (0, 1, 2)


def test_every_key_can_be_typed_and_stands_on_the_users_page() -> None:
    assert set(CODES.values()) == set(KEYS)
    page = DOCS.read_text()
    for name, action in KEYS.items():
        row = rf"\| [^|]*`{re.escape(name)}`[^|]* \| `{action.label}` \|"
        assert re.search(row, page), f"{name} {action.label}"
