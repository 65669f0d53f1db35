"""Weights that somebody else has made, or that are damaged: a sentence, in no time."""

import json
import os

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine import library
from engine.adaptive import depth
from engine.cli import main
from engine.errors import UpscalerError
from engine.networks import edsr, fmen


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two pairs: "good", and "bad" that is still to be spoilt."""
    module = depth.AdaDSR(edsr.EDSR(edsr.Config(blocks=3, channels=8)), depth.Config(width=4))
    for name in ("good", "bad"):
        library.save(name, module, {"seed": 1}, tmp_path)
    monkeypatch.setenv("FOVEA_MODELS", str(tmp_path))
    return tmp_path


def refused(folder):
    """What is said when "bad" is loaded."""
    with pytest.raises(UpscalerError) as caught:
        library.load("bad", folder=folder)
    said = str(caught.value)
    assert "\n" not in said and said.endswith(".") and len(said) < 500
    return said


TEXTS = ["", "null", "[]", "[1, 2]", '"x"', "7", "{", "[" * 200_000, '{"a":' * 100_000, "\xff\xfe"]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_description_that_is_none_is_refused_by_name(folder, text):
    (folder / "bad.json").write_text(text, encoding="latin-1")
    assert str(folder / "bad.json") in refused(folder)
    assert library.names() == ["good"]


@pytest.mark.parametrize(
    "change",
    [
        {"scale": None},
        {"scale": 0},
        {"scale": -4},
        {"scale": 10**6},
        {"scale": "4"},
        {"scale": True},
        {"scale": 3},
        {"method": "magic"},
        {"method": None},
        {"method": ["depth"]},
        {"network": None},
        {"network": [4, 16, 64]},
        {"adapter": "slim"},
        {"scores": [1]},
        {"network": {"scale": 4, "blocks": 10**7, "channels": 8}},
        {"network": {"scale": 4, "blocks": 3, "channels": -8}},
        {"network": {"scale": 4, "blocks": 3, "channels": {"a": 1}}},
        {"network": {"scale": 4, "residual_scale": float("nan")}},
    ],
    ids=str,
)
def test_a_description_without_sense_is_refused_by_name(folder, change):
    description = json.loads((folder / "bad.json").read_text()) | change
    (folder / "bad.json").write_text(json.dumps(description))
    assert str(folder / "bad.json") in refused(folder)
    assert library.names() == ["good"]


@pytest.mark.parametrize("key", ["method", "scale", "network", "adapter"])
def test_a_description_that_lacks_something_is_refused_by_name(folder, key):
    description = json.loads((folder / "bad.json").read_text())
    del description[key]
    (folder / "bad.json").write_text(json.dumps(description))
    assert str(folder / "bad.") in refused(folder)


@pytest.mark.parametrize(
    "network",
    [
        {"blocks": 4000},
        {"channels": 4096},
        {"blocks": 4},
        {"blocks": 2},
        {"blocks": 3.0},
        {"tail": "classic"},
        {"tail": "none"},
        {"wings": 2},
    ],
    ids=str,
)
def test_a_network_that_is_not_that_of_the_file_is_never_built(folder, network, monkeypatch):
    made = []
    forward = torch.nn.Conv2d.__init__

    def counted(self, *args, **others):
        made.append(args)
        forward(self, *args, **others)

    monkeypatch.setattr(torch.nn.Conv2d, "__init__", counted)
    description = json.loads((folder / "bad.json").read_text())
    description["network"] |= network
    (folder / "bad.json").write_text(json.dumps(description))
    assert str(folder / "bad.safetensors") in refused(folder)
    assert len(made) < 40  # of 4,000 blocks it has given up early


def test_an_adapter_that_cannot_be_surveyed_is_refused(folder):
    description = json.loads((folder / "bad.json").read_text())
    description["adapter"]["form"] = "input"
    (folder / "bad.json").write_text(json.dumps(description))
    assert "bad" in refused(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("place", ["adapter.convs.4.bias", "network.tail.0.weight"])
def test_a_weight_that_is_no_number_is_refused(folder, value, place):
    path = folder / "bad.safetensors"
    tensors = load_file(path)
    tensors[place].flatten()[-1] = value
    save_file(tensors, path)
    said = refused(folder)
    assert str(path) in said and place in said


def test_a_network_of_another_method_is_held_to_its_file_too(tmp_path):
    library.save("bad", fmen.FMEN(fmen.SMALL[2]), {}, tmp_path)
    path = tmp_path / "bad.safetensors"
    tensors = load_file(path)
    name = sorted(tensors)[0]
    save_file({k: v for k, v in tensors.items() if k != name}, path)
    assert str(path) in refused(tmp_path)


def test_a_damaged_file_of_tensors_is_refused_by_name(folder):
    path = folder / "bad.safetensors"
    data = path.read_bytes()
    for damaged in (b"", data[:7], data[:100], data[:-1], b"\xff" * 8 + data[8:], b"{}" * 50):
        path.write_bytes(damaged)
        assert str(path) in refused(folder)
        assert library.names() == ["good"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("ending", [".json", ".safetensors"])
def test_a_pipe_is_no_weights(folder, ending):
    (folder / f"bad{ending}").unlink()
    os.mkfifo(folder / f"bad{ending}")
    assert str(folder / f"bad{ending}") in refused(folder)
    assert library.names() == ["good"]


def test_models_lists_the_others_and_names_the_bad_one(folder, capsys):
    (folder / "bad.json").write_text("[]")
    assert main(["models", "--json"]) == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out.splitlines()[-1])
    assert [entry["name"] for entry in document["models"]] == ["good"]
    assert str(folder / "bad.json") in printed.err and "good" in printed.out


def test_a_bad_pair_does_not_hinder_recording_and_saving(folder):
    (folder / "bad.json").write_text("null")
    row = {"budget": 50.0, "gmacs": 1.0, "gmacs_full": 2.0, "psnr_y": float("inf"), "ssim_y": 1.0}
    library.record("good", "Set0", [row])
    library.record("good", "knobs", [row | {"budget": None}])
    assert "| good | depth |" in (folder / "README.md").read_text()
    assert library.describe("good")["scores"].keys() == {"Set0", "knobs"}


@pytest.mark.parametrize("name", ["nothing", "x" * 300, "a/b", "../models/none", ""])
def test_a_name_without_weights_is_told_with_those_that_there_are(folder, name):
    with pytest.raises(UpscalerError, match="there are: bad, good"):
        library.load(name, folder=folder)


def test_a_file_is_known_by_its_own_name(folder):
    for ending in (".json", ".safetensors"):
        (folder / f"bad{ending}").rename(folder / f"mine{ending}")
    assert library.names() == ["good", "mine"]
    assert library.load("mine", folder=folder).name == "mine"
