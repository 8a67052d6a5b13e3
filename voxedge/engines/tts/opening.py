"""Load the networks of a voice, whichever way it was built."""

from __future__ import annotations

from voxedge.engines.tts.assets import LightAssets, StudentAssets, VoiceAssets
from voxedge.engines.tts.harmonic import HarmonicFormat
from voxedge.engines.tts.network import Networks, VoiceNetwork
from voxedge.engines.tts.student import StudentFiles, StudentNetwork


def open_lighter(assets: VoiceAssets, network: Networks, threads: int) -> Networks:
    """Load the lighter student of a voice; its text encoder is that of ``network``.

    ``network`` itself where the voice has none.

    Raises:
        NetworkFailed: the file does not load.
    """
    light = assets.light
    if light is None or light.lighter is None or not isinstance(network, StudentNetwork):
        return network
    return network.with_student(_files(assets, light, light.lighter), threads)


def _files(assets: VoiceAssets, light: LightAssets, student: StudentAssets) -> StudentFiles:
    form = HarmonicFormat(light.fft_size, light.hop, assets.config.rate_hz)
    return StudentFiles(student.path, form, student.context, student.caches)


def open_network(assets: VoiceAssets, threads: int) -> Networks:
    """Load the light networks of a voice if it has any, else its own.

    Raises:
        NetworkFailed: a file does not load.
    """
    light = assets.light
    if light is None:
        return VoiceNetwork(assets, threads)
    files = _files(assets, light, light.student)
    return StudentNetwork(assets, light.text_encoder, files, threads)
