"""The spiking network in a process of its own: started at the first question, kept warm, started anew if it hangs.

Loads neither TensorFlow nor torch.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.spiking.answering import PixelAnswer, describe_answer
from classifier.spiking.artefact import SpikingNetwork
from search.errors import OverloadedError, SetupError, TryLaterError
from search.stores.wire import from_error

START_TIMEOUT_S = 120.0
"""TensorFlow takes ten seconds to load on a quiet machine, several times that on a busy one."""


class SpikingProcess:
    """Answers about photos, one at a time. Safe to use from several threads; to be closed.

    Args:
        folder: of the converted network.
        network: the same, loaded: the process must find the weights this one has.
        threads: of TensorFlow; 0 leaves its own choice.
        timeout_s: seconds for one answer, waiting for a turn included; the start is not counted.
    """

    def __init__(
        self,
        folder: Path,
        network: SpikingNetwork,
        *,
        threads: int = 0,
        timeout_s: float = 10.0,
        start_timeout_s: float = START_TIMEOUT_S,
    ) -> None:
        self._folder, self._network, self._threads = folder, network, threads
        self._timeout_s, self._start_timeout_s = timeout_s, start_timeout_s
        self._turn = threading.Lock()
        self._running: tuple[subprocess.Popen[bytes], Connection[Any, Any]] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process, where it runs."""
        return None if self._running is None else self._running[0].pid

    def answer(self, pixels: NDArray[np.uint8]) -> PixelAnswer:
        """What the spikes say of one photo's pixels (height, width, channels).

        Raises:
            SetupError: `extra_missing`; or the weights are not those of this network any more.
            OverloadedError: others were in front for as long as an answer may take.
            TryLaterError: `snn_timeout`: it took too long, and was ended; `snn_ended`: its process died.
        """
        started = self._wait_for_turn()
        try:
            connection = self._connect()
            before = time.perf_counter()
            (evidence, work) = self._ask(connection, pixels, max(0.1, self._timeout_s - started))
            took_ms = 1e3 * (time.perf_counter() - before)
        finally:
            self._turn.release()
        predictions = describe_answer(self._network.snn, evidence, self._network.choices.snn)
        return PixelAnswer(predictions=predictions, model=self._network.version, took_ms=took_ms, work=work)

    def close(self) -> None:
        """End the process, if it runs."""
        with self._turn:
            self._end()

    def _wait_for_turn(self) -> float:
        """Seconds waited."""
        asked = time.monotonic()
        patience = self._timeout_s if self._running is not None else self._start_timeout_s
        if not self._turn.acquire(timeout=patience):
            raise OverloadedError(
                f"the spiking classifier answers one photo at a time, and others were in front for {patience:g} s",
                retry_after_s=max(1, round(self._timeout_s)),
            )
        return time.monotonic() - asked if self._running is not None else 0.0

    def _connect(self) -> Connection[Any, Any]:
        if self._running is not None and self._running[0].poll() is None:
            return self._running[1]
        self._end()
        ours, theirs = socket.socketpair()
        # The child finds these packages where the parent did, installed or not.
        root = str(Path(__file__).parents[2])
        command = [sys.executable, "-m", "classifier.spiking.worker", str(theirs.fileno())]
        try:
            process = subprocess.Popen(  # noqa: S603
                command, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=(theirs.fileno(),)
            )
        finally:
            theirs.close()
        connection: Connection[Any, Any] = Connection(os.dup(ours.fileno()))
        ours.close()
        self._running = (process, connection)
        found = self._ask(connection, (str(self._folder.absolute()), self._threads), self._start_timeout_s)
        if found != self._network.sha256:
            self._end()
            raise SetupError(
                f"{self._folder} has another network than when it was begun to be used; ask again",
                code="network_changed",
            )
        return connection

    def _ask(self, connection: Connection[Any, Any], question: object, timeout_s: float) -> Any:
        try:
            connection.send(question)
            if not connection.poll(timeout_s):
                self._end()
                raise TryLaterError(
                    f"the spiking classifier did not answer within {timeout_s:.3g} s and was ended; the next question "
                    "starts it anew",
                    code="snn_timeout",
                )
            kind, *rest = connection.recv()
        except (OSError, EOFError) as error:
            self._end()
            raise TryLaterError(
                f"the spiking classifier's process ended ({type(error).__name__}); the next question starts it anew",
                code="snn_ended",
            ) from error
        if kind == "error":
            self._end()
            raise from_error((kind, *rest))
        return rest[0]

    def _end(self) -> None:
        if self._running is None:
            return
        process, connection = self._running
        self._running = None
        with contextlib.suppress(OSError):
            connection.close()
        try:
            process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
