"""`vitrine snn show`: one photo through the spiking network, drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from indexer.feed.photos import read_photo
from search.errors import InputError, SetupError
from vitrine.commands.classify import print_predictions
from vitrine.console import out, print_json
from vitrine.settings import Settings
from vitrine.wiring import find_spiking


def show(
    settings: Settings, photo: Path, *, network: Path | None, steps: int, to: Path, threads: int = 0, as_json: bool
) -> None:
    """Draw the spike raster of each layer, and how the evidence grows, into a PNG; say what is seen.

    Args:
        steps: to draw; twice as many as an answer may take where 0.
        to: file to write.
    """
    from api.predictions import to_predictions
    from classifier.spiking.answering import describe_answer, read_pixels
    from classifier.spiking.artefact import load_spiking
    from classifier.spiking.choosing import measure_leads, stop_early
    from classifier.spiking.raster_plot import plot_raster
    from classifier.spiking.simulator import SpikingSimulator

    loaded = load_spiking(network or find_spiking(settings.data))
    if not 0 <= steps <= 256:
        raise InputError(f"steps are {steps}; between 1 and 256 is right")
    choices = loaded.choices
    number = steps or 2 * choices.steps
    pixels = read_pixels(loaded.cnn, read_photo(str(photo.absolute()), photo.parent))
    given = loaded.snn.normalise(pixels[None])
    layers = [layer.name for layer in loaded.snn.list_spiking()]
    with SpikingSimulator(loaded.snn, batch=1, probed=layers, threads=threads) as simulator:
        raster = simulator.read_raster(given[0], number)
        (means,) = simulator.run(given, number).average_each()
    leads = measure_leads(loaded.snn, means[None])[0][: choices.steps]
    margin = np.inf if choices.margin is None else choices.margin
    decided = min(number, int(stop_early(leads[None], margin)[0]))
    temperatures = {name: each.temperature for name, each in choices.snn.items()}
    drawn = plot_raster(loaded.snn, raster, means, temperatures, decided=decided)
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(drawn)
    except OSError as error:
        raise SetupError(f"{to} cannot be written ({error}); give another file") from error
    seen = to_predictions(describe_answer(loaded.snn, means[decided - 1], choices.snn))
    spikes = int(sum(each[:decided].sum() for each in raster.values()))
    if as_json:
        print_json(
            {
                "file": str(photo),
                "plot": str(to),
                "model": loaded.version,
                "steps": decided,
                "spikes": spikes,
                "attributes": {name: each.model_dump() for name, each in seen.items()},
            }
        )
        return
    print_predictions(seen)
    out.print(f"decided after {decided} of {choices.steps} steps, {spikes:,} spikes; {to}", markup=False)
