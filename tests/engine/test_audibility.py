import numpy as np
import pytest
import scipy.signal
from audio_support import EXACT, RATE_HZ, note, player, render, small_room, tone_sounds

from tutti.engine.audio import ensemble
from tutti.engine.audio.audibility import bark, least_audible
from tutti.engine.audio.renderer import AudioSettings, OrchestraRenderer


def first_to_go(pitches, levels_db, sections, count=1) -> list[int]:
    zeros = np.zeros(len(pitches))
    chosen = least_audible(
        np.array(pitches, float), np.array(levels_db, float), np.array(sections, np.int64), zeros, count
    )
    return chosen.tolist()


def test_one_of_many_in_unison_goes_before_a_softer_line_of_its_own() -> None:
    assert first_to_go([69, 69, 69, 69, 45], [-30, -30, -30, -30, -33], [0, 0, 0, 0, 0])[0] < 4


def test_masking_is_within_a_section() -> None:
    assert first_to_go([69, 70, 70], [-30, -20, -30], [0, 0, 1]) == [0]
    assert first_to_go([69, 70, 70], [-20, -20, -32], [0, 1, 2]) == [2]


def test_low_masks_high_more_than_high_masks_low() -> None:
    """Equal distances from the loud note in Barks, equal levels: the higher one is missed less."""
    pitches = np.arange(20.0, 110.0, 0.01)
    barks = bark(pitches)
    below, above = (float(pitches[np.abs(barks - (bark(np.array([69.0])) + d)).argmin()]) for d in (-1.5, 1.5))
    assert first_to_go([69.0, below, above], [-20, -40, -40], [0, 0, 0]) == [2]


def test_those_who_are_left_are_missed_more() -> None:
    """Sixteen in unison, and eight on a softer note: both lines stay."""
    pitches, levels_db = [69] * 16 + [60] * 8, [-30] * 16 + [-36] * 8
    gone = first_to_go(pitches, levels_db, [0] * 24, 18)
    left = set(range(24)) - set(gone)
    assert any(i < 16 for i in left) and any(i >= 16 for i in left)


def test_more_can_be_asked_for_than_there_are() -> None:
    assert sorted(first_to_go([60, 62], [-30, -40], [0, 0], 5)) == [0, 1]
    assert first_to_go([], [], []) == []


@pytest.mark.parametrize(("count", "apart_s"), [(1000, 0.0), (300, 1e-5)])
def test_a_thousand_notes_at_once_keep_the_loud_line_and_do_not_click(monkeypatch, count, apart_s) -> None:
    """Sixty voices for a thousand soft notes of a section, and a trumpet that comes last; or three hundred notes
    that all forty play."""
    monkeypatch.setattr(ensemble, "HABITS", EXACT)
    crowd = [player(number, (number % 10) - 5.0, 3.0 + number // 10) for number in range(40)]
    renderer = OrchestraRenderer(
        [*crowd, player(99, 0.0, 6.0, "trumpet", part=1)],
        tone_sounds(),
        small_room(),
        AudioSettings(voices=60, seed=3, loudness_lufs=-40.0),
    )
    soft = [note(i, 0.1 + apart_s * i, 3.0, 40 + i % 50, velocity=12) for i in range(count)]
    renderer.submit([*soft, note(5000, 0.3, 3.0, 81, part=1, velocity=120)], [])
    sound = render(renderer, 1.0)
    assert renderer.sounding <= 60 and renderer.left_out > 500
    renderer.close()

    alone = OrchestraRenderer(
        [*crowd, player(99, 0.0, 6.0, "trumpet", part=1)],
        tone_sounds(),
        small_room(),
        AudioSettings(voices=60, seed=3, loudness_lufs=-40.0),
    )
    trumpet = render(alone, 1.0, [note(5000, 0.3, 3.0, 81, part=1, velocity=120)])
    alone.close()

    def level_at_880(audio: np.ndarray) -> float:
        part = audio[RATE_HZ // 2 : RATE_HZ, 0]
        return float(np.abs(part @ np.exp(2j * np.pi * 880.0 * np.arange(len(part)) / RATE_HZ)))

    assert abs(20 * np.log10(level_at_880(sound) / level_at_880(trumpet))) < 3.0
    high = scipy.signal.sosfilt(scipy.signal.butter(8, 6000.0, "high", fs=RATE_HZ, output="sos"), sound, axis=0)
    assert 20 * np.log10(np.abs(high).max() / np.abs(sound).max()) < -50.0
