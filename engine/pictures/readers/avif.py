"""AVIF files, whose codes of colour Pillow does not tell."""

from dataclasses import replace

from engine.pictures.boxes import cicp_of
from engine.pictures.picture import Picture
from engine.pictures.readers import pillow
from engine.pictures.readers.head import Head

SIGNATURE = rb"....ftyp(avi[fs]|.{8,52}avif)"


def load(data: bytes, head: Head) -> Picture:
    """The picture as stored. A profile counts for more than codes."""
    picture = pillow.load(data, head)
    return picture if picture.icc else replace(picture, cicp=cicp_of(data))
