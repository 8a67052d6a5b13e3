"""Terminal keys on a real pseudo-terminal: each key at once, the terminal always put back."""

import asyncio
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.actions import Action
from voxedge.inputs.events import Asked, Trouble
from voxedge.inputs.keys import KEYS
from voxedge.inputs.terminal import KeyParser, TerminalKeys


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    try:
        person, program = pty.openpty()
    except OSError as error:
        pytest.skip(f"no terminal to be had here: {error}")
    yield person, program
    os.close(program)
    os.close(person)


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        (b" ", ["space"]),
        (b"\x1b[A\x1b[B", ["up", "down"]),
        (b"\x1bOC\x1b[5~", ["right", "page-up"]),
        (b"aA\r\n\t\x7f", ["a", "a", "enter", "enter", "tab", "backspace"]),
        (b"\x1bq", ["escape", "q"]),
        (b"\x1b\x1b[D", ["escape", "left"]),
        (b"\x1b[1;5Cx", ["x"]),
        (b"\x1b[\x01r", ["r"]),
        (b"\xc3\xa9\x00r", ["r"]),
    ],
)
def test_bytes_become_keys(typed: bytes, names: list[str]) -> None:
    parser = KeyParser()
    assert parser.feed(typed) == names
    assert not parser.unfinished


@pytest.mark.parametrize("typed", [b"\x1b[A r", b"\x1b[5~", b"\x1b[1;5Cx", b"\x1bOH"])
def test_a_sequence_may_come_in_pieces(typed: bytes) -> None:
    parser = KeyParser()
    pieces = [name for byte in typed for name in parser.feed(bytes([byte]))]
    assert pieces == KeyParser().feed(typed)


def test_a_lone_escape_is_the_key() -> None:
    parser = KeyParser()
    assert parser.feed(b"\x1b") == []
    assert parser.unfinished
    assert parser.flush() == ["escape"]
    assert parser.flush() == []


@given(st.lists(st.binary(max_size=12), max_size=6))
def test_any_bytes_end_in_known_names(pieces: list[bytes]) -> None:
    parser = KeyParser()
    names = [name for piece in pieces for name in parser.feed(piece)] + parser.flush()
    assert all(name.isascii() and name for name in names)
    assert not parser.unfinished
    assert parser.feed(b" ") == ["space"]


def test_each_key_is_heard_at_once_and_the_mode_is_put_back(terminal: tuple[int, int]) -> None:
    person, program = terminal
    before = termios.tcgetattr(program)

    async def main() -> list[Action]:
        events: asyncio.Queue[Asked | Trouble] = asyncio.Queue()
        with TerminalKeys(events.put_nowait, program):
            assert not termios.tcgetattr(program)[3] & (termios.ICANON | termios.ECHO)
            os.write(person, b" \x1b[Cpr\x1b")
            found = [await asyncio.wait_for(events.get(), 5) for _ in range(4)]
        return [event.intent.action for event in found if isinstance(event, Asked)]

    assert asyncio.run(main()) == [
        Action.READ_OR_STOP,
        Action.FORWARD,
        Action.REPEAT,
        Action.STOP,
    ]
    assert termios.tcgetattr(program) == before


def test_the_mode_is_put_back_after_an_error(terminal: tuple[int, int]) -> None:
    _, program = terminal
    before = termios.tcgetattr(program)

    async def main() -> None:
        with TerminalKeys(lambda _event: None, program):
            raise KeyError("the daemon died")

    with pytest.raises(KeyError):
        asyncio.run(main())
    assert termios.tcgetattr(program) == before


def test_single_keys_come_back_after_a_stop(terminal: tuple[int, int]) -> None:
    _, program = terminal
    cooked = termios.tcgetattr(program)

    async def main() -> None:
        with TerminalKeys(lambda _event: None, program):
            termios.tcsetattr(program, termios.TCSANOW, cooked)  # what a shell does on Ctrl-Z
            os.kill(os.getpid(), signal.SIGCONT)
            for _ in range(1000):
                await asyncio.sleep(0)
                if not termios.tcgetattr(program)[3] & termios.ICANON:
                    break
            assert not termios.tcgetattr(program)[3] & termios.ICANON

    asyncio.run(main())
    assert termios.tcgetattr(program) == cooked


def test_the_mode_is_put_back_when_the_program_exits_in_the_middle(
    terminal: tuple[int, int],
) -> None:
    _, program = terminal
    before = termios.tcgetattr(program)
    code = (
        "import asyncio, sys\n"
        "from voxedge.inputs.terminal import TerminalKeys\n"
        "async def main():\n"
        "    TerminalKeys(print).__enter__()\n"
        "    print('in', flush=True)\n"
        "    sys.exit(3)\n"
        "asyncio.run(main())\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        stdin=program,
        capture_output=True,
        timeout=30,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (result.returncode, result.stdout) == (3, b"in\n"), result.stderr
    assert termios.tcgetattr(program) == before


def test_a_pipe_is_typed_too_and_its_end_is_no_error() -> None:
    read_fd, write_fd = os.pipe()

    async def main() -> list[Action]:
        events: asyncio.Queue[Asked | Trouble] = asyncio.Queue()
        with TerminalKeys(events.put_nowait, read_fd):
            os.write(write_fd, b" h")
            os.close(write_fd)
            found = [await asyncio.wait_for(events.get(), 5) for _ in range(2)]
            await asyncio.sleep(0)
        return [event.intent.action for event in found if isinstance(event, Asked)]

    assert asyncio.run(main()) == [KEYS["space"], KEYS["h"]]
    os.close(read_fd)


def test_a_terminal_can_only_tap_the_talk_button() -> None:
    read_fd, write_fd = os.pipe()

    async def main() -> list[Action]:
        events: asyncio.Queue[Asked | Trouble] = asyncio.Queue()
        with TerminalKeys(events.put_nowait, read_fd):
            os.write(write_fd, b"v")
            os.close(write_fd)
            found = [await asyncio.wait_for(events.get(), 5) for _ in range(2)]
        return [event.intent.action for event in found if isinstance(event, Asked)]

    assert asyncio.run(main()) == [Action.TALK, Action.TALK_END]
    os.close(read_fd)


def test_no_terminal_at_all_is_no_error() -> None:
    fd = os.open("/dev/null", os.O_RDONLY)

    async def main() -> bool:
        with TerminalKeys(lambda _event: None, fd) as keys:
            return keys is not None

    assert asyncio.run(main())
    os.close(fd)
