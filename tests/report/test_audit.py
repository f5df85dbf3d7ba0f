"""What the audit of a corpus says is so: hours, reasons, codes, and which chunk stands out."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtone.audio import quantizers
from rawtone.corpus.chunks import Chunks
from rawtone.report import audit_listening, audit_sound, audit_tables, audit_words

RATE = 8000


def tone(hertz: float, seconds: float = 2.0, amplitude: float = 0.2) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (amplitude * np.sin(2 * np.pi * hertz * time) * 32767).astype(np.int16)


def corpus(*audio: np.ndarray) -> Chunks:
    """Return chunks, each of a track of its own."""
    count, longest = len(audio), max(map(len, audio))
    array = np.zeros((count, longest, *audio[0].shape[1:]), np.int16)
    for row, samples in enumerate(audio):
        array[row, : len(samples)] = samples
    return Chunks(
        array,
        np.array(list(map(len, audio))),
        np.arange(count) * 1000,
        tuple(f"{n:012x}" for n in range(count)),
        ("",) * count,
        ("train",) * count,
        RATE,
        0,
    )


def row(track: str, start: int, length: int, **more: str) -> dict[str, str]:
    about = {"label": "folk", "split": "train", "status": "kept"}
    return about | {"track": track, "start": str(start), "length": str(length)} | more


def test_hours_by_label_count_shared_audio_once():
    rows = [
        row("a", 0, 80),
        row("a", 70, 80),
        row("a", 140, 10, split="test"),
        row("b", 0, 80, label="jazz"),
        row("b", 80, 80, label="jazz", status="silent"),
        row("c", 5, 10, label="jazz"),
    ]
    folk, jazz = audit_tables.by_label(rows, 10)
    assert (folk.name, folk.total, dict(folk.seconds)) == ("folk", 15.0, {"train": 15, "test": 0})
    assert (jazz.name, jazz.total, jazz.chunks, jazz.tracks) == ("jazz", 9.0, 2, {"b", "c"})


def test_reasons_are_brought_together_and_each_file_counts_once():
    files = [
        {"source": "s", "path": "a", "status": "taken"},
        {"source": "s", "path": "b", "status": "same bytes as a"},
        {"source": "s", "path": "x/", "status": "cannot be read"},
        {"source": "s", "path": "c.txt", "status": "not audio by its ending .txt"},
    ]
    tracks = [
        {"source": "s", "path": "a", "status": "used", "seconds": "60"},
        {"source": "s", "path": "x/", "status": "cannot be read"},
        {"source": "s", "path": "d", "status": "truncated: decoded 1 s of 2 s"},
        {"source": "s", "path": "e", "status": "truncated: decoded 3 s of 9 s"},
        {"source": "s", "path": "f", "status": "left out: genre is jazz", "seconds": "30"},
    ]
    found = audit_tables.of_recordings(files, tracks)
    assert [(reason.name, reason.count, reason.seconds) for reason in found] == [
        ("used", 1, 60.0),
        ("truncated", 2, 0.0),
        ("cannot be read", 1, 0.0),
        ("left out: genre is jazz", 1, 30.0),
        ("not audio by its ending .txt", 1, 0.0),
        ("same bytes as another", 1, 0.0),
    ]


@given(st.sampled_from([("mu-law", 256), ("linear", 65536), ("a-law", 16)]), st.integers(1, 2))
def test_codes_are_counted_as_a_model_sees_them(kind, channels):
    noise = np.random.default_rng(0).normal(0, 9000, (3, 500, channels)[: 1 + channels])
    audio = noise.clip(-32768, 32767).astype(np.int16)
    sound = audit_sound.listen(corpus(*audio), [0, 1, 2])
    quantizer = quantizers.make(*kind)
    expected = np.bincount(quantizer.encode(audio).reshape(-1), minlength=quantizer.levels)
    np.testing.assert_array_equal(sound.codes(quantizer), expected)
    assert sound.samples == audio.size
    assert sound.offset == pytest.approx(audio.mean() / 32768)


def test_the_power_of_bands_is_that_of_the_audio():
    """A full-scale sine has -3 dBFS, and the band that its pitch lies in has it."""
    sound = audit_sound.listen(corpus(tone(1000, amplitude=1.0), tone(300, amplitude=0.1)), [0, 1])
    power = 10 ** (sound.levels_db / 10)
    assert 10 * np.log10(power.sum(axis=1)) == pytest.approx([-3.0, -23.0], abs=0.5)
    loudest = sound.centres[np.argmax(sound.levels_db, axis=1)]
    assert loudest == pytest.approx([1000, 300], rel=0.1)


def test_the_most_unlike_chunk_is_the_one_of_another_sound_not_the_loudest():
    noise = np.random.default_rng(1).normal(0, 2000, 2 * RATE).astype(np.int16)
    audio = [tone(200 + 10 * n, amplitude=0.02 + 0.02 * n) for n in range(12)]
    chunks = corpus(*audio, tone(260, amplitude=0.9), noise, np.zeros(100, np.int16) + 5)
    rows = audit_sound.draw(chunks, 14)
    sound = audit_sound.listen(chunks, [row for row in rows if row != 14])
    assert sound.rows[int(np.argmax(sound.unlikeness))] == 13


def test_most_of_a_draw_stays_when_recordings_come():
    few, more = corpus(*[tone(100, 0.1)] * 40), corpus(*[tone(100, 0.1)] * 44)
    assert set(audit_sound.draw(more, 20)) - set(range(40, 44)) <= set(audit_sound.draw(few, 20))
    assert sorted(audit_sound.draw(few, 99)) == list(range(40))


def test_what_stands_out_is_of_different_tracks():
    chunks = corpus(*[tone(100 + n, 0.2) for n in range(6)])
    chunks = Chunks(**{**vars(chunks), "tracks": ("a", "a", "a", "b", "b", "c")})
    sound = audit_sound.listen(chunks, list(range(6)))
    groups = audit_listening.choose(chunks, sound, [-1, -2, -3, -40, -50, -10])
    chosen = {name: rows for name, _, rows in groups}
    assert chosen["The loudest"] == [0, 5, 3]
    assert chosen["The quietest"] == [4, 5, 2]


def test_the_words_say_what_to_do():
    clipped = np.tile(np.array([32767, -32768, 3000, 3000], np.int16), 4000)
    sound = audit_sound.listen(corpus(clipped), [0])
    said = " ".join(audit_words.values(sound))
    assert "50.00% of the samples" in said and "they are clipped" in said
    assert "remove_dc" in said
    loud_and_quiet = audit_words.levels([-10.0, -10.0, -40.0, -41.0], ["a", "a", "b", "c"])
    assert "loudness_lufs" in loud_and_quiet.says[0]
    low = audit_sound.listen(corpus(tone(200), tone(300)), [0, 1])
    assert "A lower sample_rate" in " ".join(audit_words.spectrum(low, RATE).says)
    quantizer = quantizers.make("mu-law", 256)
    counts = np.bincount([quantizer.silence] * 90 + [7] * 10, minlength=256)
    said = " ".join(audit_words.codes(counts, quantizer).says)
    assert "128 (silence), is 90.0% of the samples; 254 of 256 codes never occur" in said
    assert "0.47 bits" in said


def test_a_chunk_of_digital_silence_has_a_level_to_draw():
    rows = [{"status": "silent", "level_dbfs": "-inf"}, {"status": "silent", "level_dbfs": "-70.1"}]
    assert audit_words.levels_of(rows, "silent") == [-100.0, -70.1]
    assert audit_words.levels_of([{"status": "trimmed end", "level_dbfs": ""}], "trimmed end") == []


def test_players_are_written_once_and_the_same_bytes(tmp_path: Path):
    chunks = corpus(tone(440, 0.5), tone(300, 0.5))
    sound = audit_sound.listen(chunks, [0, 1])
    said = audit_listening.figures([-17.0, -17.0], sound)
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        titles = {chunks.tracks[0]: "Ode"}
        players = audit_listening.players([0, 1, 0], chunks, titles, said, tmp_path / name)
        assert [player.title for player in players] == ["Ode", chunks.tracks[1], "Ode"]
        found.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert found[0] == found[1] and len(found[0]) == 6
