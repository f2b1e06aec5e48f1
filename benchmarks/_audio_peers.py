"""Other renderers of many moving sources with head-related transfer functions, driven with the same task: ``count``
noises, every one in a new direction in every block, at 48 kHz in blocks of 256. Each gives seconds of sound per second
of processor time, or raises ``PeerMissingError`` with how to install it.

    apt install libopenal1 csound csound-data      (OpenAL Soft, Csound)
"""

import ctypes
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from audio_players import BLOCK, RATE_HZ

from tutti.engine.audio.hrtf import load_grid
from tutti.engine.audio.spatial import SourceField, SpatialStage, StreamRing

DISTANCE_M = 3.0
NOISE_S = 4.0


class PeerMissingError(Exception):
    """A peer is not installed; the message says how to."""


def tutti_factor(count: int, seconds: float) -> float:
    """Our stage: the noise written into the ring, new directions, two ears. Everything a block takes is counted."""
    grid = load_grid(RATE_HZ, 512)
    random = np.random.default_rng(1)
    ring, stage = StreamRing(count, 1024, BLOCK), SpatialStage(grid, BLOCK)
    rows, delays = np.arange(count, dtype=np.int32), np.zeros(count, np.int32)
    response = np.ones((count, grid.fft_size // 2 + 1), np.float32)
    noise = random.standard_normal((count, BLOCK)).astype(np.float32)
    azimuths, level = random.uniform(-np.pi, np.pi, count), np.zeros(count)

    def block(number: int) -> None:
        ring.advance()
        start = ring.position % ring.samples.shape[1]
        ring.samples[:, start : start + BLOCK] = noise
        ring.last_active[:] = ring.position + BLOCK
        stage.place(SourceField(rows, delays, grid.index(azimuths + 0.05 * number, level), response))
        stage.process(ring)

    for number in range(20):  # compile
        block(number)
    blocks = round(seconds * RATE_HZ / BLOCK)
    started_s = time.process_time()
    for number in range(blocks):
        block(number)
    return blocks * BLOCK / RATE_HZ / (time.process_time() - started_s)


_INT, _FLOAT, _POINTER = ctypes.c_int, ctypes.c_float, ctypes.c_void_p


class _OpenAl:
    """OpenAL Soft's loopback device (ALC_SOFT_loopback, ALC_SOFT_HRTF); constants from alc.h, al.h, alext.h."""

    ALC_FREQUENCY, ALC_MONO_SOURCES, ALC_STEREO_SOURCES = 0x1007, 0x1010, 0x1011
    FORMAT_CHANNELS, FORMAT_TYPE, STEREO, FLOAT = 0x1990, 0x1991, 0x1501, 0x1406
    HRTF, HRTF_STATUS = 0x1992, 0x1993
    AL_POSITION, AL_LOOPING, AL_BUFFER, AL_ORIENTATION = 0x1004, 0x1007, 0x1009, 0x100F
    AL_FORMAT_MONO16, ALC_VERSION_SOFT, AL_VERSION = 0x1101, 0, 0xB002

    def __init__(self) -> None:
        name = next((n for n in ("libopenal.so.1", "soft_oal.dll", "libopenal.1.dylib") if _loads(n)), None)
        if name is None:
            raise PeerMissingError("OpenAL Soft is not installed (Debian: apt install libopenal1)")
        library = self.library = ctypes.CDLL(name)
        library.alcLoopbackOpenDeviceSOFT.restype = _POINTER
        library.alcCreateContext.restype = _POINTER
        library.alcCreateContext.argtypes = [_POINTER, ctypes.POINTER(_INT)]
        library.alcMakeContextCurrent.argtypes = [_POINTER]
        library.alcRenderSamplesSOFT.argtypes = [_POINTER, _POINTER, _INT]
        library.alcGetIntegerv.argtypes = [_POINTER, _INT, _INT, _POINTER]
        library.alcDestroyContext.argtypes = library.alcCloseDevice.argtypes = [_POINTER]
        library.alSource3f.argtypes = [_INT, _INT, _FLOAT, _FLOAT, _FLOAT]
        library.alGetString.restype = ctypes.c_char_p

    def open(self, count: int) -> tuple[int, int]:
        """A device that renders into memory with HRTF, and the context of its ``count`` sources."""
        library = self.library
        device = library.alcLoopbackOpenDeviceSOFT(None)
        wanted = [self.FORMAT_CHANNELS, self.STEREO, self.FORMAT_TYPE, self.FLOAT, self.ALC_FREQUENCY, RATE_HZ]
        wanted += [self.HRTF, 1, self.ALC_MONO_SOURCES, count, self.ALC_STEREO_SOURCES, 0, 0]
        context = library.alcCreateContext(device, (_INT * len(wanted))(*wanted))
        library.alcMakeContextCurrent(context)
        status = _INT(0)
        library.alcGetIntegerv(device, self.HRTF_STATUS, 1, ctypes.byref(status))
        if status.value not in (1, 2, 4):  # enabled, required, headphones detected
            raise PeerMissingError(f"OpenAL Soft found no HRTF data (status {status.value}): reinstall libopenal1")
        return device, context

    def close(self, device: int, context: int) -> None:
        self.library.alcMakeContextCurrent(None)
        self.library.alcDestroyContext(context)
        self.library.alcCloseDevice(device)

    def responses(self, directions_deg: np.ndarray, taps: int) -> np.ndarray:
        """What a click 1 m away gives at both ears, (directions, 2, taps), for azimuths (left is positive) and
        elevations."""
        library = self.library
        device, context = self.open(1)
        click = np.zeros(RATE_HZ // 10, "<i2")
        click[0] = 32767
        buffer, source = ctypes.c_uint(0), ctypes.c_uint(0)
        library.alGenBuffers(1, ctypes.byref(buffer))
        library.alBufferData(buffer, self.AL_FORMAT_MONO16, click.ctypes.data_as(_POINTER), click.nbytes, RATE_HZ)
        output, heard = np.zeros((taps, 2), np.float32), []
        for azimuth, elevation in np.radians(directions_deg):
            library.alGenSources(1, ctypes.byref(source))  # a new one: one that moves would crossfade
            x, y, z = -np.sin(azimuth) * np.cos(elevation), np.sin(elevation), -np.cos(azimuth) * np.cos(elevation)
            library.alSource3f(source.value, self.AL_POSITION, x, y, z)
            library.alSourcei(source, self.AL_BUFFER, buffer)
            library.alSourcePlay(source)
            library.alcRenderSamplesSOFT(device, output.ctypes.data_as(_POINTER), taps)
            heard.append(output.T.copy())
            library.alSourceStop(source)
            library.alDeleteSources(1, ctypes.byref(source))
            library.alcRenderSamplesSOFT(device, output.ctypes.data_as(_POINTER), taps)  # what rings on
        self.close(device, context)
        return np.array(heard)

    def factor(self, count: int, seconds: float) -> tuple[float, str]:
        library = self.library
        device, context = self.open(count)
        version = library.alGetString(self.AL_VERSION).decode()
        noise = (np.random.default_rng(1).standard_normal(round(NOISE_S * RATE_HZ)) * 2000).astype("<i2")
        buffer, sources = ctypes.c_uint(0), (ctypes.c_uint * count)()
        library.alGenBuffers(1, ctypes.byref(buffer))
        library.alBufferData(buffer, self.AL_FORMAT_MONO16, noise.ctypes.data_as(_POINTER), noise.nbytes, RATE_HZ)
        library.alGenSources(count, sources)
        for index, source in enumerate(sources):
            angle = 2.0 * np.pi * index / count
            library.alSource3f(
                source, self.AL_POSITION, DISTANCE_M * np.sin(angle), 0.3 * (index % 5), DISTANCE_M * np.cos(angle)
            )
            library.alSourcei(source, self.AL_BUFFER, buffer)
            library.alSourcei(source, self.AL_LOOPING, 1)
        library.alSourcePlayv(count, sources)
        output = np.zeros((BLOCK, 2), np.float32)
        facing = (_FLOAT * 6)(0, 0, -1, 0, 1, 0)

        def block(number: int) -> None:
            # The listener turns: one call puts every source in a new direction.
            facing[0], facing[2] = np.sin(0.05 * number), -np.cos(0.05 * number)
            library.alListenerfv(self.AL_ORIENTATION, facing)
            library.alcRenderSamplesSOFT(device, output.ctypes.data_as(_POINTER), BLOCK)

        for number in range(20):
            block(number)
        blocks = round(seconds * RATE_HZ / BLOCK)
        started_s = time.process_time()
        for number in range(blocks):
            block(number)
        spent_s = time.process_time() - started_s
        if not output.any():
            raise PeerMissingError("OpenAL Soft rendered silence")
        self.close(device, context)
        return blocks * BLOCK / RATE_HZ / spent_s, version


def openal_factor(count: int, seconds: float) -> tuple[float, str]:
    """OpenAL Soft and what it calls itself."""
    return _OpenAl().factor(count, seconds)


def openal_responses(directions_deg: np.ndarray, taps: int) -> np.ndarray:
    """OpenAL Soft's own head, its interpolation included: (directions, 2 ears, taps) at 48 kHz."""
    return _OpenAl().responses(directions_deg, taps)


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


_CSOUND = """<CsoundSynthesizer>
<CsOptions>
-n -d -m0
</CsOptions>
<CsInstruments>
sr = {rate}
ksmps = {block}
nchnls = 2
0dbfs = 1
instr 1
  aNoise rand 0.01
  kAngle phasor 0.1 + 0.01 * p4
  aLeft, aRight hrtfmove2 aNoise, 360 * kAngle, 0, "{left}", "{right}", 4, 9, {rate}
  outs aLeft, aRight
endin
</CsInstruments>
<CsScore>
{score}
</CsScore>
</CsoundSynthesizer>
"""


def csound_factor(count: int, seconds: float) -> tuple[float, str]:
    """Csound's ``hrtfmove2``, its start-up not counted (a run that is twice as long, less one)."""
    program = shutil.which("csound")
    folders = [Path("/usr/share/csound/hrtf"), Path("/usr/share/csound/samples"), Path("/usr/local/share/samples")]
    data = next((folder for folder in folders if (folder / f"hrtf-{RATE_HZ}-left.dat").is_file()), None)
    if program is None or data is None:
        raise PeerMissingError("Csound or its HRTF data are not installed (Debian: apt install csound csound-data)")
    left, right = (data / f"hrtf-{RATE_HZ}-{side}.dat" for side in ("left", "right"))

    def spent_s(length_s: float) -> float:
        score = "\n".join(f"i1 0 {length_s} {index}" for index in range(count))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "sources.csd"
            path.write_text(_CSOUND.format(rate=RATE_HZ, block=BLOCK, left=left, right=right, score=score))
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([program, str(path)], check=True, capture_output=True, timeout=600)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stderr
    line = next((line for line in version.splitlines() if "version" in line), "").strip("- ")
    return seconds / max(1e-6, spent_s(2.0 * seconds) - spent_s(seconds)), line.split("(")[0].strip()
