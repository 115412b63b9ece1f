"""Plain layers: sizes, padding and what is counted, held against loops and against torch's own gradients."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from classifier.spiking.layers import Conv, MeanPool, Output, to_probabilities
from tests.classifier.spiking.small_networks import (
    describe,
    make_conv,
    make_dense,
    make_network,
    pad_as_tensorflow_says,
)

SIDES = st.integers(1, 11)


def count_by_hand(conv: Conv, size: tuple[int, int, int]) -> np.ndarray:
    """Every product of the convolution, one after the other."""
    height, width, _ = size
    kernel_height, kernel_width, _, filters = conv.weight.shape
    top, _ = pad_as_tensorflow_says(height, kernel_height, conv.stride)
    left, _ = pad_as_tensorflow_says(width, kernel_width, conv.stride)
    counts = np.zeros(size, np.int64)
    rows, columns = -(-height // conv.stride), -(-width // conv.stride)
    for row, column, y, x in itertools.product(range(rows), range(columns), range(kernel_height), range(kernel_width)):
        at = row * conv.stride - top + y, column * conv.stride - left + x
        if 0 <= at[0] < height and 0 <= at[1] < width:
            counts[at] += filters
    return counts


@settings(max_examples=120, deadline=None)
@given(SIDES, SIDES, st.integers(1, 5), st.integers(1, 3), st.integers(1, 3))
def test_synapses_of_a_convolution_are_those_of_a_loop_over_its_products(height, width, kernel, stride, filters):
    conv = make_conv("conv", 2, filters, kernel=kernel, stride=stride)
    size = (height, width, 2)
    wanted = count_by_hand(conv, size)
    assert conv.count_synapses(size).tolist() == wanted.tolist()
    assert conv.count_macs(size) == wanted.sum()


@pytest.mark.parametrize(("sides", "stride"), [((28, 28), 1), ((28, 28), 2), ((27, 28), 2), ((7, 7), 2)])
def test_inner_pixels_have_most_synapses(sides, stride):
    """Nine places of a kernel of 3, at a stride of 2 shared out between four kinds of pixel."""
    counts = make_conv("conv", 1, 5, stride=stride).count_synapses((*sides, 1))[2:-2, 2:-2, 0]
    assert sorted(set(counts.ravel().tolist())) == ([45] if stride == 1 else [5, 10, 20])


def test_a_kernel_of_other_height_than_width_is_counted_as_well():
    conv = Conv(name="conv", weight=np.ones((1, 5, 1, 2), np.float32), bias=np.zeros(2, np.float32), stride=1)
    assert conv.count_synapses((3, 6, 1)).tolist() == count_by_hand(conv, (3, 6, 1)).tolist()


@settings(max_examples=100, deadline=None)
@given(SIDES, SIDES, st.integers(1, 5), st.integers(1, 3))
def test_padding_is_that_of_the_tensorflow_guide_and_gives_the_size_said(height, width, kernel, stride):
    conv = make_conv("conv", 1, 3, kernel=kernel, stride=stride)
    (top, bottom), (left, right) = conv.find_padding(height), conv.find_padding(width)
    assert (top, bottom) == pad_as_tensorflow_says(height, kernel, stride)
    padded = functional.pad(torch.zeros(1, 1, height, width), (left, right, top, bottom))
    out = functional.conv2d(padded, torch.zeros(3, 1, kernel, kernel), stride=stride)
    assert conv.find_size((height, width, 1)) == (*out.shape[2:], 3)


@pytest.mark.parametrize(("side", "wanted"), [(28, (0, 1)), (27, (1, 1)), (1, (1, 1)), (2, (0, 1))])
def test_the_odd_zero_of_a_stride_of_two_comes_after(side, wanted):
    assert make_conv("conv", 1, 1, stride=2).find_padding(side) == wanted


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, st.integers(1, 4))
def test_a_pool_has_the_size_and_the_work_of_torch_s(height, width, side):
    pool = MeanPool(name="pool", side=side)
    if min(height, width) < side:
        assert 0 in pool.find_size((height, width, 2))
        return
    out = functional.avg_pool2d(torch.zeros(1, 2, height, width), side)
    assert pool.find_size((height, width, 2)) == (*out.shape[2:], 2)
    assert pool.count_macs((height, width, 2)) == out.numel() * side**2


def test_what_fills_no_square_is_left_out():
    counts = np.arange(1, 5).reshape(2, 2, 1)
    spread = MeanPool(name="pool", side=2).spread(counts, (5, 4, 1))
    assert spread[..., 0].tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4], [0, 0, 0, 0]]


def test_a_dense_layer_uses_every_number_for_every_output():
    dense = make_dense("dense", 12, 5)
    assert dense.find_size((2, 3, 2)) == (1, 1, 5)
    assert dense.count_macs((2, 3, 2)) == 60
    assert (dense.count_synapses((2, 3, 2)) == np.full((2, 3, 2), 5)).all()


def apply_ones(layer, flowing: torch.Tensor) -> torch.Tensor:
    """The layer with weights of one: a derivative of it is above zero where there is a synapse."""
    match layer:
        case Conv():
            sides = [pad_as_tensorflow_says(side, layer.weight.shape[0], layer.stride) for side in flowing.shape[-2:]]
            padded = functional.pad(flowing, (*sides[1], *sides[0]))
            return functional.conv2d(padded, torch.ones(layer.weight.shape).permute(3, 2, 0, 1), stride=layer.stride)
        case MeanPool():
            return functional.avg_pool2d(flowing, layer.side)
        case _:
            return flowing.flatten(1) @ torch.ones(layer.weight.shape)


def count_by_gradient(network, number: int) -> np.ndarray:
    """Outputs of the next layer with weights that change when a neuron of this layer does."""
    height, width, channels = network.list_sizes()[number + 1]

    def go_on(flowing):
        for layer in network.layers[number + 1 :]:
            flowing = apply_ones(layer, flowing)
            if not isinstance(layer, MeanPool):
                break
        return flowing.flatten()

    jacobian = torch.autograd.functional.jacobian(go_on, torch.zeros(1, channels, height, width))
    return (jacobian > 0).sum(0)[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("side", [8, 9, 11])
@pytest.mark.parametrize("pools", [(), (2,), (3,), (2, 2)])
def test_synapses_of_a_network_are_the_derivatives_that_are_not_zero(side, pools):
    layers = [make_conv("first", 1, 2), *(MeanPool(name=f"pool{n}", side=own) for n, own in enumerate(pools))]
    layers += [make_conv("second", 2, 3, stride=2), MeanPool(name="last", side=1)]
    rows, columns, channels = make_network((side, side, 1), [*layers, make_dense("x", 1, 1)]).list_sizes()[-2]
    layers += [make_dense("hidden", rows * columns * channels, 4), make_dense("heads", 4, 2)]
    network = make_network((side, side, 1), layers)
    counts = network.count_synapses()
    assert list(counts) == ["first", "second", "hidden"] == [layer.name for layer in network.list_spiking()]
    for number, layer in enumerate(layers):
        if layer.name in counts:
            assert counts[layer.name].tolist() == count_by_gradient(network, number).tolist()


def test_a_network_lists_its_maps_and_its_products():
    layers = [make_conv("conv", 1, 2, stride=2), MeanPool(name="pool", side=2), make_dense("heads", 8, 3)]
    network = make_network((7, 8, 1), layers)
    assert network.list_sizes() == [(7, 8, 1), (4, 4, 2), (2, 2, 2), (1, 1, 3)]
    assert network.count_macs() == [count_by_hand(layers[0], (7, 8, 1)).sum(), 2 * 2 * 2 * 4, 24]


def test_images_are_normalised_channel_by_channel():
    network = make_network((2, 2, 3), [make_dense("heads", 12, 2)])
    images = np.random.default_rng(0).integers(0, 256, (5, 2, 2, 3)).astype(np.uint8)
    found = network.normalise(images)
    assert found.dtype == np.float32
    for channel in range(3):
        wanted = (images[..., channel] / 255 - float(network.mean[channel])) / float(network.std[channel])
        assert np.allclose(found[..., channel], wanted, atol=1e-6)


def test_outputs_are_split_in_the_order_of_the_attributes_whatever_stands_before():
    attributes = {"b": describe(2), "a": describe(1), "c": describe(3)}
    network = make_network((1, 1, 1), [make_dense("heads", 1, 6)], attributes)
    outputs = np.arange(4 * 5 * 6).reshape(4, 5, 6)
    parts = network.split(outputs)
    assert list(parts) == ["b", "a", "c"]
    assert [part[0, 0].tolist() for part in parts.values()] == [[0, 1], [2], [3, 4, 5]]
    assert parts["c"].shape == (4, 5, 3)
    assert network.split(outputs[3, 4])["a"].tolist() == [outputs[3, 4, 2]]


def test_thresholds_are_set_by_name_and_the_others_kept():
    layers = [make_conv("one", 1, 2, threshold=3.0), MeanPool(name="pool", side=2), make_dense("heads", 2, 2)]
    network = make_network((2, 2, 1), layers)
    changed = network.with_thresholds({"one": 0.5, "pool": 7.0})
    assert [getattr(layer, "threshold", "none") for layer in changed.layers] == [0.5, "none", None]
    assert network.with_thresholds({}).layers[0].threshold == 3.0
    assert network.layers[0].threshold == 3.0
    assert changed.layers[0].weight is layers[0].weight


def test_evidence_becomes_probabilities_as_its_output_says():
    evidence = np.array([[0.0, np.log(3)]])
    assert to_probabilities(evidence, Output.SOFTMAX)[0] == pytest.approx([0.25, 0.75])
    assert to_probabilities(evidence, Output.SIGMOID)[0] == pytest.approx([0.5, 0.75])
    assert np.isfinite(to_probabilities(np.array([[1e4, -1e4]], np.float32), Output.SOFTMAX)).all()
