"""The way to a Dask cluster: its address, and a client, or one sentence within the patience."""

import asyncio
import logging
import re
import socket

from distributed import Client
from distributed.comm.registry import backends
from distributed.core import rpc

from engine.errors import SettingsError

PATIENCE = 10  # seconds for the scheduler to answer, and for a worker to be there
ADDRESS = re.compile(r"(?:(\w+)://)?(\[[^]/]+\]|[^][/:\s]+):(\d{1,5})")
START = "start one with: dask scheduler"


def connected(address: str) -> Client:
    """A client of the scheduler at `address`. Raises SettingsError without it or any worker."""
    check_address(address)
    for name in logging.root.manager.loggerDict:  # our sentence says it all
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        asyncio.run(asyncio.wait_for(_answer(address), PATIENCE))
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except Exception as error:  # whatever answers there
        said = "it does not answer as one" if isinstance(error, TimeoutError) else error
        raise SettingsError(f"There is no Dask scheduler at {address} ({said}); {START}.") from None
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except Exception:
        client.close(timeout=PATIENCE)
        raise SettingsError(
            f"The scheduler at {address} has no workers; start some with: dask worker {address}."
        ) from None
    return client


def check_address(address: str) -> None:
    """Raises SettingsError where no scheduler can be at `address`, whatever runs there."""
    matched = ADDRESS.fullmatch(address)
    scheme, host, port = matched.groups() if matched else (None, None, "0")
    known = scheme is None or (scheme in backends and scheme != "inproc")
    if host is None or not known or not 0 < int(port) < 65_536:
        raise SettingsError(
            f"{address} is not the address of a Dask scheduler, such as tcp://127.0.0.1:8786."
        )
    try:
        socket.getaddrinfo(host.strip("[]"), int(port))
    except (OSError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or error
        raise SettingsError(f"{address} names no machine ({said}); check the address.") from None


async def _answer(address: str) -> None:
    """Ask the scheduler who it is. Raises whatever what is there makes of the question."""
    async with rpc(address) as scheduler:
        await scheduler.identity()
