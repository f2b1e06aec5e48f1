"""The compiled part of voices: how pitch moves, and how what a sampler reads becomes a player's sound.

Everything here is a function of a voice's age in samples, so that the sound does not depend on how time is cut into
blocks: pitch and swell are computed on a grid of ``CONTROL`` samples and are straight lines in between, envelopes are
exact to a sample. The kernels release the GIL and allocate next to nothing.
"""

import numba
import numpy as np
import numpy.typing as npt

from .pyo_block import FloatArray
from .vectors import WIDTH, transpose

CONTROL = 32
"""Samples between computed values of vibrato and glides (0.7 ms at 48 kHz). Every block is a multiple of it."""
NEVER = 1 << 62

VOICE = np.dtype(
    [
        ("age", np.int64),  # samples that this voice has given
        ("row", np.int32),  # stream of the ring
        ("offset", np.int32),  # where in its first block it began
        ("ratio", np.float64),  # speed of the sampler without vibrato
        ("vibrato_cents", np.float32),
        ("vibrato_hz", np.float32),
        ("vibrato_phase", np.float32),  # cycles
        ("vibrato_delay", np.float32),  # samples until it has half its depth
        ("drift_cents", np.float32),
        ("swell", np.float32),  # share of the amplitude that vibrato moves
        ("glide_cents", np.float32),  # distance at the start from where the pitch goes
        ("glide", np.float32),  # samples that it takes
        ("gain", np.float32),
        ("attack", np.float32),  # samples
        ("release_at", np.int64),  # age
        ("release", np.float32),  # samples
        ("fade_at", np.int64),  # age: the player's next note
        ("fade", np.float32),  # samples
        ("cut_at", np.int64),  # age: the voice is needed elsewhere
        ("cut", np.float32),  # samples
        ("brightness", np.float32),  # coefficient of the low-pass: 1 lets all through
        ("held", np.float32),  # its memory
        ("noise", np.float32),  # amplitude of breath or bow
        ("noise_burst", np.float32),  # and how much more of it there is still from the onset
        ("noise_decay", np.float32),  # share of the burst that a sample leaves
        ("noise_held", np.float32),
        ("noise_state", np.uint32),
    ],
    align=True,
)
"""What the kernels know of a voice."""
Voices = npt.NDArray[np.void]
_GONE = np.float32(1e-9)
"""What changes nothing when it is added to 1: less of a burst would end in denormal numbers, which slow a note down."""
_DRIFT_HZ = 0.83
"""Rate at which a held pitch wanders. Slow beside vibrato: players correct what they hear within a second or so."""
_DRIFT_PHASES = 7.0
"""Where a drift begins: the vibrato's phase so many times over, as good as another random number."""


@numba.njit(nogil=True, cache=True, inline="always")
def _sine(cycles: float) -> float:
    """sin 2π ``cycles`` within a thousandth (a parabola, bent once: plenty for vibrato)."""
    x = cycles - int(cycles + 0.5)  # cycles are not negative
    y = 8.0 * x - 16.0 * x * abs(x)
    return 0.225 * (y * abs(y) - y) + y


@numba.njit(nogil=True, cache=True, inline="always")
def _depth(age: float, delay: float) -> float:
    """How much of a vibrato has grown: nothing until half its delay, all after one and a half."""
    if age >= 1.5 * delay:
        return 1.0
    x = max(age / delay - 0.5, 0.0)
    return x * x * (3.0 - 2.0 * x)


@numba.njit(nogil=True, cache=True, fastmath={"contract"})
def write_pitches(
    voices: Voices, active: npt.NDArray[np.int32], pitch: FloatArray, swings: FloatArray, rate_hz: float
) -> None:
    """The next block of every active voice's speed, into its row of ``pitch``; and of its vibrato (−1…1, at every
    ``CONTROL`` samples and at the end) into its row of ``swings``."""
    drift_cycle = _DRIFT_HZ / rate_hz
    octaves = np.log(2.0) / 1200.0
    for index in active:
        voice = voices[index]
        row, swing = pitch[index], swings[index]
        # Out of the record once: the loop below is half as fast with every access to it.
        age, ratio, phase, cycle = voice.age, voice.ratio, float(voice.vibrato_phase), voice.vibrato_hz / rate_hz
        vibrato, delay, drift = float(voice.vibrato_cents), float(voice.vibrato_delay), float(voice.drift_cents)
        glide_cents, glide = float(voice.glide_cents), float(voice.glide)
        swinging = vibrato > 0.0 or voice.swell > 0.0
        if not swinging and drift == 0.0 and age >= glide:
            swing[:] = 0.0
            row[:] = ratio
            continue
        # A drift goes sideways from where it would begin, so that a note starts in its own tune.
        drift_start = _sine(_DRIFT_PHASES * phase)
        before = 0.0
        for part in range(row.size // CONTROL + 1):
            then = age + part * CONTROL
            swung = _depth(then, delay) * _sine(phase + then * cycle) if swinging else 0.0
            swing[part] = swung
            cents = vibrato * swung
            if drift > 0.0:
                cents += drift * (_sine(_DRIFT_PHASES * phase + then * drift_cycle) - drift_start)
            if then < glide:
                left = 1.0 - then / glide
                cents += glide_cents * left * left * (3.0 - 2.0 * left)
            x = cents * octaves
            value = ratio * (1.0 + x * (1.0 + x * (0.5 + x * (1.0 / 6.0))))
            if part > 0:
                first = (part - 1) * CONTROL
                start, step = np.float32(before), np.float32((value - before) / CONTROL)
                for i in range(CONTROL):
                    row[first + i] = start + step * np.float32(i)
            before = value


@numba.njit(nogil=True, cache=True)
def _fall(level, age, start, duration, rounded):  # type: ignore[no-untyped-def]
    """Multiply ``level`` with what falls from 1 to 0 within ``duration`` samples from age ``start`` on.

    Ends die away rather than run out: as a square, or ``rounded`` off at both ends.
    """
    first = max(0, start - age)
    per_sample = np.float32(1.0 / duration)
    for i in range(first, level.size):
        left = np.float32(1.0) - np.float32(age + i - start) * per_sample
        left = max(left, np.float32(0.0))
        if rounded:
            level[i] *= left * left * (np.float32(3.0) - np.float32(2.0) * left)
        else:
            level[i] *= left * left


@numba.njit(nogil=True, cache=True)
def _levels(voice, swing, level):  # type: ignore[no-untyped-def]
    """Fill ``level`` with the voice's gain for each sample of the block; ``swing`` as ``write_pitches`` left it."""
    block, age, swell = level.size, voice.age, voice.swell
    level[:] = voice.gain
    if age < voice.attack:
        per_sample = np.float32(1.0 / voice.attack)
        for i in range(min(block, int(voice.attack) - age)):
            rise = np.float32(age + i + 1) * per_sample
            level[i] *= rise * rise
    if age + block > voice.release_at:
        _fall(level, age, voice.release_at, voice.release, False)
    if age + block > voice.fade_at:
        _fall(level, age, voice.fade_at, voice.fade, True)
    if age + block > voice.cut_at:
        _fall(level, age, voice.cut_at, voice.cut, True)
    if swell > 0.0:
        for part in range(block // CONTROL):
            value = np.float32(1.0) + swell * swing[part]
            step = swell * (swing[part + 1] - swing[part]) / np.float32(CONTROL)
            for i in range(CONTROL):
                level[part * CONTROL + i] *= value + step * np.float32(i)


@numba.njit(nogil=True, cache=True, fastmath={"contract"})
def _colour(sound, voices, members):  # type: ignore[no-untyped-def]
    """A rack's sound (block, lanes) in place: add breath or bow noise, then each voice's low-pass.

    Lanes stand side by side in memory, so that the recursions of all voices of a rack run as one vector.
    """
    block, lanes = sound.shape
    brightness, held = np.ones(lanes, np.float32), np.zeros(lanes, np.float32)
    noise, burst, decay = np.zeros(lanes, np.float32), np.zeros(lanes, np.float32), np.zeros(lanes, np.float32)
    before, state = np.zeros(lanes, np.float32), np.zeros(lanes, np.uint32)
    noisy = False
    for index in members:
        lane, voice = index % lanes, voices[index]
        brightness[lane], held[lane] = voice.brightness, voice.held
        noise[lane], burst[lane], decay[lane] = voice.noise, voice.noise_burst, voice.noise_decay
        before[lane], state[lane] = voice.noise_held, voice.noise_state
        noisy |= voice.noise > 0.0
    if noisy:
        for i in range(block):
            for lane in range(lanes):
                state[lane] = np.uint32(state[lane] * np.uint32(1664525)) + np.uint32(1013904223)
                white = np.float32(np.int32(state[lane])) * np.float32(2.0**-31)
                # The difference of neighbours has no rumble; the low-pass takes the top away.
                sound[i, lane] += (white - before[lane]) * noise[lane] * (np.float32(1.0) + burst[lane])
                before[lane] = white
                burst[lane] *= decay[lane]
    for i in range(block):
        for lane in range(lanes):
            held[lane] += brightness[lane] * (sound[i, lane] - held[lane])
            sound[i, lane] = held[lane]
    for index in members:
        lane = index % lanes
        left = burst[lane] if burst[lane] > _GONE else np.float32(0.0)
        voices[index].held, voices[index].noise_burst = held[lane], left
        voices[index].noise_held, voices[index].noise_state = before[lane], state[lane]


@numba.njit(nogil=True, cache=True)
def mix_voices(
    sound: FloatArray,
    voices: Voices,
    active: npt.NDArray[np.int32],
    swings: FloatArray,
    samples: FloatArray,
    position: int,
) -> int:
    """Add the block of a rack's active voices to their rows of the ring; how many were not finite, and left out.

    ``sound`` (block, ``WIDTH``) is what the samplers gave; it is changed. Voices get older by a block; of one that is
    not finite ``held`` is not either.
    """
    block, lanes = sound.shape
    length = samples.shape[1]
    broken = 0
    level, apart = np.empty(block, np.float32), np.empty(lanes * block, np.float32)
    _colour(sound, voices, active)
    together = sound.reshape(block * lanes)
    for i in range(0, block, WIDTH):  # each voice by itself, as they go to rows of their own
        transpose(together, i * lanes, lanes, apart, i, block)
    for index in active:
        voice = voices[index]
        if not np.isfinite(voice.held):  # the low-pass never forgets a number that is none
            broken += 1
            continue
        _levels(voice, swings[index], level)
        own = apart[index % lanes * block : (index % lanes + 1) * block]
        for i in range(block):
            own[i] *= level[i]
        at = (position + voice.offset) % length
        before_end = min(block, length - at)
        first, rest = samples[voice.row, at : at + before_end], samples[voice.row, : block - before_end]
        for i in range(before_end):
            first[i] += own[i]
        for i in range(block - before_end):
            rest[i] += own[before_end + i]
        voice.age += block
    return broken
