"""A run: it learns, it can be stopped and taken up bit for bit, it freezes, it ends when nothing gets better."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from classifier.networks.card import Shape
from classifier.networks.network import build_network
from classifier.training.checkpoints import Checkpoints
from classifier.training.engine import train_network
from classifier.training.settings import Augmentation, Balance, Loss, Optimiser, Schedule, TrainingSettings
from search.errors import InputError, IntegrityError, MismatchError
from tests.classifier.training.drawn_images import SIDE, draw_images

SETTINGS = TrainingSettings(
    epochs=3, batch=16, rate=0.01, augmentation=Augmentation.MEDIUM, mirror=False, ema=0.9, threads=1, seed=3
)
TRAIN, VAL = draw_images(80, seed=1), draw_images(40, seed=2)


def build(name="spikeable", *, seed=0):
    return build_network(name, Shape(size=SIDE, channels=1), {"half": 2, "corners": 4}, seed=seed)


def train(settings=SETTINGS, *, name="spikeable", folder=None, train_images=TRAIN, **rest):
    checkpoints = Checkpoints(folder, {"seed": settings.seed}) if folder else None
    return train_network(build(name), train_images, VAL, settings, checkpoints=checkpoints, **rest)


def forget_times(history):
    return [{key: value for key, value in entry.items() if key != "took_s"} for entry in history]


def assert_same(one, other):
    assert forget_times(one.history) == forget_times(other.history)
    mine, theirs = one.network.state_dict(), other.network.state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def stop_after(steps):
    """A question that is answered with yes from the `steps`-th time on."""
    asked = iter(range(1, 1_000_000))
    return lambda: next(asked) >= steps


def test_it_learns():
    settings = dataclasses.replace(SETTINGS, epochs=12, augmentation=Augmentation.NONE)
    outcome = train(settings)
    assert outcome.history[-1]["loss"] < outcome.history[0]["loss"] / 2
    assert outcome.best["attributes"]["half"] > 0.9
    assert outcome.complete


@pytest.mark.parametrize("optimiser", list(Optimiser))
@pytest.mark.parametrize("stopped_after", [2, 5, 8, 13], ids=lambda steps: f"after-{steps}-steps")
def test_a_run_taken_up_again_equals_one_that_was_not_stopped(tmp_path, optimiser, stopped_after):
    """Five steps an epoch, so in the middle of one and at its end; dropout, averages and augmentation are on."""
    settings = dataclasses.replace(SETTINGS, optimiser=optimiser, clip=1.0)
    first = train(settings, folder=tmp_path, should_stop=stop_after(stopped_after))
    assert not first.complete
    assert_same(train(settings, folder=tmp_path), train(settings))


def test_so_does_one_stopped_at_every_step(tmp_path):
    settings = dataclasses.replace(SETTINGS, balance=Balance.SAMPLER, head_epochs=1, epochs_a_stage=1)
    for _ in range(15):
        last = train(settings, folder=tmp_path, should_stop=stop_after(1))
    assert last.complete
    assert_same(last, train(settings))


def test_the_same_seed_gives_the_same_run_and_another_one_another():
    assert_same(train(), train())
    other = train(dataclasses.replace(SETTINGS, seed=4))
    assert forget_times(other.history) != forget_times(train().history)


def test_a_run_leaves_chance_and_threads_alone():
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    train(dataclasses.replace(SETTINGS, epochs=1, threads=threads + 1), name="mlp2")
    assert torch.equal(state, torch.get_rng_state())
    assert torch.get_num_threads() == threads


class TestCheckpoints:
    def test_one_that_is_damaged_gives_way_to_the_one_before(self, tmp_path):
        train(folder=tmp_path, should_stop=stop_after(13))
        newest = max(tmp_path.glob("*.safetensors"), key=lambda path: path.stat().st_mtime_ns)
        newest.write_bytes(newest.read_bytes()[:-5])
        assert_same(train(folder=tmp_path), train())

    def test_when_none_is_whole_the_file_is_named(self, tmp_path):
        train(folder=tmp_path, should_stop=stop_after(6))
        for path in tmp_path.glob("*.safetensors"):
            path.write_bytes(b"\0" * 100)
        with pytest.raises(IntegrityError, match=r"checkpoint-[ab]\.safetensors is damaged"):
            train(folder=tmp_path)

    def test_one_of_another_run_is_refused(self, tmp_path):
        train(folder=tmp_path, should_stop=stop_after(6))
        with pytest.raises(MismatchError, match=r"of another run: its seed is 3, this run's is 4"):
            train(dataclasses.replace(SETTINGS, seed=4), folder=tmp_path)

    def test_nothing_is_left_when_they_are_dropped(self, tmp_path):
        train(folder=tmp_path)
        Checkpoints(tmp_path, {}).drop()
        assert not list(tmp_path.iterdir())


class TestFreezing:
    SETTINGS = dataclasses.replace(SETTINGS, epochs=1, head_epochs=1, ema=0.0, weight_decay=0.1)

    @pytest.mark.parametrize("optimiser", list(Optimiser))
    def test_frozen_weights_and_statistics_stay(self, optimiser):
        before = build().state_dict()
        after = train(dataclasses.replace(self.SETTINGS, optimiser=optimiser)).network.state_dict()
        changed = {name for name in before if not torch.equal(before[name], after[name])}
        assert changed == {name for name in before if name.startswith("heads.")}

    def test_stages_thaw_from_the_last_one_on(self):
        before = build().state_dict()
        settings = dataclasses.replace(self.SETTINGS, epochs=3, epochs_a_stage=1, optimiser=Optimiser.SGD)
        run = train_to_the_end(settings)
        frozen = {name.split(".")[1] for name in before if torch.equal(before[name], run[name]) and "trunk" in name}
        moved = {name.split(".")[1] for name in before if not torch.equal(before[name], run[name]) and "trunk" in name}
        assert moved == {"conv4", "conv5"}
        assert frozen == {"conv1", "conv2", "conv3"}

    def test_everything_learns_afterwards(self):
        network = train(self.SETTINGS).network
        assert all(parameter.requires_grad for parameter in network.parameters())


def train_to_the_end(settings):
    """The weights after the last step, whichever epoch was the best."""
    seen = {}
    network = build()

    def tell(progress):
        if progress.finished:
            seen.update({name: tensor.clone() for name, tensor in network.state_dict().items()})

    train_network(network, TRAIN, VAL, settings, tell=tell)
    return seen


def test_it_stops_when_nothing_gets_better():
    """With a rate of nothing every epoch is as good as the first."""
    settings = dataclasses.replace(
        SETTINGS, epochs=30, rate=0.0, patience=2, ema=0.0, schedule=Schedule.CONSTANT, augmentation=Augmentation.NONE
    )
    outcome = train(settings, name="mlp2")
    assert (len(outcome.history), outcome.best["epoch"], outcome.complete) == (3, 1, True)


def test_the_best_epoch_is_what_is_given():
    outcome = train(dataclasses.replace(SETTINGS, epochs=6, rate=0.05))
    best = max(outcome.history, key=lambda entry: (entry["score"], -entry["val_loss"]))
    from classifier.training.evaluation import measure_network

    assert measure_network(outcome.network, VAL).score == best["score"] == outcome.best["score"]


def test_progress_tells_every_step():
    told = []
    train(dataclasses.replace(SETTINGS, epochs=2), tell=told.append)
    assert [(each.epoch, each.step) for each in told] == [(e, s) for e in (1, 2) for s in range(1, 6)]
    assert [each.finished is not None for each in told] == [False, False, False, False, True] * 2


@pytest.mark.parametrize("loss", list(Loss))
@pytest.mark.parametrize("balance", list(Balance))
def test_every_loss_and_balance_learns_with_labels_missing(loss, balance):
    settings = dataclasses.replace(
        SETTINGS, epochs=6, loss=loss, balance=balance, augmentation=Augmentation.NONE, label_smoothing=0.05
    )
    outcome = train(settings, train_images=draw_images(80, seed=1, unknown=10))
    assert outcome.history[-1]["loss"] < outcome.history[0]["loss"]


def test_a_rate_that_is_too_high_is_said():
    settings = dataclasses.replace(SETTINGS, optimiser=Optimiser.SGD, rate=100.0, schedule=Schedule.CONSTANT)
    with pytest.raises(InputError, match="a rate of 100 is too high"):
        train(dataclasses.replace(settings, epochs=50, ema=0.0), name="mlp3")


def test_no_images_are_refused():
    with pytest.raises(InputError, match="has no images to learn from"):
        train(train_images=draw_images(0, name="nothing"))


def test_one_image_a_step_is_refused():
    with pytest.raises(InputError, match="a step needs at least two"):
        train(dataclasses.replace(SETTINGS, batch=1))


def test_an_array_of_images_is_not_written_to():
    before = np.array(TRAIN.images)
    train(dataclasses.replace(SETTINGS, epochs=1, augmentation=Augmentation.STRONG))
    assert np.array_equal(before, TRAIN.images)
