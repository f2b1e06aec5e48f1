"""What a player asks of the AI besides notes: key, density, register, chords, style, mood, cadence.

In training the same values are measured in the music (``measure_controls``) and hidden at random, so that each can be
left open. Columns of a control array: ``key``, ``complexity``, ``style``, ``mood``, ``cadence``, then the density and
the register of each voice. Code 0 always means: not asked for.
"""

from dataclasses import dataclass

import numpy as np

from ..engine.errors import ModelError
from .craft.keys import KRUMHANSL_KESSLER, key_named, key_strengths
from .grid import FIRST_PITCH, LOW_PITCH, VOCABULARY, VOICES, Grid, states_after

KEY, COMPLEXITY, STYLE, MOOD, CADENCE = range(5)
DENSITY = 5
REGISTER = DENSITY + VOICES
COLUMNS = REGISTER + VOICES
STYLES = ("baroque", "classical", "romantic", "modern")
MOODS = ("serene", "joyful", "sad", "agitated")
"""Valence by mode, arousal by pace, as in Russell, "A circumplex model of affect", J. Pers. Soc. Psych. 39, 1980."""
DENSITY_EDGES = np.array([0.5, 2.5, 3.5, 4.5, 5.5, 6.5, 9.5])
"""Between density levels: onsets of one voice in four quarters."""
DENSITY_CENTRES = (0.0, 1.6, 3.0, 4.0, 5.0, 6.0, 8.0, 13.0)
COMPLEXITY_EDGES = np.array([0.12, 0.28, 0.45])
"""Between levels of chord complexity: share of the chords that are no plain triad."""
LOWEST_REGISTER, REGISTER_WIDTH, REGISTERS = 34, 4, 15
CADENCE_HORIZON_QUARTERS = 4
SIZES = (
    25,
    2 + len(COMPLEXITY_EDGES),
    1 + len(STYLES),
    1 + len(MOODS),
    CADENCE_HORIZON_QUARTERS + 3,
    *[2 + len(DENSITY_EDGES)] * VOICES,
    *[1 + REGISTERS] * VOICES,
)
"""Number of codes of each column."""

_TRIADS = frozenset(
    frozenset((tone + root) % 12 for tone in subset)
    for root in range(12)
    for chord in ((0, 4, 7), (0, 3, 7))
    for subset in (chord, chord[:2], (chord[0], chord[2]), chord[1:], chord[:1])
)
_LIVELY_ONSETS_PER_S = 1.6


@dataclass(frozen=True, slots=True)
class Controls:
    """What is asked for from now on; None leaves it to the model. A new value may come with every step.

    ``key`` is a tonic and a mode (``"G major"``, ``"f# minor"``); ``density`` the onsets per quarter of an answered
    voice; ``register`` its mean pitch (MIDI); ``complexity`` 0 (plain triads) – 1; ``style`` one of ``STYLES``,
    ``mood`` of ``MOODS``; ``cadence_in_quarters`` how far away the next cadence is (0: here; 5 or more: not within a
    bar). ``density`` and ``register`` can be one value for all voices or one for each.
    """

    key: str | None = None
    density: float | tuple[float | None, ...] | None = None
    register: float | tuple[float | None, ...] | None = None
    complexity: float | None = None
    style: str | None = None
    mood: str | None = None
    cadence_in_quarters: float | None = None

    def codes(self) -> np.ndarray:
        """The control array of one step, shape (``COLUMNS``,), int64. Raises ``ModelError`` for unknown words."""
        codes = np.zeros(COLUMNS, np.int64)
        codes[KEY] = 0 if self.key is None else 1 + parse_key(self.key)
        if self.complexity is not None:
            levels = len(COMPLEXITY_EDGES) + 1
            codes[COMPLEXITY] = 1 + min(levels - 1, max(0, int(self.complexity * levels)))
        codes[STYLE] = _word(self.style, STYLES, "style")
        codes[MOOD] = _word(self.mood, MOODS, "mood")
        if self.cadence_in_quarters is not None:
            codes[CADENCE] = cadence_code(self.cadence_in_quarters)
        for voice in range(VOICES):
            density, register = _for_voice(self.density, voice), _for_voice(self.register, voice)
            if density is not None:
                codes[DENSITY + voice] = 1 + density_level(density)
            if register is not None:
                codes[REGISTER + voice] = register_code(register)
        return codes


def parse_key(text: str) -> int:
    """Tonic pitch class of a major key, or 12 + that of a minor one. Raises ``ModelError``."""
    key = key_named(text)
    return key.tonic + (12 if key.mode == "minor" else 0)


def density_level(onsets_per_quarter: float) -> int:
    """The density level of a voice, 0 (rests or holds) – 7."""
    return int(np.searchsorted(DENSITY_EDGES, 4 * onsets_per_quarter))


def register_code(pitch: float) -> int:
    return 1 + int(np.clip((pitch - LOWEST_REGISTER) // REGISTER_WIDTH, 0, REGISTERS - 1))


def cadence_code(quarters: float) -> int:
    """1: no cadence within a bar of four; 2: a cadence here; 3 and on: in one quarter, two …"""
    return 1 if quarters > CADENCE_HORIZON_QUARTERS else 2 + int(np.ceil(max(0.0, quarters) - 1e-6))


def _for_voice(value: float | tuple[float | None, ...] | None, voice: int) -> float | None:
    return value[voice] if isinstance(value, tuple) else value


def check_word(name: str, word: str | None, words: tuple[str, ...]) -> None:
    """Raises ``ModelError`` for a word that is none of a control's."""
    if word is not None and word not in words:
        raise ModelError(f"no {name} named {word!r}: there are {', '.join(words)}")


def _word(word: str | None, words: tuple[str, ...], name: str) -> int:
    check_word(name, word, words)
    return 0 if word is None else 1 + words.index(word)


def measure_controls(
    tokens: np.ndarray, grid: Grid, *, style: str | None = None, quarter_bpm: np.ndarray | float | None = None
) -> np.ndarray:
    """The controls that music answers to, shape (steps, ``COLUMNS``), int64.

    Density and register look ahead four quarters from each step, complexity eight, key and mood about eight around it.
    ``quarter_bpm`` is the tempo (of each step or of all); without it the mood stays open.
    """
    sounding, _ = states_after(tokens)
    pitched = (sounding >= FIRST_PITCH) & (sounding < VOCABULARY)
    codes = np.zeros((len(tokens), COLUMNS), np.int64)
    length = np.diff(np.append(grid.onset_quarter, grid.end_quarter))
    onsets = ((tokens >= FIRST_PITCH) & (tokens < VOCABULARY)).astype(float)
    per_four = 4.0 * _mean_ahead(onsets / length[:, None], length, grid, 4.0)
    held = length[:, None] * pitched
    weight = _mean_ahead(held / length[:, None], length, grid, 4.0)
    pitch = _mean_ahead(held / length[:, None] * (sounding - FIRST_PITCH + LOW_PITCH), length, grid, 4.0)
    present = (tokens < VOCABULARY).any(axis=0)
    codes[:, DENSITY:REGISTER] = np.where(present, 1 + np.searchsorted(DENSITY_EDGES, per_four - 1e-6), 0)
    mean_pitch = pitch / np.maximum(weight, 1e-9)
    registers = 1 + np.clip((mean_pitch - LOWEST_REGISTER) // REGISTER_WIDTH, 0, REGISTERS - 1)
    codes[:, REGISTER:] = np.where(weight > 1e-9, registers, 0)
    key = local_keys(tokens, grid)
    codes[:, KEY] = 1 + key
    codes[:, COMPLEXITY] = 1 + np.searchsorted(COMPLEXITY_EDGES, _richness(sounding, pitched, length, grid))
    if style is not None:
        codes[:, STYLE] = _word(style, STYLES, "style")
    if quarter_bpm is not None:
        moving = _mean_around(onsets.sum(axis=1) / length / max(1, present.sum()), length, grid, 8.0)
        pace = moving * np.asarray(quarter_bpm, float) / 60.0
        codes[:, MOOD] = 1 + 2 * (key >= 12) + (pace > _LIVELY_ONSETS_PER_S)
    codes[:, CADENCE] = _cadence_codes(tokens, sounding, pitched, grid)
    return codes


def local_keys(tokens: np.ndarray, grid: Grid) -> np.ndarray:
    """The key around each step (``parse_key``'s numbers), shape (steps,), as the network learned it: by Krumhansl and
    Kessler's profiles."""
    sounding, _ = states_after(tokens)
    length = np.diff(np.append(grid.onset_quarter, grid.end_quarter))
    classes = np.zeros((len(tokens), 12))
    for voice in range(tokens.shape[1]):
        pitched = (sounding[:, voice] >= FIRST_PITCH) & (sounding[:, voice] < VOCABULARY)
        steps = np.flatnonzero(pitched)
        classes[steps, (sounding[steps, voice] - FIRST_PITCH + LOW_PITCH) % 12] += 1.0
    around = _mean_around(classes, length, grid, 12.0)
    return key_strengths(around, KRUMHANSL_KESSLER).argmax(axis=-1)


def _cadences(tokens: np.ndarray, sounding: np.ndarray, pitched: np.ndarray, grid: Grid) -> np.ndarray:
    """Where a phrase comes to rest: a chord that all who play begin or hold on a beat, a triad above its root, after
    movement and before a quarter and a half or more of stillness."""
    onset = ((tokens >= FIRST_PITCH) & (tokens < VOCABULARY)).any(axis=1)
    steps = np.flatnonzero(onset)
    if len(steps) < 2:
        return np.zeros(0, np.int64)
    nexts = np.append(grid.onset_quarter[steps[1:]], grid.end_quarter)
    still = nexts - grid.onset_quarter[steps]
    before = np.append(0.0, still[:-1])
    usual = np.median(still)
    found = []
    for index in np.flatnonzero((still >= max(1.5, 2 * usual)) & (before <= 1.0)):
        step = int(steps[index])
        voices = np.flatnonzero(pitched[step])
        if grid.place[step] not in (0, 4) or len(voices) < 2:
            continue
        pitches = sounding[step, voices]
        classes = frozenset(int(pitch - pitches.min()) % 12 for pitch in pitches)
        if classes <= {0, 4, 7} or classes <= {0, 3, 7}:
            found.append(step)
    return np.array(found, np.int64)


def _cadence_codes(tokens: np.ndarray, sounding: np.ndarray, pitched: np.ndarray, grid: Grid) -> np.ndarray:
    places = grid.onset_quarter[_cadences(tokens, sounding, pitched, grid)]
    following = np.append(places, np.inf)[np.searchsorted(places, grid.onset_quarter - 1e-6)]
    away = following - grid.onset_quarter
    near = away <= CADENCE_HORIZON_QUARTERS
    return np.where(near, 2 + np.ceil(np.where(near, away, 0.0) - 1e-6), 1).astype(np.int64)


def _richness(sounding: np.ndarray, pitched: np.ndarray, length: np.ndarray, grid: Grid) -> np.ndarray:
    rich = np.zeros(len(sounding))
    chord = np.zeros(len(sounding))
    for step in range(len(sounding)):
        classes = frozenset(((sounding[step][pitched[step]] - FIRST_PITCH + LOW_PITCH) % 12).tolist())
        if len(classes) >= 2:
            chord[step] = 1.0
            rich[step] = classes not in _TRIADS
    share = _mean_ahead(rich[:, None], length, grid, 8.0) / np.maximum(
        _mean_ahead(chord[:, None], length, grid, 8.0), 1e-9
    )
    return share[:, 0]


def _mean_ahead(rate: np.ndarray, length: np.ndarray, grid: Grid, quarters: float) -> np.ndarray:
    """Mean of ``rate`` (steps, n) over the time from each step to ``quarters`` later, or the end."""
    first = np.arange(len(rate))
    last = np.searchsorted(grid.onset_quarter, grid.onset_quarter + quarters - 1e-6)
    return _mean(rate, length, first, last)


def _mean_around(rate: np.ndarray, length: np.ndarray, grid: Grid, quarters: float) -> np.ndarray:
    first = np.searchsorted(grid.onset_quarter, grid.onset_quarter - quarters / 2 - 1e-6)
    last = np.searchsorted(grid.onset_quarter, grid.onset_quarter + quarters / 2 - 1e-6)
    return _mean(rate, length, first, np.maximum(last, first + 1))


def _mean(rate: np.ndarray, length: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    shaped = length if rate.ndim == 1 else length[:, None]
    total = np.concatenate([np.zeros((1, *rate.shape[1:])), np.cumsum(rate * shaped, axis=0)])
    time = np.append(0.0, np.cumsum(length))
    span = time[last] - time[first]
    return (total[last] - total[first]) / (span if rate.ndim == 1 else span[:, None])
