"""Real scores: pieces of music21's corpus of every kind, and notes against music21's own MIDI export."""

from collections import Counter

import mido
import numpy as np
import pytest

from tutti.engine.instruments import catalogue
from tutti.engine.notation.score_reader import read_score

PIECES = [
    "bach/bwv1.6",
    "bach/bwv10.7",
    "bach/bwv66.6",
    "bach/bwv227.1",
    "bach/bwv248.12-2",
    "bach/bwv253",
    "bach/bwv371",
    "bach/bwv432",
    "bach/bwv846",
    "beethoven/opus18no1/movement3",
    "chopin/mazurka06-2",
    "ciconia/quod_jactatur",
    "corelli/opus3no1/1grave",
    "cpebach/h186",
    "essenFolksong/altdeu10",
    "essenFolksong/ballad60",
    "essenFolksong/folkHaydn",
    "essenFolksong/teste",
    "essenFolksong/erk5",
    "handel/rinaldo/Lascia_chio_pianga",
    "haydn/opus1no1/movement1",
    "haydn/opus74no1/movement3",
    "johnson_j_r/lift_every_voice",
    "joplin/maple_leaf_rag",
    "josquin/4vPerIlludAveProlatum",
    "josquin/petiteCamusette",
    "leadSheet/berlinAlexandersRagtime",
    "leadSheet/fosterBrownHair",
    "liliuokalani/aloha_oe",
    "luca/gloria",
    "lusitano/allor_che_ignuda",
    "miscFolk/americanfifeopus",
    "monteverdi/madrigal.3.1",
    "monteverdi/madrigal.3.12",
    "monteverdi/madrigal.3.20",
    "monteverdi/madrigal.5.3",
    "mozart/k155/movement2",
    "mozart/k155/movement3",
    "mozart/k156/movement1",
    "mozart/k80/movement3",
    "mozart/k545/movement1_exposition",
    "nottingham-dataset/reelsa-c",
    "oneills1850/0001-0050",
    "oneills1850/0731-0731",
    "airdsAirs/book1",
    "palestrina/Agnus",
    "palestrina/Kyrie_00",
    "palestrina/Benedictus_12",
    "ryansMammoth/AllTheRageReel",
    "ryansMammoth/AfterTheHareReel",
    "ryansMammoth/BagOfMealThe",
    "schoenberg/opus19/movement2",
    "schoenberg/opus19/movement6",
    "schubert/Lindenbaum",
    "schumann_clara/polonaise_op1n1",
    "schumann_clara/opus17/movement3",
    "schumann_robert/opus48no2",
    "theoryExercises/TriadExercise",
    "theoryExercises/checker_demo",
    "trecento/Fava_Dicant_nunc_iudei",
    "verdi/laDonnaEMobile",
    "webern/webern_dormi_jesu_op_16_no_2",
    "demos/two-parts",
    "demos/ComprehensiveChordSymbolsTestFile",
    "beach/prayer_of_a_tired_child",
]


@pytest.mark.parametrize("name", PIECES)
def test_a_corpus_piece_compiles_to_a_sound_score(name):
    score = read_score(name)
    notes, beats, measures = score.notes, score.beats, score.measures
    assert len(notes) > 5 and len(score.parts) >= 1
    assert {part.instrument for part in score.parts} <= set(catalogue())
    assert (np.diff(notes["onset_quarter"]) >= 0).all()
    assert (notes["duration_quarter"] > 0).all() and (notes["onset_quarter"] >= 0).all()
    assert (notes["dynamic"] > 0).all() and (notes["dynamic"] <= 1).all()
    ends = measures["start_quarter"] + measures["duration_quarter"]
    assert np.allclose(ends[:-1], measures["start_quarter"][1:])
    assert -beats["duration_quarter"][0] < beats["quarter"][0] <= 0.0, "within an upbeat's beat at the latest"
    beat_ends = beats["quarter"] + beats["duration_quarter"]
    assert np.allclose(beat_ends[:-1], beats["quarter"][1:]) and beat_ends[-1] == pytest.approx(score.end_quarter)
    assert score.tempos["quarter"][0] == 0.0 and (score.tempos["quarter_bpm"] > 0).all()
    lowest, highest = ends.min(), score.end_quarter
    assert lowest > 0 and notes["onset_quarter"].max() < highest + 1e-6


def midi_export(name: str, folder) -> Counter[tuple[float, int]]:
    """(onset in quarters, pitch) of every note, by music21's own expansion of repeats and MIDI export."""
    from music21 import corpus, harmony

    path = folder / "export.mid"
    tree = corpus.parse(name)
    for symbol in list(tree.recurse().getElementsByClass(harmony.Harmony)):  # chord symbols are not written notes
        symbol.activeSite.remove(symbol)
    tree.write("midi", path)
    file = mido.MidiFile(path)
    found: Counter[tuple[float, int]] = Counter()
    for track in file.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.velocity > 0:
                found[round(tick / file.ticks_per_beat, 2), message.note] += 1
    return found


@pytest.mark.parametrize(
    "name",
    [
        "bach/bwv1.6",  # horns in F among voices
        "bach/bwv66.6",
        "bach/bwv227.1",
        "bach/bwv371",  # repeats inside a bar
        "palestrina/Kyrie_00",
        "monteverdi/madrigal.3.20",
        "liliuokalani/aloha_oe",
        "johnson_j_r/lift_every_voice",
        "webern/webern_dormi_jesu_op_16_no_2",  # a transposing clarinet
        "bach/bwv10.7",
        "theoryExercises/TriadExercise",
    ],
)
def test_every_note_agrees_with_music21s_midi_export(name, tmp_path):
    score = read_score(name)
    ours = Counter((round(float(row["onset_quarter"]), 2), int(row["pitch"])) for row in score.notes)
    theirs = midi_export(name, tmp_path)
    # Sets, not counts: a MIDI channel cannot sound one pitch twice at once.
    assert set(ours) == set(theirs), (sorted(set(ours) - set(theirs))[:5], sorted(set(theirs) - set(ours))[:5])
