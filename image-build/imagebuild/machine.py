"""The emulated board: qemu's ``virt`` with a Cortex-A72, the image's own kernel and initramfs.

qemu's model of the Pi 4 has no USB, no network and does not start Debian's kernel (it lacks an
interrupt controller). ``virt`` runs the same instructions; what it cannot show is the Pi's firmware
and devices.

The image is not changed for the test: everything written goes to a copy-on-write layer, and the
test's own unit comes as a credential on the kernel command line (systemd.extra-unit, systemd 256
and newer), which only who holds the machine can give.
"""

from __future__ import annotations

import base64
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from imagebuild.errors import BootTestFailed
from imagebuild.layout import offset_mib
from imagebuild.plan import MIB
from imagebuild.process import find_tool, run

CREDENTIALS = {
    # Brings the test disk in before the reader starts.
    "systemd.extra-unit.voxtest.service": r"""[Unit]
DefaultDependencies=no
Requires=dev-disk-by\x2dlabel-VOXTEST.device
After=dev-disk-by\x2dlabel-VOXTEST.device
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=mkdir -p /run/voxtest
ExecStart=mount -r LABEL=VOXTEST /run/voxtest
""",
    "systemd.extra-unit.voxagent.service": r"""[Unit]
DefaultDependencies=no
Requires=voxtest.service
After=voxtest.service
[Service]
ExecStart=/usr/bin/python3 -I /run/voxtest/guest_agent.py /dev/virtio-ports/voxtest
Environment=SYSTEMD_BUS_TIMEOUT=900
Restart=always
RestartSec=1
""",
    # An emulated processor on a busy machine: the image's own limits would judge the emulator.
    "systemd.unit-dropin.voxedge.service": """[Unit]
Wants=voxtest.service
After=voxtest.service
[Service]
ExecStart=
ExecStart=/opt/voxedge/bin/voxedge run --camera /run/voxtest/pictures --sink /run/voxedge/tape.wav
WatchdogSec=600
TimeoutStartSec=1800
""",
}
"""Units of the test (systemd.system-credentials(7)); systemd reads them once, at its own start, so
that nothing has to be loaded again while the emulator is busy."""

STEADY = ["-icount", "shift=2,sleep=on,align=off"]
"""4 ns an instruction: 250 million a second for both cores together, a fraction of a Pi 4's. Limits
that the image itself sets, as the trial of an update does, then hold of the guest's work, and not
of how much of this machine the emulator gets. Both cores share one thread."""

MEMORY_MIB = 4096
"""That of the Pi 4B."""


@dataclass(frozen=True, slots=True)
class Card:
    """What the board starts from.

    Attributes:
        disk: the copy-on-write layer over the image.
        kernel: of the image's first boot partition.
        initrd: likewise.
        cmdline: likewise.
        tree: device tree in which the firmware says what it started (``firmware.py``); None leaves
            that to the emulator, which says nothing of slots.
    """

    disk: Path
    kernel: Path
    initrd: Path
    cmdline: str
    tree: Path | None = None


def make_card(image: Path, work: Path, extra_mib: int = 256) -> Card:
    """Make a card of an uncompressed image; it is ``extra_mib`` larger, as every real one is.

    The layer of an earlier run in ``work`` is kept: see ``pullstate``.
    """
    disk = work / "card.qcow2"
    size = image.stat().st_size + extra_mib * MIB
    if not disk.exists():
        run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", image, disk, str(size)])
    return boot_card(image, offset_mib("BOOT_A") * MIB, disk, work)


def boot_card(image: Path, offset: int, disk: Path, work: Path) -> Card:
    """Return a card that starts what lies on a boot partition: at ``offset`` bytes of ``image``.

    Raises:
        CommandFailed: the partition has no kernel.
    """
    for name in ("vmlinuz", "initrd.img", "cmdline.txt"):
        run(["mcopy", "-n", "-i", f"{image}@@{offset}", f"::/{name}", work / name])
    cmdline = (work / "cmdline.txt").read_text(encoding="ascii").strip()
    return Card(disk, work / "vmlinuz", work / "initrd.img", cmdline)


class Machine:
    """One start of the board, from power on to power off.

    Attributes:
        log: what the console said.
        saved: numbers that ``guest_shelf.py`` wrote, complete also after the plug was pulled.

    Args:
        card: what it starts from.
        test_disk: read-only, labelled VOXTEST (``testdisk.py``).
        work: for the console's log and the channel's socket.
        name: of this start, for the log.
        masked: units that are not to be started.
        sticks: memory sticks that ``plug`` can put into its USB port.
        steady: let the guest's clock count instructions (``STEADY``).
    """

    def __init__(
        self,
        card: Card,
        test_disk: Path,
        work: Path,
        name: str,
        masked: Sequence[str] = (),
        sticks: Sequence[Path] = (),
        *,
        steady: bool = False,
    ) -> None:
        self.log = work / f"{name}.log"
        self.saved = work / f"{name}.saved"
        self._sticks = tuple(sticks)
        self._steady = steady
        self._socket = work / f"{name}.sock"
        self._monitor = work / f"{name}.mon"
        for path in (self._socket, self._monitor):
            path.unlink(missing_ok=True)
        self.begun_s = time.monotonic()
        with (work / f"{name}.qemu").open("wb") as errors:
            self._process = subprocess.Popen(
                self._command(card, test_disk, masked),
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
            )

    def _command(self, card: Card, test_disk: Path, masked: Sequence[str]) -> list[str]:
        silent = ("console=", "quiet", "loglevel=", "systemd.show_status=")
        words = [word for word in card.cmdline.split() if not word.startswith(silent)]
        words += ["console=ttyAMA0", "systemd.show_status=yes", "systemd.wants=voxagent.service"]
        # Devices come slowly where every instruction is emulated.
        words += ["systemd.default_device_timeout_sec=1800"]
        for name, text in CREDENTIALS.items():
            encoded = base64.b64encode(text.encode()).decode()
            words.append(f"systemd.set_credential_binary={name}:{encoded}")
        words += [f"systemd.mask={unit}" for unit in masked]
        drives = []
        for number, (path, kind) in enumerate(((card.disk, "qcow2"), (test_disk, "raw"))):
            ro = ",readonly=on" if kind == "raw" else ""
            drives += ["-drive", f"if=none,file={path},format={kind},id=d{number}{ro}"]
            drives += ["-device", f"virtio-blk-device,drive=d{number}"]
        more = ["-dtb", str(card.tree)] if card.tree else []
        more += STEADY if self._steady else []
        if self._sticks:
            more += ["-device", "qemu-xhci,id=usb"]
            more += ["-monitor", f"unix:{self._monitor},server=on,wait=off"]
        for number, stick in enumerate(self._sticks):
            more += ["-drive", f"if=none,file={stick},format=raw,id=stick{number},readonly=on"]
        # The last device on the command line is the first disk that Linux sees on this bus; what
        # is mounted is found by label, so that this does not matter.
        return [
            find_tool("qemu-system-aarch64") or "qemu-system-aarch64",
            *("-M", "virt", "-cpu", "cortex-a72", "-smp", "2", "-m", str(MEMORY_MIB)),
            *("-display", "none", "-nic", "none", "-no-reboot"),
            *("-chardev", f"file,id=console,path={self.log}", "-serial", "chardev:console"),
            *("-kernel", str(card.kernel), "-initrd", str(card.initrd)),
            *("-append", _within_limit(" ".join(words))),
            *drives,
            *more,
            *("-device", "virtio-serial-device"),
            *("-chardev", f"socket,id=agent,path={self._socket},server=on,wait=off"),
            *("-device", "virtserialport,chardev=agent,name=voxtest"),
            *("-chardev", f"file,id=saved,path={self.saved}"),
            *("-device", "virtserialport,chardev=saved,name=voxsaved"),
        ]

    def connect(self, timeout_s: float) -> socket.socket:
        """Return a connection to the guest's agent; it may not be there yet.

        Raises:
            BootTestFailed: the emulator ended.
        """
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            self.need_running()
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(self._socket))
                return connection
            except OSError:
                connection.close()
                time.sleep(0.2)
        raise BootTestFailed("The emulator made no channel.")

    def need_running(self) -> None:
        """Raise BootTestFailed if the emulator ended by itself."""
        if self._process.poll() is not None:
            raise BootTestFailed(
                f"The emulator ended with {self._process.returncode}.\n{self.last_lines()}"
            )

    def last_lines(self, count: int = 15) -> str:
        """Return the end of the console's log."""
        text = self.log.read_text("utf-8", "replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-count:])

    def cpu_s(self) -> float:
        """Return the processor time of the emulator so far: user and system, all threads."""
        fields = (
            Path(f"/proc/{self._process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        )
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait_off(self, timeout_s: float) -> None:
        """Wait until the guest has switched itself off.

        Raises:
            BootTestFailed: it did not, or not cleanly.
        """
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            self.pull_plug()
            raise BootTestFailed(f"It did not switch off.\n{self.last_lines()}") from error
        if code != 0 or "Power down" not in self.last_lines(40):
            raise BootTestFailed(f"It did not switch off cleanly ({code}).\n{self.last_lines()}")

    def plug(self, number: int = 0) -> None:
        """Put a memory stick into the USB port.

        Raises:
            BootTestFailed: the emulator has no such stick.
        """
        if number >= len(self._sticks):
            raise BootTestFailed(f"There is no stick {number}.")
        self._tell_monitor(f"device_add usb-storage,bus=usb.0,drive=stick{number},id=in{number}")

    def _tell_monitor(self, line: str) -> None:
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.settimeout(60)
            monitor.connect(str(self._monitor))
            monitor.sendall(f"{line}\n".encode())
            told = b""
            # It greets, shows what was typed, answers, and asks for more.
            while told.count(b"(qemu) ") < 2:
                piece = monitor.recv(4096)
                if not piece:
                    break
                told += piece
        if b"Error" in told:
            raise BootTestFailed(f"The emulator does not take {line!r}: {told!r}")

    def wait_restart(self, timeout_s: float) -> str:
        """Wait until the guest restarts itself; return the word it gives to its firmware.

        The kernel says it last of all: "0 tryboot" for a trial, "" for an ordinary restart.

        Raises:
            BootTestFailed: it does not, or it ended in another way.
        """
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            self.pull_plug()
            raise BootTestFailed(f"It did not restart.\n{self.last_lines()}") from error
        word = restart_word(self.last_lines(40))
        if code != 0 or word is None:
            raise BootTestFailed(f"It did not restart but ended ({code}).\n{self.last_lines()}")
        return word

    def pull_plug(self) -> None:
        """End it in the middle of whatever it does. Idempotent."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        for path in (self._socket, self._monitor):
            path.unlink(missing_ok=True)


def restart_word(console: str) -> str | None:
    """Return what the kernel said to the firmware at a restart; None where it did not restart."""
    found = re.findall(r"reboot: Restarting system(?: with command '([^']*)')?", console)
    return found[-1] if found else None


CMDLINE_LIMIT = 2048
"""Of Linux on arm64, its final NUL included; what is longer is cut off."""


def _within_limit(cmdline: str) -> str:
    if len(cmdline) >= CMDLINE_LIMIT:
        raise BootTestFailed(f"The kernel command line has {len(cmdline)} characters.")
    return cmdline
