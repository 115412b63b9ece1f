"""The Keras twin of a folded network, with exactly its weights. Needs the extra `snn`.

NengoDL converts Keras models; nothing is ever trained here, and weights come from one place only, the folded network.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from classifier.spiking.compatibility import Libraries
from classifier.spiking.layers import Array, Conv, Layer, LayeredNetwork, MeanPool


def build_twin(network: LayeredNetwork, libraries: Libraries) -> Any:
    """A functional Keras model: normalised images (n, height, width, channels) to all outputs (n, labels).

    Layers have the folded network's names. Weights are set before anybody can convert the model: NengoDL's converter
    copies them when it is made.
    """
    keras = libraries.tensorflow.keras
    taken = given = keras.Input(shape=network.size, name="image")
    flat = False
    last = len(network.layers) - 1
    for number, layer in enumerate(network.layers):
        match layer:
            case Conv():
                own = keras.layers.Conv2D(
                    layer.weight.shape[3],
                    layer.weight.shape[:2],
                    strides=layer.stride,
                    padding="same",
                    activation="relu" if number < last else None,
                    name=layer.name,
                )
            case MeanPool():
                own = keras.layers.AveragePooling2D(layer.side, name=layer.name)
            case _:
                if not flat:
                    given, flat = keras.layers.Flatten(name="flatten")(given), True
                activation = "relu" if number < last else None
                own = keras.layers.Dense(layer.weight.shape[1], activation=activation, name=layer.name)
        given = own(given)
        own.set_weights(_list_weights(layer))
    return keras.Model(taken, given)


def run_twin(twin: Any, images: Array) -> Array:
    """Outputs (n, labels) of normalised images."""
    return np.asarray(twin.predict(images, batch_size=100, verbose=0), np.float32)


def _list_weights(layer: Layer) -> list[Array]:
    return [] if isinstance(layer, MeanPool) else [layer.weight, layer.bias]
