"""A folded network as an ONNX graph, served by ONNX Runtime: the CNN that the spikes are compared with.

Made from the same arrays as the Keras twin, so that neither torch nor TensorFlow is needed to answer with it. Knows
nothing of spikes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from classifier.spiking.layers import Array, Conv, Dense, Layer, LayeredNetwork, MeanPool

OPSET = 17
IR_VERSION = 9
INPUT, OUTPUT = "image", "evidence"
_CHANNELS_FIRST, _CHANNELS_LAST = [0, 3, 1, 2], [0, 2, 3, 1]


class LayeredSession:
    """A folded network, ready to answer. Safe to use from several threads.

    Args:
        levels: of the quantised activation in the place of every ReLU, by the layers' thresholds; ReLUs where None.
        threads: of one forward pass; 0 for one a core.
        activations: give what every spiking layer puts out as well.
    """

    def __init__(
        self, network: LayeredNetwork, *, levels: int | None = None, threads: int = 0, activations: bool = False
    ) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        names = [layer.name for layer in network.list_spiking()] if activations else []
        graph = build_graph(network, levels=levels, outputs=names)
        self.network = network
        self._names = names
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def run(self, images: Array, *, batch: int = 100) -> Array:
        """Evidence (n, outputs) of normalised images (n, height, width, channels)."""
        parts = [
            self._session.run([OUTPUT], {INPUT: images[start : start + batch]})[0]
            for start in range(0, len(images), batch)
        ]
        return np.concatenate(parts) if parts else np.empty((0, self._count_outputs()), np.float32)

    def run_layers(self, images: Array) -> dict[str, Array]:
        """What each spiking layer puts out, (n, height, width, channels), of a dense one (n, numbers).

        Of a session made with `activations`.
        """
        found = self._session.run(self._names, {INPUT: images})
        return dict(zip(self._names, found, strict=True))

    def _count_outputs(self) -> int:
        return self.network.list_sizes()[-1][2]


def build_graph(network: LayeredNetwork, *, levels: int | None = None, outputs: Sequence[str] = ()) -> bytes:
    """The graph's file: normalised images (n, height, width, channels) to `evidence` (n, outputs).

    Args:
        levels: as `LayeredSession`.
        outputs: layers whose activations come out too, channels last.
    """
    from onnx import TensorProto, checker, helper

    writer = _Writer(levels)
    last = len(network.layers) - 1
    given, flat = writer.add("Transpose", [INPUT], perm=_CHANNELS_FIRST), False
    for number, layer in enumerate(network.layers):
        if isinstance(layer, Dense) and not flat:
            given, flat = writer.add("Flatten", [writer.add("Transpose", [given], perm=_CHANNELS_LAST)]), True
        given = writer.add_layer(layer, given, network.list_sizes()[number])
        if number < last and not isinstance(layer, MeanPool):
            given = writer.add_activation(given, layer.threshold)
            if layer.name in outputs:
                turned = given if flat else writer.add("Transpose", [given], perm=_CHANNELS_LAST)
                writer.add("Identity", [turned], output=layer.name)
    writer.add("Identity", [given], output=OUTPUT)
    shapes = {layer.name: size for layer, size in zip(network.layers, network.list_sizes()[1:], strict=True)}
    declared = [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", shapes[network.layers[-1].name][2]])]
    for layer in network.layers:
        if layer.name in outputs:
            sides = shapes[layer.name][2:] if isinstance(layer, Dense) else shapes[layer.name]
            declared.append(helper.make_tensor_value_info(layer.name, TensorProto.FLOAT, ["n", *sides]))
    image = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", *network.size])
    graph = helper.make_graph(writer.nodes, "layered", [image], declared, writer.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    checker.check_model(model)
    return bytes(model.SerializeToString())


class _Writer:
    """Nodes and constants so far; every node has one output, named by its number unless a name is given."""

    def __init__(self, levels: int | None) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._levels = levels

    def add(self, kind: str, inputs: Sequence[str], *, output: str | None = None, **attributes: Any) -> str:
        from onnx import helper

        name = output or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def add_layer(self, layer: Layer, given: str, size: tuple[int, int, int]) -> str:
        match layer:
            case Conv():
                (top, bottom), (left, right) = (layer.find_padding(side) for side in size[:2])
                return self.add(
                    "Conv",
                    [given, self._keep(layer.weight.transpose(3, 2, 0, 1)), self._keep(layer.bias)],
                    strides=[layer.stride] * 2,
                    pads=[top, left, bottom, right],
                )
            case MeanPool():
                return self.add("AveragePool", [given], kernel_shape=[layer.side] * 2, strides=[layer.side] * 2)
            case Dense():
                return self.add("Gemm", [given, self._keep(layer.weight), self._keep(layer.bias)])

    def add_activation(self, given: str, threshold: float | None) -> str:
        """A ReLU, or threshold * clip(floor(levels * x / threshold + 1/2) / levels, 0, 1)."""
        if self._levels is None or threshold is None:
            return self.add("Relu", [given])
        low, high = self._keep(np.float32(0)), self._keep(np.float32(self._levels))
        share = self.add("Div", [given, self._keep(np.float32(threshold))])
        shifted = self.add("Add", [self.add("Mul", [share, high]), self._keep(np.float32(0.5))])
        level = self.add("Clip", [self.add("Floor", [shifted]), low, high])
        return self.add("Mul", [level, self._keep(np.float32(threshold / self._levels))])

    def _keep(self, values: Any) -> str:
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, np.float32, order="C"), name))
        return name
