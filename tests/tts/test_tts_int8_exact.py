"""INT8 products are exact on every processor, also those that overflow 16 bits in pairs."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from voxedge.engines.tts import ready
from voxedge.engines.tts.network import open_session

WIDTH, OUTPUTS = 64, 8


@pytest.fixture
def loudest(tmp_path: Path) -> Path:
    """A layer whose weights are all 127: the worst that a product of 8 bits can meet."""
    constants = {
        "x_scale": np.array(1 / 255, dtype=np.float32),
        "x_zero": np.array(0, dtype=np.uint8),
        "w": np.full((WIDTH, OUTPUTS), 127, dtype=np.int8),
        "w_scale": np.full(OUTPUTS, 1 / 127, dtype=np.float32),
        "w_zero": np.zeros(OUTPUTS, dtype=np.int8),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "x_scale", "x_zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "x_scale", "x_zero"], ["d"]),
        helper.make_node("DequantizeLinear", ["w", "w_scale", "w_zero"], ["m"], axis=1),
        helper.make_node("MatMul", ["d", "m"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "loudest",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, WIDTH])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, OUTPUTS])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path = tmp_path / "loudest.onnx"
    onnx.save(model, path)
    return path


def product(path: Path) -> np.ndarray:
    ones = np.ones((3, WIDTH), dtype=np.float32)
    return np.asarray(open_session(path, threads=1).run(None, {"x": ones})[0])


def test_products_do_not_overflow(loudest):
    assert product(loudest) == pytest.approx(WIDTH, rel=1e-5)


def test_products_do_not_overflow_in_a_saved_network(loudest):
    assert ready.save_ready([loudest])
    assert ready.ready_file(loudest) is not None
    assert product(loudest) == pytest.approx(WIDTH, rel=1e-5)
