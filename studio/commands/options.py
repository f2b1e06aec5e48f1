"""What the command line's commands share: options, the console, progress bars."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from ...engine.errors import InputError, ProfileError

if TYPE_CHECKING:
    from ...engine.conducting.follow_style import FollowStyle
    from ...engine.intonation import Intonation

console = Console(markup=False)

WHO_CONDUCTS, PLAYING_ALONG = "Who conducts", "Playing along"
AI_PARTS, SOUND, PAGE = "AI parts", "Hall and sound", "The page"
"""Under these the help of long commands groups their options."""

TlsOption = Annotated[
    bool | None,
    typer.Option(
        "--tls/--no-tls", help="HTTPS; without either, where other devices may come in.", rich_help_panel=PAGE
    ),
]
PhoneOption = Annotated[
    bool,
    typer.Option("--phone", help="Print a code that makes a phone in this network your baton.", rich_help_panel=PAGE),
]
ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        help="Who conducts: what the orchestra learns of them is kept by this name.",
        rich_help_panel=WHO_CONDUCTS,
    ),
]
FollowOption = Annotated[
    str | None,
    typer.Option(
        "--follow",
        help="How the orchestra follows: strict, balanced, forgiving, or 0 (strict) to 1; else the profile's.",
        rich_help_panel=WHO_CONDUCTS,
    ),
]


def _refuse_style(given: str | None) -> None:
    """``--style`` is of AI parts; where somebody conducts it was once how the orchestra follows."""
    if given is not None:
        raise InputError(
            "--style is the musical style of AI parts (tutti part, tutti jam): how the orchestra follows is --follow"
        )


NoStyleOption = Annotated[str | None, typer.Option("--style", hidden=True, callback=_refuse_style)]
ScoreArgument = Annotated[str, typer.Argument(help="A score file, or the name of a piece in music21's corpus.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
SeedOption = Annotated[int, typer.Option(help="Same seed, same result.", min=0)]
SoundsOption = Annotated[
    str | None,
    typer.Option(
        "--sounds",
        help="A SoundFont (file or installed name), or 'synthesised'; without it the best installed.",
        rich_help_panel=SOUND,
    ),
]
SeatingOption = Annotated[
    str | None,
    typer.Option(
        help="A seating plan (name or TOML file) or a saved seating (JSON); without it what suits the score.",
        rich_help_panel=SOUND,
    ),
]
HallOption = Annotated[
    str,
    typer.Option(help="The hall, by name or TOML file, or a measured impulse response (WAV).", rich_help_panel=SOUND),
]
SeatOption = Annotated[
    str,
    typer.Option(
        "--seat",
        help="Where you listen: podium, row-1 and on, balcony, or in:violas among players.",
        rich_help_panel=SOUND,
    ),
]
SofaOption = Annotated[
    Path | None, typer.Option("--hrtf", help="A SOFA file with another head than Tutti's own.", rich_help_panel=SOUND)
]
RadiusOption = Annotated[
    float | None,
    typer.Option(
        "--head-radius-cm", help="Half the distance between your ears; 8.75 without it.", rich_help_panel=SOUND
    ),
]
ReflectionsOption = Annotated[
    int, typer.Option("--reflections", help="Walls that a reflection may meet.", min=0, max=2, rich_help_panel=SOUND)
]
AudioOption = Annotated[
    str,
    typer.Option(
        "--audio",
        help="auto, portaudio, jack, none, or an output's name or number (tutti audio list).",
        rich_help_panel=SOUND,
    ),
]
LatencyOption = Annotated[
    str,
    typer.Option(
        "--latency", help="low, balanced, safe, or milliseconds of sound in front of the device.", rich_help_panel=SOUND
    ),
]
AiOption = Annotated[
    str,
    typer.Option(
        "--ai-parts", help="Parts that the AI player answers, by name, separated by commas.", rich_help_panel=AI_PARTS
    ),
]

TuningOption = Annotated[
    str | None,
    typer.Option(
        "--tuning",
        help="Tune the orchestra as a tradition is: maqam-rast:D (tutti part traditions); else equal temperament.",
        rich_help_panel=SOUND,
    ),
]
LearnerOption = Annotated[
    str | None,
    typer.Option(
        "--learner", help="Whose likes and dislikes choose what is left open (tutti learner).", rich_help_panel=AI_PARTS
    ),
]
SoloOption = Annotated[
    str | None,
    typer.Option(
        "--solo",
        help="The part that you play: the orchestra leaves it out and follows you.",
        rich_help_panel=PLAYING_ALONG,
    ),
]
OnCueOption = Annotated[
    str,
    typer.Option(
        "--on-cue",
        help="Sections or parts, separated by commas, that rest until they are cued.",
        rich_help_panel=WHO_CONDUCTS,
    ),
]
LeadOption = Annotated[
    str,
    typer.Option(
        "--lead",
        help="Who leads: conductor, shared, soloist, or 0 (conductor) to 1 (soloist).",
        rich_help_panel=PLAYING_ALONG,
    ),
]


class _Bars(Progress):
    """Where a command is refused, bars of what was not begun say nothing: they go, and the reason stands alone."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            for task in self.tasks:
                task.visible = task.visible and task.completed > 0
            if not any(task.visible for task in self.tasks):
                self.live.transient = True
                self.live.stop()  # without the empty line that ends what is no terminal's
                return
        super().__exit__(kind, error, traceback)


def progress_bars() -> Progress:
    """Progress bars as every long command shows them."""
    return _Bars(
        TextColumn("{task.description:<26}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )


def say(line: str) -> None:
    """A line that may be copied as it is, however long the paths in it are."""
    console.print(line, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    print(json.dumps(value, indent=1, ensure_ascii=False))


def follow_style_named(text: str | None) -> "FollowStyle | None":
    """How the orchestra follows, as ``--follow`` names it. Raises ``ProfileError``."""
    from ...engine.conducting.follow_style import NAMED, FollowStyle

    try:
        return None if text is None else FollowStyle.parse(text)
    except ProfileError:
        wanted = f"say {', '.join(NAMED)}, or a number from 0 (strict) to 1 (forgiving)"
        raise ProfileError(f"--follow {text!r}: {wanted}") from None


def counted(number: int, what: str) -> str:
    """``1 player``, ``2 players``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def told(figures: Mapping[str, Any]) -> str:
    """The numbers among a manifest's figures, in words: ``pairs 1, liked nats before 0.45``."""
    numbers = {name: value for name, value in figures.items() if isinstance(value, int | float)}
    return ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in numbers.items())


def names(text: str) -> tuple[str, ...]:
    """A list separated by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def tuning_named(text: str | None) -> "Intonation":
    """The tuning that ``--tuning`` names, equal temperament without one. Raises ``ModelError``."""
    from ...engine.intonation import EQUAL
    from ...models.craft.traditions import tradition

    return EQUAL if text is None else tradition(text).tuning()
