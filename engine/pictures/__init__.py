"""Pictures: what they are, and how they come from files and become files.

`read` -> Picture -> `write`; `formats` is the one table of file formats.
"""

from engine.pictures.decode import contents, peek, read
from engine.pictures.encode import write
from engine.pictures.picture import Picture
from engine.pictures.target import check_target

__all__ = ["Picture", "check_target", "contents", "peek", "read", "write"]
