# `make run` and `make test` are all the set-up there is; both begin with `make setup`.

VENV := .venv
PYTHON := $(VENV)/bin/python
ARGS ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The environment is brought up to date when one of these has changed, or a compiler has come.
INPUTS := pyproject.toml $(wildcard setup.py engine/kernels/*.c engine/kernels/*.cpp engine/kernels/*.h)
STAMP := $(VENV)/fovea-$(shell (cat $(INPUTS); command -v c++) | cksum | cut -d ' ' -f 1)

# What Qt needs of a Debian or Ubuntu system; the check asks Qt's own files what they miss.
QT_PACKAGES := libegl1 libgl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libx11-xcb1 libxkbcommon0 \
    libxkbcommon-x11-0 libxcb-cursor0 libxcb-glx0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 \
    libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-sync1 libxcb-xfixes0 libxcb-xkb1
QT_MISSING = $$(cd $(VENV)/lib/python3*/site-packages/PySide6 && ldd \
    QtWidgets.abi3.so QtOpenGLWidgets.abi3.so QtSvg.abi3.so QtTest.abi3.so \
    Qt/plugins/platforms/libqxcb.so Qt/plugins/platforms/libqoffscreen.so \
    Qt/plugins/xcbglintegrations/*.so 2>/dev/null | awk '/not found/ {print $$1}' | sort -u)

INSTALL := apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
    --no-install-recommends --no-upgrade -o Dpkg::Use-Pty=0

.PHONY: help setup system-libraries run test screenshots translations

help:
	@echo "make run          open Fovea (ARGS='photo.jpg' opens a photo, ARGS='-h' lists the commands)"
	@echo "make test         check the code and run the tests (ARGS='-k picture' runs some of them)"
	@echo "make setup        only install what Fovea needs, into $(VENV)"
	@echo "make screenshots  draw docs/screenshots anew"
	@echo "make translations bring the languages up to date with the code (ARGS='fr' begins French)"

setup: $(STAMP) system-libraries

$(STAMP): | $(VENV)/bin/pip
	$(PYTHON) -m pip install --quiet --editable '.[cluster,test]'
	@rm -f $(VENV)/fovea-*
	@touch $@

$(VENV)/bin/pip:
	@for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        found=$$python; break; \
	    fi; \
	done; \
	if [ -z "$$found" ]; then \
	    echo "Fovea needs Python 3.11 or newer, and no such python3 was found." >&2; exit 1; \
	fi; \
	if ! $$found -c 'import ensurepip, venv' 2>/dev/null; then \
	    package=$$($$found -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	    if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	        $(INSTALL) $$package || exit 1; \
	    else \
	        echo "$$found cannot make environments. On Debian or Ubuntu run:" >&2; \
	        echo "  sudo apt-get install $$package" >&2; exit 1; \
	    fi; \
	fi; \
	echo "Making $(VENV) with $$($$found --version); the first set-up takes some minutes."; \
	$$found -m venv $(VENV)

system-libraries: $(STAMP)
	@if ! command -v ldd >/dev/null; then exit 0; fi; \
	missing="$(QT_MISSING)"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	echo "Qt misses these system libraries:" $$missing; \
	if ! command -v apt-get >/dev/null; then \
	    echo "Install the packages of your system that hold them to use the window."; \
	elif [ "$$(id -u)" = 0 ]; then \
	    $(INSTALL) $(QT_PACKAGES) || echo "They could not be installed; the window may not open."; \
	else \
	    echo "To use the window, run:"; \
	    echo "  sudo apt-get install $(QT_PACKAGES)"; \
	fi

run: setup
	@$(PYTHON) main.py $(ARGS)

test: export QT_QPA_PLATFORM := offscreen
test: setup
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(VENV)/bin/lint-imports --no-logo
	$(PYTHON) -m pytest $(ARGS)

screenshots: export QT_QPA_PLATFORM := offscreen
screenshots: setup
	$(PYTHON) -m app.screenshots docs/screenshots

translations: setup
	$(PYTHON) -m app.catalog $(ARGS)
