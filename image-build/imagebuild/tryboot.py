"""``reboot "0 tryboot"`` for Debian's kernel: a module of fifty lines, cross-compiled.

Without it an update is installed and never tried: Debian's kernel does not hand the word on to the
firmware (tryboot/voxedge_tryboot.c). Headers and kbuild of the very kernel come from the mirror and
are unpacked, not installed; kbuild's own programs are Arm's, and find their libraries in the root.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
from pathlib import Path

from imagebuild.errors import CommandFailed, DownloadFailed
from imagebuild.mirror import sources_list
from imagebuild.plan import HERE, Plan
from imagebuild.process import need_tools, run, say

SOURCES = HERE / "tryboot"
NAME = "voxedge_tryboot.ko"

# For a compiler older than the kernel's own (Debian 12 has gcc 12, trixie's kernel gcc 14): the
# kernel then asks for the same alignment in the older words. No BTF: it needs a further program.
_OVERRIDES = ("CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=", "CONFIG_DEBUG_INFO_BTF_MODULES=")


def install_tryboot(plan: Plan, root: Path, tree: Path) -> bool:
    """Put the module into the tree; return False, told loudly, where its headers are gone.

    A mirror keeps the headers of its newest kernel only: a root that was kept for long may have an
    older one. Its image works, and ``voxedge update`` says that it cannot be updated.

    Raises:
        ToolMissing: no cross compiler, make or depmod.
        CommandFailed: it does not compile.
    """
    version = kernel_version(root)
    try:
        module = build_tryboot(plan, root, version)
    except DownloadFailed as error:
        say(f"WARNING: this image cannot be updated: no headers of its kernel {version}. {error}")
        return False
    target = tree / f"usr/lib/modules/{version}/updates/{NAME}"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(module, target)
    run(["depmod", "-b", tree, version], env=plan.build_env)
    return True


def kernel_version(root: Path) -> str:
    """Return the release of the root's kernel: "6.12.117+deb13-arm64".

    Raises:
        CommandFailed: it has none, or several: the module would be that of one.
    """
    kernels = sorted(root.glob("boot/vmlinuz-*"))
    if len(kernels) != 1:
        raise CommandFailed(f"{root} has {len(kernels)} kernels, not one.")
    return kernels[0].name.removeprefix("vmlinuz-")


def build_tryboot(plan: Plan, root: Path, version: str) -> Path:
    """Return the module for a kernel, built now if no earlier build left it.

    Raises:
        DownloadFailed: the mirror has no headers of this kernel.
        ToolMissing, CommandFailed: see ``install_tryboot``.
    """
    digest = hashlib.sha256(version.encode())
    for path in sorted(SOURCES.iterdir()):
        digest.update(path.read_bytes())
    kept = plan.cache / f"tryboot-{version}-{digest.hexdigest()[:12]}.ko"
    if kept.exists():
        return kept
    native = platform.machine() == "aarch64"
    prefix = "" if native else "aarch64-linux-gnu-"
    need_tools([f"{prefix}gcc", "make", "depmod"])
    say(f"Module for trials of updates: compiling for {version}")
    work = plan.cache / "tryboot.new"
    shutil.rmtree(work, ignore_errors=True)
    headers = _headers(work / "headers", version)
    module = work / "module"
    shutil.copytree(SOURCES, module)
    run(
        ["make", "-C", headers, f"M={module}", "ARCH=arm64", f"CROSS_COMPILE={prefix}",
         f"CC={prefix}gcc", *_OVERRIDES, "modules"],
        env={**plan.build_env, "QEMU_LD_PREFIX": str(root)},
    )  # fmt: skip
    # Debug information names this machine's folders.
    run([f"{prefix}strip", "--strip-debug", module / NAME])
    (module / NAME).replace(kept)
    shutil.rmtree(work)
    return kept


def _headers(folder: Path, version: str) -> Path:
    """Fetch and unpack what a module of this kernel is compiled with; return where make starts."""
    base = version.removesuffix("-arm64")
    names = [f"linux-headers-{version}", f"linux-headers-{base}-common", f"linux-kbuild-{base}"]
    for name in ("lists/partial", "archives/partial"):
        (folder / name).mkdir(parents=True)
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
    try:
        run(["apt-get", "-q", *options, "update"])
        run(["apt-get", "-q", *options, "download", *names], cwd=folder)
    except CommandFailed as error:
        raise DownloadFailed(str(error)) from error
    tree = folder / "tree"
    for package in sorted(folder.glob("linux-*.deb")):
        run(["dpkg", "-x", package, tree])
    start = tree / f"usr/src/linux-headers-{version}"
    makefile = start / "Makefile"
    text = makefile.read_text(encoding="utf-8")
    makefile.write_text(text.replace("/usr/src/", f"{tree}/usr/src/"), encoding="utf-8")
    return start
