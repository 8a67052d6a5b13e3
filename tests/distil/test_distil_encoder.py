"""The text encoder written anew: against the original, and against loops by hand."""

import itertools
import logging
import math
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxedge.engines.tts.network import VoiceNetwork
from voxedge.errors import VoiceCorrupt, VoiceMissing
from voxedge.models.build import build
from voxedge.models.distil import encoder
from voxedge.models.distil.encoder import build_encoder, build_like, calibrate_encoder
from voxedge.models.distil.package import text_feeds, write_text_encoder
from voxedge.models.graph.text_encoder import (
    Layer,
    Linear,
    Norm,
    NoTextEncoder,
    Separable,
    Spline,
    TextEncoderWeights,
    read_text_encoder,
)
from voxedge.models.store import VoiceStore
from voxedge.testing.tiny_voice import write_tiny_voice

OUTPUTS = ["mean", "log_scale", "durations"]
WIDTH, HEADS, REACH, HIDDEN, BINS, TOKENS = 6, 2, 2, 10, 4, 11


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


def feed(ids, noise=None, scale=0.0):
    if noise is None:
        noise = np.zeros((2, len(ids)))
    return {
        "input": np.array([ids], dtype=np.int64),
        "input_lengths": np.array([len(ids)], dtype=np.int64),
        "scales": np.array([0.0, 1.0, scale], dtype=np.float32),
        "duration_noise": np.asarray(noise, dtype=np.float32)[None],
    }


# -- with the real voice ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real():
    try:
        return VoiceNetwork(VoiceStore().open(), threads=1)
    except (VoiceMissing, VoiceCorrupt) as error:
        pytest.skip(f"the default voice is not installed: {error}")


@pytest.fixture(scope="module")
def original(real):
    return onnx.load(str(real.assets.text_encoder))


@pytest.mark.timeout(120)
def test_a_real_text_encoder_says_the_same_written_anew(real, original):
    feeds = list(itertools.islice(text_feeds(real), 12))
    weights, exact = build_like(original, feeds[:3])
    assert len(exact.graph.node) < 0.4 * len(original.graph.node)
    light = build_encoder(weights, calibrate_encoder(exact, feeds))
    old, new, rounded = session(original), session(build_encoder(weights)), session(light)
    rng = np.random.default_rng(0)
    ids = feeds[3]["input"][0].tolist()
    for some in (ids[:1], ids[:2], ids[:9], ids * 5):
        noise = rng.normal(0, 3, (2, len(some)))  # some beyond the splines' ends
        for scale in (0.0, 0.8):
            given_ = feed(some, noise, scale)
            for one, other in zip(old.run(OUTPUTS, given_), new.run(OUTPUTS, given_), strict=True):
                assert np.allclose(one, other, rtol=1e-3, atol=1e-3)
    wanted, got = (s.run(OUTPUTS, feeds[5]) for s in (old, rounded))
    error = np.sum((wanted[0] - got[0]) ** 2) / np.sum(wanted[0] ** 2)
    assert -10 * math.log10(error) > 25
    assert np.mean(np.ceil(wanted[2]) != np.ceil(got[2])) < 0.1


@pytest.mark.timeout(120)
def test_names_do_not_matter(original):
    renamed = onnx.ModelProto()
    renamed.CopyFrom(original)
    kept = {item.name for item in (*renamed.graph.input, *renamed.graph.output)}
    numbers: dict[str, str] = {"": ""}

    def other(name):
        return name if name in kept else numbers.setdefault(name, f"n{len(numbers)}")

    for item in renamed.graph.initializer:
        item.name = other(item.name)
    for node in renamed.graph.node:
        node.name = ""
        node.input[:] = [other(name) for name in node.input]
        node.output[:] = [other(name) for name in node.output]
    del renamed.graph.value_info[:]
    one, two = (build_encoder(read_text_encoder(item)) for item in (original, renamed))
    assert one.SerializeToString() == two.SerializeToString()


@pytest.mark.timeout(120)
def test_one_that_would_say_something_else_is_refused(real, original, monkeypatch):
    def misread(model):
        weights = read_text_encoder(model)
        return replace(weights, embedding=weights.embedding + np.float32(0.01))

    monkeypatch.setattr(encoder, "read_text_encoder", misread)
    with pytest.raises(NoTextEncoder, match="something else"):
        build_like(original, [next(text_feeds(real))])


@pytest.mark.parametrize("speakers", [1, 2])
def test_what_is_no_such_encoder_is_quantized_as_it_is(tmp_path, caplog, speakers):
    model, config = write_tiny_voice(tmp_path, speakers=speakers)
    tiny = VoiceNetwork(build("tiny", model, config, tmp_path / "built"), threads=1)
    with caplog.at_level(logging.INFO):
        path = write_text_encoder(tiny, tmp_path)
    assert "not written anew" in caplog.text
    session(onnx.load(str(path)))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("relative", "no relative positions"),
        ("convolution", "convolutions instead of"),
        ("bias", "with a bias"),
        ("norm", "too few norms"),
        ("affine", "affine step"),
        ("embedding", "no embedding"),
        ("width", "another width"),
    ],
)
def test_a_graph_that_lacks_a_part_is_told(original, damage, reason):
    model = onnx.ModelProto()
    model.CopyFrom(original)
    nodes = model.graph.node
    by_type = {kind: [n for n in nodes if n.op_type == kind] for kind in ("Conv", "Gather", "Sub")}
    if damage == "relative":
        for item in model.graph.initializer:
            if list(item.dims)[:2] == [1, 9]:
                item.dims[:] = [9, *item.dims[2:]]
    elif damage == "convolution":
        nodes.remove(by_type["Conv"][-1])
    elif damage == "bias":
        del by_type["Conv"][3].input[2]
    elif damage == "norm":
        for node in [n for n in nodes if n.op_type == "Div"]:
            nodes.remove(node)
    elif damage == "affine":
        for node in by_type["Sub"]:
            nodes.remove(node)
    elif damage == "embedding":
        for node in by_type["Gather"]:
            nodes.remove(node)
    else:
        by_type["Conv"][0].input[1] = by_type["Conv"][4].input[1]
    with pytest.raises(NoTextEncoder, match=reason):
        read_text_encoder(model)


# -- by hand ------------------------------------------------------------------------------------

RNG = np.random.default_rng(4)


def some(*size):
    return RNG.normal(0, 0.4, size).astype(np.float32)


def linear(rows, columns, taps=1):
    return Linear(some(rows, columns, taps), some(rows))


def norm():
    return Norm(1 + some(WIDTH), some(WIDTH))


def separable():
    return Separable(
        tuple(linear(WIDTH, 1, 3) for _ in range(3)),
        tuple(norm() for _ in range(3)),
        tuple(linear(WIDTH, WIDTH) for _ in range(3)),
        tuple(norm() for _ in range(3)),
    )


def layer():
    square = [linear(WIDTH, WIDTH) for _ in range(4)]
    relative = [some(1, 2 * REACH + 1, WIDTH // HEADS) for _ in range(2)]
    ffn = linear(HIDDEN, WIDTH, 3), linear(WIDTH, HIDDEN, 3)
    return Layer(*square, *relative, norm(), *ffn, norm())


SPLINES = tuple(
    Spline(linear(WIDTH, 1), separable(), linear(3 * BINS - 1, WIDTH)) for _ in range(3)
)
WEIGHTS = TextEncoderWeights(
    some(TOKENS, WIDTH),
    (layer(), layer()),
    linear(2 * 3, WIDTH),
    linear(WIDTH, WIDTH),
    separable(),
    linear(WIDTH, WIDTH),
    SPLINES,
    some(2, 1),
    np.exp(some(2, 1)),
)
GRAPH = session(build_encoder(WEIGHTS))


def apply(x, part):
    """A convolution over time, tap by tap."""
    taps = part.weight.shape[2]
    padded = np.pad(x, ((taps // 2, taps // 2), (0, 0)))
    rows = [padded[t : t + len(x)] @ part.weight[:, :, t].T for t in range(taps)]
    return sum(rows) + part.bias


def normed(x, part):
    mean, spread = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(spread + 1e-5) * part.scale + part.shift


def attended(x, part):
    size = WIDTH // HEADS
    query, key, value = (apply(x, item) for item in (part.query, part.key, part.value))
    out = np.zeros_like(x)
    for head in range(HEADS):
        own = slice(head * size, (head + 1) * size)
        for i in range(len(x)):
            scores = np.zeros(len(x))
            for j in range(len(x)):
                scores[j] = query[i, own] @ key[j, own]
                if abs(j - i) <= REACH:
                    scores[j] += query[i, own] @ part.relative_key[0, j - i + REACH]
            shares = np.exp(scores / math.sqrt(size))
            shares /= shares.sum()
            for j in range(len(x)):
                out[i, own] += shares[j] * value[j, own]
                if abs(j - i) <= REACH:
                    out[i, own] += shares[j] * part.relative_value[0, j - i + REACH]
    return apply(out, part.output)


@given(st.lists(st.integers(0, TOKENS - 1), min_size=1, max_size=14))
@settings(max_examples=25, deadline=None)
def test_attention_and_feed_forward_by_hand(ids):
    x = WEIGHTS.embedding[ids] * math.sqrt(WIDTH)
    for part in WEIGHTS.layers:
        x = normed(x + attended(x, part), part.attention_norm)
        inner = np.maximum(apply(x, part.expand), 0)
        x = normed(x + apply(inner, part.contract), part.norm)
    wanted = apply(x, WEIGHTS.projection)
    mean, log_scale, _ = GRAPH.run(OUTPUTS, feed(ids))
    assert np.allclose(mean[0].T, wanted[:, :3], atol=1e-4)
    assert np.allclose(log_scale[0].T, wanted[:, 3:], atol=1e-4)


def stacked(x, parts):
    def gelu(y):
        return y * 0.5 * (1 + np.vectorize(math.erf)(y / math.sqrt(2)))

    rows = zip(parts.depthwise, parts.depthwise_norm, parts.linear, parts.linear_norm, strict=True)
    for index, (depthwise, first, flat, second) in enumerate(rows):
        step = 3**index
        padded = np.pad(x, ((step, step), (0, 0)))
        y = depthwise.bias + sum(
            padded[t * step : t * step + len(x)] * depthwise.weight[:, 0, t] for t in range(3)
        )
        x = x + gelu(normed(apply(gelu(normed(y, first)), flat), second))
    return x


def unbent(value, row):
    """The spline forwards: what ``value`` came from, by the definition of Durkan et al."""
    if abs(value) > 5:
        return value
    root = math.sqrt(WIDTH)
    edges = []
    for part in (row[:BINS], row[BINS : 2 * BINS]):
        share = np.exp(part / root - (part / root).max())
        share = 0.001 + (1 - 0.001 * BINS) * share / share.sum()
        edges.append(np.concatenate([[-5], -5 + 10 * np.cumsum(share)]))
    slopes = np.concatenate([[1], 0.001 + np.log1p(np.exp(row[2 * BINS :])), [1]])
    k = int(np.clip(np.searchsorted(edges[0], value, "right") - 1, 0, BINS - 1))
    wide, high = edges[0][k + 1] - edges[0][k], edges[1][k + 1] - edges[1][k]
    share, steep = (value - edges[0][k]) / wide, high / wide
    above = high * (steep * share**2 + slopes[k] * share * (1 - share))
    below = steep + (slopes[k + 1] + slopes[k] - 2 * steep) * share * (1 - share)
    return edges[1][k] + above / below


@given(st.integers(1, 6), st.integers(0, 100), st.sampled_from([0.0, 0.5, 1.0, 4.0]))
@settings(max_examples=25, deadline=None)
def test_durations_lead_back_to_the_noise_they_came_from(count, seed, scale):
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, TOKENS, count).tolist()
    noise = rng.normal(size=(2, count))
    frames = GRAPH.run(OUTPUTS, feed(ids, noise, scale))[2][0, 0]
    x = WEIGHTS.embedding[ids] * math.sqrt(WIDTH)
    for part in WEIGHTS.layers:
        x = normed(x + attended(x, part), part.attention_norm)
        x = normed(x + apply(np.maximum(apply(x, part.expand), 0), part.contract), part.norm)
    condition = apply(stacked(apply(x, WEIGHTS.before), WEIGHTS.separable), WEIGHTS.after)

    def row_of(spline, channel):
        y = channel[:, None] * spline.before.weight[:, 0, 0] + spline.before.bias
        return apply(stacked(y + condition, spline.separable), spline.after)

    # Forwards through the noise's way: each channel bent in turn, as the graph must have done.
    one, other = noise * scale
    bent = [one, other]
    for spline in WEIGHTS.splines:
        bent = bent[::-1]
        rows = row_of(spline, bent[0])
        found = np.array([_inverse(value, row) for value, row in zip(bent[1], rows, strict=True)])
        back = [unbent(value, row) for value, row in zip(found, rows, strict=True)]
        assert np.allclose(back, bent[1], atol=1e-6)
        bent = [bent[0], found]
    wanted = np.exp((bent[1] - WEIGHTS.offset[0, 0]) * WEIGHTS.factor[0, 0])
    assert np.allclose(frames, wanted, rtol=2e-3)


def _inverse(value, row):
    """By halving: the spline rises."""
    if abs(value) > 5:
        return value
    low, high = -5.0, 5.0
    for _ in range(60):
        middle = (low + high) / 2
        if unbent(middle, row) < value:
            low = middle
        else:
            high = middle
    return (low + high) / 2
