"""Where Debian's packages come from: the place that this machine takes its own from."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from imagebuild.errors import DownloadFailed
from imagebuild.plan import SUITE

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
COMPONENTS = "main non-free-firmware"
"""The Pi's boot firmware and that of its radio are not free."""

_URI = re.compile(r"^(?:URIs:|deb\s).*?(https?://\S+?/debian(-security)?/?)(?:\s|$)", re.MULTILINE)


def sources_list(apt_folder: Path = Path("/etc/apt")) -> str:
    """Return the lines of a sources.list for the image.

    ``VOXEDGE_DEBIAN_MIRROR`` and ``VOXEDGE_DEBIAN_SECURITY`` come first; a snapshot's address makes
    the packages of a build repeatable for as long as the snapshot is kept.

    Raises:
        DownloadFailed: no mirror is known.
    """
    main, security = _own_mirrors(_texts(apt_folder))
    main = os.environ.get("VOXEDGE_DEBIAN_MIRROR") or main
    security = os.environ.get("VOXEDGE_DEBIAN_SECURITY") or security
    if not main:
        raise DownloadFailed("No Debian mirror is known here: set VOXEDGE_DEBIAN_MIRROR.")
    options = f"[arch=arm64 signed-by={KEYRING}]"
    lines = [f"deb {options} {main} {SUITE} {COMPONENTS}"]
    if security:
        lines.append(f"deb {options} {security} {SUITE}-security {COMPONENTS}")
    return "\n".join(lines) + "\n"


def _texts(folder: Path) -> list[str]:
    places = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    return [path.read_text(encoding="utf-8", errors="replace") for path in places if path.is_file()]


def _own_mirrors(texts: Iterable[str]) -> tuple[str, str]:
    main = security = ""
    for text in texts:
        for match in _URI.finditer(text):
            if match[2]:
                security = security or match[1]
            else:
                main = main or match[1]
    return main, security
