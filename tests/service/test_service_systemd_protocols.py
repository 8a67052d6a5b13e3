"""sd_notify, socket activation and the journal, each against a real socket."""

import contextlib
import logging
import os
import re
import socket
import struct
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxedge.errors import OcrFailed
from voxedge.logs import FIELDS, SafeFormatter, describe_exception, fields
from voxedge.service import journal
from voxedge.service.activation import listening_sockets
from voxedge.service.journal import JournalHandler, PrefixHandler, encode_entry
from voxedge.service.notify import STATUS_LIMIT, Notifier, watchdog_timeout_s


@contextlib.contextmanager
def datagrams(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.settimeout(5)
        receiver.bind(address)
        yield receiver


# -- sd_notify ---------------------------------------------------------------------------------


@pytest.mark.parametrize("abstract", [False, True])
def test_every_notification_arrives(abstract: bool, tmp_path: Path) -> None:
    name = f"voxedge-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    shown = f"@{name}" if abstract else name
    with datagrams(f"\0{name}" if abstract else name) as systemd:
        with Notifier(shown, monotonic_ns=lambda: 7_000_000) as notifier:
            assert notifier.active
            notifier.extend_timeout(2.5)
            notifier.ready("Ready")
            notifier.reloading("Reading settings")
            notifier.status("Page 2 of 3")
            notifier.watchdog()
            notifier.stopping()
        assert [systemd.recv(4096).decode() for _ in range(6)] == [
            "EXTEND_TIMEOUT_USEC=2500000",
            "READY=1\nSTATUS=Ready",
            "RELOADING=1\nMONOTONIC_USEC=7000\nSTATUS=Reading settings",
            "STATUS=Page 2 of 3",
            "WATCHDOG=1",
            "STOPPING=1",
        ]


def test_a_status_cannot_smuggle_in_an_assignment(tmp_path: Path) -> None:
    with datagrams(str(tmp_path / "n")) as systemd, Notifier(str(tmp_path / "n")) as notifier:
        notifier.status("fine\nREADY=1\r\nWATCHDOG=trigger " + "x" * 1000)
        told = systemd.recv(4096).decode()
    assert "\n" not in told
    assert told.startswith("STATUS=fine READY=1 WATCHDOG=trigger ")
    assert len(told) == len("STATUS=") + STATUS_LIMIT


@pytest.mark.parametrize("address", [None, "", "relative/path", "vsock:2:1234"])
def test_without_a_socket_nothing_happens(address: str | None) -> None:
    notifier = Notifier(address)
    assert not notifier.active
    notifier.ready()
    notifier.close()


def test_a_systemd_that_is_gone_is_logged_not_raised(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Notifier(str(tmp_path / "gone")) as notifier:
        notifier.ready()
    assert "could not be notified" in caplog.text


def test_a_ping_does_not_wait_for_a_systemd_that_reads_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its socket takes about ten; each further one would hold a press up for a second."""
    with datagrams(str(tmp_path / "n")) as systemd, Notifier(str(tmp_path / "n")) as notifier:
        for _ in range(1000):
            notifier.watchdog()
        assert "could not be notified" in caplog.text
        while systemd.recv(4096) != b"READY=1":
            notifier.ready()
    assert notifier.active is False


@pytest.mark.parametrize(
    ("environ", "timeout_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "20000000"}, 20.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": str(os.getpid())}, 20.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_timeout(environ: dict[str, str], timeout_s: float | None) -> None:
    assert watchdog_timeout_s(environ) == timeout_s


# -- socket activation -------------------------------------------------------------------------


def test_sockets_of_systemd_are_taken_over(tmp_path: Path) -> None:
    """In a child, as it happens: descriptors 3 and on, with LISTEN_PID its own."""
    program = textwrap.dedent(
        """
        import os
        os.environ["LISTEN_PID"] = str(os.getpid())
        from voxedge.service.activation import listening_sockets
        for listener in listening_sockets():
            print(listener.name, listener.socket.getsockname(), listener.socket.getblocking(),
                  os.get_inheritable(listener.socket.fileno()))
        """
    )
    paths = [str(tmp_path / "a"), str(tmp_path / "b")]
    with contextlib.ExitStack() as stack:
        for path in paths:
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(path)
            listener.listen()
            stack.callback(os.close, os.dup(listener.fileno()))
            os.set_inheritable(listener.fileno(), True)
            paths[paths.index(path)] = f"{path} {listener.fileno()}"
        numbers = [entry.split()[1] for entry in paths]
        redirect = " ".join(f"{3 + i}<&{n}" for i, n in enumerate(numbers))
        done = subprocess.run(
            ["bash", "-c", f'exec "$0" -c "$1" {redirect}', sys.executable, program],
            env=os.environ
            | {
                "LISTEN_FDS": "2",
                "LISTEN_FDNAMES": "control:",
                "PYTHONPATH": str(Path(__file__).parents[2]),
            },
            close_fds=False,
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.splitlines() == [
        f"control {tmp_path / 'a'} False False",
        f"unknown {tmp_path / 'b'} False False",
    ]


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"LISTEN_PID": "1", "LISTEN_FDS": "1"},
        {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "many"},
        {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "-1"},
        {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "100000"},
    ],
)
def test_no_sockets_for_us(environ: dict[str, str]) -> None:
    assert listening_sockets(environ) == ()


def test_a_descriptor_that_is_no_socket_is_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (tmp_path / "file").open("w") as file:
        environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "odd"}
        assert listening_sockets(environ, first_fd=file.fileno()) == ()
        assert not file.closed
    assert "'odd' is not a usable socket" in caplog.text


# -- journal -----------------------------------------------------------------------------------


def decode_entry(data: bytes) -> dict[str, str]:
    """Parse the native protocol; written from its description, not from our encoder."""
    found: dict[str, str] = {}
    while data:
        line, _, rest = data.partition(b"\n")
        if b"=" in line:
            name, _, value = line.partition(b"=")
        else:
            name = line
            (size,) = struct.unpack("<Q", rest[:8])
            value, rest = rest[8 : 8 + size], rest[8 + size :]
            assert rest[:1] == b"\n"
            rest = rest[1:]
        found[name.decode()] = value.decode()
        data = rest
    return found


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.from_regex(r"[A-Z][A-Z_]{0,10}", fullmatch=True),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
        max_size=6,
    )
)
def test_entries_survive_the_wire(entry: dict[str, str]) -> None:
    assert decode_entry(encode_entry(entry)) == entry


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    made = logging.getLogger("voxedge.under-test")
    made.setLevel(logging.DEBUG)
    made.propagate = False
    yield made
    for handler in made.handlers[:]:
        made.removeHandler(handler)
        handler.close()


def test_a_record_becomes_a_structured_entry(tmp_path: Path, logger: logging.Logger) -> None:
    with datagrams(str(tmp_path / "journal")) as journald:
        logger.addHandler(JournalHandler(tmp_path / "journal"))
        logger.warning("page %d read", 2, extra=fields(event="page_read", page=2, latency_ms=830.5))
        entry = decode_entry(journald.recv(65536))
    assert entry["MESSAGE"] == "page 2 read"
    assert entry["PRIORITY"] == "4"
    assert entry["SYSLOG_IDENTIFIER"] == "voxedge"
    assert entry["LOGGER"] == "voxedge.under-test"
    assert entry["CODE_FILE"] == __file__
    assert entry["VOXEDGE_EVENT"] == "page_read"
    assert entry["VOXEDGE_PAGE"] == "2"
    assert entry["VOXEDGE_LATENCY_MS"] == "830.5"


PRIVATE = "Metformin 500 mg for Mrs Smith"


def test_an_exception_is_logged_without_what_it_says(
    tmp_path: Path, logger: logging.Logger
) -> None:
    def work(page_text: str) -> None:
        raise KeyError(page_text)

    with datagrams(str(tmp_path / "journal")) as journald:
        logger.addHandler(JournalHandler(tmp_path / "journal"))
        try:
            try:
                work(PRIVATE)
            except KeyError as error:
                raise OcrFailed(reason="engine gave up") from error
        except OcrFailed:
            logger.exception("reading failed")
        message = decode_entry(journald.recv(65536))["MESSAGE"]
    assert PRIVATE not in message
    assert "Smith" not in message
    assert "Reading the page failed: engine gave up." in message, "our own errors are told whole"
    assert re.search(r"KeyError\n  .*test_service_systemd_protocols.py:\d+ ", message)


def test_structured_fields_have_no_room_for_a_sentence() -> None:
    with pytest.raises(ValueError, match="short token"):
        fields(event=PRIVATE)
    with pytest.raises(ValueError, match="no declared"):
        fields(text="Metformin")
    assert "text" not in FIELDS


def test_an_exception_chain_that_was_cut_stays_cut() -> None:
    error = ValueError("outer")
    error.__context__ = KeyError("inner")
    assert "KeyError" in describe_exception(error)
    error.__suppress_context__ = True
    assert "KeyError" not in describe_exception(error)
    assert "ValueError" in describe_exception(error)


def test_lines_on_stderr_carry_their_priority(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    logger.addHandler(PrefixHandler(sys.stderr))
    logger.info("one\ntwo", extra=fields(part="voice"))
    logger.debug("quiet")
    logger.critical("loud")
    assert capsys.readouterr().err.splitlines() == [
        "<6>voxedge.under-test: one part=voice",
        "<6>two",
        "<7>voxedge.under-test: quiet",
        "<2>voxedge.under-test: loud",
    ]


def test_a_journald_that_went_away_does_not_hurt(
    tmp_path: Path, logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    with datagrams(str(tmp_path / "journal")):
        logger.addHandler(JournalHandler(tmp_path / "journal"))
    logger.error("nobody listens")
    with pytest.raises(OSError):
        JournalHandler(tmp_path / "none")


def test_which_handler_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        assert isinstance(journal.install().formatter, SafeFormatter)
        here = os.fstat(2)
        monkeypatch.setenv("JOURNAL_STREAM", f"{here.st_dev}:{here.st_ino}")
        assert journal.journal_reads_stderr()
        monkeypatch.setattr(journal, "JOURNAL_SOCKET", Path("/nonexistent"))
        handler = journal.install()
        assert isinstance(handler, JournalHandler | PrefixHandler)
        handler.close()
    finally:
        root.handlers[:], root.level = before
    for stream in ("", "1", "a:b", "1:2"):
        assert not journal.journal_reads_stderr({"JOURNAL_STREAM": stream})
