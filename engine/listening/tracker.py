"""From sound to notes, as they are played: when each begins, how high it is, how loud, when it ends.

A note begins where sound rises out of quiet, where the pitch goes to another one and stays, or where the same pitch is
struck anew (a rise of the spectrum, ``onsets.SpectralFlux``, together with a rise of the level). Pitch comes from YIN,
frame by frame; a frame is as long as the lowest note of the instrument needs, so it pays to say which one is played.
Nothing looks ahead: what is told of a note was heard until then.
"""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import scipy.signal

from ..errors import AudioDeviceError
from ..types import HeardNote
from .bleed import BleedGate
from .echo import EchoCanceller
from .onsets import BandSpectrum, SpectralFlux
from .pitch import PitchFinder

FloatArray = npt.NDArray[np.float32]

HOP_S = 0.005
SPECTRUM_S = 0.0213
FLUX_LAG_S = 0.015
PERIODIC = 0.3
"""Frames of a larger aperiodicity have no pitch."""
SETTLES_S = 0.1
"""A pitch that changes sooner after the onset is the same note's, which had not settled."""
LONGEST_GLIDE_S = 0.06
STEADY_SEMITONES = 0.35
"""Frames of a new pitch stay within so much: a glide does not."""
LEAVES_SEMITONES, SWING = 0.55, 0.5
"""A pitch so far from the note's own, and further by this part of its vibrato's peak, is another note."""
CYCLE_S, LEAVES_YOUNG_SEMITONES = 0.2, 0.8
"""Before a whole swing of the vibrato was heard its centre is not known."""
CENTRE_S, SETTLING_S = 0.3, 0.03
"""The pitch of a note is the median of so long, but for the latest, which may be on the way to the next."""
GLIDE_SEMITONES = 0.25
"""A note that the pitch glides to begins where it left the one before by so much."""
BEGINS_S, CHANGES_S = 0.015, 0.020
"""How long a pitch must stay to be a note, out of quiet and after another note."""
ENDS_S = 0.05
ENDS_DB = 26.0
"""A note that fell by so much is over, though the room may ring."""
SHORTEST_S = 0.07
"""Two attacks of the same pitch are not nearer than this: some fourteen a second."""
STRUCK_FLUX, STRUCK_DB = 0.10, 3.0
"""A spectral rise, and a fall and rise of the level, that together are a new attack of the same pitch."""
DIPS_DB = 9.0
"""A fall and a rise of the level that are an attack by themselves."""
RISE_S = 0.08
"""An attack takes no longer."""
LOOK_BACK_S = 0.25
RING_S, RING_DB = 0.03, 6.0
"""What falls over so long and did not rise by so much is no new note."""
FLOOR_DB, ABOVE_FLOOR_DB = -62.0, 8.0
ECHO_S = 0.2
"""The longest way of the orchestra back into the microphone that is cancelled: device, air, and the room's ring."""
OWN_SHARE = 0.3
"""So much of the sound at a pitch's harmonics must be left when the orchestra's bleed is taken out."""
HARMONICS = 8
REFERENCE_DB, REFERENCE_VELOCITY = -26.0, 90
VELOCITY_PER_DB = 2.0
"""How the level (RMS, dB below full scale) becomes a velocity."""


@dataclass(slots=True)
class _Moment:
    """A hop; times are those of the middles of what was looked at."""

    level_s: float
    level_db: float
    flux_s: float
    flux: float
    pitch_s: float
    pitch: float
    aperiodicity: float


@dataclass(slots=True)
class _Note:
    note_id: int
    onset_s: float
    centre: float
    peak_db: float
    swing: float = 0.0
    pitches: list[float] = field(default_factory=list)
    doubts: list[float] = field(default_factory=list)

    @property
    def reach(self) -> float:
        """How far from its centre the pitch may swing."""
        if len(self.pitches) * HOP_S < CYCLE_S:
            return LEAVES_YOUNG_SEMITONES
        return LEAVES_SEMITONES + SWING * self.swing

    def add(self, moment: _Moment) -> None:
        """A frame of the note."""
        self.pitches.append(moment.pitch)
        self.doubts.append(moment.aperiodicity)
        settling, long = round(SETTLING_S / HOP_S), round(CENTRE_S / HOP_S)
        settled = self.pitches[-long - settling : max(-settling, 2 - len(self.pitches))]
        if len(settled) > 2:
            low, self.centre, high = np.percentile(settled, (5, 50, 95))
            self.swing = min(0.8, 0.5 * (high - low)) if len(settled) > long // 2 else 0.0

    def settle(self, run: "list[_Moment]") -> None:
        """The pitch that was told first was that of the attack, or of a glide."""
        self.pitches, self.doubts = [m.pitch for m in run], [m.aperiodicity for m in run]
        self.centre = float(np.median(self.pitches))

    def heard(self, end_s: float | None, velocity: int) -> HeardNote:
        settled = self.pitches[len(self.pitches) // 5 :]  # the attack is seldom in tune
        return HeardNote(
            self.note_id,
            self.onset_s,
            None if end_s is None else max(0.0, end_s - self.onset_s),
            float(np.median(settled)) if settled else self.centre,
            velocity,
            float(np.clip(1.0 - np.mean(self.doubts) / PERIODIC, 0.0, 1.0)) if self.doubts else 0.0,
        )


class NoteTracker:
    """Follows one performer who plays one note at a time. Not thread-safe, reads no clock.

    ``low_pitch`` and ``high_pitch`` (MIDI numbers) are what the instrument can play.
    """

    def __init__(self, rate_hz: int, low_pitch: float = 36.0, high_pitch: float = 100.0) -> None:
        """Raises ``AudioDeviceError`` for a rate or a range that cannot be listened to."""
        if not 8000 <= rate_hz <= 192000:
            raise AudioDeviceError(f"cannot listen at {rate_hz} Hz: choose a rate from 8000 to 192000")
        if not 24.0 <= low_pitch < high_pitch <= 120.0:
            raise AudioDeviceError(f"cannot listen for pitches from {low_pitch:g} to {high_pitch:g}: 24 to 120 can be")
        self._input_hz = rate_hz
        self._factor = max(1, rate_hz // 22050)
        self._rate_hz = rate_hz / self._factor
        self._filter = scipy.signal.firwin(16 * self._factor + 1, 0.85 / self._factor) if self._factor > 1 else None
        taps = 1 if self._filter is None else len(self._filter)
        self._filter_s = 0.5 * (taps - 1) / rate_hz
        self._tails = np.zeros((4, taps - 1))
        self._phase = 0
        self._finder = PitchFinder(self._rate_hz, low_pitch, high_pitch)
        size = round(SPECTRUM_S * self._rate_hz)
        self._bands = BandSpectrum(self._rate_hz, size)
        count = len(self._bands.centres_hz)
        self._flux = SpectralFlux(count, max(1, round(FLUX_LAG_S / HOP_S)))
        self._gate = BleedGate(count, HOP_S)
        self._hop = round(HOP_S * self._rate_hz)
        self._canceller = EchoCanceller(self._hop, round(ECHO_S * self._rate_hz))
        self._spectrum_size = size
        self._level_size = max(2 * self._hop, round(self._rate_hz / 440.0 / 2.0 ** ((low_pitch - 69.0) / 12.0)))
        self._kept = max(size, self._finder.size, self._level_size)
        self._audio = np.zeros((4, self._kept), np.float32)  # what is listened to; output; echo; microphone
        self._ready = 0
        self._past: deque[_Moment] = deque(maxlen=round(LOOK_BACK_S / HOP_S))
        self._floor_db = FLOOR_DB - ABOVE_FLOOR_DB
        self._note: _Note | None = None
        self._run: list[_Moment] = []
        self._quiet_since_s: float | None = None
        self._last_end_s = -np.inf
        self._next_id = 0

    def push(self, samples: FloatArray, start_s: float, reference: FloatArray | None = None) -> list[HeardNote]:
        """What is known after more of the microphone's samples (mono), of which the first was heard at ``start_s``.

        ``reference`` is what the loudspeakers or headphones played at the same time, as many samples, mono.
        """
        streams = np.zeros((4, len(samples)))
        streams[0] = samples
        if reference is not None:
            streams[1] = reference
        np.nan_to_num(streams, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        first = self._phase
        if self._filter is not None:
            streams, self._tails = scipy.signal.lfilter(self._filter, 1.0, streams, axis=1, zi=self._tails)
        slow = streams[:, first :: self._factor].astype(np.float32)
        self._phase = (first - len(samples)) % self._factor
        before = self._audio.shape[1]
        self._audio = np.concatenate([self._audio, slow], axis=1)
        # The time of a sample of ``_audio`` by its index.
        zero_s = start_s + first / self._input_hz - self._filter_s - before / self._rate_hz
        told: list[HeardNote] = []
        end = before - self._ready + self._hop
        while end <= self._audio.shape[1]:
            told += self._step(end, zero_s + end / self._rate_hz, reference is not None)
            end += self._hop
        self._ready = self._audio.shape[1] - (end - self._hop)
        self._audio = self._audio[:, -self._kept - self._ready :]
        return told

    def finish(self, now_s: float) -> list[HeardNote]:
        """End the note that sounds: nothing more comes."""
        return self._end(now_s) if self._note is not None else []

    @property
    def leak_db(self) -> float:
        """How much of the orchestra comes back into the microphone."""
        return self._gate.leak_db

    # -- a hop ----------------------------------------------------------------------------------------------

    def _step(self, end: int, end_s: float, gated: bool) -> list[HeardNote]:
        rate_hz, newest = self._rate_hz, slice(end - self._hop, end)
        if gated:
            self._audio[3, newest] = self._audio[0, newest]
            self._audio[0, newest] = self._canceller.process(self._audio[3, newest], self._audio[1, newest])
            self._audio[2, newest] = self._audio[3, newest] - self._audio[0, newest]
        recent = self._audio[0, end - self._level_size : end]
        level_db = 10.0 * float(np.log10(np.mean(recent * recent) + 1e-12))
        spectrum = self._bands.of(self._audio[0, end - self._spectrum_size : end])
        own = spectrum
        if gated:
            played, echo, heard = (self._bands.of(row[end - self._spectrum_size : end]) for row in self._audio[1:])
            own = self._gate.step(heard, played, spectrum, echo)
        flux = self._flux.step(own)
        loud = level_db > max(FLOOR_DB, self._floor_db + ABOVE_FLOOR_DB)
        pitch, aperiodicity = 0.0, 1.0
        if loud:
            frame = self._audio[0, end - self._finder.size : end]
            found = self._finder.find(frame, self._note.centre if self._note is not None else None)
            pitch, aperiodicity = found.pitch, found.aperiodicity
            if gated and aperiodicity < PERIODIC and self._own_share(pitch, spectrum, own) < OWN_SHARE:
                aperiodicity = 1.0
        moment = _Moment(
            end_s - 0.5 * self._level_size / rate_hz,
            level_db,
            end_s - 0.5 * self._spectrum_size / rate_hz,
            flux,
            end_s - 0.5 * self._finder.size / rate_hz,
            pitch,
            aperiodicity,
        )
        self._past.append(moment)
        if aperiodicity >= PERIODIC:
            self._learn_floor(level_db)
        if self._note is None:
            return self._listen(moment)
        return self._follow(self._note, moment)

    def _learn_floor(self, level_db: float) -> None:
        """What sounds without a pitch is the room: fast down, slowly up."""
        self._floor_db += (0.2 if level_db < self._floor_db else 0.01) * (level_db - self._floor_db)

    def _own_share(self, pitch: float, heard: FloatArray, own: FloatArray) -> float:
        """How much of the sound at the pitch's harmonics is not bleed."""
        nearest = self._harmonics(pitch)
        total = float((heard[nearest] ** 2).sum())
        return float((own[nearest] ** 2).sum()) / total if total > 0.0 else 0.0

    def _harmonics(self, pitch: float) -> npt.NDArray[np.int64]:
        """The bands of a pitch's harmonics."""
        harmonics_hz = 440.0 * 2.0 ** ((pitch - 69.0) / 12.0) * np.arange(1, HARMONICS + 1)
        centres_hz = self._bands.centres_hz
        above = np.clip(np.searchsorted(centres_hz, harmonics_hz), 1, len(centres_hz) - 1)
        nearer = harmonics_hz - centres_hz[above - 1] < centres_hz[above] - harmonics_hz
        return (above - nearer)[harmonics_hz < centres_hz[-1]]

    def _listen(self, moment: _Moment) -> list[HeardNote]:
        """Out of quiet: a pitch that stays is a note."""
        self._gather(moment)
        if len(self._run) * HOP_S < BEGINS_S or self._rings_out(moment):
            return []
        return [self._begin(self._rise_s(moment))]

    def _rings_out(self, moment: _Moment) -> bool:
        """What sounds after a note is its ring in the room."""
        since = [m.level_db for m in self._past if m.level_s > self._last_end_s]
        earlier_db = since[-min(len(since), round(RING_S / HOP_S))]
        return moment.level_db < min(since) + RING_DB and moment.level_db < earlier_db - 1.0

    def _follow(self, note: _Note, moment: _Moment) -> list[HeardNote]:
        faded = moment.level_db < note.peak_db - ENDS_DB
        if moment.aperiodicity >= PERIODIC or faded:
            self._run.clear()
            if self._quiet_since_s is None:
                self._quiet_since_s = moment.level_s
            if moment.level_s - self._quiet_since_s >= ENDS_S or faded:
                return self._end(self._quiet_since_s)
            return []
        self._quiet_since_s = None
        if abs(moment.pitch - note.centre) > note.reach:
            self._gather(moment)
            if len(self._run) * HOP_S < CHANGES_S:
                return []
            if moment.pitch_s - note.onset_s < SETTLES_S:  # it was on its way still
                note.settle(self._run)
                self._run = []
                return []
            at_s = self._change_s(note)
            return [*self._end(at_s), self._begin(at_s)]
        self._run.clear()
        note.add(moment)
        struck_s = self._struck_s(note)
        if struck_s is not None:
            again = self._end(struck_s)
            self._run.append(moment)
            return [*again, self._begin(struck_s)]
        note.peak_db = max(note.peak_db, moment.level_db)
        return []

    def _gather(self, moment: _Moment) -> None:
        """The frames of a pitch that may become a note."""
        if moment.aperiodicity >= PERIODIC:
            self._run.clear()
            return
        self._run.append(moment)
        while max(abs(m.pitch - moment.pitch) for m in self._run) > STEADY_SEMITONES:
            self._run.pop(0)

    # -- when -----------------------------------------------------------------------------------------------

    def _rise_s(self, moment: _Moment) -> float:
        """When the level began to rise to what it is now."""
        past = [m for m in self._past if m.level_s > self._last_end_s - 0.02]
        levels = np.array([m.level_db for m in past])
        lowest = int(levels.argmin())
        threshold_db = levels[lowest] + max(3.0, 0.35 * (moment.level_db - levels[lowest]))
        below = np.flatnonzero(levels < threshold_db)
        at = min(int(below[-1]) + 1 if below.size else lowest, len(past) - 1)
        return past[at].level_s

    def _change_s(self, note: _Note) -> float:
        """When the pitch left the note before; a glide belongs to the note it goes to."""
        first = self._run[0].pitch_s
        near = [m for m in self._past if m.pitch_s < first and abs(m.pitch - note.centre) < GLIDE_SEMITONES]
        return max(near[-1].pitch_s, first - LONGEST_GLIDE_S) if near else first

    def _struck_s(self, note: _Note) -> float | None:
        """When the held pitch was struck anew, if it was a moment ago."""
        past = [m for m in self._past if m.level_s > note.onset_s]
        if len(past) < round(SHORTEST_S / HOP_S):
            return None
        newest, back = len(past) - 1, round(RISE_S / HOP_S)
        levels = np.array([m.level_db for m in past])
        valley = max(0, newest - back) + int(levels[-back - 1 :].argmin())
        fall_db = levels[:valley].max(initial=-np.inf) - levels[valley]
        rise_db = levels[valley:].max() - levels[valley]
        peak = max(range(valley, newest + 1), key=lambda i: past[i].flux)
        struck = past[peak].flux > STRUCK_FLUX and peak < newest
        if min(fall_db, rise_db) > (STRUCK_DB if struck else DIPS_DB):
            return past[valley].level_s
        return None

    # -- notes ----------------------------------------------------------------------------------------------

    def _begin(self, onset_s: float) -> HeardNote:
        pitches = [m.pitch for m in self._run]
        doubts = [m.aperiodicity for m in self._run]
        level_db = max(m.level_db for m in list(self._past)[-len(self._run) - 2 :])
        self._note = _Note(self._next_id, onset_s, float(np.median(pitches)), level_db, 0.0, pitches, doubts)
        self._next_id += 1
        self._run = []
        self._quiet_since_s = None
        return self._note.heard(None, _velocity(level_db))

    def _end(self, end_s: float) -> list[HeardNote]:
        note, self._note = self._note, None
        self._quiet_since_s = None
        if note is None:
            return []
        self._last_end_s = end_s
        return [note.heard(end_s, _velocity(note.peak_db))]


def _velocity(level_db: float) -> int:
    return int(np.clip(round(REFERENCE_VELOCITY + VELOCITY_PER_DB * (level_db - REFERENCE_DB)), 1, 127))
