"""Pictures: what they are, and how they come from files and become files.

`read` -> Picture -> `write`; `formats` is the one table of file formats.
"""

from engine.pictures.decode import contents, peek, read
from engine.pictures.encode import check_target, write
from engine.pictures.picture import Picture

__all__ = ["Picture", "check_target", "contents", "peek", "read", "write"]
