"""What the user asks for."""

import math
from dataclasses import dataclass

from engine.errors import BudgetError


@dataclass(frozen=True)
class Budget:
    """A share 0..1 from the least to the most that a method can do, or a native knob value.

    Raises BudgetError for anything else.
    """

    share: float | None = None
    knob: float | None = None

    def __post_init__(self) -> None:
        if (self.share is None) == (self.knob is None):
            raise BudgetError("Give either a share or a knob value.")
        if self.share is not None and not 0 <= self.share <= 1:
            raise BudgetError(f"The budget must lie between 0 and 100 %, not at {self.share:.0%}.")
        if self.knob is not None and not (math.isfinite(self.knob) and self.knob >= 0):
            raise BudgetError(f"The knob must be 0 or more, not {self.knob:g}.")


FULL = Budget(share=1.0)
