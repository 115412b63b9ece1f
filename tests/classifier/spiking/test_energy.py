"""Energy, against sums made by hand from the published numbers, and products counted one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.spiking.energy import count_neurons, count_used_macs, estimate_cnn, estimate_spiking
from classifier.spiking.graph import LayeredSession
from classifier.spiking.layers import Conv, MeanPool
from tests.classifier.spiking.small_networks import (
    draw_images,
    make_conv,
    make_dense,
    make_network,
    pad_as_tensorflow_says,
)


@pytest.fixture
def tiny():
    """2 x 2 pixels, two filters of 3 x 3 (every pixel is in all four places: 32 products), three outputs (24 more)."""
    return make_network((2, 2, 1), [make_conv("conv", 1, 2, threshold=1.0), make_dense("heads", 8, 3)])


@pytest.mark.parametrize(
    ("precision", "low_pj", "high_pj"),
    [
        # 56 products; with each of them 4 bytes of a weight, and a sum read and written: 3 accesses of 5 pJ.
        ("fp32", 56 * 4.6, 56 * (4.6 + 3 * 5)),
        # The weight is one byte, a quarter of an access; sums keep 32 bits.
        ("int8", 56 * 0.3, 56 * (0.3 + 1.25 + 2 * 5)),
    ],
)
def test_a_cnn_is_its_products_and_what_they_read_and_write(tiny, precision, low_pj, high_pj):
    assert sum(tiny.count_macs()) == 56
    energy = estimate_cnn(56, precision)
    assert (energy.low, energy.high) == (pytest.approx(low_pj * 1e-6), pytest.approx(high_pj * 1e-6))


@pytest.mark.parametrize(
    ("precision", "low_pj", "high_pj"),
    [
        # 10 operations and 4 steps of 8 neurons: 147.2 + 9 + 57.6; 4 x 32 x 19.6 + 9 + 57.6 + 10 x 15 + 64 x 5.
        ("fp32", 213.8, 3_045.4),
        # 9.6 + 1 + 6.4; 4 x 32 x 11.55 + 1 + 6.4 + 10 x 11.25 + 64 x 5.
        ("int8", 17.0, 1_918.3),
    ],
)
def test_a_spiking_network_is_its_first_layer_its_operations_and_its_neurons(tiny, precision, low_pj, high_pj):
    assert count_neurons(tiny) == 8
    energy = estimate_spiking(tiny, 10, 4, precision)
    assert energy.low == pytest.approx(low_pj * 1e-6)
    assert energy.high == pytest.approx(high_pj * 1e-6)


def test_neurons_are_the_numbers_of_all_maps_that_are_rectified():
    layers = [make_conv("one", 1, 4, stride=2), MeanPool(name="pool", side=2), make_dense("hidden", 36, 7)]
    assert count_neurons(make_network((12, 11, 1), [*layers, make_dense("heads", 7, 3)])) == 6 * 6 * 4 + 7


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(1, 32), st.floats(1, 32), st.sampled_from(["fp32", "int8"]))
def test_more_of_anything_costs_more(operations, more, steps, longer, precision):
    network = make_network((2, 2, 1), [make_conv("conv", 1, 2), make_dense("heads", 8, 3)])
    one = estimate_spiking(network, operations, steps, precision)
    assert 0 < one.low < one.high
    for other in (
        estimate_spiking(network, operations + more + 1, steps, precision),
        estimate_spiking(network, operations, steps + longer, precision),
    ):
        assert one.low < other.low
        assert one.high < other.high
    assert estimate_cnn(more, precision).low <= estimate_cnn(more + operations, precision).low
    assert (
        estimate_spiking(network, operations, steps, "int8").high
        < estimate_spiking(network, operations, steps, "fp32").high
    )


def test_an_operation_costs_an_addition_where_a_product_costs_five(tiny):
    """What a spiking network can gain at all: 0.9 pJ for 4.6."""
    more = estimate_spiking(tiny, 1_010, 4, "fp32").low - estimate_spiking(tiny, 10, 4, "fp32").low
    assert more == pytest.approx(1_000 * 0.9e-6)
    assert estimate_cnn(1_000, "fp32").low == pytest.approx(1_000 * 4.6e-6)


def count_products(layer, given: np.ndarray) -> int:
    """Products of a layer with a number that is not zero, one after the other."""
    if not isinstance(layer, Conv):
        return int((given != 0).sum()) * layer.weight.shape[1]
    height, width, channels = given.shape
    kernel, filters = layer.weight.shape[0], layer.weight.shape[3]
    rows, columns, _ = layer.find_size(given.shape)
    top, left = (pad_as_tensorflow_says(side, kernel, layer.stride)[0] for side in (height, width))
    count = 0
    for row, column, y, x in itertools.product(range(rows), range(columns), range(kernel), range(kernel)):
        at = row * layer.stride - top + y, column * layer.stride - left + x
        if 0 <= at[0] < height and 0 <= at[1] < width:
            count += filters * sum(given[at[0], at[1], channel] != 0 for channel in range(channels))
    return count


@pytest.mark.parametrize(("side", "stride"), [(7, 2), (8, 2), (6, 1)])
def test_products_that_are_skipped_are_those_with_a_zero(side, stride):
    layers = [make_conv("one", 1, 3), make_conv("two", 3, 4, stride=stride, seed=1)]
    rows = -(-side // stride)
    layers += [make_dense("hidden", rows * rows * 4, 6, seed=2), make_dense("heads", 6, 3, seed=3)]
    network = make_network((side, side, 1), layers)
    given = network.normalise(draw_images(4, side))
    activations = LayeredSession(network, threads=1, activations=True).run_layers(given)
    found = count_used_macs(network, activations)
    for image in range(4):
        maps = [np.ones((side, side, 1)), *(activations[name][image] for name in ("one", "two", "hidden"))]
        wanted = [count_products(layer, own) for layer, own in zip(layers, maps, strict=True)]
        assert wanted[0] == network.count_macs()[0]
        assert found[image] == sum(wanted)
    assert (found < sum(network.count_macs())).all()
    assert len(set(found.tolist())) > 1


def test_where_nothing_is_zero_nothing_is_skipped_and_where_all_is_all_but_the_first_layer():
    layers = [make_conv("one", 1, 3), make_conv("two", 3, 4, stride=2), make_dense("heads", 36, 3)]
    network = make_network((5, 5, 1), layers)
    full = {"one": np.ones((2, 5, 5, 3), np.float32), "two": np.ones((2, 3, 3, 4), np.float32)}
    assert count_used_macs(network, full).tolist() == [sum(network.count_macs())] * 2
    empty = {name: np.zeros_like(values) for name, values in full.items()}
    assert count_used_macs(network, empty).tolist() == [network.count_macs()[0]] * 2


def test_behind_a_pool_a_product_is_counted_once():
    layers = [make_conv("one", 1, 3), MeanPool(name="pool", side=2), make_conv("two", 3, 4), make_dense("heads", 36, 3)]
    network = make_network((6, 6, 1), layers)
    full = {"one": np.ones((1, 6, 6, 3), np.float32), "two": np.ones((1, 3, 3, 4), np.float32)}
    assert count_used_macs(network, full)[0] <= sum(network.count_macs())
