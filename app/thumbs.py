"""Small squares out of the middle of pictures, for the film strip."""

from pathlib import Path

import cv2
import numpy as np
from PySide6.QtGui import QImage

from app.canvas import image_of, shown
from engine.errors import FoveaError
from engine.pictures import peek, read

SIDE = 88  # pixels: 44 points of a sharp screen
LARGEST = 64_000_000  # pixels; a larger picture has no thumbnail, which would take too long


def thumbnail(path: Path) -> tuple[QImage, str]:
    """A square of SIDE pixels, or an empty image; and why, where the file is no picture."""
    try:
        size = peek(path)
        if size is not None and size[0] * size[1] > LARGEST:
            return QImage(), ""
        pixels = shown(read(path))
    except FoveaError as error:
        return QImage(), str(error)
    except MemoryError:  # others need it more
        return QImage(), ""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = pixels[top : top + side, left : left + side]
    small = cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return image_of(np.ascontiguousarray(small)).copy(), ""  # with memory of its own
