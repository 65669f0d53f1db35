"""Options that several commands share."""

import argparse

from engine import library
from engine.adaptive.contract import AnyUpscaler
from engine.budget import FULL, Budget
from engine.errors import UpscalerError
from engine.pictures.formats import written_formats
from engine.resize import Size
from engine.settings import DTYPES, FIELDS, TEMPLATE, Settings, choose_device

DEFAULT = "adaedsr-x4"


def add_upscaler(command: argparse.ArgumentParser) -> None:
    """Options that choose the weights and what computes, and --json."""
    command.add_argument("-n", "--name", default=DEFAULT, help="the weights; see `models`")
    command.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    command.add_argument(
        "--dtype", default="auto", choices=DTYPES, help="of the products; auto is the fastest"
    )
    command.add_argument("--json", action="store_true")


def chosen_upscaler(arguments: argparse.Namespace) -> AnyUpscaler:
    """The Upscaler that -n, --device and --dtype ask for."""
    device = choose_device(arguments.device)
    return library.load(arguments.name, device, dtype=DTYPES[arguments.dtype])


def add_settings(command: argparse.ArgumentParser) -> None:
    """Options beside those that choose the upscaler."""
    command.add_argument("-s", "--scale", type=int, help="must be that of the weights")
    budget = command.add_mutually_exclusive_group()
    budget.add_argument(
        "-b", "--budget", type=float, metavar="PERCENT", help="of all there is to do"
    )
    budget.add_argument("--knob", type=float, metavar="V", help="the method's own control")
    size = command.add_mutually_exclusive_group()
    size.add_argument("--percent", type=float, metavar="P", help="size of the output, of the input")
    size.add_argument("--width", type=int, metavar="PIXELS", help="of the output")
    size.add_argument("--height", type=int, metavar="PIXELS", help="of the output")
    command.add_argument("-f", "--format", help="of the files in an output folder, e.g. png")
    lossy = ", ".join(form.name for form in written_formats() if form.quality)
    command.add_argument("--quality", type=int, default=95, help=f"1 to 100: {lossy}")
    command.add_argument(
        "--template",
        default=TEMPLATE,
        help=f"names in an output folder, of {', '.join(FIELDS)} in braces; now %(default)s",
    )
    command.add_argument("--overwrite", action="store_true", help="replace existing files")


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The Settings that the options ask for. Raises FoveaError where they make no sense."""
    budget = FULL
    if arguments.knob is not None:
        budget = Budget(knob=arguments.knob)
    elif arguments.budget is not None:
        budget = Budget(share=arguments.budget / 100)
    return Settings(
        name=arguments.name,
        budget=budget,
        size=Size(arguments.percent, arguments.width, arguments.height),
        template=arguments.template,
        format=arguments.format,
        quality=arguments.quality,
        device=arguments.device,
        dtype=arguments.dtype,
    )


def check_scale(upscaler: AnyUpscaler, scale: int | None) -> None:
    """Raises UpscalerError where -s asks for another scale than the weights have."""
    if scale not in (None, upscaler.scale):
        raise UpscalerError(f"{upscaler.name} upscales by {upscaler.scale}, not by {scale}.")
