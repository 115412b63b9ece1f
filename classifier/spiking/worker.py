"""The process that spikes: `python -m classifier.spiking.worker FD`.

Told over the socket with that number which network to load, then asked about photos, one after the other; ends when
the other side hangs up, in whatever way. TensorFlow is loaded here, so that it never is where HTTP is served.
"""

from __future__ import annotations

import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from classifier.spiking.answering import spike_once
from classifier.spiking.artefact import load_spiking
from classifier.spiking.simulator import SpikingSimulator
from search.errors import VitrineError
from search.stores.wire import to_error


def run_worker(connection: Connection[Any, Any]) -> None:
    """Load what the first message names, say so, and answer until nobody asks any more."""
    try:
        folder, threads = connection.recv()
        network = load_spiking(Path(folder))
        with SpikingSimulator(network.snn, threads=threads) as simulator:
            # The first photo makes TensorFlow build its graph: nobody should wait for that but the one who starts this.
            spike_once(network, simulator, np.zeros(network.snn.size, np.uint8))
            connection.send(("ready", network.sha256))
            while True:
                connection.send(("value", spike_once(network, simulator, connection.recv())))
    except VitrineError as error:
        connection.send(to_error(error))
    except (EOFError, OSError):
        return


if __name__ == "__main__":
    # The process that started this one decides when it ends; a Ctrl-C in its terminal reaches both.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run_worker(Connection(int(sys.argv[1])))
