"""How far a batch is, and how long it will take, learned from what has run."""

from engine.batch.names import Job

FIXED = 2_000  # what a file costs besides its pixels, in pixels
FADING = 0.9  # how much less a file counts for every file that came after it


class Clock:
    """Work is counted in pixels of the sources. `recorded` are the keys of files that will probably
    be skipped, which takes no time."""

    def __init__(self, jobs: tuple[Job, ...], recorded: set[str]):
        self._open = {job.key: float(job.pixels + FIXED) for job in jobs}  # work not yet done
        self._recorded = set(recorded)
        self._total = self._rest = sum(self._open.values())
        self._left = sum(work for key, work in self._open.items() if key not in recorded)
        self._spent = self._worked = 0.0

    def note(self, job: Job, progress: float, *, computed: bool, seconds: float) -> None:
        """A file has come to `progress` 0..1 after so many more seconds, by computing or not."""
        if computed and job.key in self._recorded:  # it has to be made again
            self._recorded.discard(job.key)
            self._left += self._open[job.key]
        rest = (job.pixels + FIXED) * (1 - progress)
        change = self._open[job.key] - rest
        self._open[job.key] = rest
        self._rest -= change
        if job.key not in self._recorded:
            self._left -= change
        if not computed:
            return
        self._spent += seconds
        self._worked += change
        if progress == 1:
            self._spent *= FADING
            self._worked *= FADING

    @property
    def overall(self) -> float:
        """Of the whole batch, 0..1."""
        return min(1.0, max(0.0, 1 - self._rest / self._total)) if self._total else 1.0

    @property
    def eta(self) -> float | None:
        """Seconds left; None before anything has been learned."""
        if self._worked <= 0:
            return None
        return max(0.0, self._left) * self._spent / self._worked
