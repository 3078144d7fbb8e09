"""Small networks in ONNX, made for a test."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch


def onnx_file(path: Path, original: torch.nn.Linear, *, channels_last: bool, batch: int | str = "batch") -> Path:
    """Write a linear network on images of 6 x 5 pixels in colour; with ``channels_last`` its input is (B, H, W, C)."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    helper, numbers = onnx.helper, onnx.TensorProto.FLOAT
    shape = [batch, 6, 5, 3] if channels_last else [batch, 3, 6, 5]
    nodes = [helper.make_node("Transpose", ["images"], ["first"], perm=[0, 3, 1, 2])] if channels_last else []
    nodes.append(helper.make_node("Flatten", ["first" if channels_last else "images"], ["flat"]))
    nodes.append(helper.make_node("Gemm", ["flat", "weight", "bias"], ["logits"], transB=1))
    nodes.append(helper.make_node("Softmax", ["logits"], ["scores"], axis=1))
    weights = {"weight": original.weight, "bias": original.bias}
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("images", numbers, shape)],
        [helper.make_tensor_value_info("scores", numbers, [batch, 4])],
        [onnx.numpy_helper.from_array(value.detach().numpy(), name) for name, value in weights.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    return path
