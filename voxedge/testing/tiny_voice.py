"""A voice of a few kilobytes that is built like a Piper VITS voice.

It says nothing that a person could understand; it has every landmark of the real graph (two noise
sources, rounded durations, a one-hot path, coupling layers with flips, a decoder with transposed
convolutions and averaged residual blocks), runs under the real onnxruntime and comes out the same
on every machine. With several speakers it takes ``sid`` and conditions flow and decoder on it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

CHANNELS = 8
HOP = 32
RATE_HZ = 16_000
PHONEMES = "_^$ !',-.:;?abcdefhijklmnopqrstuvwxyzæðŋɐɑɒɔəɚɛɜɡɪɹɾʃʊʌʒθˈˌːᵻ"
"""The phonemes it knows, the id of each its place in this string."""


def write_tiny_voice(folder: Path, name: str = "tiny", speakers: int = 1) -> tuple[Path, Path]:
    """Write the voice.

    Args:
        folder: where to; it must exist.
        name: stem of the file names.
        speakers: number of speakers.

    Returns:
        Paths of the ONNX file and of its JSON.
    """
    model, config = folder / f"{name}.onnx", folder / f"{name}.onnx.json"
    model.write_bytes(tiny_model(speakers).SerializeToString())
    config.write_text(json.dumps(tiny_config(speakers)), encoding="utf-8")
    return model, config


def tiny_config(speakers: int = 1) -> dict[str, Any]:
    """Content of the JSON that comes with it."""
    return {
        "audio": {"sample_rate": RATE_HZ, "quality": "tiny"},
        "espeak": {"voice": "en-us"},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_id_map": {phoneme: [index] for index, phoneme in enumerate(PHONEMES)},
        "num_symbols": len(PHONEMES),
        "num_speakers": speakers,
        "language": {"code": "en_US"},
    }


def tiny_model(speakers: int = 1) -> onnx.ModelProto:
    """The network."""
    graph = _Graph(speakers)
    mean, log_scale, noisy_log_duration = graph.text_encoder()
    mask, path = graph.durations(noisy_log_duration)
    prior = graph.prior(mean, log_scale, path)
    latent = graph.node("Mul", graph.flow(prior, mask), mask)
    graph.decoder(latent)
    return graph.model()


class _Graph:
    """Collects nodes and weights; each method adds a part and returns its output's name."""

    def __init__(self, speakers: int) -> None:
        from onnx import helper

        self._helper = helper
        self._random = np.random.default_rng(20261122)
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._speakers = speakers
        self._speaker = ""
        if speakers > 1:
            rows = self.weight((speakers, CHANNELS), 0.6)
            picked = self.node("Gather", rows, "sid", axis=0)
            self._speaker = self.node("Unsqueeze", picked, self.whole([-1]))

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """One more node with one output, named in the careless way of an exporter."""
        output = f"tensor_{len(self._nodes)}_{kind}"
        self._nodes.append(self._helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, value: np.ndarray) -> str:
        from onnx import numpy_helper

        name = f"weight_{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(value, name))
        return name

    def weight(self, shape: tuple[int, ...], scale: float = 1.0) -> str:
        fan_in = max(1, int(np.prod(shape[1:])))
        values = self._random.standard_normal(shape) * scale / np.sqrt(fan_in)
        return self.constant(values.astype(np.float32))

    def whole(self, values: list[int]) -> str:
        return self.constant(np.array(values, dtype=np.int64))

    def scalar(self, value: float) -> str:
        return self.constant(np.array(value, dtype=np.float32))

    def conv(
        self,
        x: str,
        channels: tuple[int, int],
        taps: int = 1,
        dilation: int = 1,
        scale: float = 1.0,
    ) -> str:
        pad = (taps - 1) * dilation // 2
        weight = self.weight((channels[1], channels[0], taps), scale)
        weights = [weight, self.weight((channels[1],), 0.1)]
        return self.node("Conv", x, *weights, pads=[pad, pad], dilations=[dilation])

    def setting(self, index: int) -> str:
        return self.node("Gather", "scales", self.constant(np.array(index)), axis=0)

    def text_encoder(self) -> tuple[str, str, str]:
        table = self.weight((len(PHONEMES), CHANNELS), 2.0)
        embedded = self.node("Gather", table, "input", axis=0)
        x = self.node("Transpose", embedded, perm=[0, 2, 1])
        x = self.node("Relu", self.conv(x, (CHANNELS, CHANNELS), 3))
        if self._speaker:
            x = self.node("Add", x, self._speaker)
        stats = self.conv(x, (CHANNELS, 2 * CHANNELS))
        mean = self.node("Slice", stats, self.whole([0]), self.whole([CHANNELS]), self.whole([1]))
        log_scale = self.node(
            "Slice", stats, self.whole([CHANNELS]), self.whole([2 * CHANNELS]), self.whole([1])
        )
        like = self.conv(x, (CHANNELS, 2))
        noise = self.node("Mul", self.node("RandomNormalLike", like), self.setting(2))
        noisy = self.node("Add", self.conv(noise, (2, 1)), self.conv(x, (CHANNELS, 1)))
        return mean, log_scale, noisy

    def durations(self, log_duration: str) -> tuple[str, str]:
        """Mask ``[1, 1, frames]`` and path ``[1, frames, tokens]``."""
        duration = self.node("Mul", self.node("Exp", log_duration), self.scalar(3.0))
        frames = self.node("Ceil", self.node("Mul", duration, self.setting(1)))
        total = self.node("ReduceSum", frames, self.whole([1, 2]), keepdims=0)
        length = self.node("Cast", self.node("Clip", total, self.scalar(1.0)), to=7)
        longest = self.node("ReduceMax", length, keepdims=0)
        zero, one = self.constant(np.array(0)), self.constant(np.array(1))
        steps = self.node("Range", zero, longest, one)
        row = self.node("Unsqueeze", steps, self.whole([0]))
        inside = self.node("Less", row, self.node("Unsqueeze", length, self.whole([1])))
        mask = self.node("Cast", self.node("Unsqueeze", inside, self.whole([1])), to=1)
        ends = self.node("CumSum", frames, self.constant(np.array(2)))
        ends = self.node("Transpose", ends, perm=[0, 2, 1])
        before = self.node("Less", self.node("Cast", row, to=1), ends)
        before = self.node("Cast", before, to=1)
        shifted = self.node("Pad", before, self.whole([0, 1, 0, 0, 0, 0]))
        shifted = self.node("Slice", shifted, self.whole([0]), self.whole([-1]), self.whole([1]))
        return mask, self.node("Transpose", self.node("Sub", before, shifted), perm=[0, 2, 1])

    def prior(self, mean: str, log_scale: str, path: str) -> str:
        def stretch(x: str) -> str:
            rows = self.node("Transpose", x, perm=[0, 2, 1])
            return self.node("Transpose", self.node("MatMul", path, rows), perm=[0, 2, 1])

        mean, log_scale = stretch(mean), stretch(log_scale)
        noise = self.node("RandomNormalLike", mean)
        noise = self.node("Mul", noise, self.node("Exp", log_scale))
        return self.node("Add", mean, self.node("Mul", noise, self.setting(0)))

    def flow(self, x: str, mask: str, couplings: int = 2) -> str:
        half = CHANNELS // 2
        for _ in range(couplings):
            # Flip the channels, as VITS does between couplings.
            flip = [self.whole([-1]), self.whole([-(2**31)]), self.whole([1]), self.whole([-1])]
            x = self.node("Slice", x, *flip)
            one = self.node("Slice", x, self.whole([0]), self.whole([half]), self.whole([1]))
            two = self.node("Slice", x, self.whole([half]), self.whole([CHANNELS]), self.whole([1]))
            hidden = self.node("Mul", self.conv(one, (half, CHANNELS)), mask)
            for _ in range(2):
                hidden = self._gated(hidden, mask)
            shift = self.node("Mul", self.conv(hidden, (CHANNELS, half)), mask)
            zeros = self.node("ConstantOfShape", self.node("Shape", shift))
            moved = self.node("Sub", two, shift)
            moved = self.node("Mul", moved, self.node("Exp", self.node("Neg", zeros)))
            x = self.node("Concat", one, self.node("Mul", moved, mask), axis=1)
        return x

    def _gated(self, x: str, mask: str) -> str:
        wide = self.conv(x, (CHANNELS, 2 * CHANNELS), 5)
        if self._speaker:
            wide = self.node("Add", wide, self.conv(self._speaker, (CHANNELS, 2 * CHANNELS)))
        else:
            wide = self.node("Add", wide, self.node("ConstantOfShape", self.node("Shape", wide)))
        ends = (self.whole([0]), self.whole([CHANNELS]), self.whole([2 * CHANNELS]))
        first = self.node("Slice", wide, ends[0], ends[1], self.whole([1]))
        second = self.node("Slice", wide, ends[1], ends[2], self.whole([1]))
        gate = self.node("Mul", self.node("Tanh", first), self.node("Sigmoid", second))
        gate = self.conv(gate, (CHANNELS, CHANNELS))
        return self.node("Mul", self.node("Add", x, gate), mask)

    def decoder(self, x: str) -> None:
        x = self.conv(x, (CHANNELS, 2 * CHANNELS), 7)
        if self._speaker:
            x = self.node("Add", x, self.conv(self._speaker, (CHANNELS, 2 * CHANNELS)))
        wide = 2 * CHANNELS
        for stride in (8, 4):
            weight, bias = (
                self.weight((wide, wide // 2, 2 * stride), 3.0),
                self.weight((wide // 2,)),
            )
            x = self.node("LeakyRelu", x, alpha=0.1)
            pads = [stride // 2, stride // 2]
            x = self.node("ConvTranspose", x, weight, bias, strides=[stride], pads=pads)
            wide //= 2
            blocks = [self._residual(x, wide, taps) for taps in (3, 5)]
            x = self.node("Div", self.node("Add", *blocks), self.scalar(2.0))
        x = self.node("LeakyRelu", x, alpha=0.01)
        samples = self.node("Tanh", self.conv(x, (wide, 1), 7, scale=0.1))
        self._nodes.append(
            self._helper.make_node("Unsqueeze", [samples, self.whole([1])], ["output"])
        )

    def _residual(self, x: str, channels: int, taps: int) -> str:
        for dilation in (1, 3):
            activated = self.node("LeakyRelu", x, alpha=0.1)
            x = self.node("Add", self.conv(activated, (channels, channels), taps, dilation), x)
        return x

    def model(self) -> onnx.ModelProto:
        import onnx

        helper, whole, real = self._helper, onnx.TensorProto.INT64, onnx.TensorProto.FLOAT
        inputs = [
            helper.make_tensor_value_info("input", whole, ["batch_size", "phonemes"]),
            helper.make_tensor_value_info("input_lengths", whole, ["batch_size"]),
            helper.make_tensor_value_info("scales", real, [3]),
        ]
        if self._speaker:
            inputs.append(helper.make_tensor_value_info("sid", whole, ["batch_size"]))
        output = helper.make_tensor_value_info("output", real, ["batch_size", 1, 1, "time"])
        graph = helper.make_graph(self._nodes, "tiny", inputs, [output], self._weights)
        model: onnx.ModelProto = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 15)]
        )
        model.ir_version = 8
        onnx.checker.check_model(model)
        return model
