"""The tunes of the demo corpus, all in the public domain, written down in ABC notation.

Everything is arranged so that a small network can learn it in minutes: one tempo, white keys from
C4 to C5 only, no rests, and no note longer than 0.6 s (a longer one is struck again).
"""

import re
from dataclasses import dataclass
from typing import Literal

InstrumentName = Literal["plucked string", "music box", "soft piano"]

# MIDI note numbers of the ABC letters: upper case is the octave from middle C, "c" the C above.
_MIDI_NUMBERS = {"C": 60, "D": 62, "E": 64, "F": 65, "G": 67, "A": 69, "B": 71, "c": 72}
_ABC_NOTE = re.compile(r"(?P<bar>\|)|(?P<letter>[A-Gc])(?P<eighths>[1-9]?)")


@dataclass(frozen=True)
class Note:
    """One note: a MIDI number, its length in eighths, and whether it opens a bar."""

    midi: int
    eighths: int
    opens_bar: bool = False


@dataclass(frozen=True)
class Tune:
    """A tune and what its file's tags say of it.

    `melody` is ABC notation with an eighth as unit length (`G3` is a dotted quarter). `encore`,
    where there is one, is played after a silence.
    """

    name: str
    title: str
    composer: str
    genre: str
    year: int
    instrument: InstrumentName
    melody: str
    encore: str = ""
    licence: str = "public domain"


def parse(abc: str) -> list[Note]:
    """Read the small part of ABC notation that the tunes use.

    Args:
        abc: Letters C to B and c, each followed by its length in eighths (1 if left out), and bar
            lines.

    Returns:
        The notes in order; a note that follows a bar line opens a bar.

    Raises:
        ValueError: A character is not in this part of ABC.
    """
    notes: list[Note] = []
    opens_bar, position = False, 0
    while position < len(abc):
        token = _ABC_NOTE.match(abc, position)
        if token is None:
            raise ValueError(f"Expected a note C to c or a bar line. Received: {abc[position:]!r}.")
        if token["letter"]:
            eighths = int(token["eighths"] or 1)
            notes.append(Note(_MIDI_NUMBERS[token["letter"]], eighths, opens_bar))
        opens_bar = token["bar"] is not None
        position = token.end()
    return notes


def notes() -> list[int]:
    """Name the notes that the demo uses.

    Returns:
        MIDI numbers, ascending, each once.
    """
    return sorted({note.midi for tune in TUNES for note in parse(tune.melody + tune.encore)})


TUNES: tuple[Tune, ...] = (
    Tune(
        "amazing-grace",
        "Amazing Grace (New Britain)",
        "Traditional",
        "folk",
        1829,
        "soft piano",
        "C2|F4AF|A4G2|F4D2|C4C2|F4AF|A4G2|c4c2|c4A2|c3AcA|F4C2|D3FFD|C4C2|F4AF|A4G2|F4",
    ),
    Tune(
        "frere-jacques",
        "Frère Jacques",
        "Traditional",
        "folk",
        1780,
        "music box",
        "|C2D2E2C2|C2D2E2C2|E2F2G4|E2F2G4|GAGFE2C2|GAGFE2C2|C2G2C4|C2G2C4",
    ),
    Tune(
        "jingle-bells",
        "Jingle Bells",
        "James Lord Pierpont",
        "popular",
        1857,
        "music box",
        "|E2E2E4|E2E2E4|E2G2C3D|E4E4|F2F2F3F|F2E2E2EE|G2G2F2D2|C4C4",
    ),
    Tune(
        "largo-new-world",
        "Largo from the New World Symphony",
        "Antonín Dvořák",
        "classical",
        1893,
        "soft piano",
        "|E3GG4|E3DC4|D3EG3E|D4D4|A3cc4|B3GA4|A3cB3G|A4A4|E3GG4|E3DC4|D3ED3C|C4C4",
    ),
    Tune(
        "lightly-row",
        "Lightly Row (Hänschen klein)",
        "Traditional",
        "folk",
        1829,
        "plucked string",
        "|G2E2E4|F2D2D4|C2D2E2F2|G2G2G4|D2D2D2D2|D2E2F4|"
        "E2E2E2E2|E2F2G4|G2E2E4|F2D2D4|C2E2G2G2|C4C4",
    ),
    Tune(
        "london-bridge",
        "London Bridge",
        "Traditional",
        "folk",
        1744,
        "plucked string",
        "|G3AG2F2|E2F2G4|D2E2F4|E2F2G4|G3AG2F2|E2F2G4|D4G4|E2C2C4",
    ),
    Tune(
        "lullaby",
        "Lullaby (Wiegenlied)",
        "Johannes Brahms",
        "classical",
        1868,
        "music box",
        "EE|G4EE|G4EG|c2B3A|A2G2DE|F2D2DE|F4DF|BAG2B2|c4CC|"
        "c4AF|G4EC|F2G2A2|G4CC|c4AF|G4EC|F2E2D2|C4",
    ),
    Tune(
        "michael-row",
        "Michael, Row the Boat Ashore",
        "Traditional",
        "folk",
        1867,
        "plucked string",
        "C2E2|G3EG2A2|G4E2G2|A4G4|G4E2G2|G3EF2E2|D4C2D2|E4D4|C4C4",
    ),
    Tune(
        "morning-mood",
        "Morning Mood from Peer Gynt",
        "Edvard Grieg",
        "classical",
        1875,
        "plucked string",
        "|G2E2D2C2D2E2|G2E2D2C2DEDE|G2E2G2A2E2A2|G2E2D2C2C4|G2E2G2A2E2A2|G2E2D2C2C4",
    ),
    Tune(
        "ode-to-joy",
        "Ode to Joy from the Ninth Symphony",
        "Ludwig van Beethoven",
        "classical",
        1824,
        "soft piano",
        "|E2E2F2G2|G2F2E2D2|C2C2D2E2|E3DD4|D2D2E2C2|D2EFE2C2|"
        "D2EFE2D2|C2D2G4|E2E2F2G2|G2F2E2D2|C2C2D2E2|D3CC4",
    ),
    Tune(
        "oh-susanna",
        "Oh! Susanna",
        "Stephen Foster",
        "popular",
        1848,
        "plucked string",
        "CD|E2G2G3A|G2E2C3D|E2E2D2C2|D4D2C2|F4F4|A2A4A2|"
        "G2G2E2C2|D4D2CD|E2G2G3A|G2E2C3D|E2E2D2D2|C4C2",
    ),
    Tune(
        "twinkle",
        "Twinkle, Twinkle, Little Star (Ah! vous dirai-je, maman)",
        "Traditional",
        "folk",
        1761,
        "soft piano",
        "|C2C2G2G2|A2A2G4|F2F2E2E2|D2D2C4|G2G2F2F2|E2E2D4|G2G2F2F2|"
        "E2E2D4|C2C2G2G2|A2A2G4|F2F2E2E2|D2D2C4|F2F2E2E2|D2D2C2",
        encore="|C2C2G2G2|A2A2G4|F2F2E2E2|D2D2C4|C2G2C4",
    ),
)
