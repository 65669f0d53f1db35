"""Builds what is not Python: the kernels. All else about the project is in pyproject.toml."""

import os
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# One library for every processor of its kind: convolve.cpp itself says which of its functions may
# use which instructions, and chooses among them when it runs. So no -march here.
MSVC_FLAGS = ["/O2", "/std:c++17", "/EHsc"]
UNIX_FLAGS = ["-O3", "-g0", "-std=c++17", "-fvisibility=hidden", "-pthread"]

KERNELS = Extension(
    "engine.kernels.convolve",
    sources=["engine/kernels/convolve.cpp"],
    depends=["engine/kernels/tile.h", "engine/kernels/amx.h"],
    language="c++",
    optional=True,  # without a compiler PyTorch does the work
)


class BuildLibrary(build_ext):
    """Builds plain shared libraries, which are opened with ctypes."""

    def get_ext_filename(self, fullname: str) -> str:
        """A name that Python does not take for a module."""
        return os.path.join(*fullname.split(".")) + ".library"

    def get_export_symbols(self, ext: Extension) -> list[str]:
        return []  # the source marks its own; setuptools would add PyInit_convolve

    def build_extension(self, ext: Extension) -> None:
        msvc = self.compiler.compiler_type == "msvc"
        ext.extra_compile_args = MSVC_FLAGS if msvc else UNIX_FLAGS
        super().build_extension(ext)

    def copy_extensions_to_source(self) -> None:
        """Put what was built beside its source; an older one goes, as it may no longer fit.

        It is renamed into place: a running program may have the one before it open.
        """
        for ext in self.extensions:
            target = Path(self.get_ext_filename(ext.name))
            built = Path(self.build_lib, target)
            if built.exists():
                beside = target.with_name(f"{target.name}.{os.getpid()}")
                self.copy_file(str(built), str(beside))
                beside.replace(target)
            else:
                target.unlink(missing_ok=True)


setup(ext_modules=[KERNELS], cmdclass={"build_ext": BuildLibrary})
