"""`python -m app.catalog [LANGUAGE…]`: bring the catalogs up to date with the code.

Every assets/translations/fovea_LANGUAGE.ts gets the new texts, loses those that have gone, and is
compiled to .qm; a LANGUAGE that there is no file of begins one.
"""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from app.language import CATALOGS, CONTEXT, SOURCE

ROOT = CATALOGS.parent.parent
FOLDERS = "app", "engine"
# Which arguments of a call are texts for the window, by their places and names.
TEXTS: dict[str, tuple[int | str, ...]] = {
    "tr": (0,),
    "Fact": (0, "text"),
    "MapWords": ("name", "question", "unit", "value", "lines"),
}
PLURALS: dict[str, tuple[int | str, ...]] = {"plural": (1,)}


def texts(table: dict[str, tuple[int | str, ...]]) -> list[str]:
    """All texts in calls of those functions, sorted."""
    found: set[str] = set()
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            found.update(_texts_in(ast.parse(path.read_text(encoding="utf-8")), table))
    return sorted(found)


def _texts_in(tree: ast.Module, table: dict[str, tuple[int | str, ...]]) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        arguments: dict[int | str | None, ast.expr] = dict(enumerate(node.args))
        arguments |= {keyword.arg: keyword.value for keyword in node.keywords}
        for key in table.get(node.func.id, ()):
            value = arguments.get(key)
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
                yield value.value


def update(ts: Path) -> None:
    """Give a catalog, new or not, the texts of the code, and no others."""
    lines = [f'QT_TRANSLATE_NOOP("{CONTEXT}", {_quoted(text)});' for text in texts(TEXTS)]
    lines += [f'QT_TRANSLATE_N_NOOP("{CONTEXT}", {_quoted(text)});' for text in texts(PLURALS)]
    with TemporaryDirectory() as folder:
        source = Path(folder) / "texts.cpp"  # Qt's tool cannot know our functions, but these
        source.write_text("\n".join(lines), encoding="utf-8")
        language = ts.stem.split("_")[1]
        languages = "-source-language", SOURCE, "-target-language", language
        _run("lupdate", source, "-ts", ts, "-no-obsolete", "-locations", "none", *languages)


def compile_to(ts: Path, qm: Path) -> None:
    """Make the binary that the window loads; what is not translated is left out of it."""
    _run("lrelease", ts, "-qm", qm)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _run(tool: str, *arguments: object) -> None:
    """One of Qt's tools, as PySide6 brings them."""
    command = [Path(sys.executable).with_name(f"pyside6-{tool}"), *arguments]
    subprocess.run([str(each) for each in command], check=True, stdout=subprocess.DEVNULL)


def main(languages: list[str]) -> None:
    new = [CATALOGS / f"fovea_{language}.ts" for language in languages]
    for ts in sorted({*CATALOGS.glob("fovea_*.ts"), *new}):
        update(ts)
        compile_to(ts, ts.with_suffix(".qm"))


if __name__ == "__main__":
    main(sys.argv[1:])
