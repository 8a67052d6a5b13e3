"""``image-build/compare``: are two builds equal to the byte, and if not, where do they differ?"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from imagebuild.errors import BuildsDiffer, CommandFailed, ImageError
from imagebuild.process import need_tools, run, say
from imagebuild.root import need_space

BLOCK = 4096
TOOLS = ("zstd", "debugfs")
_CHUNK_BLOCKS = 1024
_NAMED = 20
"""Files that are named; what goes wrong once goes wrong in hundreds."""

_WORK_NEEDS_BYTES = 5 << 30


def main(arguments: Sequence[str]) -> int:
    """Compare two folders of finished files; 0 where they are equal."""
    parser = argparse.ArgumentParser(
        prog="image-build/compare", description="Compare two builds, byte for byte."
    )
    for name in ("first", "second"):
        parser.add_argument(name, type=Path, metavar="DIR", help="output of image-build/build")
    parser.add_argument("--work", type=Path, default=Path("/var/tmp"), metavar="DIR")
    options = parser.parse_args(arguments)
    try:
        need_tools(TOOLS)
        for line in compare(options.first, options.second, options.work):
            print(line, flush=True)
        return 0
    except ImageError as error:
        say(f"compare: {error}")
        return error.exit_code


def compare(first: Path, second: Path, work: Path) -> Iterator[str]:
    """Yield a line for each file of the two builds.

    Raises:
        BuildsDiffer: at least one file differs; after the last line.
        CommandFailed: a folder holds no build.
    """
    names = [_names(folder) for folder in (first, second)]
    if names[0] != names[1]:
        raise BuildsDiffer(f"They hold other files: {sorted(names[0] ^ names[1])}.")
    differing = []
    for name in sorted(names[0]):
        one, two = first / name, second / name
        digest = _sha256(one)
        if digest == _sha256(two):
            yield f"{name}: equal, sha256 {digest}"
            continue
        differing.append(name)
        if name.endswith(".zst"):
            yield from _inside(one, two, work)
        else:
            yield f"{name}: differs"
    if differing:
        raise BuildsDiffer(f"The builds differ in {', '.join(differing)}.")
    yield "The two builds are equal to the byte."


def _names(folder: Path) -> frozenset[str]:
    names = frozenset(path.name for path in folder.glob("voxedge-*") if path.is_file())
    if not any(name.endswith(".img.zst") for name in names):
        raise CommandFailed(f"{folder} holds no finished build.")
    return names


def _inside(one: Path, two: Path, work: Path) -> Iterator[str]:
    """Unpack two file systems or images and say what differs in them."""
    need_space(work, _WORK_NEEDS_BYTES)
    folder = Path(tempfile.mkdtemp(prefix="voxedge-compare-", dir=work))
    try:
        plain = []
        for number, path in enumerate((one, two)):
            plain.append(folder / f"{number}-{path.stem}")
            run(["zstd", "-dq", "--sparse", path, "-o", plain[-1]])
        blocks = differing_blocks(*plain)
        count = plain[0].stat().st_size // BLOCK
        if not blocks:
            yield f"{one.name}: packed in another way; what is in it is equal"
            return
        yield f"{one.name}: {len(blocks)} of {count} blocks differ, the first is {blocks[0]}"
        if ".ext4" in one.name:
            for place, path in zip(("first", "second"), plain, strict=True):
                files = _owners(path, blocks)
                yield f"  of the {place}: {', '.join(files[:_NAMED]) or 'no file: its tables'}"
    finally:
        shutil.rmtree(folder)


def differing_blocks(one: Path, two: Path) -> list[int]:
    """Return the numbers of the blocks of 4 KiB that differ; what only one has differs too."""
    found: list[int] = []
    with one.open("rb") as first, two.open("rb") as second:
        number = 0
        while True:
            a, b = first.read(BLOCK * _CHUNK_BLOCKS), second.read(BLOCK * _CHUNK_BLOCKS)
            if not a and not b:
                return found
            if a != b:
                end = max(len(a), len(b))
                found += [
                    number + place // BLOCK
                    for place in range(0, end, BLOCK)
                    if a[place : place + BLOCK] != b[place : place + BLOCK]
                ]
            number += _CHUNK_BLOCKS


def _owners(image: Path, blocks: Sequence[int]) -> list[str]:
    """Return the paths of the files in which blocks of an ext4 file system lie."""
    listed = run(["debugfs", "-R", f"icheck {' '.join(map(str, blocks[:2000]))}", image])
    inodes = sorted({int(n) for n in re.findall(r"^\d+\t(\d+)$", listed, re.MULTILINE)})
    if not inodes:
        return []
    named = run(["debugfs", "-R", f"ncheck {' '.join(map(str, inodes[: 10 * _NAMED]))}", image])
    return sorted(re.findall(r"^\d+\t(.+)$", named, re.MULTILINE))


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
