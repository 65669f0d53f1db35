"""Laws of the kernels: on every path that this processor has, a list equals PyTorch, masked."""

import ctypes
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from engine import kernels
from engine.adaptive.wavefront import DepthPass, pack_edsr
from engine.kernels import compiled
from engine.networks import edsr
from engine.tiling import Region

ROOT = Path(__file__).resolve().parent.parent
PATHS = [
    "off",
    *list(compiled.CHOICES)[: 1 + (-1 if compiled.level() is None else compiled.level())],
]
FLOAT, HALF = torch.float32, torch.bfloat16
HOW = ("write", "add", "multiply")

SANITIZED = """
import sys, pathlib, pytest
from engine.kernels import compiled
compiled.LIBRARY = pathlib.Path(sys.argv[1])
sys.exit(pytest.main(["-qsp", "no:cacheprovider", "tests/test_kernels.py", "-k", sys.argv[2]]))
"""

MASKS = {
    "none": lambda rows, columns: torch.zeros(rows, columns),
    "first": lambda rows, columns: one(rows, columns, 0),
    "last": lambda rows, columns: one(rows, columns, rows * columns - 1),
    "border": lambda rows, columns: F.pad(
        torch.zeros(rows - 2, columns - 2), (1, 1, 1, 1), value=1
    ),
    "inside": lambda rows, columns: F.pad(torch.ones(rows - 2, columns - 2), (1, 1, 1, 1)),
    "checkers": lambda rows, columns: (torch.arange(rows)[:, None] + torch.arange(columns)) % 2,
    "few": lambda rows, columns: torch.rand(rows, columns) < 0.1,
    "most": lambda rows, columns: torch.rand(rows, columns) < 0.9,
    "every": lambda rows, columns: torch.ones(rows, columns),
}


def one(rows: int, columns: int, index: int) -> torch.Tensor:
    return (torch.arange(rows * columns) == index).view(rows, columns)


def choose(patch: pytest.MonkeyPatch, path: str) -> None:
    patch.setenv("FOVEA_KERNELS", "off" if path == "off" else "")
    patch.setenv("FOVEA_ISA", path)


@pytest.fixture(params=PATHS)
def path(request, monkeypatch):
    choose(monkeypatch, request.param)
    return request.param


def listed(mask: torch.Tensor) -> torch.Tensor:
    """The positions of a mask (rows, columns)."""
    return F.pad(mask.bool(), (1, 1)).flatten().nonzero().flatten().int()


def draw(rows, columns, cin, cout, size, source_dtype=FLOAT, target_dtype=FLOAT):
    """A source with its zero columns, a weight, a bias and a target that is full already."""
    source = F.pad(torch.randn(rows + size - 1, columns, cin), (0, 0, 1, 1)).to(source_dtype)
    weight = torch.randn(cout, cin, size, size) / (cin * size * size) ** 0.5
    target = torch.randn(rows, columns + 2, cout).to(target_dtype)
    return source, weight, torch.randn(cout), target


def dense(source, weight, bias, target, *, mask, slope=1.0, scale=None, how="write"):
    """What `kernels.convolve` promises, by PyTorch's dense convolution in float64."""
    inside = source if weight.shape[2] == 3 else source[:, 1:-1]
    picture = inside.double().permute(2, 0, 1)[None]
    result = F.conv2d(picture, weight.double(), bias.double())[0].permute(1, 2, 0)
    result = torch.where(result > 0, result, result * slope)
    expected = target.double()
    chosen = F.pad(mask.bool(), (1, 1))
    result = result[mask.bool()]
    if scale is not None:
        result = result * (scale[:, None] if isinstance(scale, torch.Tensor) else scale)
    old = expected[chosen]
    met = {"write": result, "add": result + old, "multiply": torch.sigmoid(result) * old}
    expected[chosen] = met[how]
    return expected


def check(source, weight, bias, target, *, mask=None, dtype=FLOAT, **how):
    """Convolve, with products of type `dtype`, and compare the whole target with the dense one."""
    everywhere = torch.ones(target.shape[0], target.shape[1] - 2)
    expected = dense(source, weight, bias, target, mask=everywhere if mask is None else mask, **how)
    packed = kernels.pack(weight, bias, dtype)
    positions = None if mask is None else listed(mask)
    macs = kernels.convolve(source, packed, positions, target, **how)
    count = everywhere.numel() if mask is None else len(positions)
    assert macs == count * weight.numel()
    allowed = 1e-5 if {dtype, target.dtype} == {FLOAT} else 1e-2
    error = (target.double() - expected).abs().max() / expected.abs().max()
    assert error <= allowed, f"{error:.1e} for {(*source.shape,)} -> {(*target.shape,)}, {how}"


@pytest.mark.parametrize(
    ("cin", "cout"),
    [
        *((1, 1), (3, 64), (64, 3), (17, 16), (16, 17), (18, 18), (50, 50), (48, 80)),
        *((64, 64), (65, 130), (256, 256)),
    ],
)
def test_a_list_equals_the_dense_convolution_masked(path, cin, cout):
    for size in (1, 3):
        for mask in (None, *(make(7, 11) for make in MASKS.values())):
            for dtype in (FLOAT, HALF):
                check(*draw(7, 11, cin, cout, size), mask=mask, dtype=dtype)


def test_nothing_is_heard_of_pixels_out_of_sight(path):
    """What no listed position looks at may hold anything, beside squares too."""
    mask = torch.rand(12, 30) < 0.6
    source, weight, bias, target = draw(12, 30, 32, 16, 3)
    seen = F.max_pool2d(F.pad(mask.float(), (2, 2, 2, 2))[None], 3, stride=1)[0] > 0
    unseen = torch.where(seen[..., None], source, torch.nan)
    packed, other = kernels.pack(weight, bias), target.clone()
    kernels.convolve(source, packed, listed(mask), target)
    kernels.convolve(unseen, packed, listed(mask), other)
    assert torch.equal(target, other)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("scale", [None, 0.1, 2, "each"])
@pytest.mark.parametrize("slope", [1.0, 0, 0.1, "one", "each"])
def test_activation_scale_and_the_meeting_are_fused(path, slope, scale, how):
    slope = {"one": torch.rand(1), "each": torch.rand(21)}.get(slope, slope)
    for mask in (torch.rand(9, 8) < 0.5, None):
        count = 72 if mask is None else int(mask.sum())
        each = torch.rand(count) if scale == "each" else scale
        check(*draw(9, 8, 18, 21, 3), mask=mask, slope=slope, scale=each, how=how)


def test_any_shape_list_type_and_activation(path):
    rng = random.Random(0)
    for _ in range(60):
        rows, columns = rng.randint(1, 12), rng.randint(1, 40)
        cin, cout = (rng.choice([rng.randint(1, 70), 16, 32, 64]) for _ in range(2))
        mask = torch.rand(rows, columns) < rng.random()
        slope = rng.choice([1.0, 0.0, 0.2, torch.rand(cout)])
        scale = rng.choice([None, 0.5, torch.rand(int(mask.sum()))])
        types = [rng.choice([FLOAT, HALF]) for _ in range(3)]
        drawn = draw(rows, columns, cin, cout, rng.choice([1, 3]), *types[:2])
        check(*drawn, mask=mask, dtype=types[2], slope=slope, scale=scale, how=rng.choice(HOW))


def test_rows_of_larger_pictures_serve_as_they_are(path):
    """As in a pass over strips: source and target begin in the middle of their buffers."""
    source, weight, bias, target = draw(20, 9, 15, 17, 3, HALF)
    check(source[5:12], weight, bias, target[3:8], mask=torch.rand(5, 9) < 0.5, dtype=HALF)
    check(source[5:12], weight, bias, target[3:8], dtype=HALF)


def test_what_would_leave_the_buffers_is_refused(path):
    source, weight, bias, target = draw(4, 5, 3, 2, 3)
    packed = kernels.pack(weight, bias)
    positions = listed(torch.ones(4, 5))
    for refused in [
        (source[1:], packed, None, target),
        (source[:, :-1].contiguous(), packed, None, target),
        (source, packed, None, target[..., :1].contiguous()),
        (source.double(), packed, None, target),
        (source.mT.contiguous().mT, packed, None, target),
        (source, packed, positions.long(), target),
        (source, packed, positions[::2], target),
        (source, packed, positions[:, None], target),
        (source.to("meta"), packed, None, target),
    ]:
        with pytest.raises(ValueError):
            kernels.convolve(*refused)
    with pytest.raises(ValueError):
        kernels.convolve(source, packed, positions, target, scale=torch.ones(3))


@pytest.mark.parametrize(
    "wrong", [[0], [27], [-1], [2**31 - 1], [5, 5], [9, 8], [*range(1, 25), 24]]
)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("path", PATHS[1:], indirect=True)  # PyTorch looks at indices itself
def test_a_list_that_does_not_ascend_inside_is_an_error(path, wrong, threads, threads_set):
    threads_set(threads)
    source, weight, bias, target = draw(4, 5, 3, 2, 3)
    with pytest.raises(IndexError):
        wrong = torch.tensor(wrong, dtype=torch.int32)
        kernels.convolve(source, kernels.pack(weight, bias), wrong, target)


@pytest.fixture
def threads_set():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_threads_change_nothing(path, threads_set):
    source, weight, bias, target = draw(40, 30, 17, 20, 3)
    positions, packed = listed(torch.rand(40, 30) < 0.6), kernels.pack(weight, bias)
    results = []
    for threads in (1, 2, 3):
        threads_set(threads)
        results.append(target.clone())
        kernels.convolve(source, packed, positions, results[-1], slope=0.1, how="add")
    if path == "off":  # PyTorch may sum in another order
        assert all(torch.allclose(r, results[0], atol=1e-5) for r in results)
    else:
        assert all(torch.equal(r, results[0]) for r in results)


def test_a_whole_network_is_the_same_on_every_path(monkeypatch):
    torch.manual_seed(3)
    network = edsr.EDSR(edsr.Config(blocks=3, channels=20)).requires_grad_(False)
    x, depth = torch.rand(21, 17, 3), torch.randint(0, 5, (21, 17)).float()
    region, passes = Region(2, 21, 3, 17), {}
    for path in PATHS:
        choose(monkeypatch, path)
        front = DepthPass(pack_edsr(network), x, depth, region=region, strip=5)
        passes[path] = torch.cat(list(front.rows())), front.macs
    picture, macs = passes["off"]
    for path in PATHS:
        assert passes[path][1] == macs
        assert torch.allclose(passes[path][0], picture, rtol=0, atol=1e-5), path


def test_python_goes_on_while_the_kernel_works(monkeypatch, threads_set):
    choose(monkeypatch, PATHS[min(1, len(PATHS) - 1)])
    threads_set(1)
    source, weight, bias, target = draw(100, 160, 64, 64, 3)
    packed, times, turns = kernels.pack(weight, bias), [], []

    def work():
        times.append(time.monotonic())
        kernels.convolve(source, packed, None, target)
        times.append(time.monotonic())

    def is_free() -> bool:
        times.clear()
        worker = threading.Thread(target=work)
        worker.start()
        while worker.is_alive():
            turns.append(time.monotonic())
            time.sleep(0.001)
        begin, end = times
        return any(begin + (end - begin) / 3 < t < end - (end - begin) / 3 for t in turns)

    assert any(is_free() for _ in range(3))


def test_the_library_is_optional(monkeypatch, tmp_path):
    compiled._library.cache_clear()
    monkeypatch.setattr(compiled, "LIBRARY", tmp_path / "convolve.library")
    monkeypatch.delenv("FOVEA_KERNELS", raising=False)
    assert kernels.describe() == "PyTorch"
    assert kernels.product_type(torch.device("cpu")) == FLOAT
    check(*draw(7, 11, 5, 6, 3), mask=MASKS["few"](7, 11))
    compiled._library.cache_clear()


@pytest.fixture
def checkout(tmp_path):
    """What the build of the kernels reads, and a library of before."""
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    folder = tmp_path / "engine" / "kernels"
    ignored = shutil.ignore_patterns("*.library*", "__pycache__")
    shutil.copytree(ROOT / "engine" / "kernels", folder, ignore=ignored)
    (folder / compiled.LIBRARY.name).write_text("of before")
    return tmp_path


def build(checkout: Path, **environment: str) -> Path:
    """Run the part of the set-up that compiles; returns where the library should be."""
    subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"],
        cwd=checkout,
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
    )
    return checkout / "engine" / "kernels" / compiled.LIBRARY.name


def test_set_up_succeeds_without_a_compiler(checkout):
    library = build(checkout, PATH=str(checkout), CC="none", CXX="none")
    assert not library.exists()  # one of before might not fit


@pytest.mark.skipif(shutil.which("c++") is None, reason="no compiler")
def test_set_up_replaces_a_library_in_use(checkout):
    library = checkout / "engine" / "kernels" / compiled.LIBRARY.name
    with library.open() as in_use:
        build(checkout)
        assert in_use.read() == "of before"
    assert ctypes.CDLL(str(library)).fovea_level() in range(len(compiled.NAMES))
    assert [p.name for p in library.parent.glob("*.library*")] == [library.name]


def test_nothing_is_read_or_written_that_is_not_ours(tmp_path):
    """The same laws once more, under the compiler's address and undefined-behaviour sanitizers."""
    library, source = tmp_path / "sanitized.library", ROOT / "engine" / "kernels" / "convolve.cpp"
    flags = "-std=c++17 -g -fsanitize=address,undefined -fno-sanitize-recover=all -shared -fPIC"
    try:
        subprocess.run(["g++", *flags.split(), source, "-o", library], check=True)
        preload = [
            subprocess.check_output(["g++", f"-print-file-name={name}"], text=True).strip()
            for name in ("libasan.so", "libubsan.so")
        ]
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no compiler with sanitizers")
    if not all(map(os.path.isabs, preload)):
        pytest.skip("the sanitizers are not shared libraries here")
    done = subprocess.run(
        [sys.executable, "-c", SANITIZED, library, "any_shape or larger_pictures or ascend"],
        cwd=ROOT,
        env={**os.environ, "LD_PRELOAD": " ".join(preload), "ASAN_OPTIONS": "detect_leaks=0"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.gpu
def test_the_path_of_other_devices(monkeypatch):
    """There the PyTorch path runs, on the device itself and with the same results."""
    device = torch.device("cuda" if torch.cuda.is_available() else "mps")
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    for mask in (None, *(make(7, 11) for make in MASKS.values())):
        for size in (1, 3):
            source, weight, bias, target = draw(7, 11, 17, 20, size)
            expected, moved = target.clone(), target.to(device)
            positions = None if mask is None else listed(mask)
            packed = kernels.pack(weight.to(device), bias.to(device))
            where = None if mask is None else positions.to(device)
            kernels.convolve(source, kernels.pack(weight, bias), positions, expected, slope=0.1)
            kernels.convolve(source.to(device), packed, where, moved, slope=0.1)
            assert torch.allclose(moved.cpu(), expected, rtol=1e-5, atol=1e-5)
            with pytest.raises(ValueError):
                kernels.convolve(source, packed, positions, target)
