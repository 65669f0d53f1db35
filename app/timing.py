"""How long a computation takes: one account for what is told before, during and after it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """`predicted` are the seconds of the whole, None where nothing has run here yet; `elapsed`
    those since it began; `done` 0..1 is how much of the work they have done."""

    predicted: float | None = None
    elapsed: float = 0.0
    done: float = 0.0

    @property
    def total(self) -> float | None:
        """The seconds of the whole: predicted at first, measured in the end; None if unknown."""
        if not self.done:
            return self.predicted
        measured = self.elapsed / self.done
        if self.predicted is None:
            return measured
        trust = self.done**0.5
        return max(self.elapsed, (1 - trust) * self.predicted + trust * measured)

    @property
    def left(self) -> float | None:
        total = self.total
        return None if total is None else total - self.elapsed
