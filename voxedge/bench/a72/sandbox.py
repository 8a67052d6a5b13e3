"""What the emulated device is made of, laid down once in a cache folder.

Nothing is installed and nothing needs root: apt fetches into private folders, ``dpkg-deb`` unpacks,
pip fetches the wheels that ``scripts/locks/runtime.txt`` pins with their digests. The mirror is the
one that this machine's own apt uses.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DEVICE_SUITE = "trixie"
DEVICE_PYTHON = "3.13"
DEVICE_PACKAGES = (
    f"python{DEVICE_PYTHON}-minimal",
    f"libpython{DEVICE_PYTHON}-stdlib",
    "libstdc++6",
    "libportaudio2",
)
QEMU_SUITE = "bookworm"
"""Debian 12's qemu-user loads plugins; its static one, and Debian 13's, do not."""

BUILD_ONLY = frozenset({"hatchling", "editables", "pathspec", "pluggy", "trove-classifiers"})
"""In the lock file to build voxedge itself; the device does without."""

_GLIBC_MINORS = (17, 24, 26, 27, 28, 31, 34, 35, 36, 38, 39)
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

CPUINFO = "".join(
    f"processor\t: {number}\nBogoMIPS\t: 108.00\n"
    "Features\t: fp asimd evtstrm crc32 cpuid\n"
    "CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x0\n"
    "CPU part\t: 0xd08\nCPU revision\t: 3\n\n"
    for number in range(4)
)
"""/proc/cpuinfo of a Raspberry Pi 4. Without it QEMU 7.2 shows the host's, and onnxruntime's
processor library dies of what it reads there."""


class SandboxFailed(Exception):
    """A piece cannot be had here (no apt, no network, no compiler); the message says which."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """An emulated Cortex-A72 with the device's programs.

    Attributes:
        qemu: command line of QEMU up to its options.
        root: the device's files.
        site: its Python packages.
        plugin: the counting plugin.
    """

    qemu: tuple[str, ...]
    root: Path
    site: Path
    plugin: Path

    def command(
        self,
        arguments: Sequence[str],
        *,
        python_path: Sequence[Path] = (),
        counts: Path | None = None,
        site: Path | None = None,
    ) -> list[str]:
        """The command that runs the device's Python with ``arguments``.

        Args:
            arguments: of Python.
            python_path: folders with more modules.
            counts: file for the counters; None for no counting.
            site: packages to use instead of the device's.
        """
        environment = {
            "LD_LIBRARY_PATH": "/lib/aarch64-linux-gnu:/usr/lib/aarch64-linux-gnu",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHOME": str(self.root / "usr"),
            "PYTHONPATH": ":".join(str(path) for path in (site or self.site, *python_path)),
        }
        command = [*self.qemu, "-cpu", "cortex-a72", "-L", str(self.root)]
        if counts is not None:
            command += ["-plugin", f"{self.plugin},out={counts}"]
        for name, value in environment.items():
            command += ["-E", f"{name}={value}"]
        return [*command, str(self.root / f"usr/bin/python{DEVICE_PYTHON}"), *arguments]


def cache_folder() -> Path:
    """Where the pieces are kept: ``$VOXEDGE_A72_CACHE``, else ``~/.cache/voxedge-a72``."""
    named = os.environ.get("VOXEDGE_A72_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "voxedge-a72"


def prepare(lock: Path, say: Callable[[str], None], cache: Path | None = None) -> Sandbox:
    """Lay down what is missing. Blocking; a minute the first time, then nothing.

    Args:
        lock: pinned requirements of the device.
        say: told of each step.
        cache: where to.

    Raises:
        SandboxFailed: a piece cannot be had here.
    """
    cache = cache or cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    root = _once(
        cache, "root", "\n".join([DEVICE_SUITE, *DEVICE_PACKAGES, CPUINFO]), _lay_root, say
    )
    wanted = requirements(lock.read_text(encoding="utf-8"))
    site = _once(cache, "site", "\n".join(wanted), lambda folder: _lay_wheels(folder, wanted), say)
    qemu = _once(cache, "qemu", QEMU_SUITE, _lay_qemu, say)
    sources = [Path(__file__).with_name(name) for name in ("count.c", "classify.h")]
    content = "".join(path.read_text(encoding="utf-8") for path in sources)
    plugin = _once(cache, "plugin", content, lambda folder: _build(folder, qemu, sources[0]), say)
    return Sandbox(_loader(qemu), root, site, plugin / "count.so")


def lay_package(sandbox_cache: Path, requirement: str, say: Callable[[str], None]) -> Path:
    """A folder with one more package for the device (an old onnxruntime), without dependencies."""

    def lay(folder: Path) -> None:
        _pip_download(folder, [requirement], hashes=False)

    return _once(sandbox_cache, "extra", requirement, lay, say)


def requirements(lock: str) -> list[str]:
    """The lines of a lock file that hold on the device, without their conditions.

    pip judges conditions ("python_full_version < '3.12'") by the Python it runs under, not by the
    one it fetches for.
    """
    from packaging.markers import Marker

    device = {
        "python_version": DEVICE_PYTHON,
        "python_full_version": f"{DEVICE_PYTHON}.5",
        "platform_machine": "aarch64",
    }
    pattern = re.compile(r"([\w.-]+)==([^ ;]+)\s*(?:;\s*(.*?))?((?:\s+--hash=\S+)+)")
    lines: list[str] = []
    for line in lock.replace("\\\n", " ").splitlines():
        found = pattern.match(line)
        if found is None or found[1] in BUILD_ONLY:
            continue
        if found[3] and not Marker(found[3].strip()).evaluate(device):
            continue
        lines.append(f"{found[1]}=={found[2]} {' '.join(found[4].split())}")
    return lines


def mirror() -> str:
    """Address of the Debian mirror that this machine's apt uses (or ``$VOXEDGE_DEBIAN_MIRROR``).

    Raises:
        SandboxFailed: its apt sources name none.
    """
    if os.environ.get("VOXEDGE_DEBIAN_MIRROR"):
        return os.environ["VOXEDGE_DEBIAN_MIRROR"]
    places = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    text = "\n".join(path.read_text(encoding="utf-8") for path in places if path.is_file())
    # Both formats put the address and then suite names; the archive's own path ends in /debian.
    found = re.search(r"^(?:URIs:|deb(?: \[[^]]*\])?)\s+(\S+/debian)/?(?:\s|$)", text, re.MULTILINE)
    if found is None:
        raise SandboxFailed("apt has no Debian source here; set VOXEDGE_DEBIAN_MIRROR")
    return found[1]


def _once(
    cache: Path, name: str, key: str, lay: Callable[[Path], None], say: Callable[[str], None]
) -> Path:
    """A folder that ``lay`` fills, made whole or not at all, and kept under the key's digest."""
    folder = cache / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    if not folder.is_dir():
        say(f"laying down {name} ...")
        scratch = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=cache))
        try:
            lay(scratch)
            scratch.replace(folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return folder


def _lay_root(folder: Path) -> None:
    for name in ("bin", "lib", "sbin"):  # Debian's merged /usr comes from a package of its own
        (folder / "usr" / name).mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(f"usr/{name}")
    _Apt(DEVICE_SUITE, "arm64").unpack(DEVICE_PACKAGES, folder)
    (folder / "proc").mkdir(exist_ok=True)
    (folder / "proc" / "cpuinfo").write_text(CPUINFO, encoding="ascii")


def _lay_wheels(folder: Path, wanted: Sequence[str]) -> None:
    _pip_download(folder, wanted, hashes=True)


def _lay_qemu(folder: Path) -> None:
    apt = _Apt(QEMU_SUITE, _output(["dpkg", "--print-architecture"]).strip())
    apt.unpack(["qemu-user"], folder)
    header = apt.source_member("qemu", "/include/qemu/qemu-plugin.h")
    (folder / "include").mkdir()
    (folder / "include" / "qemu-plugin.h").write_bytes(header)


def _loader(folder: Path) -> tuple[str, ...]:
    """QEMU under the C library it came with: the host's may be any."""
    loaders = [*folder.glob("lib64/ld-linux*.so.*"), *folder.glob("lib/ld-linux*.so.*")]
    libraries = {path.parent for path in folder.glob("**/lib/*-linux-gnu/*.so.*")}
    if not loaders:
        raise SandboxFailed("qemu came without its C library")
    path = ":".join(str(item) for item in sorted(libraries))
    return (str(loaders[0]), "--library-path", path, str(folder / "usr/bin/qemu-aarch64"))


def _build(folder: Path, qemu: Path, source: Path) -> None:
    command = ["gcc", "-O2", "-Wall", "-fPIC", "-shared", f"-I{qemu / 'include'}"]
    _output([*command, "-o", str(folder / "count.so"), str(source)])


def _pip_download(folder: Path, wanted: Sequence[str], *, hashes: bool) -> None:
    """Fetch wheels for the device and unpack them."""
    tag = f"cp{DEVICE_PYTHON.replace('.', '')}"
    options = ["--no-deps", "--only-binary=:all:", "--python-version", DEVICE_PYTHON]
    options += ["--implementation", "cp", "--abi", tag, "--abi", "abi3", "--abi", "none"]
    options += ["--platform", "manylinux2014_aarch64", "--platform", "any"]
    for minor in _GLIBC_MINORS:
        options += ["--platform", f"manylinux_2_{minor}_aarch64"]
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "wanted.txt"
        file.write_text("\n".join(wanted), encoding="utf-8")
        options += ["--require-hashes"] if hashes else []
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-q"]
        _output([*command, *options, "-d", scratch, "-r", str(file)])
        for wheel in sorted(Path(scratch).glob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder)


class _Apt:
    """apt with folders and a source list of its own."""

    def __init__(self, suite: str, architecture: str) -> None:
        self._suite, self._architecture = suite, architecture

    def unpack(self, packages: Sequence[str], folder: Path) -> None:
        """Fetch packages with all they depend on, and unpack them into ``folder``."""
        with tempfile.TemporaryDirectory() as scratch:
            place = Path(scratch)
            apt = self._command(place, "deb")
            _output([*apt, "update"])
            _output(
                [*apt, "-y", "--download-only", "--no-install-recommends", "install", *packages]
            )
            for archive in sorted((place / "archives").glob("*.deb")):
                _unpack_deb(archive, folder)

    def source_member(self, package: str, suffix: str) -> bytes:
        """A file of a package's upstream source, by the end of its name."""
        with tempfile.TemporaryDirectory() as scratch:
            place = Path(scratch)
            apt = self._command(place, "deb-src")
            _output([*apt, "update"])
            _output([*apt, "--download-only", "source", package], folder=place)
            for archive in place.glob("*.orig.tar.*"):
                with tarfile.open(archive) as members:
                    for member in members:
                        content = members.extractfile(member) if member.isfile() else None
                        if content is not None and member.name.endswith(suffix):
                            return content.read()
        raise SandboxFailed(f"the source of {package} has no {suffix}")

    def _command(self, place: Path, kind: str) -> list[str]:
        signed = f"[signed-by={_KEYRING}] " if _KEYRING.is_file() else ""
        for name in ("lists/partial", "archives/partial"):
            (place / name).mkdir(parents=True)
        (place / "sources").write_text(f"{kind} {signed}{mirror()} {self._suite} main\n")
        (place / "status").touch()
        options: Mapping[str, str] = {
            "APT::Architecture": self._architecture,
            "APT::Architectures": self._architecture,
            "APT::Sandbox::User": "root",
            "Debug::NoLocking": "1",
            "Dir::Cache::archives": str(place / "archives"),
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
            "Dir::Etc::sourcelist": str(place / "sources"),
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State::lists": str(place / "lists"),
            "Dir::State::status": str(place / "status"),
        }
        command = ["apt-get", "-q"]
        for name, value in options.items():
            command += ["-o", f"{name}={value}"]
        return command


def _unpack_deb(archive: Path, folder: Path) -> None:
    """Like ``dpkg -x``, but keeps our links of the merged /usr: tar follows none it unpacks."""
    packer = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE)
    _output(["tar", "-x", "--keep-directory-symlink", "-C", str(folder)], source=packer)


def _output(
    command: Sequence[str],
    folder: Path | None = None,
    source: subprocess.Popen[bytes] | None = None,
) -> str:
    """Run a helper program.

    Raises:
        SandboxFailed: it is not here, or it failed; with its last words.
    """
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=source.stdout if source else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise SandboxFailed(f"the program '{command[0]}' is not installed") from error
    finally:
        if source is not None:
            source.communicate()
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise SandboxFailed(f"{Path(command[0]).name}: {words[-1] if words else done.returncode}")
    return done.stdout
