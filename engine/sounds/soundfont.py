"""SoundFont 2 and 3 files as values: presets, their zones with all generators merged, decoded samples.

Chunks are read by sf2utils; the merging of generators follows the SoundFont Technical Specification 2.04, sections
7 (structures), 8.1 (generators) and 9.4 (how global, instrument and preset zones combine). SoundFont 3 is the same with
Ogg Vorbis samples, as MuseScore and FluidSynth write it: sample addresses are bytes and loops count from the sample's
own start. Modulators and filters are not read: velocity and brightness are the player's business.
"""

import hashlib
import io
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
from sf2utils.riffparser import RiffParseException, RiffParser
from sf2utils.sf2parse import Sf2File

from ..errors import SoundError

MAX_SAMPLE_FRAMES = 1 << 24
"""Longest single sample that is decoded (6 minutes at 44.1 kHz); a longer one is taken for a damaged header."""

_ATTENUATION_DB_PER_CENTIBEL = 0.04
"""Initial attenuation counts 0.4 of its nominal 0.1 dB, as the EMU hardware did and all players since do."""

_VORBIS, _ROM, _RIGHT, _LEFT = 0x10, 0x8000, 2, 4


class _Generator:
    """Generator numbers (specification 8.1.2)."""

    START, END, LOOP_START, LOOP_END, START_COARSE, END_COARSE = 0, 1, 2, 3, 4, 12
    ATTACK, HOLD, DECAY, SUSTAIN, RELEASE = 34, 35, 36, 37, 38
    INSTRUMENT, KEY_RANGE, VELOCITY_RANGE, LOOP_START_COARSE = 41, 43, 44, 45
    ATTENUATION, LOOP_END_COARSE, COARSE_TUNE, FINE_TUNE, SAMPLE = 48, 50, 51, 52, 53
    SAMPLE_MODES, SCALE_TUNING, ROOT_KEY = 54, 56, 58


_DEFAULTS: Mapping[int, int] = {
    _Generator.ATTACK: -12000,
    _Generator.HOLD: -12000,
    _Generator.DECAY: -12000,
    _Generator.RELEASE: -12000,
    _Generator.SCALE_TUNING: 100,
    _Generator.ROOT_KEY: -1,
}
_ADDED_BY_PRESET = (
    _Generator.ATTACK,
    _Generator.HOLD,
    _Generator.DECAY,
    _Generator.SUSTAIN,
    _Generator.RELEASE,
    _Generator.ATTENUATION,
    _Generator.COARSE_TUNE,
    _Generator.FINE_TUNE,
    _Generator.SCALE_TUNING,
)


@dataclass(frozen=True, slots=True, order=True)
class Preset:
    """A preset's place in the bank and its name. ``place`` is its place in the file."""

    bank: int
    program: int
    name: str
    place: int


@dataclass(frozen=True, slots=True)
class FontZone:
    """One sample's place in a preset, all generators merged.

    ``root_pitch`` is the pitch that the font claims the sample has, tuning included. Positions are in samples from the
    start of the decoded sample (``end_offset``, zero or negative, from its end); ``loop_end == loop_start`` where the
    font asks for no loop or its loop is nonsense. ``decay_s`` is the time of a fall by 100 dB, which stops at
    ``sustain_db`` (0 or negative). ``side`` is the channel of a stereo recording: left, right or mono.
    """

    low_key: int
    high_key: int
    low_velocity: int
    high_velocity: int
    sample: int
    start: int
    end_offset: int
    loop_start: int
    loop_end: int
    rate_hz: float
    root_pitch: float
    pitch_tracking: float
    attenuation_db: float
    attack_s: float
    hold_s: float
    decay_s: float
    sustain_db: float
    release_s: float
    side: str
    name: str


class _Chunks(Sf2File):
    """sf2utils' reader of chunks, letting programs sign with more than 256 bytes."""

    parser_map = Sf2File.parser_map | dict.fromkeys(
        (b"isng", b"INAM", b"ICRD", b"IENG", b"IPRD", b"ICOP", b"ISFT"), RiffParser.parse_long_str_chunk
    )


class SoundFont:
    """An open SoundFont; ``presets`` are in order of bank and program. Reading is thread-safe.

    Raises ``SoundError`` from every method for a file that is not a SoundFont, is truncated or contradicts itself.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                raw = _Chunks(file).raw
                self._tables: dict[str, list[Any]] = {str(key): list(table) for key, table in raw.pdta.items()}
                offset = int(raw.smpl_offset or 0)
                file.seek(max(offset - 4, 0))
                size = struct.unpack("<I", file.read(4))[0] if offset else 0
            self._bytes = np.memmap(path, np.uint8, "r")
        except OSError as error:
            raise SoundError(f"{path}: cannot be read ({error.strerror or error})") from error
        except _PARSE_ERRORS as error:
            raise SoundError(f"{path}: not a whole SoundFont (SF2 or SF3); download it again") from error
        missing = {"Phdr", "Pbag", "Pgen", "Inst", "Ibag", "Igen", "Shdr"} - self._tables.keys()
        if missing:
            raise SoundError(f"{path}: a damaged SoundFont, its {sorted(missing)[0].lower()} chunk is missing or empty")
        if not size:
            raise SoundError(f"{path}: a SoundFont without samples (sound ROM only); choose another")
        if offset + size > self._bytes.size:
            raise SoundError(f"{path}: truncated, {offset + size - self._bytes.size} bytes of samples are missing")
        self._samples = self._bytes[offset : offset + size]

        headers = self._tables["Phdr"][:-1]
        self.presets = tuple(sorted(Preset(h.bank, h.preset, _text(h.name), i) for i, h in enumerate(headers)))

    def digest(self) -> str:
        """Hash of the whole file's content (BLAKE2b, hexadecimal)."""
        return hashlib.blake2b(self._bytes.data, digest_size=16).hexdigest()

    def zones(self, preset: Preset) -> tuple[FontZone, ...]:
        """The zones of a preset, in the file's order, each with its generators merged."""
        result = []
        for preset_zone in self._merged("Phdr", preset.place, "Pbag", "Pgen", _Generator.INSTRUMENT, preset.name):
            instrument = preset_zone[_Generator.INSTRUMENT]
            if instrument >= len(self._tables["Inst"]) - 1:
                raise SoundError(f"{self.path}: preset {preset.name!r} names an instrument that is not in the file")
            name = _text(self._tables["Inst"][instrument].name)
            for zone in self._merged("Inst", instrument, "Ibag", "Igen", _Generator.SAMPLE, name):
                merged = self._zone(zone, preset_zone, name)
                if merged is not None:
                    result.append(merged)
        return tuple(result)

    def decode(self, sample: int) -> npt.NDArray[np.float32]:
        """A sample's waveform, mono float32, full scale ±1."""
        header = self._header(sample)
        name = _text(header.sample_name)
        if not header.sample_type & _VORBIS:
            return self._samples[2 * header.start : 2 * header.end].view("<i2").astype(np.float32) / 32768.0
        try:
            with soundfile.SoundFile(io.BytesIO(self._samples[header.start : header.end].tobytes())) as file:
                if not 0 < file.frames <= MAX_SAMPLE_FRAMES:
                    raise SoundError(f"{self.path}: sample {name!r} has an absurd length of {file.frames} frames")
                data = file.read(dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise SoundError(f"{self.path}: sample {name!r} is damaged ({error.error_string.rstrip('.')})") from error
        return np.ascontiguousarray(data[:, 0])

    def _merged(
        self, heads: str, index: int, bags: str, generators: str, terminal: int, name: str
    ) -> Iterator[dict[int, int]]:
        """The zones of a preset or instrument that end in a ``terminal`` generator, over the global zone if any."""
        first, last = self._span(heads, "bag", index, bags, name)
        default: dict[int, int] = {}
        for bag in range(first, last):
            low, high = self._span(bags, "gen", bag, generators, name)
            zone = {g.oper: g.amount for g in self._tables[generators][low:high]}
            if terminal in zone:
                yield default | zone
            elif bag == first:
                default = zone

    def _span(self, table: str, field: str, index: int, target: str, name: str) -> tuple[int, int]:
        rows = self._tables[table]
        limit = len(self._tables[target])
        if index + 1 >= len(rows):
            raise SoundError(f"{self.path}: damaged, the {table.lower()} chunk ends within {name!r}")
        low, high = getattr(rows[index], field), getattr(rows[index + 1], field)
        if not low <= high <= limit:
            raise SoundError(f"{self.path}: damaged, {name!r} points outside of the {target.lower()} chunk")
        return low, high

    def _header(self, sample: int) -> Any:
        headers = self._tables["Shdr"]
        if sample >= len(headers) - 1:
            raise SoundError(f"{self.path}: sample {sample} is used but not in the file, which has {len(headers) - 1}")
        header = headers[sample]
        unit = 1 if header.sample_type & _VORBIS else 2
        if not header.start < header.end or header.end * unit > self._samples.size:
            raise SoundError(f"{self.path}: sample {_text(header.sample_name)!r} lies outside of the sample chunk")
        if (header.end - header.start) > MAX_SAMPLE_FRAMES * 2:
            raise SoundError(f"{self.path}: sample {_text(header.sample_name)!r} has an absurd length")
        if not 400 <= header.sample_rate <= 192000:
            raise SoundError(
                f"{self.path}: sample {_text(header.sample_name)!r} has an absurd rate of {header.sample_rate} Hz"
            )
        return header

    def _zone(self, zone: Mapping[int, int], preset_zone: Mapping[int, int], name: str) -> FontZone | None:
        """Instrument and preset generators together; None where they leave nothing to play."""
        low_key, high_key = _intersection(zone, preset_zone, _Generator.KEY_RANGE)
        low_velocity, high_velocity = _intersection(zone, preset_zone, _Generator.VELOCITY_RANGE)
        if low_key > high_key or low_velocity > high_velocity:
            return None
        index = zone[_Generator.SAMPLE]
        headers = self._tables["Shdr"]
        if index < len(headers) - 1 and headers[index].sample_type & _ROM:
            return None
        header = self._header(index)

        def value(generator: int) -> int:
            total = _signed(zone[generator]) if generator in zone else _DEFAULTS.get(generator, 0)
            if generator in _ADDED_BY_PRESET and generator in preset_zone:
                total += _signed(preset_zone[generator])
            return total

        def address(fine: int, coarse: int) -> int:
            return value(fine) + 32768 * value(coarse)

        relative = 0 if header.sample_type & _VORBIS else header.start
        start = max(0, address(_Generator.START, _Generator.START_COARSE))
        shorten = min(0, address(_Generator.END, _Generator.END_COARSE))
        loop_start = header.start_loop - relative + address(_Generator.LOOP_START, _Generator.LOOP_START_COARSE)
        loop_end = header.end_loop - relative + address(_Generator.LOOP_END, _Generator.LOOP_END_COARSE)
        if not value(_Generator.SAMPLE_MODES) & 1 or not 0 <= start <= loop_start < loop_end:
            loop_start = loop_end = start
        root = value(_Generator.ROOT_KEY)
        if not 0 <= root <= 127:
            root = header.original_pitch if header.original_pitch <= 127 else 60
        coarse = max(-120, min(120, value(_Generator.COARSE_TUNE)))
        cents = max(-1200, min(1200, value(_Generator.FINE_TUNE))) + header.pitch_correction
        kind = header.sample_type & 7
        return FontZone(
            low_key=low_key,
            high_key=high_key,
            low_velocity=low_velocity,
            high_velocity=high_velocity,
            sample=index,
            start=start,
            end_offset=shorten,
            loop_start=loop_start,
            loop_end=loop_end,
            rate_hz=float(header.sample_rate),
            root_pitch=root - coarse - cents / 100.0,
            pitch_tracking=max(0, min(1200, value(_Generator.SCALE_TUNING))) / 100.0,
            attenuation_db=_ATTENUATION_DB_PER_CENTIBEL * max(0, min(1440, value(_Generator.ATTENUATION))),
            attack_s=_seconds(value(_Generator.ATTACK)),
            hold_s=_seconds(value(_Generator.HOLD)),
            decay_s=_seconds(value(_Generator.DECAY)),
            sustain_db=-0.1 * max(0, min(1440, value(_Generator.SUSTAIN))),
            release_s=_seconds(value(_Generator.RELEASE)),
            side="left" if kind == _LEFT else "right" if kind == _RIGHT else "mono",
            name=f"{name}: {_text(header.sample_name)}",
        )


_PARSE_ERRORS = (
    struct.error,
    RiffParseException,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    RuntimeError,
    RecursionError,
    StopIteration,
    MemoryError,
)
"""What sf2utils lets through when a file is not what it should be."""


def _text(name: bytes) -> str:
    return name.split(b"\0")[0].decode("latin-1").strip()


def _signed(amount: int) -> int:
    return amount - 0x10000 if amount >= 0x8000 else amount


def _seconds(timecents: int) -> float:
    """Absolute timecents as seconds, held to the specification's range (1 ms … 100 s)."""
    return math.pow(2.0, max(-12000, min(8000, timecents)) / 1200.0)


def _intersection(zone: Mapping[int, int], preset_zone: Mapping[int, int], generator: int) -> tuple[int, int]:
    bounds: Sequence[tuple[int, int]] = [
        (amounts[generator] & 0x7F, min(127, amounts[generator] >> 8))
        for amounts in (zone, preset_zone)
        if generator in amounts
    ]
    ordered = [(min(pair), max(pair)) for pair in bounds]
    return max([0, *(low for low, _ in ordered)]), min([127, *(high for _, high in ordered)])
