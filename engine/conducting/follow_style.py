"""How an orchestra listens to its conductor: from one that takes every stroke at its word to one that carries him.

One dial, ``forgiveness``, sets what belongs together musically: how heavy the orchestra is (inertia), how plain a beat
must be before it moves the tempo (the concertmaster keeps time through an unclear one), and how long the orchestra
plays on by itself when it cannot see the beat.
"""

from dataclasses import dataclass

from ..errors import ProfileError

NAMED = {"strict": 0.0, "balanced": 0.35, "forgiving": 1.0}


@dataclass(frozen=True, slots=True)
class FollowStyle:
    """``forgiveness`` 0 (strict: every beat counts) to 1 (forgiving: the concertmaster leads where the beat does not).

    Raises ``ProfileError`` outside that range.
    """

    forgiveness: float = NAMED["balanced"]

    def __post_init__(self) -> None:
        if not 0.0 <= self.forgiveness <= 1.0:
            raise ProfileError(f"follow: {self.forgiveness:g}; from 0 (strict) to 1 (forgiving)")

    def __str__(self) -> str:
        named = {value: name for name, value in NAMED.items()}
        return named.get(self.forgiveness, f"{self.forgiveness:g} (0 strict, 1 forgiving)")

    @classmethod
    def parse(cls, text: str) -> "FollowStyle":
        """``strict``, ``balanced``, ``forgiving`` or a number from 0 to 1. Raises ``ProfileError`` for others."""
        named = NAMED.get(text.strip().lower())
        if named is not None:
            return cls(named)
        try:
            return cls(float(text))
        except ValueError:
            raise ProfileError(f"follow: {text!r}; one of {', '.join(NAMED)}, or a number from 0 to 1") from None
