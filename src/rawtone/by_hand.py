"""The options of `rawtone sample CHECKPOINT OUTPUT`, beside `rawtone sample EXPERIMENT`."""

import argparse
from pathlib import Path

TEXT = (
    "With an experiment of params.yaml: make the clips that it asks for, of every checkpoint. "
    "With a checkpoint and a file to write: make one clip."
)
NAME = (
    "an experiment of params.yaml; or, to make one clip, a checkpoint: a published file of "
    "weights, or experiment[@STEP|@best|@last]"
)
_OUTPUT = "a .wav, .flac, .mp3 or .ogg file to write one clip to; - is a wav to standard output"


def add(parser: argparse.ArgumentParser) -> None:
    """Add all that can be asked of one clip; what is not asked for is None."""
    parser.add_argument("file", nargs="?", metavar="output", help=_OUTPUT)
    parser.add_argument("--output", help="the same")
    add = parser.add_argument_group("one clip").add_argument
    add("--seconds", type=float, help="length of what is made; 10 without it")
    add("--temperature", help="a number, or a schedule: 0:1.0,10:0.8 (seconds:temperature)")
    add("--top-p", type=float, help="draw only from the likeliest codes of this share")
    add("--seed", type=int, help="of the random numbers; 0 without it")
    add("--label", help="one that the model has learned, or a morph: 0:jazz,10:rock")
    add("--prime", type=Path, metavar="FILE", help="a recording to go on from")
    add("--prime-start", type=float, metavar="S", help="seconds into it; 0 without it")
    add("--prime-seconds", type=float, metavar="S", help="how much of it is heard; 1 without it")
    keep = {"action": argparse.BooleanOptionalAction, "dest": "keep_prime"}
    add("--keep-prime", **keep, help="begin the clip with the prime")  # type: ignore[arg-type]
    add("--cut-prime", action="store_const", const=False, dest="keep_prime", help="the default")
    add("--continue", type=Path, metavar="CLIP", dest="clip", help="a clip to make longer")
    add("--engine", choices=("auto", "kernel", "loop"))
    add("--precision", choices=("float32", "bfloat16", "int8"), help="of the kernel's weights")


def is_asked_for(options: argparse.Namespace) -> bool:
    """Tell whether one clip is asked for, not a stage."""
    stage = {"stage", "name", "log", "attempt"}
    return options.stage == "sample" and any(
        value is not None for key, value in vars(options).items() if key not in stage
    )
