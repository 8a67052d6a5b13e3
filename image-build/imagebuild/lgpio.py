"""The GPIO library, cross-compiled: it has neither a wheel for Python 3.13 nor a Debian package.

Its source package holds the C library and the SWIG interface; both become one extension module.
Python's headers come from Debian's package, unpacked and not installed.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import tarfile
import zipfile
from base64 import urlsafe_b64encode
from pathlib import Path

from imagebuild.mirror import sources_list
from imagebuild.plan import PYTHON, Plan
from imagebuild.process import need_tools, run

_TAG = f"cp{PYTHON.replace('.', '')}"


def build_lgpio(plan: Plan, source: Path, folder: Path) -> Path:
    """Build ``lgpio-*.whl`` from its source package and return it.

    Raises:
        ToolMissing: no cross compiler or no SWIG.
        CommandFailed: it does not compile.
    """
    compiler = "gcc" if platform.machine() == "aarch64" else "aarch64-linux-gnu-gcc"
    need_tools([compiler, "swig"])
    work = plan.cache / "lgpio.new"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    with tarfile.open(source) as archive:
        archive.extractall(work, filter="data")
    tree = next(path for path in work.iterdir() if path.is_dir())
    version = tree.name.partition("-")[2]
    headers = _python_headers(plan, work / "headers")
    run(["swig", "-python", "lgpio.i"], cwd=tree)
    library = f"_lgpio.cpython-{PYTHON.replace('.', '')}-aarch64-linux-gnu.so"
    parts = [*sorted((tree / "src").glob("lg*.c")), tree / "src/rgpiod.c", tree / "lgpio_wrap.c"]
    command = [compiler, "-shared", "-fPIC", "-O2", "-pthread", "-mcpu=cortex-a72", "-s"]
    command += [f"-ffile-prefix-map={tree}=.", "-Isrc", f"-I{headers}/python{PYTHON}"]
    command += [f"-I{headers}", *map(str, parts), "-lrt", "-ldl", "-o", library]
    run(command, cwd=tree, env=plan.build_env)
    # SWIG ends lgpio.py with what %pythoncode includes; the licence travels along.
    wheel = folder / f"lgpio-{version}-{_TAG}-{_TAG}-manylinux_2_36_aarch64.whl"
    _write_wheel(wheel, version, [tree / "lgpio.py", tree / library], tree / "LICENSE")
    shutil.rmtree(work)
    return wheel


def _python_headers(plan: Plan, folder: Path) -> Path:
    """Fetch Debian's ``libpython3.13-dev`` for arm64 and unpack it."""
    folder.mkdir(parents=True)
    (folder / "lists/partial").mkdir(parents=True)
    (folder / "archives/partial").mkdir(parents=True)
    (folder / "sources.list").write_text(sources_list(), encoding="utf-8")
    options = []
    for option in (
        "APT::Architecture=arm64",
        "APT::Architectures=arm64",
        "Dir::State::status=/dev/null",
        f"Dir::State::lists={folder}/lists",
        f"Dir::Etc::sourcelist={folder}/sources.list",
        "Dir::Etc::sourceparts=/dev/null",
        f"Dir::Cache={folder}",
        "APT::Sandbox::User=root",
        "Acquire::Check-Valid-Until=false",
    ):
        options += ["-o", option]
    run(["apt-get", "-q", *options, "update"])
    run(["apt-get", "-q", *options, "download", f"libpython{PYTHON}-dev"], cwd=folder)
    run(["dpkg", "-x", next(folder.glob("libpython*.deb")), folder / "tree"])
    return folder / "tree/usr/include"


def _write_wheel(wheel: Path, version: str, files: list[Path], licence: Path) -> None:
    info = f"lgpio-{version}.dist-info"
    contents = {path.name: path.read_bytes() for path in files}
    contents[f"{info}/licenses/LICENSE"] = licence.read_bytes()
    contents[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: lgpio\nVersion: {version}\nLicense: Unlicense\n"
    ).encode()
    contents[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: voxedge-image\nRoot-Is-Purelib: false\n"
        f"Tag: {_TAG}-{_TAG}-manylinux_2_36_aarch64\n"
    ).encode()
    record = ""
    for name, data in contents.items():
        digest = urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(data)}\n"
    contents[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
