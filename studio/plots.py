"""How the plots of a report look: ink on paper, in the page's colours."""

import io

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

INK, PAPER, GRID = "#2b2118", "#fbf7ee", "#d9cfbd"
GOLD, WINE, PINE, SLATE = "#a8782a", "#8a2b2b", "#3f6b4f", "#4a6078"


def styled(axes: Axes, title: str = "") -> Axes:
    """Axes on paper with a light grid; ``title`` stands at the left above them."""
    axes.set_facecolor(PAPER)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9)
    if title:
        axes.set_title(title, loc="left", fontsize=11, color=INK, family="serif")
    return axes


def new_plot(height_in: float) -> tuple[Figure, Axes]:
    """A figure as wide as the report, over time."""
    figure = Figure(figsize=(10.0, height_in), dpi=110, facecolor=PAPER, layout="constrained")
    axes = styled(figure.add_subplot())
    axes.set_xlabel("time (s)", color=INK)
    return figure, axes


def png(figure: Figure) -> bytes:
    """The figure as a PNG file's bytes; no window system is asked."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()
