"""How the players of a family begin, join and end notes: what is the same for all of them.

What differs from player to player is in ``ensemble``. Durations follow what is known of the instruments' transients:
strings speak in 30–60 ms and ring on for some 0.1–0.3 s after the bow has left, winds stop within a few periods of
their air column (Fletcher and Rossing, *The Physics of Musical Instruments*, 2nd ed., 1998; Meyer, *Acoustics and the
Performance of Music*, 5th ed., 2009); legato transitions last 40–90 ms.
"""

from dataclasses import dataclass

from ..instruments import Family


@dataclass(frozen=True, slots=True)
class Technique:
    """How a family plays.

    A note that grows out of another (``slurs``) rises in ``slur_attack_s`` while the one before dies away in
    ``slur_fade_s``, and slides over the last ``glide_cents`` of the interval in ``glide_s``. ``release_share`` is of a
    recording's own release: the hall's tail covers the rest, and a voice that is over is a voice saved.
    ``rings`` is for what is struck or plucked and left to ring.
    """

    release_share: float
    shortest_release_s: float
    slurs: bool = False
    slur_attack_s: float = 0.03
    slur_fade_s: float = 0.08
    glide_cents: float = 0.0
    glide_s: float = 0.03
    rings: bool = False


TECHNIQUES: dict[Family, Technique] = {
    "strings": Technique(0.85, 0.06, True, 0.035, 0.09, 70.0, 0.045),
    "woodwind": Technique(0.6, 0.04, True, 0.02, 0.05, 25.0, 0.02),
    "brass": Technique(0.65, 0.05, True, 0.025, 0.06, 50.0, 0.03),
    "voice": Technique(0.8, 0.07, True, 0.05, 0.1, 120.0, 0.07),
    "percussion": Technique(1.0, 0.03, rings=True),
    "plucked": Technique(1.0, 0.03, rings=True),
    "keyboard": Technique(0.85, 0.03),
}
LONGEST_RELEASE_S = 8.0
