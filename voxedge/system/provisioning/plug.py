"""Run when a stick is plugged in, and at the start for one that is there.

``voxedge-stick@.service`` runs this as root for each FAT or exFAT file system on USB: mount it
read-only, take what it brings, have it told, put it to use, and install an update if there is one.
"""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from voxedge.errors import StickRefused, VoxedgeError
from voxedge.system import storage as durable
from voxedge.system.places import Places
from voxedge.system.provisioning.stick import KEYS, SETTINGS, WIFI, names_on
from voxedge.system.provisioning.take import take
from voxedge.system.reader_line import Line, SocketReader
from voxedge.system.slots import Slots
from voxedge.system.storage import Disk, Storage
from voxedge.system.update import Tools, update

log = logging.getLogger(__name__)

READER_COMES_S = 120.0
MOUNT_TIMEOUT_S = 60.0
FILE_SYSTEMS = "vfat,exfat"
"""What every computer writes. Each more is one more parser of strange bytes in the kernel."""

MOUNT_OPTIONS = "ro,nodev,nosuid,noexec,nosymfollow"
RESTARTED = {
    SETTINGS.name: "voxedge.service",
    WIFI.name: "voxedge-wifi.service",
    KEYS.name: "voxedge-ssh.service",
}
"""File to the unit that reads it at its start."""

SELFTEST_FILE = "selftest.txt"
SELFTEST_UNIT = "voxedge-selftest.service"
UNREADABLE = "I cannot read this stick."
SEVERAL_UPDATES = "There are several updates on the stick. I do not know which one you want."
TAIL_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Hands:
    """What is done to the system; tests do it to a folder.

    Attributes:
        places: of the files.
        storage: writes them.
        line: to the reader.
        restart_unit: starts a unit anew.
        update: installs a bundle; raises VoxedgeError.
    """

    places: Places
    storage: Storage
    line: Line
    restart_unit: Callable[[str], None]
    update: Callable[[Path], None]


def use(folder: Path, hands: Hands) -> None:
    """Do everything that a mounted stick asks for."""
    taken = take(folder, hands.places, hands.storage)
    for refused in taken.refused:
        log.warning("%s", refused)
    if SETTINGS.name in taken.changed:
        # The reader starts anew with them: let what it says come to its end.
        hands.line.let_finish()
    for name in taken.changed:
        log.info("taken: %s", name)
        hands.restart_unit(RESTARTED[name])
    if taken.spoken:
        # One text: of two notices the newer would take the place of the other.
        hands.line.say(" ".join(taken.spoken), wait_s=READER_COMES_S)
        hands.line.let_finish()
    _update_from(folder, hands)
    if _has_selftest(folder):
        hands.restart_unit(SELFTEST_UNIT)


def _has_selftest(folder: Path) -> bool:
    """Return whether an assembler wants the walk; the content of the file does not matter."""
    try:
        return SELFTEST_FILE in (name.casefold() for name in names_on(folder))
    except StickRefused:
        return False


def _update_from(folder: Path, hands: Hands) -> None:
    try:
        bundles = [name for name in names_on(folder) if name.lower().endswith(".raucb")]
    except StickRefused:
        return
    # What is no plain file is not looked at: its name may lead anywhere.
    paths = [folder / name for name in bundles if not name.startswith(".")]
    paths = [path for path in paths if path.is_file() and not path.is_symlink()]
    if len(paths) > 1:
        hands.line.say(SEVERAL_UPDATES, wait_s=READER_COMES_S)
        return
    for path in paths:
        mark = _mark_of(path)
        seen = hands.places.device / "last-update"
        if mark is None or _read(hands.storage, seen) == mark:
            # It was installed before; a stick that stays in its socket must not do it for ever.
            continue
        try:
            hands.update(path)
        except VoxedgeError as error:
            # Told by the update itself.
            log.warning("%s", error)


def remember(bundle: Path, places: Places, storage: Storage) -> None:
    """Note that a bundle was installed, before it is started on trial."""
    mark = _mark_of(bundle)
    if mark is not None:
        durable.replace(storage, places.device / "last-update", mark)


def _mark_of(path: Path) -> bytes | None:
    """Return what tells a bundle from others: its end holds the signature."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            file.seek(max(0, size - TAIL_BYTES))
            tail = file.read(TAIL_BYTES)
    except OSError:
        return None
    return f"{size} {hashlib.sha256(tail).hexdigest()}\n".encode()


def _read(storage: Storage, path: Path) -> bytes | None:
    try:
        return storage.read(path)
    except OSError:
        return None


@contextmanager
def mounted(device: str) -> Iterator[Path]:
    """Mount a stick where RAUC's service sees it too, and unmount it.

    Raises:
        StickRefused: it cannot be mounted.
    """
    folder = Path(tempfile.mkdtemp(prefix="voxedge-stick-", dir="/run"))
    command = ["mount", "-t", FILE_SYSTEMS, "-o", MOUNT_OPTIONS, device, os.fspath(folder)]
    try:
        if _run(command) != 0:
            raise StickRefused(name=device, what="anything", reason="the stick cannot be read")
        try:
            yield folder
        finally:
            # Lazily where something still looks at it: the stick may be gone already.
            _ = _run(["umount", os.fspath(folder)]) and _run(["umount", "-l", os.fspath(folder)])
    finally:
        folder.rmdir()


def _run(command: list[str]) -> int:
    try:
        return subprocess.run(command, check=False, timeout=MOUNT_TIMEOUT_S).returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("%s: %s", command[0], type(error).__name__)
        return 1


def _restart_unit(unit: str) -> None:
    # A unit whose condition does not hold (no key, no network) is stopped by this and not started.
    _run(["systemctl", "restart", unit])


def main(words: list[str]) -> int:
    """Handle one device; the exit code is what systemd sees."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    places, storage, line = Places(), Disk(), Line(SocketReader())

    def install(bundle: Path) -> None:
        tools = Tools(places, Slots(places, storage), line)
        remembering = _remembering(tools, bundle, storage)
        update(bundle, remembering, log.info)

    hands = Hands(places, storage, line, _restart_unit, install)
    try:
        with mounted(words[0]) as folder:
            use(folder, hands)
    except StickRefused as error:
        log.warning("%s", error)
        line.say(UNREADABLE, wait_s=READER_COMES_S)
        return 1
    return 0


def _remembering(tools: Tools, bundle: Path, storage: Storage) -> Tools:
    def restart() -> int:
        remember(bundle, tools.places, storage)
        return tools.restart()

    return Tools(tools.places, tools.slots, tools.line, tools.rauc, restart)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
