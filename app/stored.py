"""What is remembered from one start to the next; a value that makes no sense is the default."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QByteArray

from app.keeper import Keeper
from app.stops import Weights
from engine.budget import Budget
from engine.errors import SettingsError
from engine.pictures.formats import written
from engine.settings import TEMPLATE, Settings, check_template

DEFAULT_EFFORT = 0.5
DEFAULT_QUALITY = 95


def number(kept: Keeper, key: str, default: float, *, low: float, high: float) -> float:
    """A number from `low` to `high`."""
    value = kept.value(key)
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return default
    return found if low <= found <= high else default


def whole(kept: Keeper, key: str, default: int, *, low: int, high: int) -> int:
    """A whole number from `low` to `high`."""
    found = number(kept, key, default, low=low, high=high)
    return int(found) if found == int(found) else default


def flag(kept: Keeper, key: str, default: bool) -> bool:
    value = str(kept.value(key)).lower()
    return value == "true" if value in ("true", "false") else default


def text(kept: Keeper, key: str, default: str, check: Callable[[str], object]) -> str:
    """Text at which `check` raises no SettingsError."""
    value = kept.value(key)
    if not isinstance(value, str) or not value:
        return default
    try:
        check(value)
    except SettingsError:
        return default
    return value


def choice(kept: Keeper, key: str, default: str, among: list[str]) -> str:
    value = kept.value(key)
    return value if isinstance(value, str) and value in among else default


def texts(kept: Keeper, key: str) -> list[str]:
    """A list of texts; empty where there is none."""
    value = kept.value(key)
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, str) and each]


def data(kept: Keeper, key: str) -> QByteArray:
    """Bytes; empty where there are none."""
    value = kept.value(key)
    return value if isinstance(value, QByteArray) else QByteArray()


def remembered(name: str, usable: list[Weights], store: Keeper) -> Settings:
    """Weights and budget of last time; the weights `name`, or any, where those are gone."""
    effort = number(store, "effort", DEFAULT_EFFORT, low=0.0, high=1.0)
    there = [each.name for each in usable]
    name = choice(store, "name", name if name in there else there[0], there)
    return Settings(name, budget=Budget(share=effort))


def remembered_batch(settings: Settings, store: Keeper) -> Settings:
    """How batches were written last time."""
    formats = [ending.lstrip(".") for ending in written()]
    return replace(
        settings,
        template=text(store, "template", TEMPLATE, check_template),
        format=choice(store, "format", "", formats) or None,
        quality=whole(store, "quality", DEFAULT_QUALITY, low=1, high=100),
    )


def exists(path: Path) -> bool:
    """Whether there is a file; not where its name cannot even be asked for."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
