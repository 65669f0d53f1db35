"""`main.py batch IN_DIR OUT_DIR`: the command line of a batch."""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.batch.export import Event, export, make_batch
from engine.batch.folder import Listing, check_folders, listing
from engine.batch.journal import Journal
from engine.batch.local import here
from engine.batch.names import jobs_of
from engine.batch.report import NAMES, Report, completed, write_reports
from engine.batch.stages import FAILED, Batch, Control, Step
from engine.errors import FoveaError, SettingsError
from engine.options import check_scale, settings_of
from engine.settings import load_upscaler

EXIT_STOPPED = 130


def add_batch(command: argparse.ArgumentParser) -> None:
    """The options of a batch beside those of the settings."""
    command.add_argument("source", type=Path, metavar="IN_DIR")
    command.add_argument("target", type=Path, metavar="OUT_DIR")
    command.add_argument(
        "--recursive", action=argparse.BooleanOptionalAction, default=True, help="folders in IN_DIR"
    )
    command.add_argument("--retry", action="store_true", help="only files that failed before")
    command.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster that computes")


def batch_command(arguments: argparse.Namespace) -> int:
    """Exit status 0: all done; 1: some files failed, each named; 130: stopped."""
    settings = settings_of(arguments)
    upscaler = load_upscaler(settings)
    check_scale(upscaler, arguments.scale)
    source, target = arguments.source, arguments.target
    check_folders(source, target)
    found = listing(source, without=target, recursive=arguments.recursive)
    check_found(source, found)
    with Journal(target) as journal, stopping() as control:
        made, scale = journal.memory.made, upscaler.scale
        jobs = jobs_of(found.sources, target, settings, scale=scale, made=made)
        failed = journal.memory.failed
        chosen = [job for job in jobs if not arguments.retry or job.key in failed]
        batch = make_batch(
            chosen, settings, upscaler=upscaler, journal=journal, overwrite=arguments.overwrite
        )
        report = told(export(batch, lane=chosen_lane(arguments.scheduler), control=control))
        report = replace(report, passed=tuple(found.passed))
        whole = completed(report, jobs, journal)
    print(report.summary())
    try:
        write_reports(whole, target)
        print(f"{' and '.join(NAMES)} in the output folder tell of every file.")
    except FoveaError as error:  # the pictures are there all the same
        print(error, file=sys.stderr)
    if arguments.json:
        print(json.dumps(report.document()))
    if report.stopped:
        return EXIT_STOPPED
    return 1 if report.of(FAILED) else 0


def check_found(source: Path, found: Listing) -> None:
    """Raises SettingsError where there is nothing to upscale."""
    if not found.sources:
        passed = f"; {found.passed[0].reason[:-1]}" if found.passed else ""
        more = f", and {len(found.passed) - 1} more were passed over" if found.passed[1:] else ""
        raise SettingsError(f"{source} holds no pictures that Fovea can read{passed}{more}.")


def chosen_lane(scheduler: str | None) -> Callable[[Batch, Control], Iterator[Step]]:
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


@contextmanager
def stopping() -> Generator[Control, None, None]:
    """A Control that Ctrl+C stops, after which the report is still written; a second one kills."""
    control = Control()

    def stop(*_: Any) -> None:
        signal.signal(signal.SIGINT, before)
        control.stop()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield control
    finally:
        signal.signal(signal.SIGINT, before)


def told(events: Generator[Event, None, Report]) -> Report:
    """Run to the end; the progress and every failure go to stderr."""
    lively = sys.stderr.isatty()
    while True:
        try:
            event = next(events)
        except StopIteration as stop:
            if lively:
                print(file=sys.stderr)
            return stop.value
        clear = "\r\033[K" if lively else ""
        if event.state == FAILED:
            print(f"{clear}{event.reason}", file=sys.stderr)
        if lively:
            line = f"{event.overall:4.0%}{left(event.eta)}  {event.job.key}"
            print(f"{clear}{line[:79]}", end="", file=sys.stderr, flush=True)


def left(eta: float | None) -> str:
    """Seconds left, as people read them."""
    if eta is None:
        return ""
    minutes, seconds = divmod(round(eta), 60)
    hours, minutes = divmod(minutes, 60)
    return f", {hours}:{minutes:02}:{seconds:02} left"
