"""The image's own boot scripts, behind Debian's initramfs.

The kernel unpacks archives that follow each other, later files over earlier ones
(Documentation/driver-api/early-userspace/buffer-format.rst). The scripts are in the root's own
initramfs too, which is where their order comes from; this archive brings their present text, so
that a change of one does not cost an emulated ``update-initramfs``.
"""

from __future__ import annotations

from pathlib import Path

from imagebuild.plan import HERE

_ALIGNMENT = 4
_BLOCK = 512


def with_scripts(initrd: bytes, folder: Path = HERE / "initramfs/scripts") -> bytes:
    """Return an initramfs with the scripts of ``folder`` behind it."""
    files = {
        f"scripts/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return _padded(initrd, _ALIGNMENT) + cpio(files)


def cpio(files: dict[str, bytes]) -> bytes:
    """Return executable files as a cpio archive ("newc"), with the folders they need."""
    folders = sorted({p.as_posix() for name in files for p in Path(name).parents} - {"."})
    archive = b""
    entries = [(name, 0o040755, b"") for name in folders]
    entries += [(name, 0o100755, data) for name, data in sorted(files.items())]
    for number, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], start=1):
        archive += _entry(number, name, mode, data)
    return _padded(archive, _BLOCK)


def _entry(number: int, name: str, mode: int, data: bytes) -> bytes:
    encoded = name.encode() + b"\0"
    # inode, mode, owner, group, links, time, size, device x 2, own device x 2, name's size, check
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
    return _padded(head, _ALIGNMENT) + _padded(data, _ALIGNMENT)


def _padded(data: bytes, to: int) -> bytes:
    return data + bytes(-len(data) % to)
