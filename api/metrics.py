"""Counters and clocks in the Prometheus format.

Names follow prometheus.io/docs/practices/naming: one prefix, base units. Labels take few values: routes by template,
never ids. Knows nothing of requests; each application has a registry of its own, so two in one process do not mix.
"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_REQUEST_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_STAGE_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


class Metrics:
    """What is counted.

    Attributes:
        requests: seconds of each request, by method, route template and status.
        stages: seconds of each stage of a search: decode, embed, classify, search.
        rejected: inputs refused, by problem code.
        items: items in the catalogue, as of the last time somebody looked.
        store_up: 1 where the store answered the last time somebody looked.
        busy, waiting: photo searches under way, and waiting to be let in.
    """

    def __init__(self, *, version: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Histogram(
            "vitrine_http_request_duration_seconds",
            "Time from the head of a request to the end of its answer.",
            ("method", "route", "status"),
            buckets=_REQUEST_BUCKETS_S,
            registry=self.registry,
        )
        self.stages = Histogram(
            "vitrine_search_stage_duration_seconds",
            "Time spent in each stage of a search.",
            ("stage",),
            buckets=_STAGE_BUCKETS_S,
            registry=self.registry,
        )
        self.rejected = Counter(
            "vitrine_inputs_rejected", "Requests refused for what they sent.", ("code",), registry=self.registry
        )
        self.items = Gauge("vitrine_items", "Items in the catalogue.", registry=self.registry)
        self.store_up = Gauge("vitrine_store_up", "Whether the store answers.", registry=self.registry)
        self.busy = Gauge("vitrine_photos_in_progress", "Photos being embedded.", registry=self.registry)
        self.waiting = Gauge("vitrine_photos_waiting", "Photos waiting to be embedded.", registry=self.registry)
        build = Gauge("vitrine_build_info", "Version of Vitrine.", ("version",), registry=self.registry)
        build.labels(version).set(1)

    def observe_stages(self, stages_ms: Mapping[str, float | None]) -> None:
        """Count the stages of one request, in milliseconds; those that did not happen are None."""
        for stage, took_ms in stages_ms.items():
            if took_ms is not None:
                self.stages.labels(stage).observe(took_ms / 1e3)

    def render(self) -> bytes:
        """Everything counted, in the text format."""
        return generate_latest(self.registry)
