"""The one thread that writes: takes all requests that wait, stores them in one transaction, then answers them."""

from __future__ import annotations

import logging
import queue
import threading
import time
import zlib
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from costspan.guard import Guard
from costspan.ledger.calls import Batch, Sorter
from costspan.ledger.otlp import BadRequestError, read_json
from costspan.ledger.protobuf import ProtobufReader
from costspan.ledger.schema import LedgerError, TooMuchError

if TYPE_CHECKING:
    from costspan.ledger.store import Keep, Store
    from costspan.pricing import Pricer

_log = logging.getLogger("costspan")
_STORE = Guard("store calls")
_TIDY = Guard("drop old calls")
_TIDY_SECONDS = _TELL_SECONDS = 3600
_REFUSED = "refused %s of what a request held, and few senders say so: %s"
MOST_BYTES = 32 * 2**20  # of one request, unpacked
MOST_RATIO = 250  # of what unpacks to more than 1 MB; telemetry comes to a tenth of it, a bomb to a thousand
_FREELY = 2**20  # bytes
_MOST_WAITING = 64 * 2**20  # bytes of requests not yet stored; what comes then is told to come again
_MOST_AT_ONCE = 2**21  # bytes of requests in one transaction


class TooLargeError(ValueError):
    """The body is larger than is taken."""


class BusyError(RuntimeError):
    """More waits than can be stored soon: send again later."""


@dataclass(slots=True)
class Job:
    """One request on its way to the store."""

    signal: str  # traces, logs, metrics
    body: bytes
    encoding: str = ""  # gzip, deflate
    json: bool = False
    answer: Future[Batch] = field(default_factory=Future)


class Ingest:
    """Requests in, durable calls out; `submit` from any thread."""

    def __init__(self, store: Store, pricer: Pricer, keep: Keep | None = None) -> None:
        self._keep = keep
        self._tidied = -_TIDY_SECONDS - 1.0  # when old calls were last looked for, by the monotonic clock
        self._told: dict[str, float] = {}  # likewise: what was logged
        self._store = store
        self._sorter = Sorter(pricer)
        self._protobuf = ProtobufReader()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._waiting = 0
        self._lock = threading.Lock()
        self.counts: Counter[str] = Counter()  # of this process, for the page and /healthz
        self._thread = threading.Thread(target=self._run, name="costspan-ledger", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> Future[Batch]:
        """The batch, once it is durable; or why it is not: BadRequestError, TooLargeError, LedgerError.

        Raises:
            BusyError: Too much is waiting.
        """
        with self._lock:
            if self._waiting + len(job.body) > _MOST_WAITING:
                self.counts["busy"] += 1
                raise BusyError("the ledger is busy: send again")
            self._waiting += len(job.body)
        self._jobs.put(job)
        return job.answer

    def stop(self) -> None:
        """Store what waits, then end."""
        self._jobs.put(None)
        self._thread.join()
        self._store.close()

    def _run(self) -> None:
        going = True
        while going:
            with _TIDY:
                self._tidy()
            jobs = [self._jobs.get()]
            size = len(jobs[0].body) if jobs[0] else 0
            while jobs[-1] is not None and size < _MOST_AT_ONCE and not self._jobs.empty():
                job = self._jobs.get()
                jobs.append(job)
                size += len(job.body) if job else 0
            going = jobs[-1] is not None
            asked = [job for job in jobs if job is not None]
            with _STORE:  # a fault of ours must not end the only thread that writes
                self._store_all(asked)
            for job in asked if len(asked) > 1 else ():
                if not job.answer.done():  # nor harm others: each for itself
                    with _STORE:
                        self._store_all([job])
            for job in asked:
                if not job.answer.done():
                    job.answer.set_exception(LedgerError("the ledger could not store this; its log says why"))
            with self._lock:
                self._waiting -= size

    def _tidy(self) -> None:
        """Drop old calls an hour of them at a time, between requests; all of them at the start and then every hour."""
        while self._keep and time.monotonic() - self._tidied > _TIDY_SECONDS:
            if not self._store.drop_old(self._keep):
                self._tidied = time.monotonic()
            elif not self._jobs.empty():
                break

    def _store_all(self, jobs: list[Job]) -> None:
        good: list[tuple[Job, Batch]] = []
        for job in jobs:
            batch = self._read(job)
            if batch is not None:
                good.append((job, batch))
        if not good:
            return
        try:
            calls = [call for _, batch in good for call in batch.calls]
            written = self._store.write(calls, [span for _, batch in good for span in batch.spans])
        except TooMuchError as error:
            if len(good) == 1:  # else each is tried by itself, so that they harm no other
                self.counts["bad requests"] += 1
                good[0][0].answer.set_exception(BadRequestError(str(error)))
            return
        except LedgerError as error:
            self.counts["failures"] += 1
            self._tell("not stored, and senders are told to send it again: %s", error)
            for job, _ in good:
                job.answer.set_exception(error)
            return
        self.counts["calls"] += written.calls
        self.counts["duplicates"] += written.duplicates
        self.counts["layers"] += written.layers
        for job, batch in good:
            if batch.refused:
                self._tell(_REFUSED, batch.refused, batch.refusal)
            self.counts["refused"] += batch.refused
            self.counts["bad values"] += batch.bad_values
            job.answer.set_result(batch)

    def _tell(self, text: str, *said: object) -> None:
        """One line of a kind, once an hour: most exporters pay no heed to an answer that tells what was not taken."""
        now = time.monotonic()
        if text not in self._told or now - self._told[text] > _TELL_SECONDS:
            self._told[text] = now
            _log.warning(text, *said)

    def _read(self, job: Job) -> Batch | None:
        """What the request holds; None if it cannot be read, which it has been told."""
        try:
            body = unpack(job.body, job.encoding)
            read = read_json if job.json else self._protobuf.read
            return self._sorter.sort_out(read(job.signal, body))
        except (BadRequestError, TooLargeError) as error:
            self.counts["bad requests"] += 1
            job.answer.set_exception(error)
            return None


def unpack(body: bytes, encoding: str) -> bytes:
    """The body without its encoding; never more than MOST_BYTES, nor MOST_RATIO times its size, are made.

    Raises:
        BadRequestError: It is not packed that way.
        TooLargeError: It unpacks to more (a gzip bomb).
    """
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise BadRequestError(f"content encoding {encoding} is not known; gzip and deflate are")
    try:
        most = min(MOST_BYTES, max(_FREELY, MOST_RATIO * len(body)))
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16 if encoding == "gzip" else zlib.MAX_WBITS)
        plain = unpacker.decompress(body, most)
    except zlib.error as error:
        raise BadRequestError(f"the body is not {encoding}: {error}") from error
    if unpacker.unconsumed_tail:
        raise TooLargeError(f"the body unpacks to more than {most} bytes, too much for its size")
    if not unpacker.eof:
        raise BadRequestError(f"the body is cut off: its {encoding} does not end")
    if unpacker.unused_data:  # taken as if it were not there, its calls would be acknowledged and lost
        raise BadRequestError(f"bytes follow the end of the body's {encoding}: send it in one piece")
    return plain
