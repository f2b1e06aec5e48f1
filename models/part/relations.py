"""What voices do in relation to each other and to what was before, as numbers of table rows.

Intervals are the same in every key: a network that is told them need not learn each key for itself, as it must from
pitches alone. All functions are of tensors; ``runtime`` says the same in numpy for one step.
"""

import torch
from torch import Tensor

from ..grid import FIRST_PITCH, LOW_PITCH, OLDEST, SYMBOLS, UNKNOWN, VOICES
from .tables import (
    APART_HIGH,
    APART_LOW,
    APARTS,
    FADES,
    IN_APART,
    IN_CLASS,
    IN_MOVE,
    KNOWN_MOVE,
    MOVE,
    MOVES,
    OWN_BEFORE,
    OWN_CHORD,
    OWN_MOVE,
    OWN_NOW,
    PAIRS,
    REACH,
    REACHES,
)


def is_pitch(symbols: Tensor) -> Tensor:
    return (symbols >= FIRST_PITCH) & (symbols < UNKNOWN)


def pitch_class(symbols: Tensor) -> Tensor:
    """0–11; of no meaning where the symbol is no pitch."""
    return (symbols - FIRST_PITCH + LOW_PITCH) % 12


def interval(before: Tensor, after: Tensor, most: int) -> Tensor:
    """Semitones from one symbol to another, at most ``most``, numbered from 0; 2 ``most`` + 1 where one is no pitch."""
    return torch.where(is_pitch(before) & is_pitch(after), (after - before).clamp(-most, most) + most, 2 * most + 1)


def priors(sounding: Tensor, age: Tensor) -> Tensor:
    """What each voice sounded before what it sounds, (batch, steps, voices); ``UNKNOWN`` where that is long ago."""
    steps = torch.arange(sounding.shape[1], device=sounding.device)
    at = steps[:, None] - 1 - age
    return torch.where((at >= 0) & (age < OLDEST), sounding.gather(1, at.clamp(min=0)), UNKNOWN)


def heard_lately(sounding: Tensor) -> Tensor:
    """Share of each pitch class in what sounded up to each step, (batch, steps, fades, 12), older steps less.

    ``sounding`` (batch, steps, voices) is what sounded before each step.
    """
    counts = torch.zeros(*sounding.shape[:2], 12, device=sounding.device)
    counts.scatter_add_(-1, pitch_class(sounding), is_pitch(sounding).float())
    steps = torch.arange(sounding.shape[1], device=sounding.device)
    back = steps[:, None] - steps[None]
    shares = []
    for fade in FADES:
        decay = torch.where(back >= 0, fade ** back.clamp(min=0).float(), 0.0)
        total = decay @ counts
        shares.append(total / total.sum(-1, keepdim=True).clamp(min=1.0))
    return torch.stack(shares, -2)


def seen_from(lately: Tensor, symbols: Tensor) -> Tensor:
    """``heard_lately`` (…, fades, 12) counted from the pitch class of each symbol (…), flat; zeros where it is none."""
    turned = (torch.arange(12, device=symbols.device) + pitch_class(symbols)[..., None]) % 12
    shape = (*symbols.shape, *lately.shape[-2:])
    found = lately.expand(shape).gather(-1, turned[..., None, :].expand(shape))
    return (found * is_pitch(symbols)[..., None, None]).flatten(-2)


def input_rows(sounding: Tensor, prior: Tensor) -> Tensor:
    """Rows of the backbone's table for intervals and pitch classes, (…, rows); of what sounds before the step."""
    voices = torch.arange(VOICES, device=sounding.device)
    # What has no pitch class names a row that it has anyway.
    classes = torch.where(is_pitch(sounding), IN_CLASS + pitch_class(sounding), voices * SYMBOLS + sounding)
    moves = IN_MOVE + voices * MOVES + interval(prior, sounding, MOVE)
    high, low = (sounding[..., [pair[side] for pair in PAIRS]] for side in (0, 1))
    apart = (high - low).clamp(APART_LOW, APART_HIGH) - APART_LOW
    pairs = torch.arange(len(PAIRS), device=sounding.device) * APARTS
    apart = IN_APART + pairs + torch.where(is_pitch(high) & is_pitch(low), apart, APARTS - 1)
    return torch.cat([classes, moves, apart], dim=-1)


def known_moves(before: Tensor, heard: Tensor) -> Tensor:
    """Rows of the head's table of known voices: how each moves at this step."""
    return KNOWN_MOVE + interval(before, heard, MOVE)


def own_rows(before: Tensor, prior: Tensor, heard: Tensor, visible: Tensor) -> Tensor:
    """Rows of the head's table of the answered voice, (batch, answered, steps, rows).

    ``before``, ``prior`` and ``heard`` (at the step) are (batch, voices, steps), ``visible`` (batch, answered, voices).
    """
    places = torch.arange(VOICES, device=before.device)[:, None]
    moves = OWN_MOVE + interval(prior, before, MOVE)
    then = OWN_BEFORE + places * REACHES + interval(before[:, :, None], before[:, None], REACH)
    now = torch.where(visible[..., None], interval(before[:, :, None], heard[:, None], REACH), REACHES)
    now = OWN_NOW + places * (REACHES + 1) + now
    high, low = ([pair[side] for pair in PAIRS] for side in (0, 1))
    both = visible[:, :, high] & visible[:, :, low]
    sounds = is_pitch(heard[:, high]) & is_pitch(heard[:, low])
    classes = torch.where(both[..., None] & sounds[:, None], ((heard[:, high] - heard[:, low]) % 12)[:, None], 12)
    chord = OWN_CHORD + 13 * torch.arange(len(PAIRS), device=before.device)[:, None] + classes
    return torch.cat([moves[..., None], *(rows.transpose(2, 3) for rows in (then, now, chord))], dim=-1)
