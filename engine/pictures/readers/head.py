"""What the head of a file tells before anything is decoded, and how a file is refused."""

from dataclasses import dataclass

from engine.pictures.formats import Format
from engine.pictures.metadata import SIDEWAYS


class RefusedError(Exception):
    """A file that cannot be read; the message goes on after the file's name, without full stop."""


def damaged(why: str) -> RefusedError:
    """Pixels that are not all there, or not right."""
    return RefusedError(f"is damaged ({why}); get a whole copy of it")


@dataclass(frozen=True)
class Head:
    """Format, size and kind of a picture as stored.

    `channels` (alpha among them) and `bits` (8 or 16) are those of the decoded pixels;
    `orientation` is EXIF's, 1 where the pixels are upright. `several`: the file holds more pictures
    than one, none of which is *the* picture. `taken` are the bytes a pixel that `load` takes at its
    worst moment, those of the picture among them, but not those of the file and its copies.
    """

    form: Format
    height: int
    width: int
    channels: int
    bits: int = 8
    orientation: int = 1
    several: bool = False
    taken: int = 8

    @property
    def memory(self) -> int:
        """Bytes that `load` takes for the pixels at its worst moment."""
        return self.taken * self.height * self.width

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the picture upright."""
        if self.orientation in SIDEWAYS:
            return self.width, self.height
        return self.height, self.width
