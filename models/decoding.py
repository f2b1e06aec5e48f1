"""Decoding: the part network's answer to what it hears, step by step, with the rules of the craft as experts.

Given voices are taken as they are; the others are sampled one after another, outer voices first. The odds are a
product of experts (Hinton, "Training Products of Experts by Minimizing Contrastive Divergence", 2002): the network's
logits less the penalties of the rules that are on. Where a density is asked for, what a voice still owes of it tilts
the odds between a new note and none.
"""

import copy
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .controls import DENSITY, DENSITY_CENTRES, Controls
from .craft.charges import HOLD as RULE_HOLD
from .craft.charges import REST as RULE_REST
from .craft.charges import UNKNOWN as RULE_UNKNOWN
from .craft.charges import StepContext
from .craft.rules import RuleSet
from .craft.scales import Scale
from .grid import FIRST_PITCH, HIGH_PITCH, HOLD, LOW_PITCH, OUTER_FIRST, REST, UNKNOWN, VOCABULARY, VOICES, Place
from .part.runtime import PartModel, PartState
from .writing import Arrival

_MOST_OWED = 8.0  # notes
_MOST_DETERRED = 1.0  # nats
STRICT_AT_ARRIVALS = 4.0
"""How much more the rules weigh where voices meet on a given chord: the network, which often would be elsewhere, has
little to say for one of the places left rather than another, and what ends is heard plainly."""
STRENGTH_OF_PLACE = (0.2, 0.0, 0.05, 0.0, 0.2, 0.0, 0.0)
"""Metrical strength of each place in the quarter, where nobody says better."""


@dataclass(frozen=True, slots=True)
class DecodingSettings:
    """How freely to decode.

    ``temperature`` sharpens to which pitch a voice moves, ``rhythm_temperature`` whether it moves, strikes its pitch
    again, holds it or rests: a sharper rhythm would hold notes for ever, as that is always the likeliest. ``top_p``
    keeps the likeliest pitches that together have this probability (Holtzman et al., "The Curious Case of Neural Text
    Degeneration", ICLR 2020). ``rest_penalty`` (nats) keeps who accompanies from falling silent while a voice that is
    given, or leads, sounds: in a corpus of whole movements players rest for pages, and a model of them does too.
    ``onset_bonus`` (nats for beginning a note where no density is asked for; None: what the weights say) makes up for a
    drift from composers' rhythm when it hears its own notes. ``density_gain`` (nats for a note owed) is how firmly an
    asked density is kept. ``order`` is that of decoding.
    """

    temperature: float = 0.8
    rhythm_temperature: float = 1.0
    top_p: float = 0.95
    rest_penalty: float = 3.0
    onset_bonus: float | None = None
    density_gain: float = 3.0
    rules: RuleSet = field(default_factory=RuleSet)
    order: tuple[int, ...] = OUTER_FIRST


class PartDecoder:
    """Answers voices one grid step at a time, the same way for the same seed. Not thread-safe."""

    def __init__(
        self,
        model: PartModel,
        *,
        given: Sequence[int] = (),
        absent: Sequence[int] = (),
        leads: Collection[int] = (),
        ranges: Sequence[tuple[int, int]] = (),
        settings: DecodingSettings | None = None,
        seed: int = 0,
    ) -> None:
        """``given`` voices are heard, ``absent`` ones do not exist, all others are answered; ``leads``:
        those of them that the others accompany as they do given ones; ``ranges``: lowest and highest pitch of every
        voice's instrument, which is never left."""
        self.state: PartState = model.start(
            [voice not in absent for voice in range(VOICES)], [voice in given for voice in range(VOICES)]
        )
        self.settings = settings or DecodingSettings()
        self._onset_bonus = model.onset_bonus
        self._given = frozenset(given)
        self._heard = self._given | frozenset(leads)
        self._answered = tuple(
            voice for voice in self.settings.order if voice not in self._given and voice not in frozenset(absent)
        )
        self._ranges = tuple(ranges)
        self._allowed = np.ones((VOICES, VOCABULARY), bool)
        for voice, (low, high) in enumerate(self._ranges):
            pitches = np.arange(FIRST_PITCH, VOCABULARY) - FIRST_PITCH + LOW_PITCH
            self._allowed[voice, FIRST_PITCH:] = (pitches >= low) & (pitches <= high)
        self._seed = seed
        self._owed = np.zeros(VOICES)

    def copy(self) -> "PartDecoder":
        """An independent decoder that goes on from here: with the same input it answers the same."""
        twin = copy.copy(self)
        twin.state, twin._owed = self.state.copy(), self._owed.copy()
        return twin

    def step(
        self,
        place: Place,
        given: Mapping[int, int],
        controls: Controls | np.ndarray | None = None,
        ahead: np.ndarray | None = None,
        *,
        anew: Collection[int] = (),
        imagined: Collection[int] = (),
        strength: float | None = None,
        scale: Scale | None = None,
        chord: frozenset[int] | None = None,
        arrival: Arrival | None = None,
    ) -> list[int]:
        """The tokens of all voices at the next step; those of ``given`` are taken as they are.

        ``given`` must hold every given voice and may hold others (forced notes). ``controls`` are asked for from this
        step on; ``ahead`` as ``PartState.begin`` wants it. Answered voices in ``anew`` begin a note or rest. Given
        voices in ``imagined`` (what a player will do next) are decided as well, before the answered ones. ``strength``
        (0–1), ``scale`` and ``chord`` (pitch classes) are what the rules know of this step, ``arrival`` the chord on
        which voices meet here. Raises ``ValueError`` where a given voice has no token.
        """
        state, chosen = self.state, self.settings
        codes = controls.codes() if isinstance(controls, Controls) else controls
        state.begin(place, codes, ahead)
        missing = self._given - set(given) - set(imagined)
        if missing:
            raise ValueError(f"voice {min(missing)} is given, but has no token at this step")
        tokens = [given.get(voice, UNKNOWN) for voice in range(VOICES)]
        self._pay(place, state.controls)
        random = np.random.Generator(np.random.Philox(key=self._seed, counter=[0, 0, 0, state.step]))
        accent = STRENGTH_OF_PLACE[place.place] if strength is None else strength
        for voice in (
            *(voice for voice in chosen.order if voice in imagined),
            *(voice for voice in self._answered if voice not in imagined),
        ):
            if voice in given:
                continue
            led = self._led(tokens)
            logits = self._odds(voice, tokens, chosen, led, voice not in anew)
            if arrival is not None and voice in arrival.classes:
                logits = self._arriving(logits, voice, tokens, arrival)
            costs = None
            if chosen.rules.active:
                costs = self._penalties(voice, tokens, chosen.rules, accent, scale, chord)
                if arrival is not None and voice in arrival.classes:
                    costs *= STRICT_AT_ARRIVALS
            tokens[voice] = draw_token(logits, int(state.sounding[voice]), chosen, random, costs)
        self._note(tokens)
        state.commit(tokens)
        return tokens

    def _odds(
        self, voice: int, tokens: Sequence[int], settings: DecodingSettings, led: bool, may_hold: bool
    ) -> np.ndarray:
        logits = np.where(self._allowed[voice], self.state.logits(voice, tokens), -np.inf)
        if led:
            logits[REST] -= settings.rest_penalty
        if self.state.controls[DENSITY + voice]:
            logits[FIRST_PITCH:] += settings.density_gain * self._owed[voice]
        else:
            logits[FIRST_PITCH:] += self._onset_bonus if settings.onset_bonus is None else settings.onset_bonus
        if not may_hold:
            logits[HOLD] = -np.inf
        return logits

    def _arriving(self, logits: np.ndarray, voice: int, tokens: Sequence[int], arrival: Arrival) -> np.ndarray:
        """The odds of what a voice may do where voices meet on a chord, not crossing those that are decided if it can
        do so; as they are where it could do nothing."""
        sounding = int(self.state.sounding[voice])
        sounds = FIRST_PITCH <= sounding < VOCABULARY
        classes, present = arrival.classes[voice], sounds or voice in arrival.present
        symbols, _ = self.state.known(tokens)
        pitched = np.flatnonzero((symbols >= FIRST_PITCH) & (symbols < VOCABULARY))
        known = symbols - FIRST_PITCH + LOW_PITCH
        if arrival.third is not None and arrival.third in classes:
            waiting = (v for v in self._answered if v != voice and tokens[v] == UNKNOWN)
            if (known[pitched] % 12 == arrival.third).any():
                classes = classes - {arrival.third} if arrival.pulls else classes
            elif not any(arrival.third in arrival.classes.get(other, ()) for other in waiting):
                classes, present = frozenset({arrival.third}), True
        pitches = np.arange(LOW_PITCH, HIGH_PITCH + 1)
        highest = known[pitched[pitched < voice]].min(initial=HIGH_PITCH)
        lowest = known[pitched[pitched > voice]].max(initial=LOW_PITCH)
        fits = np.isin(pitches % 12, sorted(classes))
        for within in (fits & (lowest <= pitches) & (pitches <= highest), fits):
            may = np.append([sounds and within[sounding - FIRST_PITCH], not present], within)
            arriving = np.where(may, logits, -np.inf)
            if np.isfinite(arriving).any():
                return arriving
        return logits

    def _penalties(
        self,
        voice: int,
        tokens: Sequence[int],
        rules: RuleSet,
        strength: float,
        scale: Scale | None,
        chord: frozenset[int] | None,
    ) -> np.ndarray:
        known, onset = self.state.known(tokens)
        context = StepContext(
            before=tuple(rule_pitch(symbol) for symbol in self.state.sounding),
            now=tuple(rule_pitch(symbol) for symbol in known),
            onsets=tuple(bool(begins) for begins in onset),
            strength=strength,
            ranges=self._ranges,
            scale=scale,
            chord=chord,
        )
        costs = rules.costs(context, voice)
        return np.concatenate([[costs[RULE_HOLD], costs[RULE_REST]], costs[LOW_PITCH : LOW_PITCH + VOCABULARY - 2]])

    def _led(self, tokens: Sequence[int]) -> bool:
        """Whether anybody whom the others accompany sounds, as far as that is known."""
        symbols, _ = self.state.known(tokens)
        return any(FIRST_PITCH <= symbols[voice] < VOCABULARY for voice in self._heard)

    def _pay(self, place: Place, controls: np.ndarray) -> None:
        quarters = 1.0 / 3.0 if place.place >= 4 else 0.25
        for voice in self._answered:
            code = int(controls[DENSITY + voice])
            wanted = DENSITY_CENTRES[code - 1] / 4.0 if code else 0.0
            self._owed[voice] = np.clip(self._owed[voice] + wanted * quarters, -_MOST_OWED, _MOST_OWED)

    def _note(self, tokens: Sequence[int]) -> None:
        for voice in self._answered:
            if self.state.controls[DENSITY + voice]:
                self._owed[voice] -= FIRST_PITCH <= tokens[voice] < VOCABULARY
            else:
                self._owed[voice] = 0.0


def draw_token(
    logits: np.ndarray,
    sounding: int,
    settings: DecodingSettings,
    random: np.random.Generator,
    costs: np.ndarray | None = None,
) -> int:
    """Sample what a voice does, then, where it moves, the pitch to which it does.

    What it does – hold, rest, strike the pitch that is ``sounding`` (a symbol of the grid) again, or begin another – is
    drawn at the odds of rhythm: among pitches the one that sounds is mostly the likeliest, so that sharper odds, and
    rules, which it cannot break, had it struck again twice as often as composers do. ``logits`` and ``costs`` (the
    rules', in nats) have shape (``VOCABULARY``,). Costs choose among pitches, but deter from moving by little: where
    the likeliest pitch is forbidden another is played, rather than none.
    """
    ruled = logits if costs is None else logits - costs
    moves, again = np.ones(VOCABULARY, bool), np.array([-np.inf])
    moves[:FIRST_PITCH] = False
    if FIRST_PITCH <= sounding < VOCABULARY:
        moves[sounding], again = False, ruled[sounding : sounding + 1]
    to_move = max(_log_sum(ruled[moves]), _log_sum(logits[moves]) - _MOST_DETERRED)
    doing = draw(np.concatenate([ruled[:FIRST_PITCH], again, [to_move]]) / settings.rhythm_temperature, 1.0, random)
    if doing < FIRST_PITCH:
        return doing
    if doing == FIRST_PITCH:
        return sounding
    pitches = np.where(moves, ruled, -np.inf)[FIRST_PITCH:]
    return FIRST_PITCH + draw(pitches / settings.temperature, settings.top_p, random)


def _log_sum(logits: np.ndarray) -> float:
    most = float(logits.max())
    return most + float(np.log(np.exp(logits - most).sum())) if np.isfinite(most) else -np.inf


def draw(logits: np.ndarray, top_p: float, random: np.random.Generator) -> int:
    """Sample an index from the likeliest ones that together have probability ``top_p``."""
    odds = np.exp(logits - logits.max())
    odds /= odds.sum()
    order = np.argsort(-odds, kind="stable")
    cumulated = np.cumsum(odds[order])
    kept = int(np.searchsorted(cumulated, top_p)) + 1
    share = random.random() * cumulated[min(kept, len(order)) - 1]
    return int(order[min(int(np.searchsorted(cumulated, share, side="right")), len(order) - 1)])


def rule_pitch(symbol: int) -> int:
    """A symbol of the grid as the rules name it."""
    if FIRST_PITCH <= symbol < VOCABULARY:
        return int(symbol) - FIRST_PITCH + LOW_PITCH
    return RULE_UNKNOWN if symbol == UNKNOWN else RULE_REST
