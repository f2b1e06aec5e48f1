"""What ``tutti doctor`` says of a machine."""

import shutil

import pytest

from tutti.studio import doctor


@pytest.mark.parametrize("jackd", [None, "/usr/bin/jackd"])
def test_an_audio_server_that_does_not_run_is_no_sound_device(
    monkeypatch: pytest.MonkeyPatch, jackd: str | None
) -> None:
    monkeypatch.setattr(doctor, "_probe", lambda _program: (True, "[]"))
    monkeypatch.setattr(shutil, "which", lambda name: jackd if name == "jackd" else None)
    found = doctor._sound_device()
    assert (found.works, found.detail) == (False, "none")
    assert ("start jackd" in found.advice) == (jackd is not None)
    assert ("install jackd2" in found.advice) == (jackd is None)


def test_a_jack_server_that_runs_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_probe", lambda _program: (True, '["jack (48000 Hz)"]'))
    found = doctor._sound_device()
    assert (found.works, found.detail, found.advice) == (True, "jack (48000 Hz)", "")
