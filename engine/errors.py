"""What can go wrong, as a tree.

    FoveaError             a sentence for the user: what is wrong with what, and what to do
      PictureError         a file that cannot be read or written
      UpscalerError        weights, a device or a network that cannot do what was asked
      BudgetError          a budget out of range
      SettingsError        settings that cannot be met, or folders that cannot be used

Anything else that is raised is a defect of the program; `sentence` tells it, too, so that the next
file goes on.
"""

import traceback
from pathlib import Path


class FoveaError(Exception):
    """The base of all errors whose message is meant for the user."""


class PictureError(FoveaError):
    """A picture file cannot be read or written."""


class UpscalerError(FoveaError):
    """Weights, a device or a network cannot do what was asked."""


class BudgetError(FoveaError):
    """A budget out of range."""


class SettingsError(FoveaError):
    """Settings that cannot be met, or folders that cannot be used."""


def sentence(error: Exception, source: Path | str, target: Path | str | None = None) -> str:
    """One sentence about what went wrong with a file: it names the file, and what to do."""
    if isinstance(error, FoveaError):
        named = str(source) in str(error) or (target is not None and str(target) in str(error))
        return str(error) if named else f"{source}: {error}"
    if out_of_memory(error):
        return f"{source} is too large for this machine's memory."
    return f"{source} could not be upscaled; {defect(error)}"


def out_of_memory(error: BaseException) -> bool:
    """Does an error say that memory has run out? Only Python has a type of its own for it."""
    said = str(error).lower()
    return isinstance(error, MemoryError) or any(words in said for words in EXHAUSTED)


EXHAUSTED = (
    "can't allocate memory",  # PyTorch, of the processor's memory
    "out of memory",  # PyTorch, of a graphics card's
    "could not create a primitive",  # oneDNN, for want of memory
    "could not create a memory",
    "could not execute a primitive",
    "insufficient memory",  # OpenCV
    "bad_alloc",  # C++
)


def defect(error: Exception) -> str:
    """A clause about an error that nobody foresaw: what, where, and what to do."""
    said = " ".join(str(error).split()).rstrip(".")
    where = traceback.extract_tb(error.__traceback__)[-1:]
    place = "".join(f" at line {frame.lineno} of {Path(frame.filename).name}" for frame in where)
    return (
        f"Fovea has met a defect of its own ({type(error).__name__}{place}"
        f"{': ' + said[:300] if said else ''}); please report it."
    )
