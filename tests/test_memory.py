"""What a process may still take is known before it takes it."""

import subprocess
import sys

import pytest

from engine import memory, room
from engine.errors import UpscalerError

SCRIPT = """
import resource
from engine.memory import available
before = available()
data = bytearray(200 << 20)
print(before, available())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
@pytest.mark.parametrize("limit", ["v", "d"])
def test_a_limit_of_the_process_is_heeded(limit):
    command = f"ulimit -{limit} 2000000 && exec {sys.executable} -c '{SCRIPT}'"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert before < 2_000_000 << 10
    assert before - after == pytest.approx(200 << 20, rel=0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_the_limit_of_a_container_is_heeded(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "GROUPS", tmp_path)
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("600000\n")
    (tmp_path / "memory.stat").write_text("anon 450000\nactive_file 50000\ninactive_file 100000\n")
    lines = memory.Path("/proc/self/cgroup").read_text().splitlines()
    if not any(line.startswith("0::/") for line in lines):
        pytest.skip("no control groups of the second version")
    assert memory.available() == 550_000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available() > 1_000_000


TIGHT = """
import resource, sys
import numpy as np, torch
from engine.adaptive import mask
from engine.budget import Budget
from engine.errors import FoveaError
from engine.networks.decomposed import mga
from engine.pictures import Picture
from engine.run import drain, upscale

torch.set_num_threads(1)
module = mga.MaskGuided("fsrcnn", mga.NETWORKS["fsrcnn"].Config(channels=8, inner=4, base=1)).eval()
upscaler = mask.MaskUpscaler("tiny", module.requires_grad_(False), torch.device("cpu"))

def made(side):
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return drain(upscale(upscaler, Picture(pixels), Budget(share=0.5))).picture.size

made(64)
page = resource.getpagesize()
for more in (1000, 220, 180, 140, 100, 60, 20):
    taken = page * int(open("/proc/self/statm").read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (taken + (more << 20), resource.RLIM_INFINITY))
    try:
        print(made(800))
    except FoveaError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of the address space")
def test_with_whatever_memory_there_is_a_picture_or_a_sentence():
    done = subprocess.run([sys.executable, "-c", TIGHT], capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert len(lines) == 7 and lines[0] == "(3200, 3200)" and "memory to upscale" in lines[-1]
    assert all(line == lines[0] or "memory" in line for line in lines)


def test_a_picture_too_large_for_the_memory_is_refused_before_the_work(monkeypatch):
    monkeypatch.setattr(room, "available", lambda: 500_000_000)
    room.check_memory(400_000_000)
    with pytest.raises(UpscalerError, match=r"600 MB of memory to upscale, and 500 MB are free"):
        room.check_memory(600_000_000)
