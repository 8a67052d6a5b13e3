"""Who makes a tensor, who uses it, and what hangs on what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import onnx
from onnx import numpy_helper


class GraphView:
    """An index over an ONNX graph.

    The graph must be in topological order (the ONNX specification demands it) and free of
    control flow. The view goes stale when the graph is changed: make a new one.

    Args:
        graph: the graph to look at.
    """

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.producer: dict[str, onnx.NodeProto] = {
            name: node for node in graph.node for name in node.output if name
        }
        self.consumers: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                if name:
                    self.consumers.setdefault(name, []).append(node)
        self._initializers = {item.name: item for item in graph.initializer}

    def constant(self, name: str) -> np.ndarray | None:
        """Value of a tensor that is an initializer or a Constant node, else None."""
        if name in self._initializers:
            return numpy_helper.to_array(self._initializers[name])
        node = self.producer.get(name)
        if node is not None and node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    return numpy_helper.to_array(attribute.t)
        return None

    def nodes(self, op_type: str) -> list[onnx.NodeProto]:
        """All nodes of one kind, in topological order."""
        return [node for node in self.graph.node if node.op_type == op_type]

    def descendants(self, sources: Iterable[str]) -> set[str]:
        """The tensors that depend on any of ``sources``, the sources included."""
        reached = set(sources)
        for node in self.graph.node:
            if any(name in reached for name in node.input):
                reached.update(name for name in node.output if name)
        return reached

    def upstream(self, name: str, op_types: frozenset[str]) -> Iterator[onnx.NodeProto]:
        """Walk from a tensor towards its origin through nodes of the given kinds.

        Follows the first input of each node; yields each node passed, and lastly the first node
        that is of none of these kinds (if there is one).
        """
        node = self.producer.get(name)
        while node is not None:
            yield node
            if node.op_type not in op_types:
                return
            node = self.producer.get(node.input[0])


def attribute(node: onnx.NodeProto, name: str, default: object = None) -> object:
    """Value of a node's attribute, or ``default``."""
    for item in node.attribute:
        if item.name == name:
            return onnx.helper.get_attribute_value(item)
    return default


def ints(node: onnx.NodeProto, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
    """A list-of-integers attribute as a tuple."""
    value = attribute(node, name, default)
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"attribute {name} of {node.op_type} is not a list")
    return tuple(int(item) for item in value)


def extract(
    model: onnx.ModelProto,
    inputs: Iterable[onnx.ValueInfoProto],
    outputs: Iterable[onnx.ValueInfoProto],
    constants: dict[str, np.ndarray] | None = None,
) -> onnx.ModelProto:
    """Cut a sub-graph out of a model.

    Args:
        model: the whole; not changed.
        inputs: tensors that become graph inputs (whatever made them is left behind).
        outputs: tensors that become graph outputs.
        constants: tensors to be replaced by fixed values.

    Returns:
        A new model with only the nodes and initializers that the outputs need.

    Raises:
        ValueError: an output hangs on a graph input that is not among ``inputs``.
    """
    inputs, outputs, constants = list(inputs), list(outputs), constants or {}
    stop = {item.name for item in inputs} | set(constants)
    needed = {item.name for item in outputs}
    nodes: list[onnx.NodeProto] = []
    for node in reversed(model.graph.node):
        if any(name in needed and name not in stop for name in node.output):
            nodes.append(node)
            needed.update(name for name in node.input if name)
    nodes.reverse()
    made = {name for node in nodes for name in node.output} | stop
    initializers = [item for item in model.graph.initializer if item.name in needed - stop]
    made.update(item.name for item in initializers)
    missing = sorted(needed - made)
    if missing:
        raise ValueError(f"the part also hangs on {', '.join(missing)}")
    initializers += [
        numpy_helper.from_array(value, name) for name, value in constants.items() if name in needed
    ]
    part = onnx.helper.make_model(
        onnx.helper.make_graph(nodes, "stage", inputs, outputs, initializers),
        opset_imports=model.opset_import,
        producer_name="voxedge",
    )
    part.ir_version = model.ir_version
    return part


def rename(model: onnx.ModelProto, names: dict[str, str]) -> None:
    """Rename tensors everywhere in a model, in place."""
    graph = model.graph
    for node in graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = names.get(name, name)
        for index, name in enumerate(node.output):
            node.output[index] = names.get(name, name)
    for item in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
        item.name = names.get(item.name, item.name)
