"""Where a soloist is in the score: a hidden Markov model over all events of their part, stepped by every heard note.

Each event is a hypothesis "the last note heard was this one", with its probability, its time, and a tempo of its own
(a Kalman filter of the logarithm of tempo against the marked one). A note comes from the event before, after notes left
out, as one too many (or one more of a trill or chord), or after a jump: then at the beginnings of phrases, near by, or
where the soloist stopped last, rather than anywhere. Forward recursion after Rabiner (Proc. IEEE 77, 1989); jumps as in
Nakamura, Nakamura and Sagayama, "Real-Time Audio-to-Score Alignment of Music Performances Containing Errors and
Arbitrary Repeats and Skips" (IEEE/ACM TASLP 24, 2016). ``SoloFollower`` holds to where it is until another place is far
more probable.
"""

import math
from collections import deque

import numpy as np
import numpy.typing as npt

from ..score import Score
from ..types import HeardNote, SoloPosition, SoloState
from .solo_line import SoloLine

Floats = npt.NDArray[np.float64]

REACH = 6
"""So many events ahead at most without a jump."""
ADVANCE, EXTRA, EXTRA_ORNAMENT = 0.93, 0.04, 0.9
LEFT_OUT, LEFT_OUT_GRACE = 0.025, 0.5
JUMP, JUMP_AFTER_PAUSE = 0.002, 0.15
STRAYS, RETURNS, STRAY = 0.005, 0.02, 0.06
"""How likely a soloist begins to play what is not in the score (tries, warms up), ends it, and a pitch of that."""
RIGHT, OCTAVE, NEIGHBOUR, ANY = 0.9, 0.015, 0.012, 0.0012
"""How likely a pitch of the event is heard as itself, an octave off, up to two semitones off, as anything."""
EXTRA_REPEATS, EXTRA_ANY = 0.15, 0.012
"""How likely a note too many repeats a pitch, or is a given other one."""
ORNAMENT_S, ORNAMENT_SD = 0.1, 0.45
"""Notes of an ornament follow each other about so quickly, and the spread of the logarithm of that."""
TOGETHER_S = 0.09
"""Notes of a chord come within this."""
ONSET_SD_S = 0.035
HESITATES, HURRIES = 0.06, 0.012
"""Parts of notes that come much later or earlier than the tempo says."""
OPEN = 0.2
"""Density of the logarithm of the time to a note that nothing foretells."""
PAUSE_S, PAUSE_TIMES = 0.9, 2.2
"""Overdue by this and so many times the expected distance, the soloist has paused."""
FIRST_SD, RESTART_SD, DRIFT_SD = 0.35, 0.15, 0.05
"""Spread of the logarithm of tempo at first, after a jump, and what it gains in a second."""
BEGINS = 0.7
"""Probability that a soloist begins where they are expected to."""
NEAR_QUARTER, NEAR, AHEAD_NEAR = 24.0, 12.0, 6.0
"""A jump is this much more likely near by: back, and ahead."""
PLAYED_BEFORE = 3.0
"""And this much where they have played already: who goes back practises."""
WHERE_STOPPED = 20.0
"""What is added where the soloist stopped or left their place lately, at the beginning of that bar, and of this one."""
STOPS_KEPT = 4
SETTLED, SURPASSES, LOST = 0.8, 6.0, 0.25
"""Another place is believed at this probability, or this many times that of the present one once that is lost."""
ADRIFT = 0.2
"""Where what is not in the score is more probable than this, the soloist is not looked for."""
BACK, AHEAD = 2, 6
"""What is this near to an event counts for the same place."""


class SoloFollower:
    """Follows one soloist through ``line``. One thread; well under a millisecond a note for a long part."""

    def __init__(self, score: Score, line: SoloLine, start_quarter: float = 0.0) -> None:
        """The soloist is expected to begin at ``start_quarter``, or with the first note after it."""
        count = len(line)
        self._line = line
        self._score = score
        self._likely = _pitch_table(line)
        self._chord = line.pitches.sum(axis=1) > 1
        self._passing = [_passing(line, step) for step in range(1, min(REACH, count - 1) + 1)]
        self._extra = np.where(line.ornamented, EXTRA_ORNAMENT, EXTRA)
        self._first = min(count - 1, int(np.searchsorted(line.quarter, start_quarter - 1e-6)))
        self._belief = (1.0 - BEGINS) * line.entrance / line.entrance.sum()
        self._belief[self._first] += BEGINS
        self._time_s = np.zeros(count)
        self._tempo = np.zeros(count)
        self._spread = np.full(count, FIRST_SD**2)
        self._adrift = 0.0
        self._played = np.zeros(count, bool)
        self._stops: deque[int] = deque(maxlen=STOPS_KEPT)
        self._known: deque[int] = deque(maxlen=256)
        self._at: int | None = None
        self._heard_s = -math.inf
        self._confidence = 0.0
        self._jumps = 0
        self._lost = False

    @property
    def event(self) -> int | None:
        """The event of the line that was heard last; None before the first note."""
        return self._at

    def hear(self, note: HeardNote) -> None:
        """Take a note up, once; what is told again of the same note changes nothing."""
        if note.note_id in self._known:
            return
        self._known.append(note.note_id)
        seen = note.confidence * self._pitch_likelihood(note.pitch) + (1.0 - note.confidence) * 0.05
        extra = note.confidence * self._extra_likelihood(note.pitch) + (1.0 - note.confidence) * 0.05
        if self._at is None:
            self._belief = self._belief * seen
            self._time_s[:] = note.onset_s
        else:
            self._move(note.onset_s, seen, extra)
        total = float(self._belief.sum()) + self._adrift
        self._belief /= total
        self._adrift /= total
        self._heard_s = max(self._heard_s, note.onset_s)
        self._settle()

    # -- the model -----------------------------------------------------------------------------------------

    def _pitch_likelihood(self, pitch: float) -> Floats:
        low = min(126, max(0, math.floor(pitch)))
        part = min(1.0, max(0.0, pitch - low))
        part = part * part * (3.0 - 2.0 * part)  # a pitch a little off is still itself
        return np.asarray((1.0 - part) * self._likely[:, low] + part * self._likely[:, low + 1])

    def _extra_likelihood(self, pitch: float) -> Floats:
        own = self._line.pitches[:, min(127, max(0, round(pitch)))]
        return np.where(own, np.where(self._line.ornamented, RIGHT, EXTRA_REPEATS), EXTRA_ANY)

    def _move(self, onset_s: float, seen: Floats, extra: Floats) -> None:
        """One step of the forward recursion; each event takes time and tempo from its most probable origin."""
        since_s = np.maximum(onset_s - self._time_s, 0.01)
        paused = self._paused(onset_s)
        apart = math.log(max(onset_s - self._heard_s, 0.01) / ORNAMENT_S) / ORNAMENT_SD
        quick = max(OPEN, math.exp(-0.5 * apart**2) / (ORNAMENT_SD * math.sqrt(2.0 * math.pi)))
        stay = self._belief * self._extra * extra * np.where(self._line.ornamented, quick, OPEN)
        chord = np.where(self._chord & ~self._line.ornamented & (since_s < TOGETHER_S), self._belief * seen, 0.0)
        belief = stay + chord
        best, origin_s = belief.copy(), self._time_s.copy()
        tempo, spread = self._tempo.copy(), self._spread.copy()
        for step, (nominal_s, passing) in enumerate(self._passing, 1):
            weight, new_tempo, new_spread = self._advance(step, since_s, nominal_s, passing)
            came = weight * seen[step:]
            belief[step:] += came
            better = came > best[step:]
            best[step:] = np.where(better, came, best[step:])
            origin_s[step:] = np.where(better, onset_s, origin_s[step:])
            tempo[step:] = np.where(better, new_tempo, tempo[step:])
            spread[step:] = np.where(better, new_spread, spread[step:])
        leaving = (JUMP_AFTER_PAUSE if paused else JUMP) * float(self._belief.sum()) + RETURNS * self._adrift
        jumped = leaving * self._entrances() * seen * OPEN
        self._adrift = (STRAYS * float(self._belief.sum()) + (1.0 - RETURNS) * self._adrift) * STRAY * OPEN
        belief += jumped
        fresh = jumped > best
        now = int(np.argmax(self._belief))
        origin_s[fresh] = onset_s
        tempo[fresh] = self._tempo[now]
        spread[fresh] = max(self._spread[now], RESTART_SD**2)
        self._belief, self._time_s, self._tempo, self._spread = belief, origin_s, tempo, spread

    def _advance(self, step: int, since_s: Floats, nominal_s: Floats, passing: Floats) -> tuple[Floats, Floats, Floats]:
        """Weight, tempo and its variance of what comes ``step`` events later, at each event from ``step`` on."""
        tempo, variance, came_s = self._tempo[:-step], self._spread[:-step], since_s[:-step]
        expected_s = nominal_s * np.exp(tempo)
        variance = variance + DRIFT_SD**2 * np.minimum(came_s, 4.0)
        noise = (ONSET_SD_S / expected_s) ** 2 + 0.03**2
        off = np.log(came_s / expected_s)
        total = variance + noise
        usual = np.exp(-0.5 * off**2 / total) / np.sqrt(2.0 * math.pi * total)
        odd = np.where(off > 0.0, HESITATES * 0.7 * np.exp(-0.7 * off), HURRIES * 0.5 * np.exp(0.5 * off))
        weight = self._belief[:-step] * passing * (usual + odd)
        gain = np.where(usual > odd, variance / total, 0.0)
        return weight, tempo + gain * off, np.maximum(variance * (1.0 - gain), 0.02**2)

    def _paused(self, onset_s: float) -> bool:
        assert self._at is not None
        due_s = self._next()[1]
        late_s = onset_s - due_s
        return late_s > PAUSE_S and onset_s - self._heard_s > PAUSE_TIMES * (due_s - self._time_s[self._at])

    def _entrances(self) -> Floats:
        """How readily a soloist who jumps begins at each event; sums to 1."""
        assert self._at is not None
        line = self._line
        distance = line.quarter - line.quarter[self._at]
        nearness = np.where(distance > 0.0, AHEAD_NEAR, NEAR) * np.exp(-np.abs(distance) / NEAR_QUARTER)
        entrance = line.entrance * (1.0 + nearness) * np.where(self._played, PLAYED_BEFORE, 1.0)
        for stop in (*self._stops, self._at):
            bar = stop - int(np.argmax(line.entrance[stop::-1] > 0.5))
            entrance[[stop, min(stop + 1, len(line) - 1), bar]] += WHERE_STOPPED
        return np.asarray(entrance / entrance.sum())

    # -- the place that is held to -------------------------------------------------------------------------

    def _settle(self) -> None:
        """Go on where the soloist was, or believe in another place."""
        belief = self._belief
        best = int(np.argmax(belief))
        if self._at is None:
            self._at = best
            self._confidence = float(belief[self._around(best)].sum())
            return
        here = self._around(self._at)
        near = here.start + int(np.argmax(belief[here]))
        near_worth = float(belief[here].sum())
        best_worth = self._worth(best)
        elsewhere = not here.start <= best < here.stop
        surpassed = near_worth < LOST / 4 and best_worth > max(LOST, SURPASSES * near_worth)
        believed = best_worth > SETTLED or (surpassed and self._adrift < ADRIFT)
        if elsewhere and believed:
            self._stops.append(self._at)
            self._jumps += 1
            self._at = best
            near_worth = best_worth
        else:
            self._at = near
        self._played[self._at] = True
        self._confidence = near_worth
        self._lost = near_worth < LOST

    def _around(self, event: int) -> slice:
        return slice(max(0, event - BACK), min(len(self._belief), event + AHEAD + 1))

    def _worth(self, event: int) -> float:
        """Probability of a place: of what is near to it, and of the same printed notes in other repeats."""
        same = self._line.place == self._line.place[event]
        span = self._around(event)
        same[span] = True
        return float(self._belief[same].sum())

    def _next(self) -> tuple[int, float]:
        """The next event that is surely played, and when."""
        assert self._at is not None
        following = self._at + 1
        while following < len(self._line) - 1 and self._line.optional[following]:
            following += 1
        following = min(following, len(self._line) - 1)
        distance_s = self._line.nominal_s[following] - self._line.nominal_s[self._at]
        return following, float(self._time_s[self._at] + distance_s * math.exp(self._tempo[self._at]))

    def at(self, now_s: float) -> SoloPosition:
        """Where the soloist is at ``now_s``, going on in their tempo up to the next note, which they may delay."""
        marked = 60.0 / self._score.quarter_bpm_at(0.0)
        if self._at is None:
            first = float(self._line.quarter[self._first])
            return SoloPosition(now_s, "waiting", first, now_s, first, first, None, marked, 0.0, 0)
        at = self._at
        quarter = float(self._line.quarter[at])
        following, due_s = self._next()
        tempo = math.exp(self._tempo[at])
        period_s = 60.0 / self._score.quarter_bpm_at(quarter) * tempo
        onset_s = float(self._time_s[at])
        last = following == at
        next_quarter = float(self._line.end_quarter[at] if last else self._line.quarter[following])
        if last:
            due_s = onset_s + (next_quarter - quarter) * period_s
        part = min(1.0, max(0.0, (now_s - onset_s) / max(due_s - onset_s, 1e-6)))
        state: SoloState = "lost" if self._lost else "following"
        if last and part >= 1.0:
            state = "ended"
        elif now_s - max(due_s, self._heard_s) > max(PAUSE_S, (PAUSE_TIMES - 1.0) * min(due_s - onset_s, 2.0)):
            state = "paused"
        return SoloPosition(
            time_s=now_s,
            state=state,
            quarter=quarter + part * (next_quarter - quarter),
            onset_s=onset_s,
            onset_quarter=quarter,
            next_quarter=next_quarter,
            next_s=due_s,
            period_s=period_s,
            confidence=self._confidence,
            jumps=self._jumps,
        )


def _passing(line: SoloLine, step: int) -> tuple[Floats, Floats]:
    """From each event to the one ``step`` later: seconds at the marked tempo, how likely those between are left out."""
    count = len(line) - step
    likely = np.full(count, ADVANCE)
    left_out = np.where(line.optional, LEFT_OUT_GRACE, LEFT_OUT)
    for between in range(1, step):
        likely *= left_out[between : between + count]
    return np.maximum(line.nominal_s[step:] - line.nominal_s[:count], 0.02), likely


def _pitch_table(line: SoloLine) -> npt.NDArray[np.float64]:
    """How likely each MIDI number (columns) is heard where an event (rows) is meant."""
    own = line.pitches
    table = np.full(own.shape, ANY)
    for by, likely in ((-2, NEIGHBOUR), (2, NEIGHBOUR), (-1, NEIGHBOUR), (1, NEIGHBOUR), (-12, OCTAVE), (12, OCTAVE)):
        moved = np.zeros_like(own)
        if by > 0:
            moved[:, by:] = own[:, :-by]
        else:
            moved[:, :by] = own[:, -by:]
        table[moved] = np.maximum(table[moved], likely)
    right = RIGHT / np.sqrt(np.maximum(1, own.sum(axis=1)))
    table[own] = np.repeat(right, own.sum(axis=1))
    return table
