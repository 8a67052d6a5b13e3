"""A tiny voice that stands in for the default one, installed where the store looks."""

from __future__ import annotations

from pathlib import Path

from voxedge.models import store
from voxedge.models.build import sha256_of
from voxedge.models.manifest import Manifest, UrlSource, VoiceEntry, VoiceFile
from voxedge.testing.tiny_voice import write_tiny_voice

NAME = "en_US-joe-medium"


def install_tiny_voice(folder: Path, monkeypatch) -> Path:
    """Write it below ``folder`` and let every store find it; return the voice's folder."""
    place = folder / NAME
    place.mkdir(parents=True)
    model, config = write_tiny_voice(folder, NAME)
    files = []
    for path, suffix in ((model, ".onnx"), (config, ".onnx.json")):
        target = path.replace(place / f"{NAME}{suffix}")
        size = target.stat().st_size
        files.append(VoiceFile(target.name, "https://example.org/x", size, sha256_of(target)))
    entry = VoiceEntry(
        NAME, "en-US", "low", 1, 0.0, "CC0", "A toy.", UrlSource(), files[0], files[1], None
    )
    monkeypatch.setenv("VOXEDGE_MODELS", str(folder))
    monkeypatch.setattr(store, "load_manifest", lambda: Manifest(NAME, (entry,)))
    return place
