"""Small MusicXML scores written as text, for the tests of the score reader."""

from pathlib import Path

DIVISIONS = 12
"""Ticks in a quarter: sixteenths, triplets."""

_TYPES = {48: "whole", 36: "half", 24: "half", 18: "quarter", 12: "quarter", 6: "eighth", 9: "eighth", 3: "16th"}


def note(
    pitch: str, ticks: int = 12, *, notations: str = "", extra: str = "", chord: bool = False, grace: str = ""
) -> str:
    """A note such as ``note("F#4", 6)``; ``notations`` and ``extra`` are XML inside it, ``r`` is a rest.

    ``grace`` is the XML ``<grace/>`` element; ``ticks`` then tell the printed value only.
    """
    kind = f"<type>{_TYPES.get(ticks, 'quarter')}</type>" + ("<dot/>" if ticks in (36, 18, 9) else "")
    if pitch == "r":
        return f"<note><rest/><duration>{ticks}</duration>{kind}</note>"
    alter = pitch.count("#") - pitch.count("b", 1)
    spelled = (
        f"<step>{pitch[0]}</step>" + (f"<alter>{alter}</alter>" if alter else "") + f"<octave>{pitch[-1]}</octave>"
    )
    duration = "" if grace else f"<duration>{ticks}</duration>"
    head = ("<chord/>" if chord else "") + f"<pitch>{spelled}</pitch>{duration}"
    tail = f"<notations>{notations}</notations>" if notations else ""
    ties = "".join(f'<tie type="{kind}"/>' for kind in ("stop", "start") if f'<tied type="{kind}"' in notations)
    return f"<note>{grace}{head}{ties}<voice>1</voice>{kind}{extra}{tail}</note>"


def attributes(time: str = "4/4", fifths: int = 0, transpose: tuple[int, int] | None = None, extra: str = "") -> str:
    """``<attributes>``; ``transpose`` is (diatonic, chromatic)."""
    beats, unit = time.split("/")
    moved = ""
    if transpose is not None:
        moved = f"<transpose><diatonic>{transpose[0]}</diatonic><chromatic>{transpose[1]}</chromatic></transpose>"
    return (
        f"<attributes><divisions>{DIVISIONS}</divisions><key><fifths>{fifths}</fifths></key>"
        f"<time><beats>{beats}</beats><beat-type>{unit}</beat-type></time>{extra}{moved}</attributes>"
    )


def words(text: str, sound: str = "") -> str:
    return f"<direction><direction-type><words>{text}</words></direction-type>{sound}</direction>"


def dynamic(mark: str) -> str:
    return f"<direction><direction-type><dynamics><{mark}/></dynamics></direction-type></direction>"


def wedge(kind: str) -> str:
    return f'<direction><direction-type><wedge type="{kind}"/></direction-type></direction>'


def metronome(unit: str, per_minute: float, dotted: bool = False) -> str:
    dot = "<beat-unit-dot/>" if dotted else ""
    return (
        f"<direction><direction-type><metronome><beat-unit>{unit}</beat-unit>{dot}"
        f"<per-minute>{per_minute}</per-minute></metronome></direction-type></direction>"
    )


def repeat(direction: str, times: int | None = None, ending: str = "") -> str:
    location = "left" if direction == "forward" else "right"
    count = f' times="{times}"' if times else ""
    return f'<barline location="{location}">{ending}<repeat direction="{direction}"{count}/></barline>'


def ending(number: str, kind: str, backward: bool = False) -> str:
    location = "left" if kind == "start" else "right"
    sign = '<repeat direction="backward"/>' if backward else ""
    return f'<barline location="{location}"><ending number="{number}" type="{kind}"/>{sign}</barline>'


def score(*parts: list[str] | tuple[str, list[str]], instruments: str = "") -> str:
    """A score of parts, each a list of measures' contents or (name, measures)."""
    heads, bodies = [], []
    for index, part in enumerate(parts, 1):
        name, measures = part if isinstance(part, tuple) else (f"Part {index}", part)
        heads.append(f'<score-part id="P{index}"><part-name>{name}</part-name>{instruments}</score-part>')
        inner = "".join(f'<measure number="{number}">{text}</measure>' for number, text in enumerate(measures, 1))
        bodies.append(f'<part id="P{index}">{inner}</part>')
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 3.1 Partwise//EN"'
        ' "http://www.musicxml.org/dtds/partwise.dtd">\n'
        f'<score-partwise version="3.1"><part-list>{"".join(heads)}</part-list>{"".join(bodies)}</score-partwise>'
    )


def write(folder: Path, text: str, name: str = "sample.musicxml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
