"""`main.py batch IN_DIR OUT_DIR`: a whole folder; see `engine.batch`."""

import argparse
import json
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

from engine.batch.export import Event, export, make_batch
from engine.batch.folder import Listing, check_folders, listing
from engine.batch.journal import Journal
from engine.batch.local import here
from engine.batch.names import jobs_of
from engine.batch.report import NAMES, Report, completed, write_reports
from engine.batch.stages import FAILED, Batch, Control, Lane
from engine.commands.stderr import lively, say
from engine.errors import FoveaError, SettingsError
from engine.interrupts import heeded, status_of
from engine.options import add_settings, add_upscaler, check_scale, settings_of
from engine.settings import load_upscaler

HELP = "upscale a folder; goes on where it was stopped"


def add_options(command: argparse.ArgumentParser) -> None:
    add_upscaler(command)
    add_settings(command)
    command.add_argument("source", type=Path, metavar="IN_DIR")
    command.add_argument("target", type=Path, metavar="OUT_DIR")
    command.add_argument(
        "--recursive", action=argparse.BooleanOptionalAction, default=True, help="folders in IN_DIR"
    )
    command.add_argument("--retry", action="store_true", help="only files that failed before")
    command.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster that computes")


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0: all done; 1: some files failed, each named, or the export has ended early;
    130 or 143: stopped by Ctrl+C or SIGTERM, after which the report is still written."""
    settings = settings_of(arguments)
    upscaler = load_upscaler(settings)
    check_scale(upscaler, arguments.scale)
    source, target = arguments.source, arguments.target
    check_folders(source, target)
    found = listing(source, without=target, recursive=arguments.recursive)
    check_found(source, found)
    control, signals = Control(), []

    def stop(number: int) -> None:
        signals.append(number)
        control.stop()

    with Journal(target) as journal, heeded(stop):
        memory, scale = journal.memory, upscaler.scale
        jobs = jobs_of(found.sources, target, settings, scale=scale, made=memory.made)
        chosen = [job for job in jobs if not arguments.retry or job.key in memory.failed]
        batch = make_batch(
            chosen, settings, upscaler=upscaler, journal=journal, overwrite=arguments.overwrite
        )
        events = export(batch, lane=chosen_lane(arguments.scheduler), control=control)
        report = replace(told(events), passed=tuple(found.passed))
        written = kept(completed(report, jobs, journal), target)
    print(report.summary())
    if written:
        print(f"{' and '.join(NAMES)} in the output folder tell of every file.")
    if arguments.json:
        print(json.dumps(report.document()))
    if signals:
        return status_of(signals[0])
    return 1 if report.of(FAILED) or report.ended else 0


def check_found(source: Path, found: Listing) -> None:
    """Raises SettingsError where there is nothing to upscale."""
    if not found.sources:
        passed = f"; {found.passed[0].reason[:-1]}" if found.passed else ""
        more = f", and {len(found.passed) - 1} more were passed over" if found.passed[1:] else ""
        raise SettingsError(f"{source} holds no pictures that Fovea can read{passed}{more}.")


def chosen_lane(scheduler: str | None) -> Callable[[Batch, Control], Lane]:
    """Where the work is done. Raises SettingsError where there is no such cluster."""
    if scheduler is None:
        return here
    try:
        from engine.batch.cluster import lane_to
    except ImportError as error:
        raise SettingsError(
            f"--scheduler needs Dask ({error}); install it with: pip install '.[cluster]'."
        ) from None
    return lane_to(scheduler)


def told(events: Generator[Event, None, Report]) -> Report:
    """Run to the end; the progress, every failure and an early end go to stderr."""
    drawn = lively()
    clear = "\r\033[K" if drawn else ""
    while True:
        try:
            event = next(events)
        except StopIteration as stop:
            report: Report = stop.value
            words = [words for words in (*report.notes, report.ended) if words]
            say(clear + "\n".join(words), end="\n" if words else "")
            return report
        if event.state == FAILED:
            say(f"{clear}{event.reason}")
        if drawn:
            line = f"{event.overall:4.0%}{left(event.eta)}  {event.job.key}"
            say(f"{clear}{line[:79]}", end="")


def kept(report: Report, folder: Path) -> bool:
    """Write the report. If that fails, the pictures are there all the same."""
    try:
        write_reports(report, folder)
    except FoveaError as error:
        say(str(error))
        return False
    return True


def left(eta: float | None) -> str:
    """Seconds left, as people read them."""
    if eta is None:
        return ""
    minutes, seconds = divmod(round(eta), 60)
    hours, minutes = divmod(minutes, 60)
    return f", {hours}:{minutes:02}:{seconds:02} left"
