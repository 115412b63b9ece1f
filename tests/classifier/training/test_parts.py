"""The parts of training by themselves: losses, weights of labels, rates, averages, augmentation, settings, figures."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from classifier.data.images import ArrayImages
from classifier.networks.card import Shape
from classifier.networks.network import build_network
from classifier.training.augmentation import augment
from classifier.training.averaging import WeightAverage
from classifier.training.evaluation import (
    Views,
    measure_logits,
    measure_probabilities,
    predict_logits,
    predict_probabilities,
)
from classifier.training.losses import compute_class_weights, compute_image_weights, compute_loss
from classifier.training.schedule import compute_rate
from classifier.training.settings import (
    Augmentation,
    Loss,
    Optimiser,
    Schedule,
    TrainingSettings,
    from_json,
    to_json,
)
from classifier.training.thawing import find_lowest_stage, make_optimiser, set_rate
from search.errors import InputError

LOGITS = torch.tensor([[2.0, -1.0, 0.3], [0.1, 0.2, -3.0], [1.0, 1.0, 1.0], [-2.0, 0.5, 4.0]])
LABELS = torch.tensor([0, 2, -1, 1])
MANY = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 0.0]])


def make(**values):
    return TrainingSettings(**values)


class TestLosses:
    def test_unknown_labels_do_not_count(self):
        known = LABELS >= 0
        assert compute_loss(LOGITS, LABELS, make()) == functional.cross_entropy(LOGITS[known], LABELS[known])

    def test_a_batch_with_no_known_label_costs_nothing_and_has_a_gradient(self):
        logits = LOGITS.clone().requires_grad_()
        loss = compute_loss(logits, torch.full((4,), -1), make())
        loss.backward()
        assert loss.item() == 0.0
        assert not logits.grad.any()

    @pytest.mark.parametrize("targets", [LABELS, MANY], ids=["one", "several"])
    @pytest.mark.parametrize("smoothing", [0.0, 0.1])
    def test_focal_is_cross_entropy_at_gamma_0(self, targets, smoothing):
        focal = make(loss=Loss.FOCAL, gamma=0.0, label_smoothing=smoothing)
        plain = make(loss=Loss.CROSS_ENTROPY, label_smoothing=smoothing)
        assert torch.allclose(compute_loss(LOGITS, targets, focal), compute_loss(LOGITS, targets, plain))

    @pytest.mark.parametrize("weights", [None, torch.tensor([1.0, 2.0, 0.5])], ids=["plain", "weighted"])
    @pytest.mark.parametrize("targets", [LABELS, MANY], ids=["one", "several"])
    def test_focal_comes_near_it_as_gamma_falls(self, targets, weights):
        focal = make(loss=Loss.FOCAL, gamma=1e-6)
        assert torch.allclose(
            compute_loss(LOGITS, targets, focal, weights), compute_loss(LOGITS, targets, make(), weights), atol=1e-4
        )

    def test_focal_by_hand(self):
        """The formula of arXiv:1708.02002, equation 4, on one image."""
        p = torch.softmax(LOGITS[:1], 1)[0, 0].item()
        found = compute_loss(LOGITS[:1], LABELS[:1], make(loss=Loss.FOCAL, gamma=2.0)).item()
        assert found == pytest.approx(-((1 - p) ** 2) * math.log(p), rel=1e-5)

    def test_binary_treats_every_label_for_itself(self):
        one = compute_loss(LOGITS[:1], LABELS[:1], make(loss=Loss.BINARY))
        several = compute_loss(LOGITS[:1], torch.tensor([[1.0, 0.0, 0.0]]), make())
        assert torch.equal(one, several)

    def test_a_rare_label_weighs_more(self):
        weights = torch.tensor([1.0, 1.0, 10.0])
        assert compute_loss(LOGITS, LABELS, make(), weights) > compute_loss(LOGITS, LABELS, make())


class TestLabelWeights:
    def test_total_over_frequency_times_labels(self):
        labels = np.array([0, 0, 0, 1, -1, 2, 2])
        assert compute_class_weights(labels, 4).tolist() == pytest.approx([6 / 12, 6 / 4, 6 / 8, 1.0])

    def test_of_several_labels_an_image_the_total_is_of_labels(self):
        """The source divides the sum of all frequencies, not the number of images."""
        labels = np.array([[1, 0], [1, 1], [1, 0]], np.uint8)
        assert compute_class_weights(labels, 2).tolist() == pytest.approx([4 / 6, 4 / 2])

    def test_a_balanced_attribute_gets_ones(self):
        assert compute_class_weights(np.array([0, 1, 2, 0, 1, 2]), 3).tolist() == [1.0, 1.0, 1.0]

    def test_an_image_is_drawn_by_the_sum_of_its_labels_weights(self):
        weights = np.array([0.5, 2.0], np.float32)
        many = np.array([[1, 1], [0, 1], [0, 0]], np.uint8)
        assert compute_image_weights(many, weights).tolist() == [2.5, 2.0, 2.25]
        assert compute_image_weights(np.array([0, 1, -1]), weights).tolist() == [0.5, 2.0, 1.25]


class TestSchedule:
    def test_one_cycle_goes_up_and_ends_near_nothing(self):
        settings = make(schedule=Schedule.ONE_CYCLE, warmup=0.3)
        rates = [compute_rate(settings, step, 101) for step in range(101)]
        assert rates[0] == pytest.approx(1 / 25)
        assert max(rates) == rates[30] == 1.0
        assert rates[-1] < 1e-5
        assert rates[:31] == sorted(rates[:31])
        assert rates[30:] == sorted(rates[30:], reverse=True)

    def test_one_cycle_is_torchs(self):
        weight = nn.Parameter(torch.zeros(1))
        optimiser = torch.optim.SGD([weight], lr=1.0, momentum=0.9)
        theirs = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1.0, total_steps=101, pct_start=0.31)
        settings = make(schedule=Schedule.ONE_CYCLE, warmup=0.31 * 101 / 100 - 0.01)
        for step in range(101):
            assert compute_rate(settings, step, 101) == pytest.approx(optimiser.param_groups[0]["lr"], abs=1e-3)
            optimiser.step()
            if step < 100:
                theirs.step()

    def test_cosine_ends_at_nothing_and_constant_stays(self):
        assert compute_rate(make(schedule=Schedule.COSINE), 99, 100) == pytest.approx(0.0, abs=1e-12)
        assert {compute_rate(make(schedule=Schedule.CONSTANT), step, 100) for step in range(100)} == {1.0}

    @pytest.mark.parametrize("schedule", list(Schedule))
    @pytest.mark.parametrize("warmup", [0.0, 0.5, 1.0])
    def test_no_length_of_run_breaks_it(self, schedule, warmup):
        for steps in (1, 2, 7):
            rates = [compute_rate(make(schedule=schedule, warmup=warmup), step, steps) for step in range(steps)]
            assert all(0 <= rate <= 1 for rate in rates)


def test_the_average_by_hand():
    network = nn.Linear(1, 1, bias=False)
    network.weight.data.fill_(0.0)
    average = WeightAverage(network, 0.5)
    network.weight.data.fill_(1.0)
    average.update(network)  # of the first step (1 + 1) / (10 + 1) is kept
    assert average.tensors["weight"].item() == pytest.approx(1 - 2 / 11)
    for _ in range(20):
        average.update(network)
    before = average.tensors["weight"].item()
    network.weight.data.fill_(3.0)
    average.update(network)
    assert average.tensors["weight"].item() == pytest.approx(0.5 * before + 0.5 * 3.0)


def test_the_average_has_statistics_and_copies_counters():
    network = nn.BatchNorm1d(2)
    average = WeightAverage(network, 0.9)
    network(torch.randn(8, 2) + 5)
    average.update(network)
    assert average.tensors["num_batches_tracked"].item() == 1
    assert (average.tensors["running_mean"] > 0).all()


class TestThawing:
    def test_heads_first_then_a_stage_at_a_time(self):
        settings = make(epochs=9, head_epochs=2, epochs_a_stage=2)
        assert [find_lowest_stage(settings, epoch, 3) for epoch in range(9)] == [3, 3, 2, 2, 1, 1, 0, 0, 0]
        assert [find_lowest_stage(make(head_epochs=1), epoch, 3) for epoch in range(3)] == [3, 0, 0]
        assert find_lowest_stage(make(), 0, 3) == 0

    @pytest.mark.parametrize("optimiser", list(Optimiser))
    def test_deeper_stages_learn_slower_and_biases_do_not_decay(self, optimiser):
        network = build_network("spikeable", Shape(size=8, channels=1), {"a": 2})
        given = make_optimiser(network, make(optimiser=optimiser, depth_decay=0.5, weight_decay=0.1))
        set_rate(given, 0.8)
        rates = {}
        names = {parameter: name for name, parameter in network.named_parameters()}
        for group in given.param_groups:
            for parameter in group["params"]:
                rates[names[parameter]] = group["lr"]
                assert (group["weight_decay"] == 0.0) == (parameter.ndim == 1)
        assert rates["heads.0.weight"] == 0.8
        assert rates["trunk.conv5.conv.weight"] == 0.4
        assert rates["trunk.conv1.norm.bias"] == pytest.approx(0.8 / 32)
        assert len(rates) == len(names)


class TestAugmentation:
    IMAGES = torch.rand(16, 3, 12, 12, generator=torch.Generator().manual_seed(0))

    @pytest.mark.parametrize("level", list(Augmentation))
    def test_shape_and_range_stay_and_the_same_chance_gives_the_same(self, level):
        one, same = (augment(self.IMAGES, level, torch.Generator().manual_seed(5)) for _ in range(2))
        assert one.shape == self.IMAGES.shape
        assert 0 <= one.min() <= one.max() <= 1
        assert torch.equal(one, same)
        assert torch.equal(one, self.IMAGES) == (level is Augmentation.NONE)

    def test_light_moves_by_whole_pixels(self):
        moved = augment(self.IMAGES, Augmentation.LIGHT, torch.Generator().manual_seed(5), mirror=False)
        assert set(moved.flatten().tolist()) <= set(self.IMAGES.flatten().tolist())

    def test_it_mirrors_only_where_it_may(self):
        """Bright on the left for ever, unless mirrored."""
        images = torch.zeros(64, 1, 12, 12)
        images[..., :4] = 1
        for mirror in (False, True):
            varied = augment(images, Augmentation.LIGHT, torch.Generator().manual_seed(5), mirror=mirror)
            assert bool((varied[..., -1] > 0.5).any()) == mirror

    def test_medium_erases_some_images_and_leaves_the_others(self):
        images = torch.full((200, 1, 12, 12), 0.5)
        varied = augment(images, Augmentation.MEDIUM, torch.Generator().manual_seed(5))
        erased = ((varied - 0.5).abs() > 1e-5).flatten(1).any(1)
        assert 0.1 < erased.float().mean() < 0.4


class TestSettings:
    def test_they_survive_json(self):
        settings = make(epochs=7, loss=Loss.FOCAL, augmentation=Augmentation.STRONG, rate=0.3)
        assert from_json(to_json(settings)) == settings

    @pytest.mark.parametrize("broken", [{"epochs": 0}, {"ema": 1.0}, {"label_smoothing": -0.1}, {"rate": math.nan}])
    def test_senseless_ones_are_refused(self, broken):
        with pytest.raises(InputError, match=next(iter(broken))):
            make(**broken)

    @pytest.mark.parametrize("broken", [{"speed": 3}, {"loss": "hinge"}])
    def test_so_is_json_of_another_version(self, broken):
        with pytest.raises(InputError):
            from_json({**to_json(make()), **broken})


class TestFigures:
    def test_by_hand(self):
        logits = {
            "kind": np.array([[2.0, 1.0], [0.0, 1.0], [3.0, 0.0]], np.float32),
            "tags": np.array([[1.0, -1.0], [1.0, 1.0], [-1.0, -1.0]], np.float32),
        }
        labels = {"kind": np.array([0, 0, -1]), "tags": np.array([[1, 0], [0, 1], [1, 0]], np.uint8)}
        figures = measure_logits(logits, labels)
        # Kind: one of two known ones. Tags: 2 hits, 3 said, 3 wanted.
        assert figures.attributes == {"kind": 0.5, "tags": pytest.approx(2 * 2 / 6)}
        assert figures.score == pytest.approx((0.5 + 2 / 3) / 2)

    def test_nothing_known_is_nothing(self):
        assert measure_logits({"a": np.zeros((2, 2), np.float32)}, {"a": np.array([-1, -1])}).attributes == {}

    def test_views_are_averaged_and_one_view_is_the_networks_own(self):
        images = ArrayImages(
            np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1)).astype(np.uint8),
            {"a": np.array([0, 1, 0, 1, 0]), "b": np.zeros((5, 3), np.uint8)},
            name="noise",
            attributes={"a": ("x", "y"), "b": ("p", "q", "r")},
            multi=frozenset({"b"}),
        )
        network = build_network("spikeable", Shape(size=8, channels=1), {"a": 2, "b": 3})
        logits = predict_logits(network, images)
        one = predict_probabilities(network, images)
        assert np.allclose(one["a"], functional.softmax(torch.from_numpy(logits["a"]), 1), atol=1e-6)
        assert np.allclose(one["b"], torch.sigmoid(torch.from_numpy(logits["b"])), atol=1e-6)
        mirrored = ArrayImages(
            np.ascontiguousarray(images.images[:, :, ::-1]),
            images.read_labels(),
            name="mirrored",
            attributes=images.attributes,
            multi=images.multi,
        )
        both = predict_probabilities(network, images, Views.MIRRORED)
        assert np.allclose(both["a"], (one["a"] + predict_probabilities(network, mirrored)["a"]) / 2, atol=1e-6)
        ten = predict_probabilities(network, images, Views.SHIFTED)
        assert np.allclose(ten["a"].sum(1), 1, atol=1e-5)
        assert not np.allclose(ten["a"], both["a"])
        direct = measure_logits(logits, images.read_labels())
        assert dataclasses.asdict(measure_probabilities(one, images)) == {
            "loss": pytest.approx(direct.loss, rel=1e-3),
            "score": direct.score,
            "attributes": direct.attributes,
        }
