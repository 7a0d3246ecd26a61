"""EfficientNet-Lite0 as an ONNX graph: a picture in, its features and its classes out.

Source: the network of "efficientnet-lite" by Google, which is EfficientNet-B0 (Tan and Le, 2019)
without squeeze-and-excitation and with ReLU6; its padding is TensorFlow's: more below and right.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from adapters.local.efficientnet.weights_file import Array

SIDE = 224
FEATURES = 1280
CLASSES = 1000
PIXELS_INPUT, FEATURES_OUTPUT, CLASSES_OUTPUT = "pixels", "features", "classes"
_OPSET = 17
_EPSILON = 1e-3
# Kernel, stride, widening and how many of it, of each stage.
_STAGES = (
    (3, 1, 1, 1),
    (3, 2, 6, 2),
    (5, 2, 6, 2),
    (3, 2, 6, 3),
    (5, 1, 6, 3),
    (5, 2, 6, 4),
    (3, 1, 6, 1),
)
Floats = NDArray[np.float32]


def classifier(weights: Mapping[str, Array]) -> bytes:
    """The graph, serialised. Raises KeyError: these are another network's weights."""
    graph = _Graph(weights)
    flow = graph.convolution(PIXELS_INPUT, "_conv_stem", "_bn0", stride=2, side=SIDE, bounded=True)
    number, side = 0, SIDE // 2
    for kernel, stride, widening, times in _STAGES:
        for repeat in range(times):
            step = stride if repeat == 0 else 1
            flow = graph.block(flow, f"_blocks.{number}.", step, widening > 1, side, kernel)
            number, side = number + 1, side // step
    flow = graph.convolution(flow, "_conv_head", "_bn1", side=side, bounded=True)
    graph.ends(flow)
    return graph.model().SerializeToString()


@dataclass(slots=True)
class _Graph:
    weights: Mapping[str, Array]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    arrays: list[onnx.TensorProto] = field(default_factory=list)

    def block(
        self, flow: str, prefix: str, stride: int, widened: bool, side: int, kernel: int
    ) -> str:
        """Widen, look around, narrow; with what came in added where it has the same shape."""
        inner = flow
        if widened:
            inner = self.convolution(
                inner, f"{prefix}_expand_conv", f"{prefix}_bn0", side=side, bounded=True
            )
        deep = f"{prefix}_depthwise_conv"
        if self.weights[f"{deep}.weight"].shape[-1] != kernel:
            raise KeyError(deep)
        inner = self.convolution(
            inner, deep, f"{prefix}_bn1", stride=stride, side=side, bounded=True, apart=True
        )
        inner = self.convolution(inner, f"{prefix}_project_conv", f"{prefix}_bn2", side=side)
        first = f"{prefix}_expand_conv.weight" if widened else f"{deep}.weight"
        came = self.weights[first].shape[1] if widened else self.weights[first].shape[0]
        went = self.weights[f"{prefix}_project_conv.weight"].shape[0]
        return self.node("Add", [flow, inner]) if stride == 1 and came == went else inner

    def convolution(
        self,
        flow: str,
        name: str,
        norm: str,
        *,
        side: int,
        stride: int = 1,
        bounded: bool = False,
        apart: bool = False,
    ) -> str:
        """A convolution with its batch normalisation folded into it, and ReLU6 when `bounded`."""
        kernels, bias = self._folded(name, norm)
        size = kernels.shape[-1]
        spare = max((side // stride - 1) * stride + size - side, 0)
        before, after = spare // 2, spare - spare // 2
        inputs = [flow, self.array(kernels), self.array(bias)]
        flow = self.node(
            "Conv",
            inputs,
            strides=[stride, stride],
            pads=[before, before, after, after],
            group=kernels.shape[0] if apart else 1,
        )
        if not bounded:
            return flow
        return self.node("Clip", [flow, self.array(np.float32(0)), self.array(np.float32(6))])

    def ends(self, flow: str) -> None:
        pooled = self.node("GlobalAveragePool", [flow])
        self.nodes.append(helper.make_node("Flatten", [pooled], [FEATURES_OUTPUT]))
        weight, bias = (self._floats(f"_fc.{part}") for part in ("weight", "bias"))
        inputs = [FEATURES_OUTPUT, self.array(weight), self.array(bias)]
        logits = self.node("Gemm", inputs, transB=1)
        self.nodes.append(helper.make_node("Softmax", [logits], [CLASSES_OUTPUT], axis=1))

    def node(self, kind: str, inputs: list[str], **attributes: int | list[int]) -> str:
        output = f"flow{len(self.nodes)}"
        node = helper.make_node(kind, inputs, [output])
        node.attribute.extend(helper.make_attribute(*pair) for pair in attributes.items())
        self.nodes.append(node)
        return output

    def array(self, values: Floats | np.float32) -> str:
        name = f"array{len(self.arrays)}"
        self.arrays.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def model(self) -> onnx.ModelProto:
        floats = TensorProto.FLOAT
        graph = helper.make_graph(
            self.nodes,
            "efficientnet-lite0",
            [helper.make_tensor_value_info(PIXELS_INPUT, floats, [1, 3, SIDE, SIDE])],
            [
                helper.make_tensor_value_info(FEATURES_OUTPUT, floats, [1, FEATURES]),
                helper.make_tensor_value_info(CLASSES_OUTPUT, floats, [1, CLASSES]),
            ],
            self.arrays,
        )
        opset = helper.make_opsetid("", _OPSET)
        return helper.make_model(graph, opset_imports=[opset], ir_version=9)

    def _folded(self, name: str, norm: str) -> tuple[Floats, Floats]:
        kernels = self._floats(f"{name}.weight")
        scale, shift, mean, variance = (
            self._floats(f"{norm}.{part}")
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        factor = scale / np.sqrt(variance + np.float32(_EPSILON))
        return kernels * factor.reshape(-1, 1, 1, 1), shift - mean * factor

    def _floats(self, name: str) -> Floats:
        return self.weights[name].astype(np.float32)
