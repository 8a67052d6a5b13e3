"""Python packages of the image: aarch64 wheels with known hashes, unpacked, never run here.

``device.lock`` names every package with the hashes of its files. What has no aarch64 wheel for
Python 3.13 is built on this machine from its (hash-checked) source: ``srt`` is pure Python, and
``lgpio`` is cross-compiled (``lgpio.py``). The image has no compiler and no pip.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path

from imagebuild.errors import (
    CommandFailed,
    DownloadCorrupt,
    DownloadFailed,
    WrongArchitecture,
)
from imagebuild.lgpio import build_lgpio
from imagebuild.plan import HERE, PYTHON, REPO, Plan
from imagebuild.process import run, say

LOCK = HERE / "device.lock"
PLATFORMS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")
"""glibc 2.28 and older; trixie has 2.41. pip does not go down the list by itself."""

SOURCE_ONLY = {"srt", "lgpio"}
"""Packages of the lock without a wheel that fits."""

NOT_SHIPPED = {"setuptools"}
"""Asked for by lgpio's build and onnxruntime's tools; nothing on the device imports it."""

ELF_AARCH64 = 0xB7
_SITE = f"opt/voxedge/lib/python{PYTHON}/site-packages"


def read_lock(text: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Return version and hashes (``sha256:...``) of each package of a lock."""
    packages: dict[str, tuple[str, frozenset[str]]] = {}
    for block in re.split(r"\n(?=\S)", text.strip()):
        found = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", block)
        if found:
            hashes = frozenset(re.findall(r"--hash=(sha256:[0-9a-f]{64})", block))
            packages[found[1].lower()] = (found[2], hashes)
    return packages


def prepare_wheels(plan: Plan) -> Path:
    """Return a folder of wheels for everything in the lock, downloaded or built once.

    Raises:
        DownloadCorrupt: a file is not the one the lock promises.
        DownloadFailed: one did not come.
        WrongArchitecture: one is not for this processor.
    """
    text = LOCK.read_text(encoding="utf-8")
    key = hashlib.sha256((text + PYTHON).encode()).hexdigest()[:12]
    folder = plan.cache / f"wheels-{key}"
    if folder.is_dir():
        check_wheels(folder)
        return folder
    say("Python packages: fetching the locked aarch64 wheels")
    new = plan.cache / f"wheels-{key}.new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    blocks = re.split(r"\n(?=\S)", text.strip())
    by_wheel = [b for b in blocks if _name(b) not in SOURCE_ONLY | NOT_SHIPPED]
    by_source = [b for b in blocks if _name(b) in SOURCE_ONLY]
    sources = new / "sources"
    sources.mkdir()
    _download(plan, by_wheel, new, _wheel_options())
    _download(plan, by_source, sources, ["--no-binary", ":all:"])
    _build_pure(plan, next(sources.glob("srt-*")), new)
    build_lgpio(plan, next(sources.glob("lgpio-*")), new)
    shutil.rmtree(sources)
    check_wheels(new)
    new.rename(folder)
    return folder


def build_own_wheel(plan: Plan, folder: Path) -> Path:
    """Build voxedge itself as a wheel; the same source gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    _pip_wheel(plan, folder, "--no-build-isolation", str(REPO))
    return next(folder.glob("voxedge-*.whl"))


def check_wheels(folder: Path) -> None:
    """Refuse a folder of wheels one of which the Pi could not use.

    Raises:
        WrongArchitecture: names the wheel.
        DownloadCorrupt: one is no wheel at all.
    """
    for wheel in sorted(folder.glob("*.whl")):
        platform = wheel.stem.rpartition("-")[2]
        if not ("aarch64" in platform or platform == "any"):
            raise WrongArchitecture(f"{wheel.name} is for another processor than the Pi's.")
        try:
            with zipfile.ZipFile(wheel) as archive:
                _check_members(wheel.name, archive)
        except zipfile.BadZipFile as error:
            raise DownloadCorrupt(f"{wheel.name} is damaged: {error}. Remove it.") from error


def install_wheels(wheels: Iterable[Path], tree: Path) -> None:
    """Unpack wheels into the tree as ``pip`` would, without running anything of them.

    The shape is that of a virtual environment whose Python is the image's own, so that worker
    processes started with ``sys.executable`` find the same packages.
    """
    site = tree / _SITE
    site.mkdir(parents=True, exist_ok=True)
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.infolist():
                _unpack(archive, member, site)
    prefix = tree / "opt/voxedge"
    (prefix / "bin").mkdir(parents=True, exist_ok=True)
    (prefix / "pyvenv.cfg").write_text(
        f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {PYTHON}\n"
    )
    for name in ("python", "python3", f"python{PYTHON}"):
        link = prefix / "bin" / name
        link.unlink(missing_ok=True)
        link.symlink_to(f"/usr/bin/python{PYTHON}")
    command = prefix / "bin/voxedge"
    command.write_text(
        "#!/opt/voxedge/bin/python3\nimport sys\n\nfrom voxedge.cli.main import main\n\n"
        "sys.exit(main())\n"
    )
    command.chmod(0o755)


def _name(block: str) -> str:
    return block.partition("==")[0].strip().lower()


def _wheel_options() -> list[str]:
    options = ["--only-binary=:all:", "--python-version", PYTHON, "--implementation", "cp"]
    for abi in (f"cp{PYTHON.replace('.', '')}", "abi3", "none"):
        options += ["--abi", abi]
    for platform in PLATFORMS:
        options += ["--platform", f"{platform}_aarch64"]
    return options


def _download(plan: Plan, blocks: list[str], folder: Path, options: list[str]) -> None:
    wanted = folder / "wanted.txt"
    wanted.write_text("\n".join(blocks) + "\n", encoding="utf-8")
    command = [str(plan.python), "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--require-hashes", "--disable-pip-version-check", "--dest", str(folder)]
    command += ["-r", str(wanted), *options]
    try:
        run(command)
    except CommandFailed as error:
        if "DO NOT MATCH THE HASHES" in str(error) or "hash" in str(error).lower():
            raise DownloadCorrupt(
                f"A package is not the one that device.lock promises.\n{error}"
            ) from error
        raise DownloadFailed(str(error)) from error
    wanted.unlink()


def _build_pure(plan: Plan, source: Path, folder: Path) -> None:
    """Build a wheel that must come out without any machine code."""
    _pip_wheel(plan, folder, str(source))


def _pip_wheel(plan: Plan, folder: Path, *arguments: str) -> None:
    command: list[str | Path] = [str(plan.python), "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--wheel-dir", str(folder), *arguments]
    run(command, env=plan.build_env)


def _check_members(name: str, archive: zipfile.ZipFile) -> None:
    for member in archive.infolist():
        if ".so" not in Path(member.filename).name:
            continue
        with archive.open(member) as stream:
            head = stream.read(20)
        if head[:4] == b"\x7fELF" and int.from_bytes(head[18:20], "little") != ELF_AARCH64:
            raise WrongArchitecture(f"{name} holds {member.filename} for another processor.")


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, site: Path) -> None:
    relative = member.filename
    # Files of a wheel's .data folder go where its name says; of these only library files matter.
    outside = re.match(r"[^/]+\.data/(purelib|platlib|data|scripts|headers)/(.*)", relative)
    if outside:
        if outside[1] not in ("purelib", "platlib"):
            return
        relative = outside[2]
    target = site / relative
    if not target.resolve().is_relative_to(site.resolve()):
        raise DownloadCorrupt(f"{archive.filename} holds the path {relative}.")
    if member.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink)
    target.chmod(0o755 if member.external_attr >> 16 & 0o100 else 0o644)
