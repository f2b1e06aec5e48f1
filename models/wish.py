"""What a person asks of the AI player, in terms that do not depend on voices: turned into the network's controls."""

from dataclasses import dataclass, replace

from ..engine.errors import ModelError
from .controls import DENSITY_CENTRES, MOODS, STYLES, Controls, check_word, parse_key
from .grid import VOICES
from .voice_groups import VoiceGroup

PLAIN_DENSITY = 1.0
"""Onsets per quarter that a gesture makes more or fewer of, where nobody said how many."""
DENSEST = 16.0
"""Onsets per quarter: more than the grid holds is no wish."""
LEVELS = 5
"""Steps of the gesture's size that are told apart: more would change the music all the time."""
HYSTERESIS = 0.65


@dataclass(frozen=True, slots=True)
class Wish:
    """None leaves it to the model.

    ``density`` is in onsets per quarter of an answered part; ``register`` −1 (low on the instrument) – 1 (high);
    the others as in ``models.controls.Controls``. Raises ``ModelError`` for numbers out of range.
    """

    key: str | None = None
    density: float | None = None
    register: float | None = None
    complexity: float | None = None
    style: str | None = None
    mood: str | None = None
    cadence_in_quarters: float | None = None

    def __post_init__(self) -> None:
        """Raises ``ModelError`` for what nobody can play, before any of it is asked for."""
        if self.key is not None:
            parse_key(self.key)
        if self.density is not None and not 0.0 <= self.density <= DENSEST:
            raise ModelError(f"density: {self.density:g} notes a quarter; from 0 to {DENSEST:g}")
        if self.register is not None and not -1.0 <= self.register <= 1.0:
            raise ModelError(f"register: {self.register:g}; from -1 (low on the instrument) to 1 (high)")
        if self.complexity is not None and not 0.0 <= self.complexity <= 1.0:
            raise ModelError(f"complexity: {self.complexity:g}; from 0 (plain triads) to 1")
        check_word("style", self.style, STYLES)
        check_word("mood", self.mood, MOODS)

    def controls(self, group: VoiceGroup) -> Controls:
        """For the answered voices of a group; the others play what they play."""
        asked = [group.parts[voice] in group.answered for voice in range(VOICES)]
        register: tuple[float | None, ...] | None = None
        if self.register is not None:
            register = tuple(
                _pitch_in(reach, self.register) if mine else None
                for reach, mine in zip(group.ranges, asked, strict=True)
            )
        density = None if self.density is None else tuple(self.density if mine else None for mine in asked)
        return Controls(self.key, density, register, self.complexity, self.style, self.mood, self.cadence_in_quarters)

    def described(self) -> dict[str, str]:
        """What was asked for, by name, for the record."""
        return {name: f"{getattr(self, name)}" for name in self.__slots__ if getattr(self, name) is not None}


def _pitch_in(reach: tuple[int, int], register: float) -> float:
    """A pitch in the comfortable part of a range: its lower two thirds, where parts of an ensemble mostly lie."""
    low, high = reach[0], reach[0] + 0.67 * (reach[1] - reach[0])
    middle = (low + high) / 2
    return middle + 0.4 * register * (high - low)


class GestureWish:
    """The gesture's part of the wish: a larger gesture asks for more notes, a flowing one for fewer and longer ones.

    Loudness follows the gesture in any case (``engine.expression``). Steps are few, and left only when the gesture is
    clearly elsewhere.
    """

    def __init__(self, base: Wish) -> None:
        self._base = base
        self._size = (LEVELS - 1) // 2
        self._flow = 0

    def step(self, level: float, articulation: float) -> Wish:
        """``level`` and ``articulation`` as in ``engine.types.Dynamics``."""
        size = level * (LEVELS - 1)
        if abs(size - self._size) > HYSTERESIS:
            self._size = max(0, min(LEVELS - 1, round(size)))
        flow = articulation * 1.5
        if abs(flow - self._flow) > HYSTERESIS:
            self._flow = max(-1, min(1, round(flow)))
        more = self._size - (LEVELS - 1) // 2
        if not more and not self._flow:
            return self._base
        plain = self._base.density if self._base.density is not None else PLAIN_DENSITY
        wanted = plain * 2.0 ** (0.75 * more + 0.35 * self._flow)
        return replace(self._base, density=max(DENSITY_CENTRES[1] / 4, min(DENSITY_CENTRES[-1] / 4, wanted)))
