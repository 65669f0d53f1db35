"""What the tests of a batch share: one export in this process, and looks at what it has left."""

import multiprocessing

from engine.batch.export import export, make_batch
from engine.batch.folder import listing
from engine.batch.journal import NAME, Journal
from engine.batch.local import here
from engine.batch.names import jobs_of
from engine.batch.report import NAMES
from engine.settings import Settings, load_upscaler

SETTINGS = Settings("tiny", dtype="float32", quality=90)
COMMAND = ["-n", "tiny", "--dtype", "float32", "--quality", "90"]
PROCESSES = multiprocessing.get_context("forkserver")  # they begin with PyTorch loaded


def batch(source, target, *, lane=here, control=None, overwrite=False, settings=SETTINGS):
    """The whole way in this process; yields the events and returns the report."""
    upscaler = load_upscaler(settings)
    sources, scale = listing(source, without=target).sources, upscaler.scale
    with Journal(target) as journal:
        jobs = jobs_of(sources, target, settings, scale=scale, made=journal.memory.made)
        made = make_batch(jobs, settings, upscaler=upscaler, journal=journal, overwrite=overwrite)
        return (yield from export(made, lane=lane, control=control))


def drained(events, see=lambda event: None):
    while True:
        try:
            see(next(events))
        except StopIteration as stop:
            return stop.value


def tree(folder):
    """All files of an output tree with their bytes, without journal and reports."""
    own = {NAME, *NAMES}
    files = (p for p in folder.rglob("*") if p.is_file() and p.name not in own)
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def records(folder):
    """How many records the journal of a running export holds."""
    try:
        return (folder / NAME).read_bytes().count(b'"checksum"')
    except FileNotFoundError:
        return 0
