"""Many streams through their heads in one kernel: windows → spectra × response and head → sums for two ears → sound.

Each source's window is transformed (``real_transform``), and its spectrum is multiplied and added to the ears' sums as
it is unpacked: nothing but the sums is kept, and what lies between stays in the processor's nearest cache. The sums
are transformed back once.
"""

import numba
import numpy as np
import numpy.typing as npt

from .pyo_block import FloatArray
from .real_transform import Length, Tables, length_of, load_window, part_of, sound_of, tables_of, transform
from .vectors import WIDTH, aligned_zeros, backwards, expect, load, splat, store

Filters = tuple[npt.NDArray[np.int32], FloatArray, FloatArray | None]
"""What sources go through: for each the row of ``heads``, its response (sources, bins), and the gains of its ears
(sources, 2); None where all of them are 1."""
_FAST = {"contract"}


@numba.njit(nogil=True, fastmath=_FAST, inline="always")
def _add(total: FloatArray, at: int, part: int, real, imaginary, head: FloatArray, at_head: int, bins: int):  # type: ignore[no-untyped-def]
    """A vector of a spectrum × one ear's head, on the sum at ``at``."""
    head_r, head_i = load(head, at_head), load(head, at_head + bins)
    store(total, at, load(total, at) + real * head_r - imaginary * head_i)
    store(total, at + part, load(total, at + part) + real * head_i + imaginary * head_r)


@numba.njit(nogil=True, cache=True, fastmath=_FAST)
def _add_source(
    work: FloatArray,
    x: int,
    turns: FloatArray,
    fields: int,
    heads: tuple[FloatArray, FloatArray],
    responses: tuple[FloatArray, FloatArray],
    ears: tuple[FloatArray, FloatArray],
    even: bool,
    total: FloatArray,
    places: tuple[int, int],
    length: Length,
) -> None:
    """Half the transform of a window, at ``x``, × response and head, is added to the sums of one field or of two.

    ``even``: ears' gains are 1, which saves a quarter of the work.
    """
    n, part = 1 << len(length), part_of(length)
    bins, y = n + 1, x + part
    work[x + n], work[y + n] = work[x], work[y]  # the number opposite the first is the first
    for k in range(0, n, WIDTH):
        ar, ai = load(work, x + k), load(work, y + k)
        br, bi = backwards(load(work, x + n - k - WIDTH + 1)), backwards(load(work, y + n - k - WIDTH + 1))
        odd_r, odd_i, turn_r, turn_i = ai + bi, br - ar, load(turns, k), load(turns, n + k)
        spectrum_r = ar + br + odd_r * turn_r - odd_i * turn_i
        spectrum_i = ai - bi + odd_r * turn_i + odd_i * turn_r
        for field in range(fields):
            response, head, at = load(responses[field], k), heads[field], places[field] + k
            real, imaginary = spectrum_r * response, spectrum_i * response
            if even:
                _add(total, at, part, real, imaginary, head, k, bins)
                _add(total, at + 2 * part, part, real, imaginary, head, 2 * bins + k, bins)
            else:
                left, right = splat(ears[field][0]), splat(ears[field][1])
                _add(total, at, part, real * left, imaginary * left, head, k, bins)
                _add(total, at + 2 * part, part, real * right, imaginary * right, head, 2 * bins + k, bins)
    highest = np.float32(2.0) * (work[x] - work[y])
    for field in range(fields):
        coloured, at = highest * responses[field][n], places[field] + n
        total[at] += coloured * ears[field][0] * heads[field][n]
        total[at + 2 * part] += coloured * ears[field][1] * heads[field][2 * bins + n]


@numba.njit(nogil=True, cache=True, fastmath=_FAST)
def _sum_spectra(
    samples: FloatArray,
    period: npt.NDArray[np.int64],
    last_active: npt.NDArray[np.int64],
    end: int,
    row: npt.NDArray[np.int32],
    delay: npt.NDArray[np.int32],
    group: npt.NDArray[np.int32],
    heads: FloatArray,
    old_direction: npt.NDArray[np.int32],
    old_response: FloatArray,
    old_ears: FloatArray,
    new_direction: npt.NDArray[np.int32],
    new_response: FloatArray,
    new_ears: FloatArray,
    even: bool,
    fields: int,
    apart: int,
    work: FloatArray,
    tables: Tables,
    total: FloatArray,
    length: Length,
) -> bool:
    """Add sources to the sums of ``fields`` sets of filters, which begin ``apart`` from each other in ``total``."""
    part = part_of(length)
    x, y, size = 0, 2 * part, 2 << len(length)
    heard = False
    for source in range(row.size):
        first = end - delay[source] - size
        if first >= last_active[row[source]]:
            continue
        heard = True
        expect(heads[new_direction[min(source + 1, row.size - 1)]], 0, heads.shape[1])
        turn = period[row[source]]
        load_window(samples[row[source], :turn], first % turn, work, x, y, length)
        transform(work, x, y, tables, length)
        head = heads[old_direction[source]], heads[new_direction[source]]
        response = old_response[source], new_response[source]
        ears = old_ears[0 if even else source], new_ears[0 if even else source]
        at = 4 * part * group[source]
        _add_source(work, y, tables[3], fields, head, response, ears, even, total, (at, at + apart), length)
    return heard


@numba.njit(nogil=True, cache=True, fastmath=_FAST)
def _sound(
    total: FloatArray, apart: int, ramp: FloatArray, work: FloatArray, tables: Tables, sound: FloatArray, length: Length
) -> None:
    """The end of what the sums sound like, each ear's in a row of ``sound``: the first field's, or where there is a
    ``ramp`` the second field's share of it, going over from one to the other."""
    n, part = 1 << len(length), part_of(length)
    x, y = 0, 2 * part
    later = np.empty(ramp.size, np.float32)
    for ear in range(sound.shape[0]):
        at = 2 * part * ear
        total[at + part] = total[at + part + n] = 0.0  # what is real in a real signal's spectrum
        sound_of(total, at, work, x, y, tables, sound[ear], length)
        if ramp.size:
            at += apart
            total[at + part] = total[at + part + n] = 0.0
            sound_of(total, at, work, x, y, tables, later, length)
            for i in range(ramp.size):
                sound[ear, i] += (later[i] - sound[ear, i]) * ramp[i]


class SpectralSum:
    """Sums what sources of a ring give to two ears, as spectra of the ring's last ``size`` samples. Not thread-safe."""

    def __init__(self, heads: FloatArray, groups: int = 1) -> None:
        """``heads`` (directions, 2 ears, 2 parts, size // 2 + 1) as ``HrtfGrid.spectra`` has them; each of ``groups``
        has two ears of its own. Raises ``ValueError`` for another size than those of ``real_transform.SIZES``."""
        bins = heads.shape[3]
        self.size = 2 * (bins - 1)
        self._length = length_of(self.size)
        self._heads = np.ascontiguousarray(heads, np.float32).reshape(len(heads), 4 * bins)
        self._tables = tables_of(self.size)
        self._groups, self._bins = groups, bins
        part = bins - 1 + WIDTH
        self._work = aligned_zeros(4 * part)
        self._apart = 4 * part * groups
        self._total = aligned_zeros(2 * self._apart)
        self._even = np.ones((1, 2), np.float32)
        self._still = np.zeros(0, np.float32)

    def clear(self) -> None:
        """Begin new sums."""
        self._total[:] = 0.0

    def add(
        self,
        samples: FloatArray,
        period: npt.NDArray[np.int64],
        last_active: npt.NDArray[np.int64],
        end: int,
        row: npt.NDArray[np.int32],
        delay: npt.NDArray[np.int32],
        group: npt.NDArray[np.int32],
        filters: tuple[Filters, ...],
        field: int = 0,
    ) -> bool:
        """Add what the sources give to the sums from ``field`` (0 or 1) on, one for each of ``filters``; whether any
        sounds.

        ``samples`` (rows, length) is a ring's memory, ``period`` (rows,) after how many samples each row begins again,
        ``end`` the position after its current block. For each source: the ``row`` and ``delay`` it plays and its
        ``group``.
        """
        (old, old_response, old_ears), (new, new_response, new_ears) = filters[0], filters[-1]
        even = old_ears is None and new_ears is None
        if even:
            old_ears = new_ears = self._even
        elif old_ears is None or new_ears is None:
            ones = np.ones((len(row), 2), np.float32)
            old_ears, new_ears = ones if old_ears is None else old_ears, ones if new_ears is None else new_ears
        return bool(
            _sum_spectra(
                samples, period, last_active, end, row, delay, group, self._heads, old, old_response, old_ears,
                new, new_response, new_ears, even, len(filters), self._apart,
                self._work, self._tables, self._total[field * self._apart :], self._length,
            )
        )  # fmt: skip

    @property
    def spectra(self) -> FloatArray:
        """The sums, (2 fields, groups, 2 ears, 2 parts, bins)."""
        return self._total.reshape(2, self._groups, 2, 2, -1)[..., : self._bins]

    def sound(self, block: int, ramp: FloatArray | None = None) -> FloatArray:
        """The last ``block`` samples of the sums of field 0, (2 × groups, block) float32; with a ``ramp`` (block,) that
        is field 1's share, of both."""
        result = np.empty((2 * self._groups, block), np.float32)
        share = self._still if ramp is None else ramp
        _sound(self._total, self._apart, share, self._work, self._tables, result, self._length)
        return result
