"""Load the networks of a voice, whichever way it was built."""

from __future__ import annotations

from voxedge.engines.tts.assets import VoiceAssets
from voxedge.engines.tts.harmonic import HarmonicFormat
from voxedge.engines.tts.network import VoiceNetwork
from voxedge.engines.tts.student import StudentFiles, StudentNetwork


def open_network(assets: VoiceAssets, threads: int) -> VoiceNetwork | StudentNetwork:
    """Load the light networks of a voice if it has any, else its own.

    Raises:
        NetworkFailed: a file does not load.
    """
    light = assets.light
    if light is None:
        return VoiceNetwork(assets, threads)
    form = HarmonicFormat(light.fft_size, light.hop, assets.config.rate_hz)
    files = StudentFiles(light.student, form, light.context, light.caches)
    return StudentNetwork(assets, light.text_encoder, files, threads)
