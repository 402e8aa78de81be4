"""What the operator's monitoring sees (Prometheus), on an address of its own that is never the public one.

Counted are entries by what became of them, batches and how long they took, and how far each board has come. Nothing
has a label that names an address, a credential, a hash, a code or an index. Counters do move with every ballot, so who
reads them often sees when ballots come, as the server itself does: keep the address on loopback, ask it four times a
minute and not forty, and keep what is collected no longer than the election needs (docs/guides/operator.md).
"""

import time
from collections.abc import Iterator, Sequence
from wsgiref.simple_server import WSGIServer

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import start_http_server
from prometheus_client.registry import Collector

from retally_server.board.refusals import Refusal
from retally_server.board.submissions import Answer
from retally_server.elections import Elections

PORTS_TRIED = 32
"""Several processes of one server each take the next free port."""

_BATCH_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BATCH_ENTRIES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_log = structlog.get_logger()


class Metrics:
    """The numbers of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._entries = Counter(
            "retally_entries",
            "Entries by board and what became of them: accepted, known, or the check or problem that refused them",
            ("board", "outcome"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "retally_batch_seconds",
            "From a batch's verification to its receipts",
            ("board",),
            buckets=_BATCH_SECONDS,
            registry=self.registry,
        )
        self._sizes = Histogram(
            "retally_batch_entries", "Entries in a batch", ("board",), buckets=_BATCH_ENTRIES, registry=self.registry
        )
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._server: WSGIServer | None = None

    def watch(self, elections: Elections) -> None:
        """Says from now on how far each of these boards has come, when it is asked."""
        self.registry.register(_Boards(elections))

    def batch(self, board: str, seconds: float, answers: Sequence[Answer | Refusal]) -> None:
        """Counts one batch that was sequenced."""
        self._seconds.labels(board).observe(seconds)
        self._sizes.labels(board).observe(len(answers))
        for answer in answers:
            self._entries.labels(board, _outcome(answer)).inc()

    def serve(self, host: str, port: int) -> int:
        """Answers at the first free port from `port` on, which is returned. OSError if there is none."""
        for each in range(port, port + PORTS_TRIED):
            try:
                self._server, _thread = start_http_server(each, host, self.registry)
            except OSError:
                if each == port + PORTS_TRIED - 1:
                    raise
                continue
            _log.info("metrics", host=host, port=self._server.server_port)
            return self._server.server_port
        raise AssertionError("unreachable")

    def stop(self) -> None:
        """Closes the address."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


def _outcome(answer: Answer | Refusal) -> str:
    if isinstance(answer, Refusal):
        return answer.check or answer.cause
    return "accepted" if answer.new else "known"


class _Boards(Collector):
    """How far each board has come, read when it is asked for."""

    def __init__(self, elections: Elections) -> None:
        self._elections = elections

    def collect(self) -> Iterator[GaugeMetricFamily]:
        leads = GaugeMetricFamily("retally_leads", "1 if this process writes the boards")
        leads.add_metric((), float(self._elections.leads))
        now = GaugeMetricFamily("retally_clock_seconds", "This machine's clock, by which the manifest's times are kept")
        now.add_metric((), time.time())
        yield leads
        yield now
        families = {
            name: GaugeMetricFamily(f"retally_board_{name}", what, labels=("board",))
            for name, what in (
                ("entries", "Entries published"),
                ("witnessed_entries", "Entries that the quorum of witnesses confirmed"),
                ("waiting", "Entries waiting to be sequenced"),
                ("in_step", "1 if what is published is what the database holds"),
                ("halted", "1 if the board takes nothing more: there is, or may be, a second history"),
            )
        }
        for one in self._elections.all():
            board, log = (one.log.board.slug,), one.log
            families["entries"].add_metric(board, 0 if log.published is None else log.published.checkpoint.size)
            if log.cosigned is not None:
                families["witnessed_entries"].add_metric(board, log.cosigned.size)
            families["waiting"].add_metric(board, one.waiting)
            families["in_step"].add_metric(board, float(log.in_step))
            families["halted"].add_metric(board, float(log.halted is not None))
        yield from families.values()
