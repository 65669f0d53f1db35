"""Schedulers and workers of Dask, each in a process of its own that begins with PyTorch loaded."""

import asyncio
import logging
import os
import signal
import socket
from contextlib import ExitStack, contextmanager

import distributed
from batches import PROCESSES

from engine import run
from engine.batch import proof


def free_port():
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return asked.getsockname()[1]


def scheduler(port):
    quiet()

    async def serve():
        async with distributed.Scheduler(host="127.0.0.1", port=port, dashboard=False) as made:
            await made.finished()

    asyncio.run(serve())


def worker(address):
    quiet()

    async def serve():
        async with distributed.Worker(address, nthreads=1, dashboard=False) as made:
            await made.finished()

    asyncio.run(serve())


def worker_of_another_version(address):
    proof.CODE = "another"
    worker(address)


def worker_that_gives_other_pixels(address):
    rounded = run.to_pixels
    run.to_pixels = lambda y, dtype: rounded(y, dtype) ^ 1
    worker(address)


def quiet():
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)


@contextmanager
def started(target, *arguments):
    process = PROCESSES.Process(target=target, args=arguments, daemon=True)
    process.start()
    try:
        yield process
    finally:
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
        process.join()


@contextmanager
def cluster(*kinds):
    """A scheduler, and a worker of each kind; yields its address and its process."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    with ExitStack() as stack:
        process = stack.enter_context(started(scheduler, port))
        for kind in kinds:
            stack.enter_context(started(kind, address))
        with distributed.Client(address, timeout=300, set_as_default=False) as client:
            client.wait_for_workers(len(kinds), timeout=300)
        yield address, process
