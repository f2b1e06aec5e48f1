"""What a learner likes: a bandit over the AI player's controls.

Every control has a few arms (``sparse``, ``lively`` …; ``open`` leaves it to the model), every arm a Beta posterior of
how often what was written so is liked. An offer draws from all posteriors and takes the best arm of each control
(Thompson, "On the likelihood that one unknown probability exceeds another", Biometrika 25, 1933; with Bernoulli
rewards as in Chapelle & Li, "An empirical evaluation of Thompson sampling", NeurIPS 2011). Controls are taken to be
liked independently of each other: a learner gives tens of opinions, not thousands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..engine.errors import ModelError
from .control_words import COMPLEXITIES, DENSITIES, REGISTERS, TEMPERATURES
from .controls import MOODS, STYLES
from .wish import Wish

OPEN = "open"
_VALUES: Mapping[str, Mapping[str, float]] = {
    "density": DENSITIES,
    "register": REGISTERS,
    "complexity": COMPLEXITIES,
    "temperature": TEMPERATURES,
}
ARMS: Mapping[str, tuple[str, ...]] = {
    **{name: (OPEN, *values) for name, values in _VALUES.items()},
    "style": (OPEN, *STYLES),
    "mood": (OPEN, *MOODS),
}
OPEN_PRIOR, PRIOR = (2.0, 1.0), (1.0, 1.0)
"""Likes and dislikes before anything is known: leaving a control to the model is trusted a little."""
FADING = 0.98
"""What an opinion still weighs after each later one: taste changes (discounted Thompson sampling, Raj & Kalyani,
2017)."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """Something heard and judged: the arm that it stands for in each control, and how much it is ``liked`` (0–1).

    ``weight`` is how much it counts: 1 for a verdict, the share of notes that were changed for an edit.
    """

    arms: Mapping[str, str]
    liked: float
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Offer:
    """What to ask of the model: a wish, and the decoding's temperature (None: as usual). ``arms`` says it in words."""

    wish: Wish
    temperature: float | None
    arms: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Preference:
    """Likes and dislikes of each arm of each control, without the prior. Values; ``after`` makes new ones."""

    counts: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=dict)

    @classmethod
    def of(cls, opinions: Sequence[Opinion]) -> "Preference":
        """What these opinions, in order, tell."""
        preference = cls()
        for opinion in opinions:
            preference = preference.after(opinion)
        return preference

    def after(self, opinion: Opinion) -> "Preference":
        """With one more opinion. Raises ``ModelError`` for a control or an arm that there is not."""
        counts = {
            control: {arm: (FADING * likes, FADING * dislikes) for arm, (likes, dislikes) in arms.items()}
            for control, arms in self.counts.items()
        }
        for control, arm in opinion.arms.items():
            if arm not in ARMS.get(control, ()):
                raise ModelError(f"no {control} {arm!r}: there are {', '.join(ARMS.get(control, ARMS))}")
            likes, dislikes = counts.setdefault(control, {}).get(arm, (0.0, 0.0))
            more = opinion.weight * opinion.liked, opinion.weight * (1.0 - opinion.liked)
            counts[control][arm] = likes + more[0], dislikes + more[1]
        return Preference(counts)

    def posterior(self, control: str, arm: str) -> tuple[float, float]:
        """The Beta posterior's parameters."""
        likes, dislikes = self.counts.get(control, {}).get(arm, (0.0, 0.0))
        prior = OPEN_PRIOR if arm == OPEN else PRIOR
        return prior[0] + likes, prior[1] + dislikes

    def mean(self, control: str, arm: str) -> float:
        """How likely it is to be liked, as far as is known."""
        likes, dislikes = self.posterior(control, arm)
        return likes / (likes + dislikes)

    def offer(self, seed: int, base: Wish | None = None, temperature: float | None = None) -> Offer:
        """Draw what to offer next. What ``base`` or ``temperature`` already ask for stays. Same seed, same offer."""
        base = base or Wish()
        asked = {name: getattr(base, name) for name in ARMS if name != "temperature"} | {"temperature": temperature}
        arms: dict[str, str] = {}
        for index, (control, names) in enumerate(ARMS.items()):
            random = np.random.default_rng((seed, index))  # what is asked of one control leaves the others' draws alone
            drawn = [random.beta(*self.posterior(control, arm)) for arm in names]
            if asked[control] is None:
                arms[control] = names[int(np.argmax(drawn))]
        values: dict[str, Any] = {
            name: value_of(name, arm) for name, arm in arms.items() if name != "temperature" and arm != OPEN
        }
        wish = replace(base, **values)
        if "temperature" in arms:
            chosen = value_of("temperature", arms["temperature"])
            temperature = None if chosen is None else float(chosen)
        return Offer(wish, temperature, arms)


def value_of(control: str, arm: str) -> float | str | None:
    """What an arm asks for; None where it leaves the control to the model."""
    if arm == OPEN:
        return None
    return _VALUES[control][arm] if control in _VALUES else arm


def arm_of(control: str, value: float | str | None) -> str:
    """The arm that a control's value belongs to: the nearest one, densities by their ratio."""
    if value is None:
        return OPEN
    if control not in _VALUES:
        return str(value)
    number = float(value)
    arms = _VALUES[control]
    if control == "density":
        return min(arms, key=lambda arm: abs(np.log(arms[arm] / max(number, 0.05))))
    return min(arms, key=lambda arm: abs(arms[arm] - number))


def arms_of_controls(controls: Mapping[str, str]) -> dict[str, str]:
    """The arms of controls as a file's provenance names them; those not named were left open.

    Values that are no control's (written by hand) are passed over: a file may say what it likes.
    """
    arms = {}
    for control, names in ARMS.items():
        text = controls.get(control)
        if text is None:
            arms[control] = OPEN
        elif control not in _VALUES:
            if text in names:
                arms[control] = text
        elif text in names:
            arms[control] = text
        else:
            try:
                arms[control] = arm_of(control, float(text))
            except ValueError:
                continue
    return arms
