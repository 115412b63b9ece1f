"""The spiking process: warm after the first photo, ended where it hangs, started anew where it died, and apart."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from classifier.spiking.artefact import load_spiking, save_spiking
from classifier.spiking.choosing import measure_leads
from classifier.spiking.engines import PixelEngines
from classifier.spiking.process import SpikingProcess
from classifier.spiking.simulator import SpikingSimulator
from search.errors import NotFoundError, OverloadedError, PhotoError, SetupError, TryLaterError
from tests.api.conftest import draw_photo

pytestmark = pytest.mark.usefixtures("snn")


@pytest.fixture(scope="module")
def pixels(trained):
    """Real validation images, uint8."""
    return trained.data.val.read_batch(range(12))


@pytest.fixture(scope="module")
def process(converted):
    opened = SpikingProcess(converted.folder, load_spiking(converted.folder), threads=1)
    yield opened
    opened.close()


def test_it_answers_as_a_simulation_here_does_and_stops_where_the_evidence_is_decided(process, converted, pixels):
    own, choices = converted.spiking.snn, converted.spiking.choices
    with SpikingSimulator(own) as simulator:
        means = simulator.run(own.normalise(pixels), choices.steps).average_each()
    leads = measure_leads(own, means)
    margin = np.inf if choices.margin is None else choices.margin
    for row, image in enumerate(pixels):
        answer = process.answer(image)
        reached = np.flatnonzero(leads[row] >= margin)
        steps = int(reached[0]) + 1 if len(reached) else choices.steps
        assert answer.work.steps == steps
        assert answer.work.most_steps == choices.steps
        assert answer.work.operations > answer.work.spikes > 0
        best = answer.predictions["product_type"].values[0][0]
        assert best == own.attributes["product_type"].labels[means[row, steps - 1].argmax()]
        assert answer.model == converted.spiking.version


def test_it_stays_warm(process, pixels):
    process.answer(pixels[0])
    first = process.pid
    process.answer(pixels[1])
    assert process.pid == first


def test_killed_it_says_so_or_is_back_with_the_next_photo(process, pixels):
    before = process.answer(pixels[0])
    os.kill(process.pid, signal.SIGKILL)
    time.sleep(0.3)
    again = process.answer(pixels[0])
    assert again.predictions == before.predictions


def test_one_that_hangs_is_ended_and_the_next_question_starts_another(converted, pixels):
    slow = SpikingProcess(converted.folder, load_spiking(converted.folder), threads=1, timeout_s=1.5)
    try:
        slow.answer(pixels[0])
        hung = slow.pid
        os.kill(hung, signal.SIGSTOP)
        with pytest.raises(TryLaterError) as caught:
            slow.answer(pixels[0])
        assert caught.value.code == "snn_timeout"
        assert slow.pid is None
        with pytest.raises(ProcessLookupError):
            os.kill(hung, 0)
        assert slow.answer(pixels[0]).work.steps >= 1
    finally:
        slow.close()


def test_who_waits_too_long_for_a_turn_is_sent_away(process, pixels):
    process.answer(pixels[0])
    impatient = threading.Thread(target=process._turn.acquire)
    impatient.start()
    impatient.join()
    patience, process._timeout_s = process._timeout_s, 0.2
    try:
        with pytest.raises(OverloadedError):
            process.answer(pixels[0])
    finally:
        process._timeout_s = patience
        process._turn.release()


def test_closing_ends_the_process(converted, pixels):
    opened = SpikingProcess(converted.folder, load_spiking(converted.folder), threads=1)
    opened.answer(pixels[0])
    pid = opened.pid
    opened.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_another_network_in_the_folder_is_noticed(converted, pixels, tmp_path):
    """The process loads what is on disk; the one who asks has loaded something else before."""
    from dataclasses import replace

    own = load_spiking(converted.folder)
    layers = (replace(own.snn.layers[0], weight=own.snn.layers[0].weight * 2), *own.snn.layers[1:])
    save_spiking(tmp_path, replace(own, snn=replace(own.snn, layers=layers)))
    opened = SpikingProcess(tmp_path, own, threads=1)
    with pytest.raises(SetupError, match="another network"):
        opened.answer(pixels[0])
    opened.close()


@pytest.fixture
def engines(converted, tmp_path):
    shutil.copytree(converted.folder, tmp_path / "spiking")
    opened = PixelEngines(tmp_path / "spiking", threads=1)
    yield opened
    opened.close()


def test_both_engines_answer_about_a_photo(engines):
    assert engines.list_names() == ("cnn", "snn")
    photo = draw_photo("Red")
    cnn, snn = engines.answer("cnn", photo), engines.answer("snn", photo)
    assert cnn.work is None
    assert snn.work is not None
    assert cnn.predictions.keys() == snn.predictions.keys() == {"product_type"}
    assert sum(sure for _, sure in cnn.predictions["product_type"].values) <= 1 + 1e-6


def test_a_photo_that_is_none_is_refused(engines):
    with pytest.raises(PhotoError):
        engines.answer("cnn", b"\xff\xd8\xff\xe0 no")


def test_without_a_network_there_is_no_engine(tmp_path):
    opened = PixelEngines(tmp_path)
    assert opened.list_names() == ()
    with pytest.raises(NotFoundError) as caught:
        opened.answer("cnn", draw_photo("Red"))
    assert caught.value.code == "no_network"


def test_a_network_converted_anew_is_taken_up_without_a_restart(engines, converted, tmp_path):
    from dataclasses import replace

    photo = draw_photo("Red")
    before = engines.answer("cnn", photo).model
    own = load_spiking(converted.folder)
    layers = (*own.cnn.layers[:-1], replace(own.cnn.layers[-1], bias=own.cnn.layers[-1].bias + 1))
    save_spiking(tmp_path / "spiking", replace(own, cnn=replace(own.cnn, layers=layers)))
    assert engines.answer("cnn", photo).model != before


def test_tensorflow_is_never_loaded_by_the_one_who_asks(converted, tmp_path):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(draw_photo("Blue"))
    script = (
        "import sys; from pathlib import Path; from classifier.spiking.engines import PixelEngines\n"
        f"engines = PixelEngines(Path({str(converted.folder)!r}), threads=1)\n"
        f"answer = engines.answer('snn', Path({str(photo)!r}).read_bytes()); engines.close()\n"
        "print(answer.work.steps, sorted({'tensorflow', 'torch', 'nengo', 'keras'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    steps, loaded = done.stdout.strip().split(maxsplit=1)
    assert int(steps) >= 1
    assert loaded == "[]"


def test_without_the_extra_the_error_names_it():
    script = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "from classifier.spiking.compatibility import load_libraries\n"
        "from search.errors import SetupError\n"
        "try: load_libraries()\n"
        "except SetupError as error: print(error.code, error.message)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("extra_missing ")
    assert "vitrine[snn]" in done.stdout
