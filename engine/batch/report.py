"""What has become of every file of a batch, for people and for programs."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.batch.folder import Passed
from engine.batch.journal import Facts, Journal, Record
from engine.batch.names import Job
from engine.batch.stages import DONE, FAILED, SKIPPED, WAITING
from engine.pictures.atomic import atomic

NAMES = ("fovea-report.csv", "fovea-report.json")
PASSED = "passed over"
FACTS = tuple(Facts.__annotations__)
COLUMNS = ("state", "input", "output", *FACTS, "compute", "error")


@dataclass(frozen=True)
class Row:
    """A file at the end; `record` is the journal's, `reason` that of a failure."""

    job: Job
    state: str = WAITING
    record: Record | None = None
    reason: str | None = None

    def entry(self) -> dict[str, Any]:
        """As one flat document: input, then output and facts, or the error."""
        if self.state == FAILED:
            return {"input": str(self.job.source), "error": self.reason}
        known = self.record.items() if self.record else ()
        facts = told({k: v for k, v in known if k in FACTS}) if self.record else {}
        return {"input": str(self.job.source), "output": str(self.job.target), **facts}


def told(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of an output as documents tell them, with the compute under its own name, too."""
    return {**facts, "compute": facts["effort"]}


@dataclass(frozen=True)
class Report:
    """All files of a batch in their order, the seconds it took, and whether it was stopped.

    `ended` is the sentence of what has ended it early, `notes` are others about the whole;
    `passed` are files that are no part of it.
    """

    rows: tuple[Row, ...]
    seconds: float
    stopped: bool = False
    ended: str | None = None
    notes: tuple[str, ...] = ()
    passed: tuple[Passed, ...] = ()

    def of(self, state: str) -> list[Row]:
        return [row for row in self.rows if row.state == state]

    def summary(self) -> str:
        """One line for people."""
        counts = [
            f"{len(self.of(DONE))} upscaled",
            f"{len(self.of(SKIPPED))} skipped as done before",
            f"{len(self.of(FAILED))} failed",
            f"{len(self.of(WAITING))} left",
            f"{len(self.passed)} passed over",
        ]
        told = [count for count in counts if not count.startswith("0 ")]
        return f"{', '.join(told) or 'nothing to do'}."

    def document(self) -> dict[str, Any]:
        """For --json: `files` and `skipped` with the facts about them, `failed` with the errors,
        `passed` with the reasons."""
        states = {"files": DONE, "skipped": SKIPPED, "failed": FAILED, "waiting": WAITING}
        lists = {name: [r.entry() for r in self.of(state)] for name, state in states.items()}
        passed = [{"input": str(p.source), "reason": p.reason} for p in self.passed]
        rest = {"seconds": self.seconds, "stopped": self.stopped, "ended": self.ended}
        return {**lists, "passed": passed, **rest, "notes": list(self.notes)}


def completed(report: Report, jobs: Iterable[Job], journal: Journal) -> Report:
    """The report of all `jobs`, with what the journal tells of those that were not exported now."""
    rows = {row.job.key: row for row in report.rows}
    return replace(report, rows=tuple(rows.get(j.key) or _remembered(j, journal) for j in jobs))


def _remembered(job: Job, journal: Journal) -> Row:
    record = journal.record(job.target)
    if record is not None and job.target.exists():
        return Row(job, SKIPPED, record)
    reason = job.trouble or journal.memory.failed.get(job.key)
    return Row(job) if reason is None else Row(job, FAILED, reason=reason)


def write_reports(report: Report, folder: Path) -> None:
    """Write the report as CSV and as JSON. Raises PictureError where that fails."""
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, COLUMNS)
    writer.writeheader()
    writer.writerows({"state": row.state, **row.entry()} for row in report.rows)
    writer.writerows(
        {"state": PASSED, "input": str(p.source), "error": p.reason} for p in report.passed
    )
    texts = table.getvalue(), json.dumps(report.document(), indent=1) + "\n"
    for name, text in zip(NAMES, texts, strict=True):
        with atomic(folder / name, overwrite=True) as file:
            file.write(text.encode(errors="surrogateescape"))  # names can be any bytes
