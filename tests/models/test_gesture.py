"""The network that reads gesture: the same frames live and in training, the same answers by numpy and torch."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tutti.assets import asset_path
from tutti.engine.conducting import gesture_reader
from tutti.engine.conducting.gesture_features import FRAME_S, METERS, FrameMaker, features
from tutti.engine.conducting.gesture_reader import BEAT, BEATING, KNOWN_AFTER_S, UNTIL, GestureReader, looked_at
from tutti.engine.errors import ModelError
from tutti.models.gesture.corpus import lesson
from tutti.models.gesture.training import (
    ENTRY_FRAMES,
    ENTRY_WORTH,
    GestureNetwork,
    GesturePlan,
    entry_worth,
    read_network,
    side_by_side,
    train_gesture,
    widened,
)


def a_way(count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """A hand that beats at uneven stamps, with a gap."""
    random = np.random.default_rng(3)
    times_s = np.cumsum(random.uniform(0.004, 0.03, count))
    times_s[200:] += 0.6
    phase = 2 * np.pi * times_s / 0.7
    places_m = np.stack([0.1 * np.sin(phase / 2), 1.0 + 0.15 * np.abs(np.sin(phase / 2)), 0.02 * np.cos(phase)], axis=1)
    return times_s, places_m + 0.001 * random.standard_normal((count, 3))


def shipped_network() -> GestureNetwork:
    """The network with the weights that ship."""
    return read_network(asset_path("weights", "gesture.safetensors"))


def test_frames_made_one_by_one_are_those_of_training() -> None:
    times_s, places_m = a_way()
    grid, frames = features(times_s, places_m, [(0.0, 0.7, 4)])
    maker = FrameMaker(0.7, 4)
    live = [made for time_s, place in zip(times_s, places_m, strict=True) for made in maker.step(time_s, tuple(place))]
    count = min(len(grid), len(live))
    assert count > 300 and abs(len(grid) - len(live)) <= 1
    np.testing.assert_allclose([time_s for time_s, _ in live[:count]], grid[:count], atol=1e-9)
    np.testing.assert_allclose([frame for _, frame in live[:count]], frames[:count], atol=1e-5)


def test_a_hand_and_its_mirror_image_are_read_alike() -> None:
    times_s, places_m = a_way()
    mirrored = places_m * [-1.0, 1.0, 1.0]
    read = [
        [r.ictus for time_s, place in zip(times_s, way, strict=True) for r in reader.step(time_s, tuple(place))]
        for reader, way in ((GestureReader(0.7, 4), places_m), (GestureReader(0.7, 4), mirrored))
    ]
    assert max(read[0]) > 0.3
    np.testing.assert_allclose(*read, atol=1e-4)


def test_frames_do_not_depend_on_where_the_hand_is() -> None:
    times_s, places_m = a_way()
    _, here = features(times_s, places_m, [(0.0, 0.7, 4)])
    _, there = features(times_s, places_m + [1.0, -0.4, 2.0], [(0.0, 0.7, 4)])
    np.testing.assert_allclose(here, there, atol=1e-5)


def test_numpy_reads_what_torch_reads() -> None:
    times_s, places_m = a_way()
    network = shipped_network()
    _, frames = features(times_s, places_m, [(0.0, 0.7, 4)])
    looks = np.stack([looked_at(frame) for frame in frames])
    with torch.no_grad():
        out = network(torch.from_numpy(looks).permute(2, 0, 1))[0].mean(dim=0)
    reader = GestureReader(0.7, 4)
    read = [r for time_s, place in zip(times_s, places_m, strict=True) for r in reader.step(time_s, tuple(place))]
    count = min(len(read), len(out))
    np.testing.assert_allclose([r.ictus for r in read[:count]], torch.sigmoid(out[:count, 0]), atol=1e-3)
    np.testing.assert_allclose([r.until for r in read[:count]], torch.softmax(out[:count, UNTIL], 1), atol=1e-3)
    np.testing.assert_allclose([r.beat for r in read[:count]], torch.softmax(out[:count, BEAT], 1), atol=1e-3)
    np.testing.assert_allclose([r.beating for r in read[:count]], torch.sigmoid(out[:count, BEATING]), atol=1e-3)


def test_icti_of_conductors_never_seen_are_found() -> None:
    network = shipped_network()
    found, true_peaks, plainly_wrong = [], [], []
    for seed in range(60):
        taught = lesson(seed)
        with torch.no_grad():
            read = torch.sigmoid(network(torch.from_numpy(taught.frames.astype(np.float32))[None])[0][0][:, 0]).numpy()
        peaks = 1 + np.flatnonzero((read[1:-1] > read[:-2]) & (read[1:-1] >= read[2:]) & (read[1:-1] > 0.2))
        icti = 1 + np.flatnonzero((taught.ictus[1:-1] > taught.ictus[:-2]) & (taught.ictus[1:-1] >= taught.ictus[2:]))
        icti = icti[taught.ictus[icti] > 0.5]
        near = np.abs(peaks[:, None] - icti[None]) <= 3
        found.append(near.any(axis=0).mean())
        true_peaks.append(near.any(axis=1).mean() if len(peaks) else 0.0)
        plainly_wrong.append((~near.any(axis=1) & (read[peaks] > 0.4)).sum() / len(icti))
    assert np.median(found) > 0.9 and np.median(true_peaks) > 0.9
    assert np.mean(found) > 0.7 and np.mean(true_peaks) > 0.7  # some hands are hardly read at all
    assert np.mean(plainly_wrong) < 0.15 and max(plainly_wrong) < 1.0


def test_the_beat_of_the_bar_and_whether_the_hand_beats_are_read() -> None:
    network = shipped_network()
    right, beats, told, frames = 0, 0, 0, 0
    for seed in range(12):
        taught = lesson(seed)
        with torch.no_grad():
            out = network(torch.from_numpy(taught.frames.astype(np.float32))[None])[0][0]
        sure = taught.beat >= 0
        right += int((out[:, BEAT].argmax(1).numpy() == taught.beat)[sure].sum())
        told += int(((out[:, BEATING].numpy() > 0) == (taught.beating > 0)).sum())
        beats, frames = beats + int(sure.sum()), frames + len(sure)
    assert right > 0.8 * beats
    assert told > 0.9 * frames


def test_the_beat_is_read_across_changes_of_the_meter() -> None:
    network = shipped_network()
    right, beats = np.zeros(2), 0
    taught = [lesson(seed) for seed in range(60)]
    changing = [one for one in taught if len(np.unique(one.frames[:, -METERS:], axis=0)) > 1]
    assert len(changing) >= 4
    for one in changing:
        frames = one.frames.astype(np.float32)
        never_told = frames.copy()
        never_told[:, -METERS:] = frames[0, -METERS:]
        with torch.no_grad():
            told, guessed = network(torch.from_numpy(np.stack([frames, never_told])))[0][..., BEAT].argmax(2).numpy()
        sure = one.beat >= 0
        right += (told == one.beat)[sure].sum(), (guessed == one.beat)[sure].sum()
        beats += int(sure.sum())
    assert right[0] > 0.8 * beats
    assert right[0] > right[1] + 0.05 * beats


def test_the_score_can_tell_something_else_of_every_beat() -> None:
    times_s, places_m = a_way()
    told = [(0.0, 0.7, 4), (2.0, 0.7, 3), (4.0, 0.5, 3)]
    grid, frames = features(times_s, places_m, told)
    maker = FrameMaker(0.7, 4)
    live = []
    for time_s, place in zip(times_s, places_m, strict=True):
        for frame_s, frame in maker.step(time_s, tuple(place)):
            live.append((frame_s, frame))
            for since_s, period_s, beats_in_bar in told:
                if frame_s + FRAME_S >= since_s:
                    maker.tell(period_s, beats_in_bar)
    count = min(len(grid), len(live))
    np.testing.assert_allclose([frame for _, frame in live[:count]], frames[:count], atol=1e-5)


def test_a_network_with_more_units_reads_the_same_and_cannot_shrink() -> None:
    torch.manual_seed(3)
    narrow, wide = GestureNetwork(16), GestureNetwork(24)
    wide.load_state_dict(widened(narrow.state_dict(), 24))
    frames = torch.randn(2, 40, narrow.inp.in_features)
    torch.testing.assert_close(wide(frames)[0], narrow(frames)[0])
    with pytest.raises(ValueError, match="width 8"):
        widened(narrow.state_dict(), 8)


def test_networks_side_by_side_say_the_mean_of_what_they_say() -> None:
    torch.manual_seed(4)
    networks = [GestureNetwork(8), GestureNetwork(12)]
    both = GestureNetwork(20)
    both.load_state_dict(side_by_side([network.state_dict() for network in networks]))
    frames = torch.randn(2, 40, both.inp.in_features)
    torch.testing.assert_close(both(frames)[0], sum(network(frames)[0] for network in networks) / 2)


def test_the_first_beat_and_beats_after_holds_count_for_more() -> None:
    taught, frames = lesson(5), 2000
    marks = np.zeros(frames)
    icti = np.array([200, 250, 300, 350, 550, 600, 650])
    marks[icti] = 1.0
    taught = replace(taught, ictus=marks.astype(np.float16))
    before, after = ENTRY_FRAMES
    heavy = np.flatnonzero(entry_worth(taught) == ENTRY_WORTH)
    assert heavy.tolist() == [*range(200 - before, 200 + after), *range(550 - before, 550 + after)]
    nothing = replace(taught, ictus=np.zeros(frames, np.float16))
    assert (entry_worth(nothing) == 1.0).all()


def test_lessons_repeat_and_differ() -> None:
    once, again, other = lesson(5), lesson(5), lesson(6)
    np.testing.assert_array_equal(once.frames, again.frames)
    assert once.frames.shape != other.frames.shape or not np.array_equal(once.frames, other.frames)
    assert once.ictus.max() > 0.9 and set(np.unique(once.until)) <= set(range(34))


def test_training_writes_weights_that_the_reader_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, float, float]] = []
    out = tmp_path / "gesture.safetensors"
    plan = replace(GesturePlan(), lessons=4, budget_s=2.0, width=12)
    train_gesture(out, plan, "a test", lambda *what: told.append(what))
    assert out.with_suffix(".json").exists() and told[-1][:2] == ("Training", 1.0)
    train_gesture(out, replace(plan, budget_s=0.5), "a test", lambda *what: None, (out, out))
    assert len(read_network(out).inp.bias) == 24
    monkeypatch.setattr(gesture_reader, "asset_path", lambda *parts: out)
    gesture_reader._weights.cache_clear()
    try:
        reader = GestureReader(0.7, 4)
        times_s, places_m = a_way(100)
        read = [r for time_s, place in zip(times_s, places_m, strict=True) for r in reader.step(time_s, tuple(place))]
        assert all(0.0 <= r.ictus <= 1.0 and abs(r.until.sum() - 1.0) < 1e-5 for r in read)
        assert read[-1].time_s - KNOWN_AFTER_S < times_s[-1]
    finally:
        gesture_reader._weights.cache_clear()


def test_weights_to_start_from_that_are_none_are_named(tmp_path: Path) -> None:
    broken, other = tmp_path / "broken.safetensors", asset_path("weights", "parts.safetensors")
    broken.write_text("no weights")
    for start in (broken, other, tmp_path / "none.safetensors"):
        with pytest.raises(ModelError, match=f"{start.name}: no weights of the network that reads gesture"):
            train_gesture(tmp_path / "g.safetensors", GesturePlan(lessons=1), "", lambda *what: None, (start,))
    with pytest.raises(ModelError, match="ends in"):
        train_gesture(tmp_path / "gesture.json", GesturePlan(lessons=1), "", lambda *what: None)
