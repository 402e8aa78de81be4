"""The tables through which processes on one PostgreSQL hand entries to the one that leads, and get their answers back.

    waiting     entries in the order in which they were handed over; each with the worker that wants the answer
    answered    answers that the worker has not fetched yet

Both are unlogged: a crash of the database empties them, and nothing in them was acknowledged. Whoever waited is told
to send the same bytes again. Entries go over and answers come back many at a time, for the reason that
`postgres.insert_entries` gives.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine, create_engine, text

from retally_server.board.refusals import Refusal
from retally_server.board.submissions import Answer
from retally_server.database import postgres


@dataclass(frozen=True)
class HandedOver:
    """An entry on its way to the leader. `board_id` is None for the manifest of a new election."""

    ticket: int
    board_id: int | None
    received_at: float
    entry: bytes


@dataclass(frozen=True)
class Taken:
    """An entry as the leader takes it: `id` gives the order, `worker` and `ticket` say who wants the answer."""

    id: int
    worker: bytes
    ticket: int
    board_id: int | None
    received_at: float
    entry: bytes


class WaitingRoom:
    """Access to both tables. Every method is one statement and may be called from any thread."""

    def __init__(self, address: str) -> None:
        """`address` is that of the board's own PostgreSQL database."""
        self._engine: Engine = create_engine(address, hide_parameters=True, isolation_level="AUTOCOMMIT")
        postgres.prepare(self._engine)

    def close(self) -> None:
        """Closes every connection."""
        self._engine.dispose()

    def put(self, worker: bytes, entries: Sequence[HandedOver]) -> None:
        """Hands entries over, in this order."""
        starts, at = [], 1
        for each in entries:
            starts.append(at)
            at += len(each.entry)
        self._execute(
            "INSERT INTO waiting (worker, ticket, board_id, received_at, entry) "
            "SELECT :worker, ticket, nullif(board_id, 0), received_at, "
            "substring(CAST(:entries AS bytea) FROM start FOR length) "
            "FROM unnest(CAST(:tickets AS bigint[]), CAST(:boards AS int[]), CAST(:times AS float8[]), "
            "CAST(:starts AS int[]), CAST(:lengths AS int[])) "
            "WITH ORDINALITY AS handed(ticket, board_id, received_at, start, length, place) ORDER BY place",
            worker=worker,
            entries=b"".join(each.entry for each in entries),
            tickets=[each.ticket for each in entries],
            boards=[each.board_id or 0 for each in entries],
            times=[each.received_at for each in entries],
            starts=starts,
            lengths=[len(each.entry) for each in entries],
        )

    def waiting(self, limit: int) -> int:
        """How many entries wait for the leader, counted up to `limit`."""
        rows = self._execute("SELECT count(*) FROM (SELECT 1 FROM waiting LIMIT :limit) AS counted", limit=limit)
        return int(rows[0][0])

    def take(self, limit: int, in_hand: Collection[int]) -> list[Taken]:
        """The oldest entries that are not `in_hand`, by id, at most `limit`. They stay until they are answered."""
        rows = self._execute(
            "SELECT id, worker, ticket, board_id, received_at, entry FROM waiting "
            "WHERE NOT id = ANY(CAST(:in_hand AS bigint[])) ORDER BY id LIMIT :limit",
            in_hand=list(in_hand),
            limit=limit,
        )
        return [Taken(*row) for row in rows]

    def answer(self, answers: Sequence[tuple[Taken, Answer | Refusal]]) -> None:
        """Replaces entries by their answers."""
        receipts = [answer.receipt if isinstance(answer, Answer) else b"" for _, answer in answers]
        starts, at = [], 1
        for receipt in receipts:
            starts.append(at)
            at += len(receipt)
        self._execute(
            "WITH done AS (DELETE FROM waiting WHERE id = ANY(CAST(:ids AS bigint[])) RETURNING id) "
            "INSERT INTO answered (worker, ticket, answer, receipt) "
            "SELECT substring(CAST(:workers AS bytea) FROM CAST(16 * place - 15 AS int) FOR 16), ticket, answer, "
            "substring(CAST(:receipts AS bytea) FROM start FOR length) "
            "FROM unnest(CAST(:ids AS bigint[]), CAST(:tickets AS bigint[]), CAST(:answers AS text[]), "
            "CAST(:starts AS int[]), CAST(:lengths AS int[])) "
            "WITH ORDINALITY AS given(id, ticket, answer, start, length, place) JOIN done USING (id)",
            ids=[taken.id for taken, _ in answers],
            workers=b"".join(taken.worker for taken, _ in answers),
            tickets=[taken.ticket for taken, _ in answers],
            answers=[_written(answer) for _, answer in answers],
            receipts=b"".join(receipts),
            starts=starts,
            lengths=[len(receipt) for receipt in receipts],
        )

    def collect(self, worker: bytes) -> list[tuple[int, Answer | Refusal]]:
        """Takes the answers that are there for this worker away, by ticket."""
        rows = self._execute(
            "DELETE FROM answered WHERE worker = :worker RETURNING ticket, answer, receipt", worker=worker
        )
        return [(ticket, _read(answer, receipt)) for ticket, answer, receipt in rows]

    def withdraw(self, worker: bytes, tickets: Sequence[int]) -> None:
        """Forgets what nobody waits for any more."""
        self._execute(
            "WITH gone AS (DELETE FROM answered WHERE worker = :worker AND ticket = ANY(CAST(:tickets AS bigint[]))) "
            "DELETE FROM waiting WHERE worker = :worker AND ticket = ANY(CAST(:tickets AS bigint[]))",
            worker=worker,
            tickets=list(tickets),
        )

    def sweep(self, seconds: float) -> None:
        """Removes what has been there for longer than this: whoever waited for it is gone."""
        for table in ("answered", "waiting"):
            self._execute(
                f"DELETE FROM {table} WHERE put_at < clock_timestamp() - make_interval(secs => :seconds)",  # noqa: S608
                seconds=seconds,
            )

    def _execute(self, statement: str, **values: Any) -> Sequence[Any]:
        with self._engine.connect() as connection:
            done = connection.execute(text(statement), values)
            return done.all() if done.returns_rows else ()


def _written(answer: Answer | Refusal) -> str:
    if isinstance(answer, Answer):
        return json.dumps({"index": answer.index, "new": answer.new})
    return json.dumps({"refusal": asdict(answer)})


def _read(answer: str, receipt: bytes) -> Answer | Refusal:
    members = json.loads(answer)
    if "refusal" in members:
        return Refusal(**members["refusal"])
    return Answer(members["index"], bytes(receipt), members["new"])
