"""OpenVR's interfaces, in the newest version that both we and the runtime know.

pyopenvr asks for its own version alone, and leaves OpenVR altogether where the runtime has another. SteamVR has them
all. Runtimes that translate OpenVR to OpenXR have older ones (OpenComposite ends at ``IVRSystem_022`` and
``IVRCompositor_028``), and lack some altogether. Which functions an older version lacks is told by Valve's headers of
that time (``openvr_capi.h`` of OpenVR 1.16, 2.5 and 2.12); those after the gap move up.
"""

from ctypes import POINTER, Structure, cast
from typing import Any

import openvr

REFUSED = (openvr.OpenVRError, KeyError)
"""What pyopenvr raises where a runtime refuses; a ``KeyError`` where it does not know the runtime's code."""

_OLDER: dict[type, tuple[tuple[str, frozenset[str]], ...]] = {
    openvr.IVRSystem: (("IVRSystem_022", frozenset({"pollNextEventWithPoseAndOverlays"})),),
    openvr.IVRCompositor: (
        ("IVRCompositor_028", frozenset({"getSubmitTexture"})),
        ("IVRCompositor_027", frozenset({"getSubmitTexture", "submitWithArrayIndex"})),
    ),
}
"""Older versions, newest first, and the functions that they lack of pyopenvr's own."""


class InterfaceMissing(openvr.OpenVRError):
    """The runtime has no version of an interface that we know."""


def interface(kind: type) -> Any:
    """An instance of pyopenvr's ``kind`` (``openvr.IVRSystem`` …), once OpenVR runs; good until ``openvr.shutdown``.

    Raises ``InterfaceMissing``, or what pyopenvr raises, and leaves OpenVR running.
    """
    name = kind.__name__
    table = getattr(openvr, f"{name}_FnTable")
    versions = ((getattr(openvr, f"{name}_Version"), frozenset[str]()), *_OLDER.get(kind, ()))
    for version, lacks in versions:
        if not openvr.isInterfaceVersionValid(version):
            continue
        functions = cast(openvr.getGenericInterface(f"FnTable:{version}"), POINTER(_without(table, lacks)))
        if functions:
            found: Any = object.__new__(kind)  # its constructor would ask for its own version
            found.function_table = functions.contents
            return found
    raise InterfaceMissing(f"the VR runtime has no {' or '.join(version for version, _ in versions)}")


def name_of(error: Exception) -> str:
    """A short name for what a runtime refused with: OpenVR's own, without the kind of error before it."""
    if isinstance(error, KeyError):
        return f"code {error.args[0]}"
    return type(error).__name__.rpartition("_")[2]


def _without(table: type[Structure], lacks: frozenset[str]) -> type[Structure]:
    if not lacks:
        return table
    fields = [field for field in table._fields_ if field[0] not in lacks]
    return type(table.__name__, (Structure,), {"_fields_": fields})
