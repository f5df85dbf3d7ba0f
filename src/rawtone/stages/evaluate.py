"""evaluate: bits per sample of every checkpoint on held-out audio, and what its clips play."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from rawtone.audio import levels, pcm
from rawtone.corpus import table
from rawtone.corpus.chunks import Chunks
from rawtone.evaluation import melody
from rawtone.evaluation.bits import bits_per_sample, entropy_bits, flac_bits
from rawtone.evaluation.held_out import HeldOut
from rawtone.files import write_json
from rawtone.settings import WaveNet
from rawtone.stages import layout
from rawtone.training.checkpoints import read_arrays

SPLITS = ("validation", "test")
SILENCE_DBFS = -60.0
_LISTENED_CHUNKS = 8  # of the training audio, to learn which notes the corpus uses
_log = logging.getLogger("rawtone")


def run(experiment: str) -> None:
    """Measure every published checkpoint and every clip of an experiment.

    Args:
        experiment: its name in params.yaml.
    """
    from rawtone.models import backend

    backend.start()
    folder = layout.results(experiment)
    corpus = layout.read_settings("evaluate", experiment)["corpus"]
    config = json.loads((folder / "config.json").read_text())
    chunks = Chunks.open(layout.chunks(corpus))
    held_out = {split: HeldOut(chunks, split, config) for split in SPLITS}
    scored = _bits(folder, config, held_out)
    heard = _melodies(folder, chunks)
    table.write(folder / "bits.csv", ("step", "split", "bits", "samples"), scored)
    columns = tuple(heard[0]) if heard else ("step",)
    table.write(folder / "melody.csv", columns, heard)
    metrics = _metrics(scored, held_out) | {"melody": _verdict(folder, chunks, scored)}
    write_json(folder / "metrics.json", metrics)
    _log.info(
        "best checkpoint: step %d, %.3f bits on validation, %.3f on test (FLAC %.2f and %.2f)",
        metrics["best_step"],
        metrics["validation_bits"],
        metrics["test_bits"],
        *(metrics["flac_bits"][split] for split in SPLITS),
    )


def _bits(
    folder: Path, config: dict[str, Any], held_out: dict[str, HeldOut]
) -> list[dict[str, Any]]:
    from rawtone.models.families import build
    from rawtone.training.scoring import Scorer

    model = build(WaveNet(**config["model"]), config["quantizer"]["levels"])
    scorer = Scorer(model)
    published = json.loads((folder / "checkpoints.json").read_text())["checkpoints"]
    rows = []
    for checkpoint in tqdm(published, desc="evaluate", unit="checkpoint", disable=None):
        scorer.load(read_arrays(folder / checkpoint["file"]))
        for split, audio in held_out.items():
            bits = bits_per_sample(audio.batches, scorer.score)
            row = {"step": checkpoint["step"], "split": split, "bits": f"{bits:.4f}"}
            rows.append(row | {"samples": len(audio.codes)})
    return rows


def _melodies(folder: Path, chunks: Chunks) -> list[dict[str, Any]]:
    notes = _corpus_notes(chunks)
    rows = []
    for clip in json.loads((folder / "clips.json").read_text()):
        audio = pcm.read(folder / clip["wav"])
        heard = _hear(audio, clip["sample_rate"], notes)
        silent = levels.longest_silence(audio, clip["sample_rate"], SILENCE_DBFS)
        rows.append(
            {key: clip[key] for key in ("step", "temperature", "seed")}
            | {
                "voiced": f"{heard.voiced:.3f}",
                "in_tune": f"{heard.in_tune:.3f}",
                "notes": " ".join(map(str, heard.notes)),
                "onsets_per_second": f"{heard.onsets_per_second:.2f}",
                "level_dbfs": f"{levels.rms_dbfs(audio):.1f}",
                "silent_fraction": f"{silent / len(audio):.3f}",
            }
        )
    return rows


def _hear(audio: pcm.Pcm, sample_rate: int, notes: list[int]) -> melody.Melody:
    return melody.hear(audio.astype(np.float64) / 32768, sample_rate, notes)


def _corpus_notes(chunks: Chunks) -> list[int]:
    rows = chunks.rows("train")
    spread = rows[np.linspace(0, len(rows) - 1, min(len(rows), _LISTENED_CHUNKS)).astype(int)]
    audio = (chunks.pcm[row, : chunks.lengths[row]] / 32768 for row in spread)
    return melody.corpus_notes(audio, chunks.sample_rate)


def _best_step(scored: list[dict[str, Any]]) -> int:
    validation = [row for row in scored if row["split"] == "validation"]
    return int(min(validation, key=lambda row: (float(row["bits"]), row["step"]))["step"])


def _metrics(scored: list[dict[str, Any]], held_out: dict[str, HeldOut]) -> dict[str, Any]:
    best = _best_step(scored)
    bits = {row["split"]: float(row["bits"]) for row in scored if row["step"] == best}
    some = held_out["validation"]
    count = int(some.config["quantizer"]["levels"])
    rate = some.chunks.sample_rate
    return {
        "best_step": best,
        "validation_bits": bits["validation"],
        "test_bits": bits["test"],
        "flac_bits": {k: round(flac_bits(v.codes, count, rate), 4) for k, v in held_out.items()},
        "entropy_bits": {k: round(entropy_bits(v.codes, count), 4) for k, v in held_out.items()},
        "uniform_bits": round(float(np.log2(count)), 4),
        "samples": {k: len(v.codes) for k, v in held_out.items()},
    }


def _verdict(folder: Path, chunks: Chunks, scored: list[dict[str, Any]]) -> dict[str, Any]:
    """Judge the best checkpoint's clips at the temperature nearest to 1."""
    clips = json.loads((folder / "clips.json").read_text())
    nearest = min((clip["temperature"] for clip in clips), key=lambda t: (abs(t - 1), t))
    wanted = (_best_step(scored), nearest)
    chosen = [clip for clip in clips if (clip["step"], clip["temperature"]) == wanted]
    notes = _corpus_notes(chunks)
    heard = [_hear(pcm.read(folder / c["wav"]), c["sample_rate"], notes) for c in chosen]
    verdict, of_recordings = melody.judge(heard), _judge_recordings(chunks, notes)
    figures = {check.what.replace(" ", "_"): round(check.figure, 4) for check in verdict.checks}
    meaningless = "not judged as melodies, which the recordings themselves are not either"
    return {
        "step": wanted[0],
        "temperature": nearest,
        "clips": len(chosen),
        "figures": figures,
        "recordings_passed": of_recordings.passed,
        "passed": verdict.passed if of_recordings.passed else None,
        "sentence": verdict.sentence if of_recordings.passed else meaningless,
    }


def _judge_recordings(chunks: Chunks, notes: list[int]) -> melody.Verdict:
    """Judge the held-out recordings as clips are judged."""
    rows = [row for split in SPLITS for row in chunks.rows(split)]
    audio = (chunks.pcm[row, : chunks.lengths[row]] for row in rows)
    return melody.judge([_hear(chunk, chunks.sample_rate, notes) for chunk in audio])
