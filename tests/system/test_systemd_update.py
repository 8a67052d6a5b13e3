"""The image's own units under a real systemd: a trial is judged, a stick looked at, a walk begun.

The reader is the real daemon with stand-in engines; the firmware's word is a file that is mounted
over the kernel command line. Skipped with a reason where no container can be booted.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest
from test_systemd_container import REPO, SCRIPT, Container, base_root, put, remove_cgroup
from test_systemd_reader import VOXEDGE, VOXEDGE_PATH, wheels_tree

from voxedge.system.autoboot import Autoboot
from voxedge.system.slots import Note, Phase, Update

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

OVERLAY = REPO / "image-build/overlay"
UNITS = OVERLAY / "usr/lib/systemd/system"


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A booted system that believes to run from slot B, while A is committed."""
    base, wheels = base_root(), wheels_tree()
    work = tmp_path_factory.mktemp("card")
    upper = work / "upper"
    opt = upper / "opt/voxedge"
    shutil.copytree(
        REPO / "voxedge", opt / "lib/voxedge", ignore=shutil.ignore_patterns("__pycache__")
    )
    # Half a minute of steady health is long for a test.
    judge = opt / "lib/voxedge/system/confirm.py"
    judge.write_text(judge.read_text().replace("STEADY_S = 30.0", "STEADY_S = 2.0"))
    shutil.copytree(REPO / "systemd", opt / "lib/systemd")
    shutil.copy(REPO / "models/manifest.toml", opt / "lib/voxedge/models")
    put(opt / "bin/voxedge", VOXEDGE)
    put(
        opt / "bin/python3",
        '#!/bin/sh\nPYTHONPATH=/opt/voxedge/lib:/opt/voxedge/wheels exec /usr/bin/python3 "$@"\n',
    )
    shutil.copytree(UNITS, upper / "usr/lib/systemd/system", dirs_exist_ok=True)
    shutil.copytree(OVERLAY / "usr/lib/voxedge", upper / "usr/lib/voxedge")
    put(upper / "boot/selector/autoboot.txt", Autoboot("A").text())
    put(upper / "etc/fake-cmdline", "root=PARTLABEL=ROOT_B ro")
    note = Note({"A": True, "B": True}, Update("B", Phase.TRYING, ("voice",)))
    put(upper / "data/device/slots.json", note.to_json().decode())
    for folder in (upper, upper / "usr", upper / "usr/lib", opt.parent, opt, opt / "lib"):
        folder.chmod(0o755)
    name = f"voxedge-card-{os.getpid()}"
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
        found.run("mount", "--bind", "/etc/fake-cmdline", "/proc/cmdline")
        found.run(VOXEDGE_PATH, "install", "--executable", VOXEDGE_PATH)
        yield found
    finally:
        boot.kill()
        boot.wait()
        remove_cgroup(name)


def test_a_healthy_trial_is_committed_by_the_unit(card: Container) -> None:
    answer = card.run(
        "/usr/lib/voxedge/rauc-bootloader", "get-primary"
    )  # what RAUC would read before
    assert answer == "B"
    card.run("systemctl", "start", "voxedge-confirm.service")
    journal = card.journal("voxedge-confirm.service")
    assert "this start is: trial" in journal
    assert card.run("cat", "/boot/selector/autoboot.txt") == Autoboot("B").text().strip()
    assert json.loads(card.run("cat", "/data/device/slots.json"))["update"] is None
    assert card.run("systemctl", "is-active", "voxedge.service") == "active"


def test_the_next_start_is_an_ordinary_one_and_the_guard_rests(card: Container) -> None:
    card.run("systemctl", "start", "voxedge-confirm.service")
    assert "this start is: ordinary" in card.journal("voxedge-confirm.service")
    card.run("test", "-e", "/run/voxedge-trial-settled")
    card.run("systemctl", "start", "voxedge-trial-guard.service")
    assert card.run("systemctl", "is-system-running") == "running"


def test_a_stick_that_is_none_is_told_from_within_the_sandbox(card: Container) -> None:
    card.run("systemctl", "start", "voxedge-stick@no-such-stick.service", check=False)
    journal = card.journal("voxedge-stick@no-such-stick.service")
    assert "/dev/no-such-stick on the memory stick is not taken" in journal
    card.run("systemctl", "reset-failed", "voxedge-stick@no-such-stick.service")


def test_without_key_and_network_nothing_of_the_network_runs(card: Container) -> None:
    for unit in ("voxedge-ssh.service", "voxedge-wifi.service"):
        card.run("systemctl", "start", unit)
        assert card.run("systemctl", "is-active", unit, check=False) == "inactive"
    state = card.run("systemctl", "is-active", "systemd-networkd.service", check=False)
    assert state != "active"


def test_the_self_test_lets_the_reader_make_way_and_come_back(card: Container) -> None:
    drop_in = "/run/systemd/system/voxedge-selftest.service.d/short.conf"
    only = f"[Service]\nExecStart=\nExecStart={VOXEDGE_PATH} selftest --only clock --only power\n"
    card.run("sh", "-c", f"mkdir -p $(dirname {drop_in}) && printf '{only}' > {drop_in}")
    card.run("systemctl", "daemon-reload")
    before = card.show("MainPID")
    card.run("systemctl", "start", "voxedge-selftest.service")
    card.until(
        lambda: "The self-test is done." in card.journal("voxedge-selftest.service"),
        60,
        "the walk ends",
    )
    card.until(lambda: card.show("ActiveState") == "active", 30, "the reader is back")
    assert card.show("MainPID") not in ("0", before)
