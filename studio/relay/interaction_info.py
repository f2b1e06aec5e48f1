"""Between the values of ``engine.interaction`` and the wire: viewers' rays in, what is drawn for them out."""

import math
from collections.abc import Sequence
from dataclasses import replace

from ...engine.interaction.values import InteractionFrame, Panel, Pointer
from ...engine.types import Vector
from .protocol_interaction import DragInfo, Interaction, ItemInfo, PanelInfo, Pointing, PulseInfo, RayInfo
from .session_info import clip_text

MAX_PULSES = 16


def viewer_name(viewer: int) -> str:
    """Who a viewer is for the interaction."""
    return f"viewer {viewer}"


def pointers_of(viewer: int, message: Pointing, times_s: Sequence[float]) -> tuple[Pointer, ...]:
    """A viewer's rays at session times; directions are made unit, and one without a direction is invalid."""
    who = viewer_name(viewer)
    pointers = []
    for sample, time_s in zip(message.samples, times_s, strict=True):
        direction = _unit(sample.direction)
        pointers.append(
            Pointer(
                time_s=time_s,
                who=who,
                hand=sample.hand,
                origin_m=sample.origin_m,
                direction=direction or (0.0, 1.0, 0.0),
                select=sample.select,
                grab=sample.grab,
                menu=sample.menu,
                section=sample.section,
                valid=sample.valid and direction is not None,
                tip_m=sample.tip_m,
                eye_m=message.eye_m,
                gaze=_unit(message.gaze) or (0.0, 1.0, 0.0),
            )
        )
    return tuple(pointers)


def merged_interaction(old: InteractionFrame | None, new: InteractionFrame) -> InteractionFrame:
    """The newer frame, with the pulses of the older one that was not shown."""
    if old is None or not old.pulses:
        return new
    return replace(new, pulses=(*old.pulses, *new.pulses)[-MAX_PULSES:])


def interaction_message(frame: InteractionFrame) -> Interaction:
    """A frame for its viewer."""
    return Interaction(
        time_s=frame.time_s,
        hovered=frame.hovered,
        selected=frame.selected,
        highlighted=frame.highlighted,
        drags=tuple(DragInfo(drag.player, drag.from_m, drag.to_m, drag.moved_aside) for drag in frame.drags),
        rays=tuple(RayInfo(ray.hand, ray.end_m, ray.on) for ray in frame.rays),
        panels=tuple(map(_panel_info, frame.panels)),
        pulses=tuple(PulseInfo(pulse.hand, pulse.amplitude, pulse.duration_s) for pulse in frame.pulses),
    )


def _panel_info(panel: Panel) -> PanelInfo:
    items = tuple(
        ItemInfo(
            key=item.key,
            item=item.kind,
            x_dmm=item.x_dmm,
            y_dmm=item.y_dmm,
            width_dmm=item.width_dmm,
            height_dmm=item.height_dmm,
            text=clip_text(item.text, 1000),
            text_dmm=item.text_dmm,
            align=item.align,
            strong=item.strong,
            value=item.value,
            state=item.state,
        )
        for item in panel.items
    )
    return PanelInfo(
        panel.key,
        panel.centre_m,
        panel.right,
        panel.up,
        panel.metres_per_dmm,
        panel.width_dmm,
        panel.height_dmm,
        items,
    )


def _unit(direction: Vector) -> Vector | None:
    length = math.sqrt(sum(value * value for value in direction))
    if not 1e-6 < length < 1e6:
        return None
    x, y, z = direction
    return (x / length, y / length, z / length)
