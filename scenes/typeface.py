"""The one typeface of stand and overlays: Source Serif, as on the page."""

from functools import cache
from typing import Literal

from panda3d.core import DynamicTextFont, Filename, SamplerState, TextFont

from ..assets import asset_path
from ..engine.errors import SceneError


@cache
def typeface(weight: Literal["Regular", "Semibold"] = "Regular") -> TextFont:
    """The font in a weight, crisp from afar and near. Raises ``SceneError`` where the file is missing."""
    path = asset_path("fonts", f"SourceSerifPro-{weight}.ttf")
    font = DynamicTextFont(Filename.from_os_specific(str(path)))
    if not font.is_valid():
        raise SceneError(f"{path.name} is missing from the installation: install Tutti again")
    font.set_pixels_per_unit(72)
    font.set_page_size(512, 512)
    font.set_minfilter(SamplerState.FT_linear_mipmap_linear)
    font.set_magfilter(SamplerState.FT_linear)
    return font
