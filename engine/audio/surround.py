"""Outputs that have no head: a stereo pair, 5.1 loudspeakers, Ambisonics.

They take the same sources and reflections as the ears do, in directions that stay with the seat and do not turn with
the head, as microphones and loudspeakers do.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from ..errors import SoundError
from ..transforms import rotate
from ..types import Quaternion
from ..units import SPEED_OF_SOUND_M_S
from .ambisonics import HIGHEST_ORDER, channels_of, degree_of_channel, encode
from .hrtf import LEAD
from .pyo_block import FloatArray
from .room import FloatVector, Room, at_rate, decaying, decorrelated, diffuse_noise
from .spatial import Crossfade, SourceField, StreamRing, source_spectra

ORTF_ANGLE_DEG, ORTF_SPACING_M = 55.0, 0.17
"""Two cardioids 110 degrees and 17 cm apart, as the Office de Radiodiffusion-Télévision Française put them."""
SPEAKERS_5_1_DEG = (30.0, -30.0, 0.0, None, 110.0, -110.0)
"""Azimuths, left positive, of ITU-R BS.775: left, right, centre, low-frequency effects (none), surrounds."""
MASK_STEREO, MASK_5_1, MASK_NONE = 0x3, 0x60F, 0x0
"""Channel masks of WAVE files: front pair; front three, low frequencies, side pair; no loudspeakers."""
CARDIOID_DIFFUSE = 1.0 / 3.0
"""Random energy efficiency of a cardioid."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What a format has in its channels. ``diffuse`` is the power of each in a diffuse field of unit power."""

    name: str
    diffuse: tuple[float, ...]
    mask: int
    order: int = 0

    @property
    def channels(self) -> int:
        return len(self.diffuse)

    def gains(self, towards: FloatVector) -> FloatVector:
        """Gains of sources in unit directions (n, 3; x right, y ahead, z up): (n, channels)."""
        if self.name == "stereo":
            return np.stack([_cardioid(towards, angle) for angle in (ORTF_ANGLE_DEG, -ORTF_ANGLE_DEG)], axis=1)
        if self.name == "5.1":
            return pan_5_1(towards)
        return encode(np.stack([towards[:, 1], -towards[:, 0], towards[:, 2]], axis=1), self.order)

    def lead_s(self, towards: FloatVector) -> FloatVector | None:
        """By how much each channel hears a source earlier than the middle of the array, (n, channels); None: not."""
        if self.name != "stereo":
            return None
        sideways_s = towards[:, 0] * 0.5 * ORTF_SPACING_M / SPEED_OF_SOUND_M_S
        return np.stack([-sideways_s, sideways_s], axis=1)


FORMATS = ("binaural", "stereo", "5.1", *(f"ambisonics-{order}" for order in range(1, HIGHEST_ORDER + 1)))


def layout_named(name: str) -> Layout:
    """A format other than binaural by name. Raises ``SoundError``."""
    if name == "stereo":
        return Layout(name, (CARDIOID_DIFFUSE,) * 2, MASK_STEREO)
    if name == "5.1":
        return Layout(name, tuple(0.0 if azimuth is None else 0.2 for azimuth in SPEAKERS_5_1_DEG), MASK_5_1)
    if name not in FORMATS or name == "binaural":
        raise SoundError(f"no format named {name}: there are {', '.join(FORMATS)}")
    order = int(name[-1])
    powers = (1.0 / (2 * degree_of_channel(channel) + 1) for channel in range(channels_of(order)))
    return Layout(name, tuple(powers), MASK_NONE, order)


def pan_5_1(towards: FloatVector) -> FloatVector:
    """Pairwise panning between the two nearest loudspeakers of ITU-R BS.775 (Pulkki, JAES 45, 1997): powers add to one.

    Height is left out; what comes from above comes from its azimuth, and from the zenith from all five alike.
    """
    ring = sorted((math.radians(azimuth), n) for n, azimuth in enumerate(SPEAKERS_5_1_DEG) if azimuth is not None)
    azimuth = np.arctan2(-towards[:, 0], towards[:, 1])
    gains = np.zeros((len(towards), len(SPEAKERS_5_1_DEG)))
    for (from_rad, first), (to_rad, second) in zip(ring, ring[1:] + ring[:1], strict=True):
        span = (to_rad - from_rad) % (2.0 * math.pi)
        inside = (azimuth - from_rad) % (2.0 * math.pi)
        between = inside < span
        pair = np.stack([np.sin(span - inside[between]), np.sin(inside[between])], axis=1)
        pair /= np.linalg.norm(pair, axis=1, keepdims=True)
        gains[between, first], gains[between, second] = pair.T
    overhead = np.abs(towards[:, 2:3]) ** 4  # only what is nearly above spreads
    everywhere = np.array([0.0 if azimuth is None else 0.2 for azimuth in SPEAKERS_5_1_DEG])
    return np.asarray(np.sqrt((1.0 - overhead) * gains**2 + overhead * everywhere), np.float64)


def _cardioid(towards: FloatVector, azimuth_deg: float) -> FloatVector:
    azimuth = math.radians(azimuth_deg)
    axis = np.array([-math.sin(azimuth), math.cos(azimuth), 0.0])
    return np.asarray(0.5 + 0.5 * (towards @ axis), np.float64)


class PannedStage:
    """Renders a ring's sources for a layout, a block at a time; as late as ``SpatialStage`` is, ``LEAD`` samples."""

    def __init__(
        self,
        layout: Layout,
        ahead_wxyz: Quaternion,
        rate_hz: int,
        fft_size: int,
        block: int,
        fade: int = 256,
    ) -> None:
        """``ahead_wxyz`` turns the layout's front from the hall's +Y; the buses are mixed by a ``SpatialStage``."""
        self._layout, self._block, self._fft_size = layout, block, fft_size
        self._fields = Crossfade(block, fade)
        self._axes = np.array([rotate(ahead_wxyz, axis) for axis in ((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0))])
        self._turn = 2j * np.pi * np.arange(fft_size // 2 + 1) / fft_size
        self._turn_per_s = self._turn * rate_hz
        self._known: list[tuple[SourceField, npt.NDArray[np.complex64]]] = []

    def place(self, field: SourceField) -> None:
        """See ``Crossfade.place``. The field needs ``towards``."""
        self._fields.place(field)

    def process(self, ring: StreamRing) -> FloatArray:
        """The block, (channels, block), once the buses are mixed."""
        old, new, ramp = self._fields.step()
        if old is None:
            return np.zeros((self._layout.channels, self._block), np.float32)
        before = self._heard(ring, old)
        if new is None:
            return before
        return np.asarray(before + (self._heard(ring, new) - before) * ramp, np.float32)

    def _heard(self, ring: StreamRing, field: SourceField) -> FloatArray:
        active, spectra = source_spectra(ring, field, self._fft_size)
        if not active.size:
            return np.zeros((self._layout.channels, self._block), np.float32)
        filters = self._filters(field)
        total = np.einsum("nck,nk->ck", filters[active], spectra * field.response[active])
        turned = total * np.exp(-LEAD * self._turn)
        return np.asarray(scipy.fft.irfft(turned, axis=-1)[:, -self._block :], np.float32)

    def _filters(self, field: SourceField) -> npt.NDArray[np.complex64]:
        """(sources, channels, 1 or frequencies); those of the last two fields are kept."""
        for known, filters in self._known:
            if known is field:
                return filters
        if field.towards is None:
            raise ValueError("a field without directions cannot be panned")
        towards = field.towards @ self._axes.T
        filters = self._layout.gains(towards)[..., None].astype(np.complex64)
        lead_s = self._layout.lead_s(towards)
        if lead_s is not None:
            filters = filters * np.exp(lead_s[..., None] * self._turn_per_s).astype(np.complex64)
        self._known = [*self._known[-1:], (field, filters)]
        return filters


def late_channels(layout: Layout, room: Room, rate_hz: int, seed: int) -> FloatArray:
    """The late response of a layout, (samples, channels): as strong in each channel as the diffuse field is there, and
    different in each."""
    powers = np.array(layout.diffuse)
    if room.measured is not None:
        response = decorrelated(at_rate(room.measured, rate_hz), layout.channels, seed)
    else:
        noise = diffuse_noise(room, rate_hz, layout.channels, seed + 1)
        if noise is None:
            return np.zeros((1, layout.channels), np.float32)
        response = decaying(room, rate_hz, noise)
    return np.ascontiguousarray(response * np.sqrt(powers), np.float32)
