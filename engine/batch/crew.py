"""The workers of a cluster, as an export sees them: who may work, and who not, and why."""

import time
from collections import Counter
from collections.abc import Iterator

from distributed import Client

from engine.batch.proof import Proof, difference
from engine.batch.scheduler import PATIENCE
from engine.batch.stages import Note
from engine.errors import UpscalerError

GRACE = 30  # seconds in which a worker is to prove itself
ALONE = 120  # seconds without a worker, after which there is no hope


class Crew:
    """Workers are known by their addresses; `threads` are those of each that is there.

    Only those get work that have proved that they give the same bytes as we.
    """

    def __init__(self, client: Client, proof: Proof):
        self.client, self.proof = client, proof
        self.threads: dict[str, int] = {}
        self.silence = "it cannot run this version of Fovea"  # said of those that say nothing
        self.looked = 0.0  # when we last looked who is there
        self._since: dict[str, float] = {}  # when each was first seen
        self._why: dict[str, str | None] = {}  # why each gets no work; None: it does
        self._hoped = time.monotonic()  # when there last was one that may work, or may prove itself
        self._worked = False

    def look(self) -> Iterator[Note]:
        """See who is there. Raises UpscalerError where nobody is left that could do the work."""
        scheduler = self.client.scheduler
        assert scheduler is not None  # we are connected
        self.threads = self.client.sync(scheduler.ncores, callback_timeout=PATIENCE)
        self.looked = now = time.monotonic()
        self._why = {worker: why for worker, why in self._why.items() if worker in self.threads}
        self._since = {worker: self._since.get(worker, now) for worker in self.threads}
        for worker in self.threads.keys() - self._why.keys():
            if now > self._since[worker] + GRACE:
                yield from self.judge(worker, self.silence)
        if any(self._why.get(worker) is None for worker in self.threads):
            self._hoped = now
        elif now > self._hoped + (PATIENCE if self.threads and not self._worked else ALONE):
            reasons = [why for why in self._why.values() if why]
            raise UpscalerError(
                f"The cluster at {scheduler.address} has no worker for this export. "
                + (reasons[0] if reasons else "Start some.")
            )

    def judge(self, worker: str, said: Proof | str) -> Iterator[Note]:
        """Heed what a worker has sent: its proof, or why it has none."""
        why = said if isinstance(said, str) else difference(said, self.proof)
        if why:
            sentence = f"The worker at {worker} gets no work: {why.rstrip('.')}."
            self._why[worker] = sentence
            yield Note(sentence)
        else:
            self._why[worker] = None
            self._worked = True

    def distrust(self, worker: str) -> None:
        """Another worker has come to this address, which has proved nothing yet."""
        self._why.pop(worker, None)

    def free(self, busy: Counter[str]) -> str | None:
        """The worker that has most room for another file; None where all are busy.

        Each holds as many files as it has threads, and one more, so that it need not wait for the
        network.
        """
        room = {
            worker: threads + 1 - busy[worker]
            for worker, threads in self.threads.items()
            if self._why.get(worker, "not yet") is None
        }
        best = max(room, key=room.__getitem__, default=None)
        return best if best and room[best] > 0 else None
