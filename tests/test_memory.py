"""What a process may still take is known before it takes it."""

import subprocess
import sys

import pytest

from engine import memory

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
