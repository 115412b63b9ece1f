"""The ONNX graph of plain layers against torch: rectified, quantised, and what each layer puts out."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from classifier.spiking.folding import fold_network
from classifier.spiking.graph import LayeredSession
from classifier.spiking.layers import MeanPool
from classifier.spiking.quantised import list_quantised, list_relus, quantise_network
from classifier.training.evaluation import to_tensor
from tests.classifier.spiking.small_networks import (
    build_random,
    draw_images,
    make_conv,
    make_dense,
    make_network,
    pad_as_tensorflow_says,
    run_torch,
)


@settings(max_examples=30, deadline=None)
@given(st.integers(4, 10), st.integers(4, 10), st.integers(1, 5), st.integers(1, 3), st.sampled_from([0, 2, 3]))
def test_layers_compute_what_torch_does_with_the_guide_s_padding(height, width, kernel, stride, pool):
    """Maps that are not square, so that rows and columns cannot be mistaken for each other."""
    conv = make_conv("conv", 2, 3, kernel=kernel, stride=stride, seed=kernel)
    pools = [MeanPool(name="pool", side=pool)] if pool else []
    rows, columns, channels = make_network((height, width, 2), [conv, *pools, make_dense("x", 1, 1)]).list_sizes()[-2]
    if not rows or not columns:
        return
    dense = make_dense("heads", rows * columns * channels, 4, seed=7)
    network = make_network((height, width, 2), [conv, *pools, dense])
    images = np.random.default_rng(0).normal(size=(3, height, width, 2)).astype(np.float32)

    sides = [pad_as_tensorflow_says(side, kernel, stride) for side in (height, width)]
    flowing = functional.pad(torch.from_numpy(images).permute(0, 3, 1, 2), (*sides[1], *sides[0]))
    kernels = torch.from_numpy(conv.weight).permute(3, 2, 0, 1)
    flowing = functional.conv2d(flowing, kernels, torch.from_numpy(conv.bias), stride=stride).relu()
    if pool:
        flowing = functional.avg_pool2d(flowing, pool)
    wanted = flowing.permute(0, 2, 3, 1).flatten(1).numpy() @ dense.weight + dense.bias
    assert np.allclose(LayeredSession(network, threads=1).run(images), wanted, atol=1e-5)


def quantise(name, size, channels, levels):
    """A random network with quantised activations, and what it is."""
    network, record = build_random(name, size, channels, {"product_type": 5})
    names = list_relus(network)
    quantise_network(network, dict(zip(names, np.linspace(1.0, 2.5, len(names)).tolist(), strict=True)), (levels,))
    return network.eval(), record


@pytest.mark.parametrize(("name", "size", "levels"), [("spikeable", 14, 8), ("vgg_small", 24, 4), ("mlp2", 10, 16)])
def test_quantised_it_is_the_quantised_network(name, size, levels):
    """Where a number is just below the next level, rounding decides, and later layers carry that on."""
    network, record = quantise(name, size, 3, levels)
    folded = fold_network(network, record)
    images = draw_images(12, size, 3)
    given, wanted = folded.normalise(images), run_torch(network, images)
    gap = np.abs(LayeredSession(folded, levels=levels, threads=1).run(given) - wanted)
    assert np.median(gap) < 1e-4
    assert gap.max() < 0.25 * np.abs(wanted).max()
    for others in (None, levels + 1):
        other = LayeredSession(folded, levels=others, threads=1).run(given)
        assert np.median(np.abs(other - wanted)) > 100 * np.median(gap)
    rectified = copy.deepcopy(network)
    for module in list_quantised(rectified):
        module.rectify_only = True
    assert np.abs(LayeredSession(folded, threads=1).run(given) - run_torch(rectified, images)).max() < 1e-4


@pytest.mark.parametrize(("name", "size"), [("spikeable", 14), ("vgg_small", 24)])
@pytest.mark.parametrize("levels", [None, 8])
def test_what_a_layer_puts_out_is_what_a_hook_sees(name, size, levels):
    network, record = quantise(name, size, 1, 8)
    seen = []
    for module in list_quantised(network):
        module.rectify_only = levels is None
        module.register_forward_hook(lambda _module, _given, output: seen.append(output.detach()))
    images = draw_images(4, size)
    with torch.no_grad():
        network(to_tensor(images))
    folded = fold_network(network, record)
    found = LayeredSession(folded, levels=levels, threads=1, activations=True).run_layers(folded.normalise(images))
    assert list(found) == [layer.name for layer in folded.list_spiking()]
    for layer, own, wanted in zip(folded.list_spiking(), found.values(), seen, strict=True):
        turned = (wanted.permute(0, 2, 3, 1) if wanted.ndim == 4 else wanted).numpy()
        assert own.shape == turned.shape
        differing = np.abs(own - turned) > 1e-4
        assert differing.mean() < (0.002 if levels else 1e-9)
        assert (own > 0).mean() > 0.05
        if levels:  # every number is a level, and none is above the threshold
            assert np.allclose(own * levels / layer.threshold, np.rint(own * levels / layer.threshold), atol=1e-4)
            assert own.max() <= layer.threshold * (1 + 1e-6)


def test_a_session_with_activations_gives_the_same_evidence():
    folded = fold_network(*build_random("vgg_small", 24, 1, {"product_type": 5}))
    given = folded.normalise(draw_images(3, 24))
    assert np.array_equal(
        LayeredSession(folded, threads=1, activations=True).run(given), LayeredSession(folded, threads=1).run(given)
    )


def test_batches_of_any_size_give_the_same_and_none_gives_nothing():
    folded = fold_network(*build_random("spikeable", 8, 1, {"product_type": 5}))
    session = LayeredSession(folded, threads=1)
    given = folded.normalise(draw_images(7, 8))
    whole = session.run(given)
    assert whole.shape == (7, 5)
    assert np.allclose(session.run(given, batch=3), whole, atol=1e-6)
    assert np.allclose(session.run(given[4:5]), whole[4:5], atol=1e-6)
    assert session.run(given[:0]).shape == (0, 5)


def test_threads_may_share_a_session():
    folded = fold_network(*build_random("spikeable", 8, 1, {"product_type": 5}))
    session = LayeredSession(folded, threads=1)
    given = folded.normalise(draw_images(40, 8))
    wanted = session.run(given)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: session.run(given[number : number + 1])[0], range(40)))
    assert np.allclose(found, wanted, atol=1e-6)
