"""What the booted image must do, one step after the other; each says what it saw."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imagebuild.errors import BootTestFailed
from imagebuild.guest import Guest
from imagebuild.machine import Card, Machine
from imagebuild.soundmatch import Floats, compare, samples
from imagebuild.twin import wait_at_rest, wait_finished

TAPE = "/run/voxedge/tape.wav"
MEMORY_LIMIT_MB = 1000
EXPOSURE_LIMIT = 2.0
"""Of ``systemd-analyze security``; the unit has 1.6 (docs/integrators/service.md)."""


@dataclass(slots=True)
class Report:
    """What was seen, line by line; also printed as it happens."""

    say: Callable[[str], None]
    lines: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Add a line."""
        self.lines.append(text)
        self.say(text)


def boot(
    card: Card,
    disk: Path,
    work: Path,
    name: str,
    timeout_s: float,
    masked: Sequence[str] = (),
    sticks: Sequence[Path] = (),
    *,
    steady: bool = False,
) -> tuple[Machine, Guest]:
    """Start the board and wait for the test's agent, which comes up early in the boot."""
    machine = Machine(card, disk, work, name, masked, sticks, steady=steady)
    try:
        guest = Guest(machine)
        guest.wait_hello(timeout_s)
    except BaseException:
        machine.pull_plug()
        raise
    return machine, guest


def wait_ready(machine: Machine, guest: Guest, report: Report, timeout_s: float) -> None:
    """Wait until the reader says that it is ready; note what that cost."""
    guest.wait_for("systemctl is-active voxedge.service", "active", timeout_s)
    kernel = guest.run("cut -d. -f1 /proc/uptime")
    report.note(
        f"ready: {machine.cpu_s():.0f} s of emulator CPU after power on, guest clock {kernel} s"
    )


def check_system(guest: Guest, report: Report) -> None:
    """The root is read-only under a layer, DATA has grown, nothing failed, nobody can log in."""
    failed = guest.run("systemctl --failed --no-legend --plain | cut -d' ' -f1")
    _must(not failed, f"failed units: {failed.split()}")
    report.note("failed units: none")
    root = guest.run("findmnt -no FSTYPE / ; findmnt -no OPTIONS /run/voxedge-root/lower")
    _must(root.startswith("overlay") and "\nro" in root, f"the root is {root}")
    size_mib = int(guest.run("df -BM --output=size /data | tail -1").strip(" M"))
    _must(size_mib > 300, f"DATA has {size_mib} MiB and has not grown")
    report.note(f"root: read-only under a layer in memory; DATA grew to {size_mib} MiB")
    where = guest.run("findmnt -no SOURCE /var/lib/voxedge")
    _must("[/voxedge]" in where, f"/var/lib/voxedge is {where or 'not mounted'}")
    swap = guest.run("swapon --show=NAME --noheadings")
    _must("zram" in swap, "no zram")
    open_ports = guest.run("ss -Hltn 2>/dev/null | grep -v -e 127.0.0 -e '\\[::1\\]' || true")
    _must(not open_ports, f"listens to the network: {open_ports}")
    accounts = guest.run("cut -d: -f1,2 /etc/shadow")
    unlocked = [a for a in accounts.splitlines() if not re.search(r":[*!]", a)]
    _must(not unlocked, f"accounts with a password: {unlocked}")
    report.note("network: nothing listens; accounts with a password: none")


def check_sandbox(guest: Guest, report: Report) -> None:
    """The limits of the unit hold in a real kernel."""
    line = guest.run("systemd-analyze security --no-pager voxedge.service | tail -1")
    found = re.search(r"(\d+\.\d+)", line)
    exposure = float(found[1]) if found else 10.0
    _must(exposure <= EXPOSURE_LIMIT, f"exposure: {line}")
    pid = guest.run("systemctl show -P MainPID voxedge")
    status = guest.run(f"grep -E '^(NoNewPrivs|CapBnd|Seccomp):' /proc/{pid}/status")
    values = dict(re.findall(r"(\w+):\s+(\w+)", status))
    _must(values.get("NoNewPrivs") == "1" and values.get("Seccomp") == "2", status)
    _must(int(values.get("CapBnd", "1"), 16) == 0, status)
    limit = int(guest.run("systemctl show -P MemoryMax voxedge"))
    inside = guest.run("cat /sys/fs/cgroup/system.slice/voxedge.service/memory.max")
    _must(int(inside) == limit, f"memory.max is {inside}")
    report.note(
        f"sandbox: exposure {exposure}, no capabilities, seccomp, memory.max {limit >> 20} MiB"
    )


def check_memory(guest: Guest, report: Report, when: str) -> None:
    """The whole system takes less than a gigabyte."""
    lines = dict(re.findall(r"(\w+):\s+(\d+) kB", guest.run("cat /proc/meminfo")))
    used_mb = (int(lines["MemTotal"]) - int(lines["MemAvailable"])) * 1024 / 1e6
    reader_mb = int(guest.run("systemctl show -P MemoryCurrent voxedge")) / 1e6
    _must(used_mb < MEMORY_LIMIT_MB, f"{used_mb:.0f} MB are in use")
    report.note(
        f"memory {when}: {used_mb:.0f} MB in use of {int(lines['MemTotal']) / 1e6:.1f} GB, "
        f"the reader's unit {reader_mb:.0f} MB with its file pages"
    )


def read_page(
    machine: Machine, guest: Guest, twin: Floats, report: Report, timeout_s: float
) -> None:
    """READ through the control socket; what it says is compared with the twin's tape."""

    def status() -> Any:
        return guest.ask({"type": "status"})["status"]

    wait_at_rest(status, timeout_s)
    begun_s, start = machine.cpu_s(), int(guest.run(f"stat -c %s {TAPE}"))
    guest.ask({"type": "do", "action": "read"})
    took_s = wait_finished(status, timeout_s)
    cpu_s = machine.cpu_s() - begun_s
    said = guest.fetch(TAPE, start)
    match = compare(twin, samples(said))
    report.note(f"page read in {took_s:.0f} s, {cpu_s:.0f} s of emulator CPU")
    report.note(
        f"spoken, against this machine's reader: {match.length_ratio:.3f} times as long, "
        f"log-mel {match.distance_db:.2f} dB apart"
    )
    _must(match.same, "the guest did not say the same")


def hang_reader(guest: Guest, report: Report, timeout_s: float) -> None:
    """A reader that hangs is killed by its watchdog and comes back."""
    guest.run(
        "d=/run/systemd/system/voxedge.service.d; mkdir -p $d; cd $d; "
        "printf '[Service]\\nWatchdogSec=45s\\n' > 91-hang.conf; "
        "systemctl daemon-reload; systemctl restart voxedge.service",
        timeout_s=timeout_s,
    )
    guest.wait_for("systemctl is-active voxedge.service", "active", timeout_s)
    guest.run("systemctl kill --kill-whom=main -s STOP voxedge.service")
    guest.wait_for("systemctl show -P NRestarts voxedge", "1", timeout_s)
    guest.wait_for("systemctl is-active voxedge.service", "active", timeout_s)
    told = guest.run("journalctl -u voxedge --no-pager -o cat | grep -c 'Watchdog timeout' || true")
    _must(told != "0", "the journal does not tell of the watchdog")
    report.note("a hanging reader: killed by the watchdog and started again")


def power_off(machine: Machine, guest: Guest, report: Report, timeout_s: float) -> None:
    """It switches itself off, and in order."""
    guest.run("systemctl --no-block poweroff")
    begun_s = time.monotonic()
    machine.wait_off(timeout_s)
    report.note(f"power off: clean, after {time.monotonic() - begun_s:.0f} s")


def _must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise BootTestFailed(otherwise)
