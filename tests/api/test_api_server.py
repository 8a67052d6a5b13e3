"""The control socket under friendly and hostile clients: clear errors, and the server lives."""

import asyncio
import contextlib
import gc
import grp
import json
import os
import socket
import stat
import subprocess
import sys
import tracemalloc
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from voxedge.actions import Action, Intent, State, intent
from voxedge.api.client import ControlClient
from voxedge.api.protocol import (
    LINE_BYTES,
    Health,
    OpenDocument,
    Position,
    Status,
    Voice,
    socket_path,
)
from voxedge.api.server import ControlServer, Limits, activated_socket, bind
from voxedge.cli import do as do_command
from voxedge.cli import status as status_command
from voxedge.errors import (
    ActionMisused,
    ActionUnfit,
    ActionUnknown,
    ControlRefused,
    ReaderNotRunning,
    UsageError,
)
from voxedge.speech.lines import SpeechClass

STATUS = Status(
    state=State.READING,
    document=OpenDocument("Letter", 2, 40, saved=True),
    cursor=Position(1, 1, 3, 7, 15),
    speaking=True,
    voice=Voice("en_US-joe-medium", 1.2, 1.0),
    health={"camera": Health(ok=False, detail="not connected")},
    version="1.2.3",
)


class Daemon:
    """A daemon that notes what it is asked, and fails in every way that a daemon may."""

    def __init__(self) -> None:
        self.done: list[Intent] = []
        self.said: list[tuple[SpeechClass, str]] = []
        self.now = STATUS

    async def do(self, intent: Intent) -> None:
        if intent.action is Action.PAUSE:
            raise ActionUnfit(action="pause", state="idle")
        if intent.action is Action.DELETE:
            raise KeyError("a fault that nobody foresaw")
        if intent.action is Action.OPEN:
            await asyncio.Event().wait()
        self.done.append(intent)

    async def say(self, speech_class: SpeechClass, text: str) -> None:
        self.said.append((speech_class, text))

    def status(self) -> Status:
        return self.now


class Client:
    """A raw client: bytes in, lines out."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def __aenter__(self) -> "Client":
        self.reader, self.writer = await asyncio.open_unix_connection(self._path)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def line(self) -> dict[str, Any]:
        line = await asyncio.wait_for(self.reader.readline(), 10)
        found = json.loads(line)
        assert isinstance(found, dict)
        return found

    async def ask(self, **body: object) -> dict[str, Any]:
        self.send(json.dumps({"v": 1, "id": 1, **body}).encode() + b"\n")
        return await self.line()

    async def ended(self) -> bool:
        with contextlib.suppress(ConnectionResetError):
            while await asyncio.wait_for(self.reader.read(65536), 10):
                pass
        return True


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what has no event to wait for: the state of a socket's other end."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


Scene = Callable[[ControlServer, Daemon, Path], Awaitable[None]]


def play(scene: Scene, tmp_path: Path, limits: Limits | None = None) -> None:
    async def main() -> None:
        daemon = Daemon()
        server = ControlServer(daemon, limits)
        path = tmp_path / "control.sock"
        await server.start(path)
        try:
            await scene(server, daemon, path)
            async with Client(path) as client:  # whatever happened, it still answers
                assert (await client.ask(type="status"))["type"] == "status-is"
        finally:
            await server.close()
        assert not path.exists()
        assert asyncio.all_tasks() == {asyncio.current_task()}, "no task is left behind"

    asyncio.run(main())


def test_actions_status_and_speech(tmp_path: Path) -> None:
    async def scene(_server: ControlServer, daemon: Daemon, path: Path) -> None:
        async with Client(path) as client:
            assert await client.ask(type="do", action="find", arguments={"word": "dose"}) == {
                "v": 1,
                "id": 1,
                "type": "done",
            }
            assert daemon.done == [intent(Action.FIND, {"word": "dose"})]
            await client.ask(type="say", text="Hello  you", **{"class": "alert"})
            assert daemon.said == [(SpeechClass.ALERT, "Hello you")]
            told = await client.ask(type="status")
            assert told["status"]["state"] == "reading"
            assert told["status"]["health"]["camera"] == {"ok": False, "detail": "not connected"}

    play(scene, tmp_path)


def test_requests_in_one_piece_are_answered_in_order(tmp_path: Path) -> None:
    async def scene(_server: ControlServer, _daemon: Daemon, path: Path) -> None:
        async with Client(path) as client:
            lines = [f'{{"v":1,"id":{n},"type":"status"}}\n' for n in range(20)]
            client.send("".join(lines).encode())
            assert [(await client.line())["id"] for _ in range(20)] == list(range(20))

    play(scene, tmp_path)


def test_failures_of_the_daemon_are_told_and_survived(tmp_path: Path) -> None:
    async def scene(_server: ControlServer, _daemon: Daemon, path: Path) -> None:
        async with Client(path) as client:
            assert (await client.ask(type="do", action="pause"))["code"] == "ActionUnfit"
            unforeseen = await client.ask(type="do", action="delete")
            assert unforeseen["code"] == "VoxedgeError"
            assert "nobody foresaw" not in unforeseen["message"], "the inside stays inside"
            hung = await client.ask(type="do", action="open", arguments={"title": "x"})
            assert "did not answer in time" in hung["message"]

    play(scene, tmp_path, Limits(do_s=0.05))


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\xff\n",
        b"GET / HTTP/1.1\r\n",
        b"{}\n",
        b'{"v":1,"id":1,"type":"do","action":"fly"}\n',
        b'{"v":1,"id":1,"type":"do","action":"stop","arguments":{"a":"b"}}\n',
        b"[" * 5000 + b"\n",
    ],
)
def test_malformed_messages_get_an_error_and_the_connection_goes_on(
    data: bytes, tmp_path: Path
) -> None:
    async def scene(_server: ControlServer, _daemon: Daemon, path: Path) -> None:
        async with Client(path) as client:
            client.send(data)
            assert (await client.line())["type"] == "failed"
            assert (await client.ask(type="status"))["type"] == "status-is"

    play(scene, tmp_path)


def test_an_oversized_message_is_told_and_ends_the_connection(tmp_path: Path) -> None:
    async def scene(_server: ControlServer, _daemon: Daemon, path: Path) -> None:
        for data in (b"x" * 10 * LINE_BYTES, b"x" * (LINE_BYTES + 1) + b"\n"):
            async with Client(path) as client:
                client.send(data)
                assert f"at most {LINE_BYTES} bytes" in (await client.line())["message"]
                assert await client.ended()

    play(scene, tmp_path)


def test_a_slow_sender_is_given_up(tmp_path: Path) -> None:
    async def scene(server: ControlServer, _daemon: Daemon, path: Path) -> None:
        async with Client(path) as client:
            for byte in b'{"v":1,':
                client.send(bytes([byte]))
                await asyncio.sleep(0.01)
            assert "nothing came for too long" in (await client.line())["message"]
            assert await client.ended()
            assert server.connections == 0

    play(scene, tmp_path, Limits(idle_s=0.2))


def test_half_a_message_and_gone(tmp_path: Path) -> None:
    async def scene(server: ControlServer, _daemon: Daemon, path: Path) -> None:
        for _ in range(50):
            async with Client(path) as client:
                client.send(b'{"v":1,"id":1,"ty')
        async with Client(path) as client:
            await client.ask(type="status")
            assert server.connections <= 2

    play(scene, tmp_path)


def test_a_flood_is_slowed_down_and_others_are_served(tmp_path: Path) -> None:
    async def scene(_server: ControlServer, daemon: Daemon, path: Path) -> None:
        async with Client(path) as flood, Client(path) as person:
            flood.send(b'{"v":1,"id":1,"type":"do","action":"louder"}\n' * 5000)
            told = await asyncio.wait_for(person.ask(type="do", action="stop"), 2)
            assert told["type"] == "done"
            replies = [await flood.line() for _ in range(12)]
            assert [r["type"] for r in replies[:10]] == ["done"] * 10
            assert "too many messages" in replies[10]["message"]
            louder = [i for i in daemon.done if i.action is Action.LOUDER]
            assert len(louder) < 20

    play(scene, tmp_path, Limits(burst=10, rate_hz=50))


def test_a_thousand_connections_do_not_lock_out_the_person(tmp_path: Path) -> None:
    async def scene(server: ControlServer, daemon: Daemon, path: Path) -> None:
        crowd: list[socket.socket] = []
        async with Client(path) as follower:
            await follower.ask(type="follow")
            for _ in range(1000):
                made = socket.socket(socket.AF_UNIX)
                made.setblocking(False)
                while True:
                    try:
                        made.connect(os.fspath(path))
                        break
                    except BlockingIOError:  # the backlog is full: let the server accept
                        await asyncio.sleep(0)
                crowd.append(made)
            async with Client(path) as person:
                assert (await person.ask(type="do", action="stop"))["type"] == "done"
                assert server.connections <= 64 + 2
            daemon.now = replace(STATUS, speaking=False)
            server.publish(daemon.now)
            told = await follower.line()
            assert told["status"]["speaking"] is False, "followers are not pushed out"
        assert daemon.done == [Intent(Action.STOP)]
        for made in crowd:
            made.close()

    play(scene, tmp_path)


def test_memory_is_flat_under_abuse(tmp_path: Path) -> None:
    async def abuse(path: Path, rounds: int) -> None:
        for number in range(rounds):
            async with Client(path) as client:
                client.send((b"\xff" * 500 + b"\n") * 5 if number % 2 else b"x" * 2 * LINE_BYTES)
                await client.line()

    async def scene(server: ControlServer, _daemon: Daemon, path: Path) -> None:
        await abuse(path, 100)
        gc.collect()
        tracemalloc.start()
        await abuse(path, 50)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        await abuse(path, 400)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert after - before < 200_000, f"{after - before} bytes more after 400 connections"
        await until(lambda: server.connections == 0)

    play(scene, tmp_path)


def test_followers_get_the_newest_and_slow_ones_skip(tmp_path: Path) -> None:
    async def scene(server: ControlServer, daemon: Daemon, path: Path) -> None:
        async with Client(path) as quick, Client(path) as slow:
            assert (await quick.ask(type="follow"))["type"] == "status-is"
            assert (await slow.ask(type="follow"))["type"] == "status-is"
            assert "follows already" in (await quick.ask(type="follow", id=2))["message"]
            heavy = {f"thing {n}": Health(ok=True, detail="x" * 100) for n in range(200)}
            for number in range(300):
                daemon.now = replace(STATUS, version=str(number), health=heavy)
                server.publish(daemon.now)
                if number % 3 == 0:
                    await asyncio.sleep(0)
            seen: list[int] = []
            while not seen or seen[-1] != 299:
                seen.append(int((await quick.line())["status"]["version"]))
            assert seen == sorted(set(seen))
            assert (await quick.ask(type="do", action="stop", id=9))["id"] == 9
            late: list[int] = []
            while not late or late[-1] != 299:
                late.append(int((await slow.line())["status"]["version"]))
            assert len(late) < 300, "what nobody took was not kept"

    play(scene, tmp_path)


def test_a_follower_that_never_reads_is_closed(tmp_path: Path) -> None:
    async def scene(server: ControlServer, _daemon: Daemon, path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.connect(os.fspath(path))
            deaf.sendall(b'{"v":1,"id":1,"type":"follow"}\n')
            heavy = {f"thing {n}": Health(ok=True, detail="x" * 100) for n in range(200)}
            await until(lambda: server.connections == 1)

            def given_up() -> bool:
                server.publish(replace(STATUS, health=heavy))
                return server.connections == 0

            await until(given_up)

    play(scene, tmp_path, Limits(send_s=0.2))


def test_followers_are_bounded(tmp_path: Path) -> None:
    async def scene(_server: ControlServer, _daemon: Daemon, path: Path) -> None:
        async with Client(path) as one, Client(path) as two:
            assert (await one.ask(type="follow"))["type"] == "status-is"
            assert "too many programs follow" in (await two.ask(type="follow"))["message"]

    play(scene, tmp_path, Limits(followers=1))


def test_the_socket_is_for_its_group_only(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    before = os.umask(0)
    try:
        listening = bind(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    with contextlib.suppress(KeyError):
        assert path.stat().st_gid == grp.getgrnam("voxedge").gr_gid
    with pytest.raises(ControlRefused, match="another reader"):
        bind(path)
    listening.close()
    bind(path).close()  # what a dead reader left is replaced
    path.unlink()
    path.write_text("not a socket")
    with pytest.raises(OSError, match="in use"):
        bind(path)
    assert path.read_text() == "not a socket"


_ACTIVATED = """
import asyncio, os, socket, sys
from voxedge.api.server import ControlServer, activated_socket
async def main():
    server = ControlServer(None)
    listening = activated_socket()
    assert listening is not None
    assert "LISTEN_FDS" not in os.environ and not listening.get_inheritable()
    assert activated_socket() is None
    await server.start(listening=listening)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await server.close()
asyncio.run(main())
"""


def test_a_socket_from_systemd_is_served_and_left_in_place(tmp_path: Path) -> None:
    path = tmp_path / "activated.sock"
    listening = bind(path)
    shell = (
        f"exec 3<&{listening.fileno()}; "
        'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" -c "$1"'  # exec keeps the process id
    )
    child = subprocess.Popen(
        ["bash", "-c", shell, sys.executable, _ACTIVATED],
        pass_fds=[listening.fileno()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with child, listening:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(os.fspath(path))
            client.sendall(b"nonsense\n")
            assert b'"failed"' in client.recv(4096)
        child.stdin.write(b"\n")
        child.stdin.flush()
        assert child.wait(20) == 0
    assert path.exists(), "the socket is systemd's"


def test_another_process_takes_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", "1")
    monkeypatch.setenv("LISTEN_FDS", "1")
    assert activated_socket() is None
    assert "LISTEN_FDS" not in os.environ


def test_where_the_socket_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOXEDGE_SOCKET", "/here/it.sock")
    assert socket_path() == Path("/here/it.sock")
    monkeypatch.delenv("VOXEDGE_SOCKET")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    assert socket_path() == Path("/run/user/7/voxedge/control.sock")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setenv("XDG_STATE_HOME", "/home/somebody/state")
    assert socket_path() == Path("/home/somebody/state/voxedge/control.sock")


# The client and the commands that use it


def with_server(
    work: Callable[[Path], None], tmp_path: Path, limits: Limits | None = None
) -> Daemon:
    daemons: list[Daemon] = []

    async def scene(_server: ControlServer, daemon: Daemon, path: Path) -> None:
        daemons.append(daemon)
        await asyncio.to_thread(work, path)

    play(scene, tmp_path, limits)
    return daemons[0]


def test_the_client(tmp_path: Path) -> None:
    def work(path: Path) -> None:
        with ControlClient(path) as client:
            client.do(intent(Action.GO_TO_PAGE, {"page": 2}))
            client.say(SpeechClass.NOTICE, "Hello")
            assert client.status() == STATUS
            with pytest.raises(ActionUnfit) as caught:
                client.do(Intent(Action.PAUSE))
            assert caught.value.exit_code == 14
            with pytest.raises(ControlRefused, match="at most"):
                client.say(SpeechClass.NOTICE, "é" * LINE_BYTES)
            with pytest.raises(ControlRefused, match="control characters"):
                client.say(SpeechClass.NOTICE, "\udc80")
            assert next(iter(client.follow())) == STATUS

    assert with_server(work, tmp_path).done == [intent(Action.GO_TO_PAGE, {"page": 2})]


def test_the_client_says_why_it_was_closed(tmp_path: Path) -> None:
    async def scene(server: ControlServer, _daemon: Daemon, path: Path) -> None:
        with await asyncio.to_thread(ControlClient, path) as client:
            await asyncio.to_thread(client.status)  # accepted, so that it can be closed
            await until(lambda: server.connections == 0)
            with pytest.raises(ControlRefused, match="nothing came for too long"):
                await asyncio.to_thread(client.status)

    play(scene, tmp_path, Limits(idle_s=0.05))


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(ReaderNotRunning) as caught:
        ControlClient(tmp_path / "none.sock")
    assert caught.value.exit_code == 15
    assert "No such file" in str(caught.value)
    silent = socket.socket(socket.AF_UNIX)
    silent.bind(os.fspath(tmp_path / "silent.sock"))
    silent.listen(1)
    with (
        ControlClient(tmp_path / "silent.sock", timeout_s=0.05) as client,
        pytest.raises(ReaderNotRunning, match="no answer"),
    ):
        client.status()
    accepted, _ = silent.accept()
    accepted.close()
    with ControlClient(tmp_path / "silent.sock") as client:
        second, _ = silent.accept()
        second.sendall(b'{"v":1,"id":1,"type":"nonsense"}\n')
        with pytest.raises(ControlRefused, match="no known type"):
            client.status()
        second.close()
        with pytest.raises(ReaderNotRunning):
            client.status()
    silent.close()


def command(module: Any, *words: object) -> int:
    import argparse

    parser = argparse.ArgumentParser()
    module.register(parser.add_subparsers(required=True))
    arguments = parser.parse_args([module.__name__.rpartition(".")[2], *map(str, words)])
    code = arguments.run(arguments)
    assert isinstance(code, int)
    return code


def test_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def work(path: Path) -> None:
        assert command(do_command, "--socket", path, "find", "side", "effects") == 0
        assert command(do_command, "--socket", path, "stop") == 0
        with pytest.raises(ActionUnfit):
            command(do_command, "--socket", path, "pause")

    daemon = with_server(work, tmp_path)
    assert daemon.done == [intent(Action.FIND, {"word": "side effects"}), Intent(Action.STOP)]
    assert command(do_command, "--list") == 0
    listed = capsys.readouterr().out
    for action in Action:
        assert f"{action.label} " in listed
        assert action.row.help in listed
    assert "save [TITLE]" in listed
    with pytest.raises(UsageError, match="Which action"):
        command(do_command)
    with pytest.raises(ActionUnknown):
        command(do_command, "fly")
    with pytest.raises(ActionMisused):
        command(do_command, "go-to-page", "two")
    with pytest.raises(ReaderNotRunning):
        command(do_command, "--socket", tmp_path / "none", "stop")


def test_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def work(path: Path) -> None:
        assert command(status_command, "--socket", path, "--json") == 0
        assert command(status_command, "--socket", path) == 0

    with_server(work, tmp_path)
    first, _, rest = capsys.readouterr().out.partition("\n")
    assert json.loads(first)["cursor"]["sentence"] == 7
    assert "voxedge 1.2.3: reading, speaking" in rest
    assert "at: page 1 of 2, sentence 7 of 40, 15 %" in rest
    assert "camera: TROUBLE (not connected)" in rest


def test_status_follows_until_the_reader_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def main() -> int:
        daemon = Daemon()
        server = ControlServer(daemon)
        path = tmp_path / "control.sock"
        await server.start(path)
        printing = asyncio.create_task(
            asyncio.to_thread(command, status_command, "--socket", path, "--json", "--follow")
        )
        printed = [""]

        def shown(word: str) -> bool:
            printed[0] = capsys.readouterr().out
            return word in printed[0]

        await until(lambda: shown("reading"))
        assert json.loads(printed[0])["speaking"] is True
        server.publish(replace(STATUS, state=State.IDLE))
        await until(lambda: shown("idle"))
        await server.close()
        with pytest.raises(ControlRefused, match="the reader ends"):
            await printing
        return 0

    assert asyncio.run(asyncio.wait_for(main(), 20)) == 0
