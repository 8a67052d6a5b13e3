"""The real ``voxedge run`` under a real systemd as pid 1, sandboxed as shipped.

Its voice and page reader are stand-ins in real worker processes; there is no sound card, no camera
and no button, which it has to bear. Skipped with a reason where no container can be booted.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from test_systemd_container import (
    PREPARE_WITHIN_S,
    REPO,
    SCRIPT,
    Container,
    base_root,
    put,
    remove_cgroup,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

VOXEDGE_PATH = "/opt/voxedge/bin/voxedge"

VOXEDGE = """#!/usr/bin/python3
# An installed voxedge whose engines are stand-ins.
import sys
sys.path[:0] = ["/opt/voxedge/lib", "/opt/voxedge/wheels"]
import os
os.environ["PYTHONPATH"] = "/opt/voxedge/lib:/opt/voxedge/wheels"
from voxedge.cli.main import main
arguments = sys.argv[1:]
sys.exit(main([*arguments, "--engines", "fake"] if arguments == ["run"] else arguments))
"""


WORKERS = 3
"""Voice, page reader, camera; nothing listens without a recogniser."""


def wheels_tree() -> str:
    prepared = subprocess.run(
        [SCRIPT, "wheels"], check=False, capture_output=True, text=True, timeout=PREPARE_WITHIN_S
    )
    if prepared.returncode != 0:
        pytest.skip(f"no dependencies for the container: {prepared.stderr.strip()[-200:]}")
    return prepared.stdout.strip()


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    base, wheels = base_root(), wheels_tree()
    work = tmp_path_factory.mktemp("reader")
    opt = work / "upper" / "opt" / "voxedge"
    shutil.copytree(
        REPO / "voxedge", opt / "lib" / "voxedge", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(REPO / "systemd", opt / "lib" / "systemd")
    shutil.copy(REPO / "models" / "manifest.toml", opt / "lib" / "voxedge" / "models")
    put(opt / "bin" / "voxedge", VOXEDGE)
    for folder in (work / "upper", opt.parent, opt, opt / "lib"):
        folder.chmod(0o755)
    name = f"voxedge-reader-{os.getpid()}"
    with (work / "boot.log").open("wb") as log:
        boot = subprocess.Popen(
            [SCRIPT, "boot", f"{wheels}:{base}", work, name],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        found = Container(boot.pid)
        deadline_s = time.monotonic() + 30
        while found.run("systemctl", "is-system-running", check=False) != "running":
            if boot.poll() is not None or time.monotonic() > deadline_s:
                pytest.skip(f"systemd did not boot: {(work / 'boot.log').read_text()[-500:]}")
            time.sleep(0.1)
        found.run(VOXEDGE_PATH, "install", "--executable", VOXEDGE_PATH)
        yield found
    finally:
        boot.kill()
        boot.wait()
        remove_cgroup(name)


def status(box: Container) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(box.run(VOXEDGE_PATH, "status", "--json"))
    return answer


def workers(box: Container) -> dict[int, str]:
    """Process and command of each worker."""
    group = "/sys/fs/cgroup/system.slice/voxedge.service/cgroup.procs"
    each = f"for p in $(cat {group}); do echo $p $(tr '\\0' ' ' < /proc/$p/cmdline); done"
    lines = box.run("sh", "-c", each, check=False).splitlines()
    return {int(line.split()[0]): line for line in lines if "voxedge.engines.worker" in line}


def test_active_within_ten_seconds_and_in_the_sandbox(box: Container) -> None:
    box.run("systemctl", "stop", "voxedge.service", "voxedge.socket")
    begun_s = time.monotonic()
    box.run("systemctl", "start", "voxedge.service")
    took_s = time.monotonic() - begun_s
    print(f"start_s: {took_s:.2f}")
    assert box.show("ActiveState") == "active"
    assert took_s < 10
    pid = box.show("MainPID")
    lines = box.run("cat", f"/proc/{pid}/status").splitlines()
    found = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert found["Seccomp"] == "2"
    assert found["NoNewPrivs"] == "1"
    assert found["Uid"].split()[0] == box.run("id", "-u", "voxedge")
    box.until(lambda: len(workers(box)) == WORKERS, 20, "all workers run inside it")


def test_it_bears_a_box_without_loudspeaker_camera_and_buttons(box: Container) -> None:
    answer = status(box)
    assert answer["state"] == "idle"
    assert not answer["health"]["loudspeaker"]["ok"]
    refused = box.run(VOXEDGE_PATH, "do", "read")
    assert refused == ""
    box.until(lambda: "There is no camera" in box.journal(), 60, "the missing camera is told")
    box.until(lambda: status(box)["state"] == "idle", 5, "and it no longer waits for one")


def test_a_message_starts_the_reader(box: Container) -> None:
    box.run("systemctl", "stop", "voxedge.service")
    assert box.show("ActiveState") == "inactive"
    assert status(box)["state"] == "idle"
    assert box.show("ActiveState") == "active"
    mode = box.run("stat", "--format=%a %U %G", "/run/voxedge/control.sock")
    assert mode == "660 voxedge voxedge"


def test_a_killed_worker_is_back_within_two_seconds(box: Container) -> None:
    box.until(lambda: len(workers(box)) == WORKERS, 20, "all workers run")
    box.until(lambda: status(box)["health"]["voice"]["detail"] == "ready", 20, "the voice is up")
    pid = box.show("MainPID")
    ready = box.journal().count("worker voice ready")
    box.run("sh", "-c", f"kill -9 {min(workers(box))}")
    took_s = box.until(
        lambda: box.journal().count("worker voice ready") > ready, 10, "the voice is back"
    )
    print(f"worker_back_s: {took_s:.2f}")
    assert took_s < 2
    assert box.show("MainPID") == pid, "the daemon itself goes on"


def test_reload_says_what_has_changed_and_keeps_the_process(box: Container) -> None:
    pid = box.show("MainPID")
    box.run("sh", "-c", "printf '[voice]\\nrate = 1.3\\n' > /etc/voxedge/voxedge.toml")
    box.run("systemctl", "reload", "voxedge.service")
    box.until(lambda: status(box)["voice"]["rate"] == 1.3, 10, "the new speed")
    box.run("sh", "-c", "printf 'nonsense\\n' > /etc/voxedge/voxedge.toml")
    box.run("systemctl", "reload", "voxedge.service")
    box.until(lambda: "not valid TOML" in box.journal(), 10, "the mistake")
    assert status(box)["voice"]["rate"] == 1.3
    assert box.show("MainPID") == pid
    box.run("rm", "/etc/voxedge/voxedge.toml")


def test_stop_takes_less_than_five_seconds_and_leaves_nobody(box: Container) -> None:
    status(box)
    begun_s = time.monotonic()
    box.run("systemctl", "stop", "voxedge.service")
    took_s = time.monotonic() - begun_s
    print(f"stop_s: {took_s:.2f}")
    assert took_s < 5
    assert box.show("Result") == "success"
    assert workers(box) == {}


def test_a_wedged_reader_is_restarted_by_the_watchdog(box: Container) -> None:
    folder = "/run/systemd/system/voxedge.service.d"
    conf = "[Service]\\nWatchdogSec=4s\\nTimeoutStopSec=1s\\n"
    box.run("sh", "-c", f"mkdir -p {folder} && printf '{conf}' > {folder}/test.conf")
    box.run("systemctl", "daemon-reload")
    box.run("systemctl", "restart", "voxedge.service")
    try:
        time.sleep(8.0)
        restarts, pid = int(box.show("NRestarts")), int(box.show("MainPID"))
        assert pid > 1, f"a reader that works is left alone:\n{box.journal()[-2000:]}"
        assert restarts == 0
        box.run("sh", "-c", f"kill -STOP {pid}")
        took_s = box.until(
            lambda: int(box.show("NRestarts")) > restarts and box.show("SubState") == "running",
            30,
            "the watchdog restarts it",
        )
        print(f"wedged_back_s: {took_s:.2f}")
        assert status(box)["state"] == "idle"
        assert "Watchdog timeout" in box.journal()
    finally:
        box.run("rm", "-r", folder)
        box.run("systemctl", "daemon-reload")


def test_the_journal_tells_nothing_but_facts(box: Container) -> None:
    entries = box.run(
        *("journalctl", "--no-pager", "--output=json"), "VOXEDGE_EVENT=ready"
    ).splitlines()
    assert int(json.loads(entries[-1])["VOXEDGE_DURATION_MS"]) < 5000
    assert "Traceback" not in box.journal()
