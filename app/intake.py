"""What is dropped on the window or lies on the clipboard: files, or a picture without one."""

from pathlib import Path

import numpy as np
from PySide6.QtCore import QMimeData
from PySide6.QtGui import QColorSpace, QImage

from app.batch import is_folder
from engine.pictures import Picture
from engine.pictures.formats import readable


def local_files(data: QMimeData) -> list[Path]:
    """Files and folders of this machine: those that may be pictures, or else the first."""
    files = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    known = [path for path in files if path.suffix.lower() in readable() or is_folder(path)]
    return known or files[:1]


def holds_picture(data: QMimeData) -> bool:
    """Is there something that may be opened?"""
    return bool(local_files(data)) or data.hasImage()


def picture_in(data: QMimeData) -> Picture | None:
    """The picture itself, where there is one."""
    image = QImage(data.imageData()) if data.hasImage() else QImage()
    return None if image.isNull() else picture_of(image)


def picture_of(image: QImage) -> Picture:
    """A copy of an image's pixels in sRGB, 8 bits, with alpha where anything is transparent."""
    if image.colorSpace().isValid():
        image = image.convertedToColorSpace(QColorSpace(QColorSpace.NamedColorSpace.SRgb))
    image = image.convertToFormat(QImage.Format.Format_RGBA8888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    pixels = rows[:, : 4 * image.width()].reshape(image.height(), image.width(), 4)
    alpha = None if (pixels[:, :, 3] == 255).all() else pixels[:, :, 3].copy()
    return Picture(pixels[:, :, :3].copy(), alpha=alpha)
