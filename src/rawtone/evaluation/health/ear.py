"""The ear: measures clips, and knows from a corpus's own chunks what is normal in it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Self

import numpy as np

from rawtone.audio import levels
from rawtone.audio.pcm import Pcm
from rawtone.evaluation.health import (
    clicks,
    clipping,
    loops,
    loudness,
    noise,
    pitch,
    rhythm,
    silence,
    tones,
)
from rawtone.evaluation.health.calibration import Scale
from rawtone.evaluation.health.findings import Finding, Health
from rawtone.evaluation.health.sound import Floats, Sound

SCALES: dict[str, Scale] = {
    "silent_share": silence.SHARE,
    "silent_seconds": silence.GAP_SECONDS,
    "clipped_share": clipping.SHARE,
    "offset": clipping.OFFSET,
    "quiet_lufs": loudness.QUIET_LUFS,
    "loud_lufs": loudness.LOUD_LUFS,
    "noise_db": noise.NOISE_DB,
    "hiss_db": noise.HISS_DB,
    "steady_short": tones.SHORT,
    "steady_long": tones.LONG,
    "one_note": pitch.ONE_NOTE,
    "click_ratio": clicks.RATIO,
    "repeats": loops.LIKENESS,
}
_HIDES = {  # what explains other findings, where it is most of a clip
    "silence": ("level", "note", "clicks"),
    "loop": ("tone", "note"),
    "tone": ("note", "hiss", "noise"),
    "buzz": ("note", "hiss", "noise", "clicks"),
    "noise": ("level", "note", "clicks"),
}
_MOST = 0.6


@dataclass(frozen=True)
class Ear:
    """What is normal in a corpus; JSON-able with `as_json`, small enough for any worker process.

    Attributes:
        silent_dbfs: a block of 10 ms below this level is silent.
        limits: of every measure in SCALES; infinite where the recordings themselves are so.
    """

    silent_dbfs: float = silence.LOWEST_DBFS + 10.0
    limits: Mapping[str, float] = field(
        default_factory=lambda: {name: scale.limit(()) for name, scale in SCALES.items()}
    )

    @classmethod
    def of(cls, chunks: Iterable[Pcm], sample_rate: int) -> Self:
        """Learn what is normal.

        Args:
            chunks: of the corpus, as a clip would sound (through the quantizer of the experiment),
                int16 [samples] or [samples, channels]; some dozens, from all of its tracks.
            sample_rate: samples a second.

        Returns:
            An ear for clips at that rate; without chunks, one that knows music in general.
        """
        blocks: list[Floats] = []
        evidence: list[dict[str, float]] = []
        for chunk in chunks:
            measured = _Measured(Sound.of(chunk, sample_rate))
            blocks.append(measured.sound.blocks.astype(np.float32).astype(np.float64))
            evidence.append(measured.evidence)
        if not blocks:
            return cls()
        loud = median(float(np.percentile(each, 95)) for each in blocks)
        silent = round(silence.level(loud), 2)
        for each, figures in zip(blocks, evidence, strict=True):
            figures["silent_share"] = silence.share(each, silent)
            figures["silent_seconds"] = silence.longest_seconds(each, silent)
        limits = {name: s.limit([e[name] for e in evidence]) for name, s in SCALES.items()}
        return cls(silent, limits)

    def hear(self, pcm: Pcm, sample_rate: int) -> Health:
        """Listen to a clip, int16 [samples] or [samples, channels]."""
        measured = _Measured(Sound.of(pcm, sample_rate))
        findings = measured.findings(self.silent_dbfs, dict(self.limits))
        return Health(measured.row(self), _sorted(findings))

    def as_json(self) -> dict[str, Any]:
        """Return the ear as JSON; a limit that cannot be passed is null."""
        limits = {
            name: limit if np.isfinite(limit) else None for name, limit in self.limits.items()
        }
        return {"silent_dbfs": self.silent_dbfs, "limits": limits}


class _Measured:
    """All measures of one clip."""

    def __init__(self, sound: Sound) -> None:
        self.sound = sound
        self.clipped = clipping.clipped(sound)
        self.offset = clipping.offset(sound)
        self.loudness = loudness.loudness(sound)
        self.floors = noise.floors(sound)
        self.steadiness = tones.steadiness(sound)
        self.pitch = pitch.pitch(sound)
        self.prominence = clicks.prominence(sound)
        self.repetition = loops.repetition(sound)

    @property
    def evidence(self) -> dict[str, float]:
        return {
            "clipped_share": float(self.clipped.mean()),
            "offset": abs(self.offset),
            "quiet_lufs": -self.loudness.integrated,
            "loud_lufs": self.loudness.integrated,
            "one_note": self.pitch.one_note,
            "click_ratio": clicks.evidence(self.prominence),
            "repeats": self.repetition.likeness,
            **self.floors.evidence,
            **self.steadiness.evidence,
        }

    def findings(self, silent_dbfs: float, limits: dict[str, float]) -> list[Finding]:
        found = silence.find(self.sound.blocks, silent_dbfs, limits)
        if found and found[0].words == "silent":
            return found
        return [
            *found,
            *clipping.find(self.clipped, self.sound.rate, self.offset, limits),
            *loudness.find(self.loudness, limits["quiet_lufs"], limits["loud_lufs"]),
            *noise.find(self.sound, self.floors, limits),
            *tones.find(self.sound, self.steadiness, limits),
            *pitch.find(self.pitch, limits["one_note"]),
            *clicks.find(clicks.places(self.prominence, limits["click_ratio"]), self.sound.seconds),
            *loops.find(self.sound, self.repetition, limits["repeats"]),
        ]

    def row(self, ear: Ear) -> dict[str, str]:
        sound, risen = self.sound, rhythm.rises(self.sound)
        hop = sound.quick.hop_seconds
        flat = noise.flatness(sound.wide, sound.rate)
        evidence = self.evidence
        third = max(1, len(flat) // 3)
        return {
            "silent_share": f"{silence.share(sound.blocks, ear.silent_dbfs):.3f}",
            "silent_seconds": f"{silence.longest_seconds(sound.blocks, ear.silent_dbfs):.2f}",
            "peak_dbfs": f"{max(levels.peak_dbfs(sound.pcm), -120.0):.1f}",
            "loudness_lufs": f"{self.loudness.integrated:.1f}",
            "loudness_range_lu": f"{self.loudness.range:.1f}",
            "clipped_share": f"{evidence['clipped_share']:.4f}",
            "offset": f"{round(self.offset, 4) + 0.0:.4f}",
            "flatness_db": f"{np.median(flat):.1f}",
            "flatness_trend_db": f"{np.median(flat[-third:]) - np.median(flat[:third]):.1f}",
            "noise_db": f"{max(evidence['noise_db'], -120.0):.1f}",
            "hiss_db": f"{max(evidence['hiss_db'], -120.0):.1f}",
            "steady_share": f"{max(evidence['steady_long'], evidence['steady_short'], 0.0):.3f}",
            "clicks": str(len(clicks.places(self.prominence, ear.limits["click_ratio"]))),
            "repeats_seconds": f"{self.repetition.seconds:.2f}",
            "repeats_likeness": f"{self.repetition.likeness:.3f}",
            "onsets_per_second": f"{rhythm.onsets(risen, hop) / sound.seconds:.2f}",
            "tempo": f"{rhythm.tempo(risen, hop):.0f}",
            "pitch_salience": f"{self.pitch.salience:.3f}",
            "one_note_share": f"{self.pitch.one_note:.3f}",
            "chroma": " ".join(f"{share:.3f}" for share in self.pitch.chroma),
        }


def _sorted(findings: list[Finding]) -> tuple[Finding, ...]:
    """Sort findings, the worst first, without those that a worse one explains."""
    hidden = {kind for f in findings if f.severity > _MOST for kind in _HIDES.get(f.kind, ())}
    kept = [finding for finding in findings if finding.kind not in hidden]
    return tuple(sorted(kept, key=lambda finding: (-finding.severity, finding.kind)))
