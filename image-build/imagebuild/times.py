"""Times of files: an image must not tell when it was put together."""

from __future__ import annotations

import os
from pathlib import Path


def clamp_times(tree: Path, later_than_s: float, to_s: int) -> None:
    """Give everything in a tree that was changed later than a moment another time, itself too."""
    for base, folders, files in os.walk(tree, topdown=False):
        for name in (*files, *folders):
            path = os.path.join(base, name)  # noqa: PTH118 - 40,000 of them: strings are 5x faster
            if os.lstat(path).st_mtime > later_than_s:
                os.utime(path, (to_s, to_s), follow_symlinks=False)
    if tree.stat().st_mtime > later_than_s:
        os.utime(tree, (to_s, to_s))
