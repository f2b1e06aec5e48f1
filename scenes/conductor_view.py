"""The conductor's view in the window: what the orchestra makes of the gesture, beside the picture of it."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from panda3d.core import NodePath, TextNode, TransparencyAttrib

from ..engine.conducting.live_review import STATE_WORDS, LiveReview, articulation_words, dynamic_words
from ..engine.conducting.review import Ghost, marked_bpm
from ..engine.score import Score
from ..engine.types import Frame
from .palette import DARK, GOLD, IVORY
from .sheet import Colour, Sheet
from .typeface import typeface

MUTED: Colour = (0.80, 0.74, 0.64, 1)
MARKED: Colour = (0.62, 0.71, 0.79, 1)
GRID: Colour = (0.96, 0.93, 0.88, 0.14)
PANEL: Colour = (0.075, 0.050, 0.032, 0.92)
GOOD: Colour = (0.62, 0.77, 0.55, 1)

WIDTH, HEIGHT = 1.16, 1.74
"""The panel, in units of half the window's height."""
WAY_BOX = (0.03, 0.82, 0.62, 0.62)
"""Left, bottom, width, height from the panel's lower left corner."""
BEATS_BOX = (0.76, 0.82, 0.37, 0.62)
TEMPO_BOX = (0.11, 0.36, 1.02, 0.32)
SURE_BOX = (WIDTH - 0.29, HEIGHT - 0.148, 0.26, 0.016)
"""The orchestra's confidence."""
BARS_BEHIND, BARS_AHEAD = 8, 2
SHOWN_LINES = 4
WAY_EVERY_S = 1.0 / 40.0
REFIT_EVERY_S = 0.25
SMALL, PLAIN, LARGE = 0.040, 0.046, 0.062


class ConductorView:
    """A panel at the right edge of a window; hidden until ``toggle``. One thread.

    ``update`` takes every frame, shown or not, so that what it shows is complete whenever it is opened.
    """

    def __init__(self, corner: NodePath, score: Score) -> None:
        """``corner`` is the window's upper right corner (``base.a2dTopRight``)."""
        self._score = score
        self._review = LiveReview(score)
        self._marked = [marked_bpm(score, index) for index in range(len(score.beats))]
        self._root = corner.attach_new_node("conductor-view")
        self._root.set_pos(-WIDTH - 0.04, 0, -HEIGHT - 0.05)
        self._root.set_transparency(TransparencyAttrib.M_alpha)
        self._root.set_depth_test(False)
        self._root.set_depth_write(False)
        panel = Sheet()
        panel.bar(0, 0, WIDTH, HEIGHT, PANEL)
        self._root.attach_new_node(panel.node("panel")).set_bin("fixed", 0)
        self._charts = self._root.attach_new_node("charts")
        self._way = self._root.attach_new_node("way")
        for part in (self._charts, self._way):
            part.set_bin("fixed", 1)
        self._head, self._marks, self._numbers = (_Labels(self._root) for _ in range(3))
        self._drawn = -1
        self._way_due_s = self._fit_due_s = 0.0
        self._ghost: Ghost | None = None
        self._root.hide()

    @property
    def shown(self) -> bool:
        return not self._root.is_hidden()

    def toggle(self) -> None:
        """Show or hide the panel."""
        if self.shown:
            self._root.hide()
        else:
            self._drawn = -1
            self._root.show()

    def update(self, frame: Frame) -> None:
        """Take a frame; draw what changed."""
        self._review.add(frame)
        if not self.shown:
            return
        self._say_state(frame)
        now_s = frame.time_s
        if abs(now_s - self._fit_due_s) > REFIT_EVERY_S:
            self._fit_due_s = now_s
            self._ghost = self._review.ghost()
        if abs(now_s - self._way_due_s) > WAY_EVERY_S:
            self._way_due_s = now_s
            _redraw(self._way, self._draw_way(now_s))
        if self._drawn != self._review.version:
            self._drawn = self._review.version
            sheet = Sheet()
            self._marks.begin()
            self._caption()
            self._draw_tempo(sheet)
            self._draw_beats(sheet)
            for index, line in enumerate(list(self._review.lines)[:SHOWN_LINES]):
                colour = IVORY if index == 0 else MUTED if line.measure else GOLD
                self._marks.put(str(line)[:52], 0.03, 0.215 - 0.06 * index, PLAIN, colour)
            self._marks.end()
            _redraw(self._charts, sheet)

    def _caption(self) -> None:
        for (left, bottom, _, height), words in (
            (WAY_BOX, "Last two bars; dotted: ideal"),
            (BEATS_BOX, "Beat by beat"),
            (TEMPO_BOX, "Tempo; dashed: as marked"),
        ):
            self._marks.put(words, max(0.03, left - 0.08), bottom + height + 0.03, SMALL, MUTED)

    def _say_state(self, frame: Frame) -> None:
        tempo = self._review.tempo
        following = ""
        if tempo is not None and not tempo.stopped and self._review.state in ("playing", "coasting", "preparing"):
            index = min(max(0, tempo.beat_index + 1), len(self._score.beats) - 1)
            beat = int(self._score.beats["beat"][index])
            following = f"beat {beat} in {max(0.0, tempo.next_beat_s - frame.time_s):.1f} s"
        asks = f"{dynamic_words(frame.dynamics.level)}, {articulation_words(frame.dynamics.articulation)}"
        if frame.attention:
            asks += f", eyes on {frame.attention}"
        self._head.begin()
        top = HEIGHT - 0.085
        self._head.put(STATE_WORDS[self._review.state], 0.03, top, LARGE, GOLD, weight="Semibold")
        self._head.put(following, WIDTH - 0.03, top, PLAIN, IVORY, TextNode.A_right)
        self._head.put(asks, 0.03, top - 0.07, PLAIN, MUTED)
        self._head.end()

    # -- the baton's way ---------------------------------------------------------------------------------------

    def _draw_way(self, now_s: float) -> Sheet:
        sheet = Sheet()
        tempo = self._review.tempo
        confidence = tempo.confidence if tempo is not None and not tempo.stopped else 0.0
        left, bottom, width, height = SURE_BOX
        sheet.bar(left, bottom, width, height, (*IVORY[:3], 0.12))
        sheet.bar(left, bottom, width * confidence, height, GOOD)
        way = self._review.way[:, 1:]
        if len(way) < 2:
            return sheet
        everything = way if self._ghost is None else np.concatenate([way, self._ghost.way])
        low, high = everything.min(axis=0), everything.max(axis=0)
        left, bottom, width, height = WAY_BOX
        scale = min(width / max(0.2, high[0] - low[0]), height / max(0.2, high[1] - low[1]))
        middle = np.array([left + width / 2, bottom + height / 2])

        def place(points: np.ndarray) -> np.ndarray:
            return middle + scale * (np.asarray(points) - (low + high) / 2)

        if self._ghost is not None:
            sheet.dashes(place(self._ghost.way), 0.006, MARKED, 0.008, 0.014)
            for x, y in place(self._ghost.icti):
                sheet.ring(x, y, 0.019, 0.005, MARKED)
        fresh = np.linspace(0.12, 1.0, len(way)) ** 1.5
        sheet.line(place(way), 0.0095, np.stack([np.full(len(way), c) for c in GOLD[:3]] + [fresh], axis=1))
        icti = self._review.icti()
        for index, (_beat, x, y) in enumerate(icti):
            newest = index >= len(icti) - self._review.beats_in_bar
            at = place(np.array([x, y]))
            sheet.disc(at[0], at[1], 0.030 if newest else 0.010, IVORY if newest else (*IVORY[:3], 0.55))
        end = place(way[-1])
        sheet.disc(end[0], end[1], 0.017, GOLD)
        if tempo is not None and not tempo.stopped and self._review.state not in ("waiting", "ended"):
            due = (now_s - tempo.beat_s) / max(0.05, tempo.next_beat_s - tempo.beat_s)
            sheet.ring(end[0], end[1], 0.038, 0.008, (*IVORY[:3], 0.3 + 0.7 * confidence), due)
        self._number_icti(icti, place)
        return sheet

    def _number_icti(self, icti: list[tuple[int, float, float]], place: Callable[[np.ndarray], np.ndarray]) -> None:
        self._numbers.begin()
        for beat, x, y in icti[-self._review.beats_in_bar :]:
            at = place(np.array([x, y]))
            number = str(beat) if beat else "·"
            self._numbers.put(number, at[0], at[1] - 0.013, SMALL, DARK, TextNode.A_center, "Semibold")
        self._numbers.end()

    # -- charts --------------------------------------------------------------------------------------------------

    def _draw_tempo(self, sheet: Sheet) -> None:
        left, bottom, width, height = TEMPO_BOX
        beats, crossings = self._score.beats, self._review.crossings
        newest = crossings[-1].beat_index if crossings else self._review.beat
        bar = int(beats["measure"][newest])
        oldest = max(0, min(bar - BARS_BEHIND, len(self._score.measures) - 1 - BARS_BEHIND - BARS_AHEAD))
        first = int(np.searchsorted(beats["measure"], oldest))
        last = max(
            first + 1, int(np.searchsorted(beats["measure"], max(bar, oldest + BARS_BEHIND) + BARS_AHEAD + 1)) - 1
        )
        shown = [crossing for crossing in crossings if first <= crossing.beat_index <= last]
        marks = self._marked[first : last + 1]
        values = [*marks, *(crossing.bpm for crossing in shown)]
        pad = max(6.0, 0.12 * (max(values) - min(values)))
        low, high = max(0.0, min(values) - pad), max(values) + pad

        def x(beat: float) -> float:
            return left + width * (beat - first) / max(1, last - first)

        def y(bpm: float) -> float:
            return bottom + height * (bpm - low) / (high - low)

        step = next((size for size in (2, 5, 10, 20, 50, 100, 200) if (high - low) / size <= 4), 400)
        for bpm in np.arange(np.ceil(low / step) * step, high, step):
            sheet.line(np.array([[left, y(bpm)], [left + width, y(bpm)]]), 0.003, GRID)
            self._marks.put(f"{bpm:.0f}", left - 0.02, y(bpm) - 0.012, SMALL, MUTED, TextNode.A_right)
        for measure in range(oldest, int(beats["measure"][last]) + 1):
            at = x(int(np.searchsorted(beats["measure"], measure)))
            if at > left + width:
                break
            sheet.line(np.array([[at, bottom], [at, bottom + height]]), 0.003, GRID)
            number = str(self._score.measures["number"][measure])
            self._marks.put(number, at, bottom - 0.05, SMALL, MUTED, TextNode.A_center)
        steps = [(x(first + i + part), y(bpm)) for i, bpm in enumerate(marks[:-1]) for part in (0, 1)]
        sheet.dashes(np.array(steps), 0.006, MARKED, 0.022, 0.016)
        line = np.array([(x(crossing.beat_index), y(crossing.bpm)) for crossing in shown]).reshape(-1, 2)
        sheet.line(line, 0.008, GOLD)
        for crossing, (at, up) in zip(shown, line, strict=True):
            sheet.disc(at, up, 0.010, GOLD)
            if crossing.ictus_s is None:  # hollow: played without an ictus
                sheet.disc(at, up, 0.006, (*PANEL[:3], 1))
        if len(line):
            sheet.disc(line[-1, 0], line[-1, 1], 0.016, IVORY)
            bpm, (at, up) = f"{shown[-1].bpm:.0f}", line[-1]
            self._marks.put(bpm, at + 0.028, up + 0.012, PLAIN, IVORY, weight="Semibold")

    def _draw_beats(self, sheet: Sheet) -> None:
        left, bottom, width, height = BEATS_BOX
        rows = {row.beat: row for row in self._review.statistics()}
        count = self._review.beats_in_bar
        foot, split = bottom + 0.12, bottom + 0.12 + 0.5 * (height - 0.12)
        zero = (foot + split) / 2
        widest = max([50.0, *(abs(row.lag_ms) + row.scatter_ms for row in rows.values() if row.seen)])
        limit = next((size for size in (50, 100, 200, 300, 500, 1000) if size >= widest), 2000)
        for words, at in (
            ("clear", split + 0.12),
            ("late", zero + 0.05),
            ("early", zero - 0.075),
            ("ms", bottom + 0.062),
        ):
            self._marks.put(words, left - 0.015, at, SMALL, MUTED, TextNode.A_right)
        for at, colour in ((split, GRID), (foot, GRID), (zero, (*MUTED[:3], 0.8))):
            sheet.line(np.array([[left, at], [left + width, at]]), 0.003, colour)
        slot = width / count
        now = int(self._score.beats["beat"][self._review.beat])
        most = bottom + height - split - 0.02
        for beat in range(1, count + 1):
            middle = left + slot * (beat - 0.5)
            column = min(0.06, 0.56 * slot)
            sheet.bar(middle - column / 2, split + 0.012, column, most, (*IVORY[:3], 0.09))
            self._marks.put(str(beat), middle, bottom, PLAIN, GOLD if beat == now else MUTED, TextNode.A_center)
            row = rows.get(beat)
            if row is None or not row.seen:
                continue
            sheet.bar(middle - column / 2, split + 0.012, column, most * min(1.0, max(0.04, row.clarity)), GOLD)
            up = zero + 0.42 * (split - foot) * max(-1.0, min(1.0, row.lag_ms / limit))
            spread = 0.42 * (split - foot) * row.scatter_ms / limit
            sheet.line(np.array([[middle, up - spread], [middle, up + spread]]), 0.006, IVORY)
            sheet.disc(middle, up, 0.012, IVORY)
            if slot > 0.07:
                lag = f"{row.lag_ms:+.0f}".replace("-", "−")
                self._marks.put(lag, middle, bottom + 0.062, 0.036, IVORY, TextNode.A_center)


def _redraw(parent: NodePath, sheet: Sheet) -> None:
    parent.get_children().detach()
    parent.attach_new_node(sheet.node("shapes"))


class _Labels:
    """Texts that come and go with each drawing; laid out anew only where they changed."""

    def __init__(self, parent: NodePath) -> None:
        self._root = parent.attach_new_node("labels")
        self._root.set_bin("fixed", 2)
        self._used = 0
        self._pool: list[tuple[TextNode, NodePath, tuple[object, ...]]] = []

    def begin(self) -> None:
        self._used = 0

    def put(
        self,
        text: str,
        x: float,
        y: float,
        size: float,
        colour: Colour,
        align: int = TextNode.A_left,
        weight: Literal["Regular", "Semibold"] = "Regular",
    ) -> None:
        if self._used == len(self._pool):
            made = TextNode("label")
            self._pool.append((made, self._root.attach_new_node(made), ()))
        node, path, shown = self._pool[self._used]
        look = (text, size, colour, align, weight)
        if look != shown:
            node.set_font(typeface(weight))
            node.set_align(align)
            node.set_text_color(*colour)
            node.set_text(text)
            path.set_scale(size)
            self._pool[self._used] = (node, path, look)
        path.set_pos(x, 0, y)
        path.show()
        self._used += 1

    def end(self) -> None:
        for _, path, _ in self._pool[self._used :]:
            path.hide()
