"""Figures for Prometheus, in a registry of the service's own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """What is counted; the names are part of the interface (docs/service.md)."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, model: str, waiting: Callable[[], float], open_items: Callable[[], float]) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        own: dict[str, Any] = {"registry": self.registry}
        self.requests = Counter("avfake_requests", "Requests answered.", ["route", "method", "status"], **own)
        self.request_seconds = Histogram(
            "avfake_request_seconds", "From request to answer.", ["route"], buckets=_SECONDS, **own
        )
        self.step_seconds = Histogram(
            "avfake_step_seconds", "Of a clip, in each step.", ["step"], buckets=_SECONDS, **own
        )
        self.clips = Counter("avfake_clips", "Clips by what became of them.", ["outcome"], **own)
        self.batch_clips = Histogram(
            "avfake_batch_clips", "Clips handed to the model at once.", buckets=(1, 2, 4, 8, 16, 32), **own
        )
        Gauge("avfake_waiting", "Requests taken and not answered.", **own).set_function(waiting)
        Gauge("avfake_open_job_clips", "Clips of jobs that wait.", **own).set_function(open_items)
        Gauge("avfake_model", "The model, in its label.", ["model"], **own).labels(model).set(1)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Times a step."""
        begin = perf_counter()
        try:
            yield
        finally:
            self.step_seconds.labels(name).observe(perf_counter() - begin)

    def text(self) -> bytes:
        """All figures as Prometheus reads them."""
        return generate_latest(self.registry)
