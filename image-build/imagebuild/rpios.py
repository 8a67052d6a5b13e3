"""The ``rpios`` variant: a source folder for Raspberry Pi's own image builder (rpi-image-gen).

CSI cameras, picamera2 and the under-voltage sensor need Raspberry Pi's kernel and packages, which
only that builder brings. It makes partitions, slots and updates in its own way; from here come
voxedge, its Python packages and its models, as one archive, and the layer that unpacks them.

Read for it, in rpi-image-gen's own files: its layer metadata (METABEGIN/METAEND) and what its
linter takes, the layers that are named below, ``image-rota`` (GPT, A/B) and its generator for state
that both slots share. Nothing of this can be built here: its package archive is asked for at build
time on the user's machine.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from imagebuild.models import install_models, prepare_models
from imagebuild.plan import HERE, SUITE, Plan
from imagebuild.process import need_tools, run, say
from imagebuild.root import packages, remove_tree
from imagebuild.tree import check_machine_code, copy_overlay, install_service
from imagebuild.wheels import build_own_wheel, install_wheels, prepare_wheels

SHARED_FILES = (
    "etc/sysctl.d/60-voxedge.conf",
    "etc/systemd/journald.conf.d/voxedge.conf",
    "etc/systemd/system.conf.d/voxedge.conf",
    "etc/systemd/zram-generator.conf",
    "etc/udev/rules.d/61-voxedge-low-power.rules",
)
"""Of the overlay: what does not depend on the partitions of the ``debian`` variant."""

_NOT_HERE = {"linux-image-arm64", "raspi-firmware", "initramfs-tools", "busybox",
             "firmware-brcm80211", "wireless-regdb", "rauc", "rauc-service",
             "openssh-server", "wpasupplicant"}  # fmt: skip
"""Brought by the builder's own layers, or part of an update scheme that it replaces; and the two
that listen and radiate as soon as Debian installs them."""

_CAMERA = ("python3-picamera2", "libcamera-ipa")

_DROP_IN = """[Service]
Environment=VOXEDGE_MODELS=/usr/share/voxedge/models
"""

_SHARED_STATE = """Version=1
Path=/var/lib/voxedge
"""
"""``image-rota`` gives each slot a ``/var`` of its own. Without this every update would begin with
an empty library."""

_LAYER = """# METABEGIN
# X-Env-Layer-Name: voxedge
# X-Env-Layer-Category: app
# X-Env-Layer-Version: {version}
# X-Env-Layer-Desc: voxedge, the reading companion: daemon, voice, page reader.
# X-Env-Layer-Requires: systemd-min
# X-Env-VarPrefix: voxedge
#
# X-Env-Var-assetdir: ${{DIRECTORY}}
# X-Env-Var-assetdir-Desc: Folder of this layer; the payload lies in it.
# X-Env-Var-assetdir-Required: n
# X-Env-Var-assetdir-Valid: string
# X-Env-Var-assetdir-Set: y
# METAEND
---
mmdebstrap:
  packages:
{packages}
  customize-hooks:
    - |
      set -eu
      tar -C "$1" --keep-directory-symlink -xpf "$IGconf_voxedge_assetdir/voxedge-payload.tar"
      chroot "$1" systemd-sysusers
"""

_CONFIG = """# rpi-image-gen build -S {name} -c voxedge.yaml
device:
  layer: rpi4
  hostname: voxedge

image:
  layer: image-rota
  name: {image}
  boot_part_size: 192M
  system_part_size: 3G
  data_part_size: 1G

# What {suite}-minbase is made of, without openssh-server and iwd: nobody gets in, no radio.
layer:
  base: debian-{suite}-arm64-multi
  raspberrypi: rpi-debian-{suite}
  utilities: rpi-misc-utils
  essential: rpi-essential-base
  skeleton: rpi-misc-skel
  app: voxedge
"""


def build(plan: Plan) -> Path:
    """Write the source folder and return it; it comes whole or not at all.

    Raises:
        ImageError: wheels or models could not be had, or one is for another processor.
    """
    need_tools(["tar"])
    wheels = prepare_wheels(plan)
    models = prepare_models(plan)
    plan.output.mkdir(parents=True, exist_ok=True)
    folder = plan.output / f"voxedge-{plan.version}-rpios"
    new = folder.with_name(folder.name + ".new")
    remove_tree(new)
    try:
        own = build_own_wheel(plan, new / "own")
        tree = new / "payload"
        install_wheels([*sorted(wheels.glob("*.whl")), own], tree)
        # picamera2 is a Debian package and not a wheel.
        config = tree / "opt/voxedge/pyvenv.cfg"
        config.write_text(config.read_text().replace("packages = false", "packages = true"))
        if models is not None:
            install_models(models, tree)
        copy_overlay(HERE / "overlay", tree, only=SHARED_FILES)
        install_service(plan, tree)
        drop_in = tree / "etc/systemd/system/voxedge.service.d/image.conf"
        drop_in.parent.mkdir(parents=True, exist_ok=True)
        drop_in.write_text(_DROP_IN)
        shared = tree / "etc/rpi-image-gen/slot-shared.d/voxedge.conf"
        shared.parent.mkdir(parents=True)
        shared.write_text(_SHARED_STATE)
        check_machine_code(tree)
        _write_sources(plan, new, tree)
        shutil.rmtree(new / "own")
        shutil.rmtree(tree)
        remove_tree(folder)
        new.rename(folder)
    finally:
        remove_tree(new)
    say(f"Build it on a Debian machine: rpi-image-gen build -S {folder} -c voxedge.yaml")
    return folder


def _write_sources(plan: Plan, new: Path, tree: Path) -> None:
    (new / "layer").mkdir()
    (new / "config").mkdir()
    command = ["tar", "--create", "--sort=name", "--owner=0", "--group=0", "--numeric-owner"]
    command += [f"--mtime=@{plan.epoch}", "--directory", str(tree)]
    command += ["--file", str(new / "layer/voxedge-payload.tar"), "."]
    run(command, env=plan.build_env)
    names = sorted((set(packages()) - _NOT_HERE) | set(_CAMERA))
    listed = "\n".join(f"    - {name}" for name in names)
    layer = _LAYER.format(version=plan.version, packages=listed)
    (new / "layer/voxedge.yaml").write_text(layer, encoding="utf-8")
    config = _CONFIG.format(name=f"voxedge-{plan.version}-rpios", image=plan.name, suite=SUITE)
    (new / "config/voxedge.yaml").write_text(config, encoding="utf-8")
