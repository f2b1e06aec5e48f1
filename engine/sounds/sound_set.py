"""The sounds an orchestra plays with: recorded or synthesised notes, and which of them answers a note.

A ``SoundSet`` is what the audio engine needs and nothing of where it came from: a SoundFont
(``engine.sounds.soundfont``) or the embedded set (``engine.sounds.synthesis``). ``load_sound_set`` makes one.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import SoundError
from ..types import Articulation

Progress = Callable[[int, int], None]
"""Called with ``(done, total)`` while sounds are prepared."""

SECTION = ".section"
"""What a patch's name ends in when its recordings are of a whole section."""

LOOP_PADDING = 0.125
"""Part of a loop's length that ``Sample.data`` goes on past ``loop_end`` (a crossfade of up to 11 % of the loop)."""

REFERENCE_LEVEL_DB = -26.0
"""K-weighted level (dB below full scale, RMS of the sustained part) of a violin's note after ``Zone.gain_db``.

It is what a violin at velocity 90 gives 1 m away; other instruments differ by ``Instrument.level_db``.
"""

REFERENCE_VELOCITY = 90
"""The MIDI velocity at which ``Zone.gain_db`` gives an instrument its natural level."""

ARTICULATION_FALLBACK: Mapping[Articulation, tuple[Articulation, ...]] = {
    "sustain": ("sustain", "fast", "tremolo", "staccato", "pizzicato"),
    "fast": ("fast", "sustain", "staccato", "tremolo", "pizzicato"),
    "staccato": ("staccato", "fast", "sustain", "pizzicato", "tremolo"),
    "tremolo": ("tremolo", "fast", "sustain", "staccato", "pizzicato"),
    "pizzicato": ("pizzicato", "staccato", "fast", "sustain", "tremolo"),
}
"""What answers for an articulation that an instrument has no sounds of, best first."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One note, mono.

    ``data`` is contiguous float32 at ``rate_hz``, often a read-only view of a mapped cache file. A sample that
    sustains has ``loop_end > loop_start`` (in samples): the loop repeats without a seam, and the data goes on past
    ``loop_end`` as the loop would (``LOOP_PADDING``), so that a crossfading looper may read there. A sample with
    ``loop_end == loop_start`` sounds once and ends by itself. ``root_pitch`` is the true sounding pitch as a MIDI
    number, measured where there is a pitch. ``level_db`` is the K-weighted RMS (dB below full scale) of the sustained
    part, or of the loudest 0.2 s of one that dies away. ``vibrato_cents`` is the depth (peak) of the vibrato that
    is in the recording already.
    """

    data: npt.NDArray[np.float32]
    rate_hz: float
    root_pitch: float
    loop_start: int
    loop_end: int
    level_db: float
    vibrato_cents: float = 0.0

    @property
    def sustains(self) -> bool:
        return self.loop_end > self.loop_start

    @property
    def duration_s(self) -> float:
        """Length of the recording, loop counted once."""
        return (self.loop_end if self.sustains else self.data.size) / self.rate_hz


@dataclass(frozen=True, slots=True)
class Zone:
    """Where a sample answers: a range of sounding pitches and velocities (both ends included).

    ``sample`` indexes ``SoundSet.samples``. ``gain_db`` brings the sample to the instrument's natural level at velocity
    90, 1 m away (``REFERENCE_LEVEL_DB``). ``attack_s`` and ``release_s`` shape the note's ends. ``pitch_tracking`` is
    how far the sample follows the note (1 = a semitone a key, 0 = always as recorded: drums).
    """

    low_pitch: int
    high_pitch: int
    low_velocity: int
    high_velocity: int
    sample: int
    gain_db: float
    attack_s: float
    release_s: float
    pitch_tracking: float = 1.0

    def distance(self, pitch: float, velocity: float) -> tuple[float, float]:
        """How far a note lies outside of the zone, in semitones and in velocity; (0, 0) inside."""
        return (
            max(self.low_pitch - pitch, pitch - self.high_pitch, 0.0),
            max(self.low_velocity - velocity, velocity - self.high_velocity, 0.0),
        )


@dataclass(frozen=True, slots=True)
class Patch:
    """The sounds of one instrument in one articulation."""

    zones: tuple[Zone, ...]

    def zones_for(self, pitch: float, velocity: float) -> tuple[Zone, ...]:
        """The zones nearest to a note; never empty."""
        distances = [zone.distance(pitch, velocity) for zone in self.zones]
        nearest = min(distances)
        return tuple(zone for zone, distance in zip(self.zones, distances, strict=True) if distance == nearest)


@dataclass(frozen=True, slots=True, eq=False)
class SoundSet:
    """All sounds of an ensemble.

    ``patches`` is keyed by instrument (``assets/instruments.toml``) and articulation; recordings of a whole section
    are under ``"violin.section"``. Large: a process that needs one loads it (``load_sound_set``, the cache is mapped
    and shared) rather than receiving it.
    """

    name: str
    samples: tuple[Sample, ...]
    patches: Mapping[tuple[str, Articulation], Patch]

    def patch_for(self, instrument: str, articulation: Articulation, section: bool = False) -> Patch:
        """The patch that answers for an articulation; ``SoundError`` for an instrument that was not loaded."""
        names = (instrument + SECTION, instrument) if section else (instrument, instrument + SECTION)
        for candidate in ARTICULATION_FALLBACK[articulation]:
            for name in names:
                patch = self.patches.get((name, candidate))
                if patch is not None:
                    return patch
        raise SoundError(f"sound set {self.name}: no sounds of {instrument!r} are loaded; add it to the instruments")

    def zones_for(
        self, instrument: str, articulation: Articulation, pitch: float, velocity: float, section: bool = False
    ) -> tuple[Zone, ...]:
        """The alternatives for a note; never empty.

        Each is a whole sound of its own (another recording of the same note): a player takes one, players of a
        section take turns, so that they do not all play the same recording. ``section`` prefers recordings of a
        section to those of a soloist.
        """
        return self.patch_for(instrument, articulation, section).zones_for(pitch, velocity)

    def playback_ratio(self, zone: Zone, pitch: float) -> float:
        """How fast to read the zone's sample, relative to its own rate, so that it sounds at ``pitch``."""
        root = self.samples[zone.sample].root_pitch
        return float(2.0 ** ((pitch - root) * zone.pitch_tracking / 12.0))


def load_sound_set(
    instruments: Collection[str],
    soundfont: Path | None,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
) -> SoundSet:
    """The sounds for these instruments, from a SoundFont (SF2, SF3) or, with None, from the embedded synthesis.

    What is prepared is kept in ``cache_dir`` (the user's cache folder by default), keyed by the SoundFont's content:
    the first load of an orchestra takes up to half a minute and reports ``progress``, later ones are mapped in less
    than a second. Raises ``SoundError`` for a SoundFont that cannot be read or an instrument that does not exist.
    """
    from .sound_build import build_sound_set  # the builder needs the values above

    return build_sound_set(instruments, soundfont, cache_dir, progress)
