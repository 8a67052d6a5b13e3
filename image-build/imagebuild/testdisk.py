"""The disk that the boot test puts beside the card: a page, drop-ins, the agent."""

from __future__ import annotations

import shutil
from pathlib import Path

from imagebuild.plan import HERE, MIB
from imagebuild.process import run

PAGE_TEXT = "Take one tablet in the morning.\n\nKeep it in a dry place.\n"
"""Short: an emulated processor reads and speaks some 50 times more slowly than this machine."""

READER_SLOW = """[Service]
ExecStart=
ExecStart=/opt/voxedge/bin/voxedge run --camera /run/voxtest/pictures --sink /run/voxedge/tape.wav
# An emulated processor on a busy machine: the limits of the image would judge the emulator.
WatchdogSec=300s
TimeoutStartSec=1200s
"""

MANAGER_SLOW = """[Manager]
DefaultDeviceTimeoutSec=600s
DefaultTimeoutStartSec=600s
"""

AGENT_UNIT = """[Unit]
DefaultDependencies=no
After=dev-virtio\\x2dports-voxtest.device
Requires=dev-virtio\\x2dports-voxtest.device
[Service]
ExecStart=/usr/bin/python3 -I /run/voxtest/guest_agent.py /dev/virtio-ports/voxtest
Restart=always
OOMScoreAdjust=-900
"""

BEGIN = """set -e
mkdir -p /run/systemd/system/voxedge.service.d
cp /run/voxtest/reader-slow.conf /run/systemd/system/voxedge.service.d/90-voxtest.conf
cp /run/voxtest/voxagent.service /run/systemd/system/
systemctl daemon-reload
systemctl --no-block start voxagent.service
"""


def make_test_disk(python: Path, work: Path) -> Path:
    """Make the disk and return it; ``scripts/make-page-photo`` sets and photographs the page."""
    tree = work / "testdisk"
    shutil.rmtree(tree, ignore_errors=True)
    (tree / "pictures").mkdir(parents=True)
    text = work / "page.txt"
    text.write_text(PAGE_TEXT, encoding="utf-8")
    script = HERE.parent / "scripts/make-page-photo"
    run([python, script, "page", text, tree / "pictures/page.jpg"])
    for name in ("guest_agent.py", "guest_shelf.py"):
        shutil.copyfile(Path(__file__).with_name(name), tree / name)
    for name, content in (
        ("begin", BEGIN),
        ("reader-slow.conf", READER_SLOW),
        ("voxagent.service", AGENT_UNIT),
    ):
        (tree / name).write_text(content, encoding="utf-8")
    for path in (tree, *tree.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    disk = work / "voxtest.img"
    with disk.open("wb") as stream:
        stream.truncate(32 * MIB)
    run(["mke2fs", "-q", "-t", "ext4", "-L", "VOXTEST", "-E", "root_owner=0:0", "-d", tree, disk])
    return disk
