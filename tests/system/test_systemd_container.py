"""The units as shipped, under a real systemd as pid 1, with a stand-in for the daemon.

``scripts/systemd-container`` boots a small Debian in namespaces; here voxedge is installed in it
by its own command, started, hurt and stopped. Skipped with a reason where that cannot be done.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).parents[2]
SCRIPT = REPO / "scripts" / "systemd-container"
PREPARE_WITHIN_S = 480
NEEDS = ("unshare", "nsenter", "dpkg")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

VOXEDGE = """#!/usr/bin/python3
# What an installed voxedge would be: `run` is the stand-in, the rest the real command line.
import runpy, sys
sys.path.insert(0, "/opt/voxedge/lib")
if sys.argv[1:] == ["run"]:
    from voxedge.testing import stand_in_daemon
    sys.exit(stand_in_daemon.main())
import argparse
from voxedge.cli import install
parser = argparse.ArgumentParser()
install.register(parser.add_subparsers(dest="command"))
arguments = parser.parse_args()
sys.exit(arguments.run(arguments))
"""

APLAY = """#!/bin/sh
# A loudspeaker that tells how much it was given.
echo "loudspeaker: $(wc -c) bytes" >&2
"""

ASK = """
import json, socket, sys
with socket.socket(socket.AF_UNIX) as client:
    client.settimeout(30)
    client.connect("/run/voxedge/control.sock")
    client.sendall(json.dumps({"do": sys.argv[1]}).encode() + b"\\n")
    print(client.makefile().readline())
"""


@dataclass
class Container:
    """A booted system; commands run beside its pid 1."""

    boot_pid: int

    def run(self, *command: str, check: bool = True) -> str:
        done = subprocess.run(
            [SCRIPT, "exec", str(self.boot_pid), *command],
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
            # What is killed in there by mistake must not be this test run.
            start_new_session=True,
        )
        if check and done.returncode != 0:
            pytest.fail(f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done.stdout.strip()

    def ask(self, what: str) -> dict[str, Any]:
        """Send one request; a reader that died of it answers nothing."""
        line = self.run("python3", "-c", ASK, what)
        if not line and what == "status":
            pytest.fail(f"no status:\n{self.journal()[-3000:]}")
        answer: dict[str, Any] = json.loads(line or "{}")
        return answer

    def show(self, name: str) -> str:
        return self.run("systemctl", "show", "--property", name, "--value", "voxedge.service")

    def journal(self, unit: str = "voxedge.service") -> str:
        return self.run("journalctl", "--no-pager", "--output=cat", "--unit", unit)

    def until(self, condition: Callable[[], bool], within_s: float, what: str) -> float:
        """Poll the other machine; return the seconds it took."""
        begun_s = time.monotonic()
        while not condition():
            if time.monotonic() - begun_s > within_s:
                pytest.fail(f"not within {within_s} s: {what}\n{self.journal()[-3000:]}")
            time.sleep(0.05)
        return time.monotonic() - begun_s


def base_root() -> str:
    """Return the prepared root tree, or skip with the reason why there is none."""
    if os.geteuid() != 0:
        pytest.skip("booting a container needs root")
    missing = [program for program in NEEDS if shutil.which(program) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    try:
        prepared = subprocess.run(
            [SCRIPT, "prepare"],
            check=False,
            capture_output=True,
            text=True,
            timeout=PREPARE_WITHIN_S,
        )
    except subprocess.TimeoutExpired:
        pytest.skip("the root tree was not ready in time; run scripts/systemd-container prepare")
    if prepared.returncode != 0:
        last_words = (prepared.stderr.strip().splitlines() or ["no reason given"])[-1]
        pytest.skip(f"no root tree: {last_words}")
    return prepared.stdout.strip()


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    base = base_root()
    # Not below /tmp where that is an overlay itself: an upper layer cannot lie on one.
    work = tmp_path_factory.mktemp("container")
    opt = work / "upper" / "opt" / "voxedge"
    shutil.copytree(
        REPO / "voxedge", opt / "lib" / "voxedge", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(REPO / "systemd", opt / "lib" / "systemd")
    put(opt / "bin" / "voxedge", VOXEDGE)
    put(work / "upper" / "usr" / "bin" / "aplay", APLAY)
    for folder in (work / "upper", opt.parent, opt, opt / "lib", work / "upper" / "usr"):
        folder.chmod(0o755)
    with (work / "boot.log").open("wb") as log:
        boot = subprocess.Popen(
            [SCRIPT, "boot", base, work, f"voxedge-test-{os.getpid()}"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        box = Container(boot.pid)
        deadline_s = time.monotonic() + 30
        while box.run("systemctl", "is-system-running", check=False) != "running":
            if boot.poll() is not None or time.monotonic() > deadline_s:
                pytest.skip(f"systemd did not boot: {(work / 'boot.log').read_text()[-500:]}")
            time.sleep(0.1)
        yield box
    finally:
        boot.kill()
        boot.wait()
        remove_cgroup(f"voxedge-test-{os.getpid()}")


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def remove_cgroup(name: str) -> None:
    """Remove the container's cgroups, leaves first, once the kernel has let its processes go."""
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    hierarchy = next((mount[1] for mount in mounts if mount[2] == "cgroup2"), None)
    if hierarchy is None:
        return
    root = Path(hierarchy) / name
    deadline_s = time.monotonic() + 10
    while root.exists() and time.monotonic() < deadline_s:
        for folder in [*reversed([p for p in root.rglob("*") if p.is_dir()]), root]:
            try:
                folder.rmdir()
            except OSError:
                time.sleep(0.05)


@pytest.fixture(scope="module")
def installed(container: Container) -> Container:
    told = container.run("/opt/voxedge/bin/voxedge", "install", "--executable", VOXEDGE_PATH)
    assert "The reader runs" in told
    return container


VOXEDGE_PATH = "/opt/voxedge/bin/voxedge"


@pytest.fixture
def reader(installed: Container) -> Container:
    """The service, active and fresh."""
    installed.run("systemctl", "restart", "voxedge.service")
    return installed


def test_the_shipped_units_are_faultless_for_this_systemd(installed: Container) -> None:
    for unit in ("voxedge.service", "voxedge.socket", "voxedge-failure.service"):
        complaints = installed.run(
            "sh", "-c", f"systemd-analyze verify /etc/systemd/system/{unit} 2>&1"
        ).splitlines()
        # Growing pauses between restarts came with systemd 254; older ones restart evenly.
        newer = ("Unknown key 'RestartSteps'", "Unknown key 'RestartMaxDelaySec'")
        assert [c for c in complaints if not any(key in c for key in newer)] == []


def test_the_sandbox_scores_at_most_two(installed: Container) -> None:
    for unit in ("voxedge.service", "voxedge-failure.service"):
        path = f"/etc/systemd/system/{unit}"
        # --threshold counts tenths; a worse score is a failing exit code.
        command = ("systemd-analyze", "security", "--offline=true", "--threshold=20", path)
        assert "Overall exposure level" in installed.run(*command)


def test_installing_twice_changes_nothing(installed: Container) -> None:
    pid = installed.show("MainPID")
    told = installed.run(VOXEDGE_PATH, "install", "--executable", VOXEDGE_PATH)
    assert ": written" not in told
    assert told.count(": unchanged") == 7
    assert installed.show("MainPID") == pid, "a reader that reads is not restarted for nothing"
    assert installed.run("systemctl", "is-enabled", "voxedge.service", "voxedge.socket") == (
        "enabled\nenabled"
    )


def test_active_within_ten_seconds_of_start(installed: Container) -> None:
    installed.run("systemctl", "stop", "voxedge.service", "voxedge.socket")
    begun_s = time.monotonic()
    installed.run("systemctl", "start", "voxedge.service")
    took_s = time.monotonic() - begun_s
    print(f"start_s: {took_s:.2f}")
    assert installed.show("ActiveState") == "active"
    assert took_s < 10
    assert installed.run("systemctl", "is-active", "voxedge.socket") == "active"


def test_it_runs_in_the_sandbox_that_the_unit_promises(reader: Container) -> None:
    status = reader.ask("status")
    assert status["uid"] != 0
    assert status["uid"] == int(reader.run("id", "-u", "voxedge"))
    for group in ("audio", "video", "gpio"):
        gid = int(reader.run("getent", "group", group).split(":")[2])
        assert gid in status["groups"]
    assert status["cwd"] == "/run/voxedge"
    assert status["state_directory"] == "/var/lib/voxedge"
    assert status["chunks"] == 3, "a worker process runs and speaks inside the sandbox"
    assert status["sandbox"] == {
        "seccomp": "2",
        "no_new_privs": "1",
        "capabilities": "0000000000000000",
        "core_limit": "0",
        "writable": ["/var/lib/voxedge", "/run/voxedge"],
        "sees_home": False,
        "sees_meminfo": True,
    }


def test_the_socket_starts_the_reader(reader: Container) -> None:
    reader.run("systemctl", "stop", "voxedge.service")
    assert reader.show("ActiveState") == "inactive"
    status = reader.ask("status")
    assert status["activated"] == 1
    assert reader.show("ActiveState") == "active"
    mode = reader.run("stat", "--format=%a %U %G", "/run/voxedge/control.sock")
    assert mode == "660 voxedge voxedge"


def test_a_killed_worker_is_back_within_two_seconds(reader: Container) -> None:
    before = reader.ask("status")
    begun_s = time.monotonic()
    reader.ask("kill_worker")
    after = reader.ask("status")  # Waits for the worker and has it speak.
    took_s = time.monotonic() - begun_s
    print(f"worker_back_s: {took_s:.2f}")
    assert after["worker_pid"] != before["worker_pid"]
    assert after["pid"] == before["pid"], "the daemon itself goes on"
    assert after["chunks"] == 3
    assert took_s < 2


def test_stop_takes_less_than_five_seconds_and_leaves_nobody(reader: Container) -> None:
    status = reader.ask("status")
    begun_s = time.monotonic()
    reader.run("systemctl", "stop", "voxedge.service")
    took_s = time.monotonic() - begun_s
    print(f"stop_s: {took_s:.2f}")
    assert took_s < 5
    assert reader.show("Result") == "success"
    for pid in (status["pid"], status["worker_pid"]):
        assert reader.run("sh", "-c", f"test -e /proc/{pid} || echo gone") == "gone"


def test_reload_keeps_the_process(reader: Container) -> None:
    pid = reader.show("MainPID")
    reader.run("systemctl", "reload", "voxedge.service")
    reader.until(
        lambda: reader.show("StatusText") == "Ready again", 10, "the daemon tells the reload"
    )
    assert reader.show("MainPID") == pid
    assert reader.show("ActiveState") == "active"


@pytest.fixture
def short_watchdog(installed: Container) -> Iterator[Container]:
    """The unit as shipped, but with a watchdog of 2 s instead of 20."""
    folder = "/run/systemd/system/voxedge.service.d"
    installed.run(
        *("sh", "-c"),
        f"mkdir -p {folder} && printf '[Service]\\nWatchdogSec=2s\\n' > {folder}/test.conf",
    )
    installed.run("systemctl", "daemon-reload")
    installed.run("systemctl", "restart", "voxedge.service")
    yield installed
    installed.run("rm", "-r", folder)
    installed.run("systemctl", "daemon-reload")


@pytest.mark.parametrize("trouble", ["wedge", "stall"])
def test_a_reader_that_makes_no_progress_is_restarted_by_the_watchdog(
    short_watchdog: Container, trouble: str
) -> None:
    reader = short_watchdog
    pid, restarts = reader.show("MainPID"), int(reader.show("NRestarts"))
    reader.ask(trouble)
    took_s = reader.until(
        lambda: int(reader.show("NRestarts")) > restarts and reader.show("SubState") == "running",
        30,
        "the watchdog restarts the service",
    )
    print(f"{trouble}_back_s: {took_s:.2f}")
    assert reader.show("MainPID") != pid
    assert reader.ask("status")["chunks"] == 3
    assert "Watchdog timeout" in reader.journal()
    if trouble == "wedge":
        assert "time.sleep(3600)" not in reader.journal()
        assert "stand_in_daemon.py" in reader.journal(), "the journal tells where it was wedged"
    else:
        assert "heart silent for" in reader.journal()


@pytest.mark.parametrize("trouble", ["crash", "fail"])
def test_a_failed_reader_says_so_and_restarts(reader: Container, trouble: str) -> None:
    reader.run("systemctl", "reset-failed", "voxedge-failure.service", check=False)
    told_before = reader.journal("voxedge-failure.service").count("loudspeaker:")
    restarts = int(reader.show("NRestarts"))
    reader.ask(trouble)
    reader.until(
        lambda: int(reader.show("NRestarts")) > restarts and reader.show("SubState") == "running",
        20,
        "the service restarts",
    )
    told = [
        line
        for line in reader.journal("voxedge-failure.service").splitlines()
        if "loudspeaker:" in line
    ]
    assert len(told) == told_before + 1, "said once, and before the reader runs again"
    assert int(told[-1].split()[1]) > 20_000, "about two seconds of speech"


def test_an_orderly_stop_is_not_called_a_failure(reader: Container) -> None:
    told_before = reader.journal("voxedge-failure.service").count("loudspeaker:")
    reader.run("systemctl", "stop", "voxedge.service")
    assert reader.journal("voxedge-failure.service").count("loudspeaker:") == told_before


def test_the_journal_has_structured_fields(reader: Container) -> None:
    reader.ask("status")
    entries = reader.run(
        *("journalctl", "--no-pager", "--output=json"), "VOXEDGE_EVENT=worker_ready"
    ).splitlines()
    entry = json.loads(entries[-1])
    assert entry["SYSLOG_IDENTIFIER"] == "voxedge"
    assert entry["VOXEDGE_PART"] == "voice"
    assert entry["PRIORITY"] == "6"
    assert int(entry["VOXEDGE_DURATION_MS"]) > 0


def test_uninstall_leaves_the_library_and_purge_does_not(installed: Container) -> None:
    installed.run("touch", "/var/lib/voxedge/library.sqlite")
    told = installed.run(VOXEDGE_PATH, "uninstall")
    assert "kept" in told
    assert installed.run("ls", "/var/lib/voxedge") == "library.sqlite"
    assert installed.run("systemctl", "is-active", "voxedge.service", check=False) == "inactive"
    left = installed.run("sh", "-c", "find /etc /run -name '*voxedge*' -not -name '*.d'")
    assert left.split() == ["/etc/voxedge"]

    installed.run(VOXEDGE_PATH, "uninstall", "--purge")
    left = installed.run("sh", "-c", "ls -d /etc/voxedge /var/lib/voxedge 2>&1 || true")
    assert "No such file" in left
    assert installed.run("getent", "passwd", "voxedge", check=False) == ""
