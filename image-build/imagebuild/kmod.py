"""The one kernel module of voxedge's own: it makes Debian's kernel understand ``reboot "0 tryboot"``.

It is built by Debian's kernel build system with Debian's compiler, in a copy of the image's root:
what the kernel was built with is what a module must be built with. Kept under the hash of the kernel's
version and the source.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from imagebuild.chroot import run_in_tree
from imagebuild.errors import CommandFailed
from imagebuild.mirror import sources_list
from imagebuild.plan import HERE, Plan
from imagebuild.process import need_tools, run, say
from imagebuild.root import remove_tree

SOURCE = HERE / "tryboot"
_RESOLVER = "run/systemd/resolve/stub-resolv.conf"


def prepare_modules(plan: Plan, root: Path) -> Path:
    """Return a folder with the module, built now if no earlier build left it.

    Raises:
        CommandFailed: it does not compile, or its kernel's headers are gone from the mirror: then
            remove the kept root, so that the next build takes the present kernel.
    """
    version = kernel_version(root)
    digest = hashlib.sha256(version.encode())
    for path in sorted(SOURCE.iterdir()):
        digest.update(path.read_bytes())
    kept = plan.cache / f"modules-{version}-{digest.hexdigest()[:12]}"
    if kept.is_dir():
        return kept
    say("Kernel module: building it in a copy of the root (emulated, some minutes)")
    tree = plan.cache / "kernel-build.new"
    remove_tree(tree)
    try:
        run(["cp", "-a", "--reflink=auto", root, tree])
        _let_apt_work(tree)
        apt = {"DEBIAN_FRONTEND": "noninteractive"}
        run_in_tree(tree, ["apt-get", "-q", "update"], apt)
        install = ["apt-get", "-q", "-y", "--no-install-recommends", "install", "make"]
        run_in_tree(tree, [*install, f"linux-headers-{version}"], apt)
        shutil.copytree(SOURCE, tree / "root/tryboot")
        make = ["make", "-C", f"/usr/lib/modules/{version}/build", "M=/root/tryboot", "modules"]
        run_in_tree(tree, make, {"KBUILD_BUILD_TIMESTAMP": "@0", **plan.build_env})
        new = kept.with_name(kept.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        for module in (tree / "root/tryboot").glob("*.ko"):
            shutil.copyfile(module, new / module.name)
        new.rename(kept)
    finally:
        remove_tree(tree)
    return kept


def install_modules(modules: Path, tree: Path) -> None:
    """Put the modules where modprobe finds them, and tell it so."""
    need_tools(["depmod"])
    version = kernel_version(tree)
    target = tree / f"usr/lib/modules/{version}/updates"
    target.mkdir(exist_ok=True)
    for module in sorted(modules.glob("*.ko")):
        shutil.copyfile(module, target / module.name)
    run(["depmod", "-b", tree, version])


def kernel_version(root: Path) -> str:
    """Return the version of the newest kernel in a tree.

    Raises:
        CommandFailed: it has none.
    """
    versions = sorted(path.name for path in (root / "usr/lib/modules").glob("*") if path.is_dir())
    if not versions:
        raise CommandFailed(f"{root} has no kernel.")
    return versions[-1]


def _let_apt_work(tree: Path) -> None:
    """Give a copy of the root the mirror and the resolver of this machine."""
    for path in (tree / "etc/apt/sources.list.d").glob("*"):
        path.unlink()
    (tree / "etc/apt/sources.list").write_text(sources_list(), encoding="utf-8")
    resolver = tree / _RESOLVER
    resolver.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile("/etc/resolv.conf", resolver)
