"""Writes small SoundFonts, so that tests know exactly what is in them."""

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

KEY_RANGE, VELOCITY_RANGE, SAMPLE, INSTRUMENT = 43, 44, 53, 41
SAMPLE_MODES, ROOT_KEY, ATTENUATION, COARSE_TUNE, FINE_TUNE = 54, 58, 48, 51, 52
ATTACK, DECAY, SUSTAIN, RELEASE, PAN = 34, 36, 37, 38, 17

Zone = Sequence[tuple[int, int]]


@dataclass
class FontSample:
    data: npt.NDArray[np.float64]
    name: str = "sample"
    rate_hz: int = 44100
    root: int = 69
    correction: int = 0
    loop: tuple[int, int] = (0, 0)
    kind: int = 1


@dataclass
class Font:
    """``instruments``: (name, zones); ``presets``: (name, bank, program, zones); a zone is (generator, amount) pairs,
    its sample or instrument last."""

    samples: list[FontSample]
    instruments: list[tuple[str, list[Zone]]] = field(default_factory=list)
    presets: list[tuple[str, int, int, list[Zone]]] = field(default_factory=list)
    vorbis: bool = False

    def write(self, path: Path) -> Path:
        path.write_bytes(self.content())
        return path

    def content(self) -> bytes:
        waves, headers = bytearray(), []
        for sample in self.samples:
            start = len(waves) // (1 if self.vorbis else 2)
            if self.vorbis:
                buffer = io.BytesIO()
                soundfile.write(buffer, sample.data, sample.rate_hz, format="OGG", subtype="VORBIS")
                waves += buffer.getvalue()
                end, loop = len(waves), sample.loop
            else:
                waves += np.round(np.clip(sample.data, -1, 1) * 32767).astype("<i2").tobytes()
                end, loop = len(waves) // 2, (sample.loop[0] + start, sample.loop[1] + start)
                waves += bytes(92)
            kind = sample.kind | (0x10 if self.vorbis else 0)
            headers.append(
                struct.pack(
                    "<20sIIIIIBbHH",
                    sample.name.encode(),
                    start,
                    end,
                    *loop,
                    sample.rate_hz,
                    sample.root,
                    sample.correction,
                    0,
                    kind,
                )
            )
        headers.append(struct.pack("<20sIIIIIBbHH", b"EOS", *[0] * 9))
        info = _chunk(b"ifil", struct.pack("<HH", 3 if self.vorbis else 2, 1))
        info += _chunk(b"INAM", b"test\0\0")
        instruments, ibag, igen = _records(self.instruments, b"EOI")
        presets, pbag, pgen = _records([(name, zones) for name, _, _, zones in self.presets], b"EOP")
        numbers = [(program, bank) for _, bank, program, _ in self.presets] + [(0, 0)]
        phdr = b"".join(
            struct.pack("<20sHHHIII", name, program, bank, bag, 0, 0, 0)
            for (name, bag), (program, bank) in zip(presets, numbers, strict=True)
        )
        modulators = bytes(10)
        pdta = (
            _chunk(b"phdr", phdr)
            + _chunk(b"pbag", pbag)
            + _chunk(b"pmod", modulators)
            + _chunk(b"pgen", pgen)
            + _chunk(b"inst", b"".join(struct.pack("<20sH", name, bag) for name, bag in instruments))
            + _chunk(b"ibag", ibag)
            + _chunk(b"imod", modulators)
            + _chunk(b"igen", igen)
            + _chunk(b"shdr", b"".join(headers))
        )
        body = _chunk(b"LIST", b"INFO" + info)
        body += _chunk(b"LIST", b"sdta" + _chunk(b"smpl", bytes(waves)))
        body += _chunk(b"LIST", b"pdta" + pdta)
        return _chunk(b"RIFF", b"sfbk" + body)


def _records(named: list[tuple[str, list[Zone]]], terminal: bytes) -> tuple[list[tuple[bytes, int]], bytes, bytes]:
    """Headers (name, first bag), bags and generators, each with its terminal record."""
    heads, bags, generators = [], [], []
    for name, zones in named:
        heads.append((name.encode(), len(bags)))
        for zone in zones:
            bags.append(struct.pack("<HH", len(generators), 0))
            generators += [struct.pack("<HH", oper, amount & 0xFFFF) for oper, amount in zone]
    heads.append((terminal, len(bags)))
    bags.append(struct.pack("<HH", len(generators), 0))
    generators.append(bytes(4))
    return heads, b"".join(bags), b"".join(generators)


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def span(low: int, high: int) -> int:
    """A range as a generator's amount."""
    return low | high << 8


def tone(pitch: float, seconds: float = 1.0, rate_hz: float = 44100.0, vibrato_cents: float = 0.0) -> npt.NDArray:
    """A note with twelve harmonics."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    hz = 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)
    wobble = 2.0 ** (vibrato_cents / 1200.0 * np.sin(2.0 * np.pi * 5.5 * time_s))
    phase = 2.0 * np.pi * np.cumsum(hz * wobble) / rate_hz
    harmonics = [k for k in range(1, 13) if k * hz < 0.45 * rate_hz]
    return 0.3 * np.sum([np.sin(k * phase + k * k) / k for k in harmonics], axis=0)


def looped_tone(pitch: float, rate_hz: int = 44100) -> FontSample:
    """A steady note whose loop is a whole number of periods, to within a sample."""
    period = rate_hz / (440.0 * 2.0 ** ((pitch - 69.0) / 12.0))
    end = round(0.4 * rate_hz) + round(period * round(0.5 * rate_hz / period))
    return FontSample(tone(pitch, 1.2, rate_hz), "tone", rate_hz, round(pitch), 0, (round(0.4 * rate_hz), end))


def orchestra_font(names: Sequence[tuple[str, int, int]] = (("Violin", 0, 40), ("Flute", 0, 73))) -> Font:
    """A font whose presets all play two looped notes."""
    samples = [looped_tone(60.0), looped_tone(72.0)]
    zones: list[Zone] = [
        [(KEY_RANGE, span(0, 65)), (SAMPLE_MODES, 1), (SAMPLE, 0)],
        [(KEY_RANGE, span(66, 127)), (SAMPLE_MODES, 1), (SAMPLE, 1)],
    ]
    presets: list[tuple[str, int, int, list[Zone]]] = [
        (name, bank, program, [[(INSTRUMENT, 0)]]) for name, bank, program in names
    ]
    return Font(samples, [("tones", zones)], presets)
