"""Joining the VR runtime: which kind of application we are, and what each of OpenVR's refusals means to a person."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openvr

from ...engine.errors import HeadsetError
from .openvr_interfaces import interface

_REASONS: dict[str, tuple[str, str]] = {
    "Init_InstallationNotFound": ("the VR runtime's folder is missing", "install SteamVR again"),
    "Init_InstallationCorrupt": ("the VR runtime's installation is damaged", "install SteamVR again"),
    "Init_VRClientDLLNotFound": ("the VR runtime's client library is missing", "install SteamVR again"),
    "Init_FileNotFound": ("a file of the VR runtime is missing", "let Steam verify SteamVR's files"),
    "Init_FactoryNotFound": ("the VR runtime's client library is not one of OpenVR", "install SteamVR again"),
    "Init_InterfaceNotFound": ("the VR runtime is too old for Tutti", "update SteamVR"),
    "Init_InvalidInterface": ("the VR runtime is too old for Tutti", "update SteamVR"),
    "Init_MismatchedRuntimes": ("two versions of the VR runtime are mixed", "restart SteamVR after its update"),
    "Init_PathRegistryNotFound": (
        "no VR runtime is installed",
        "install SteamVR, or conduct with the page or --window",
    ),
    "Init_PathRegistryNotWritable": ("the VR runtime's settings are not writable", "check the rights of its folder"),
    "Init_UserConfigDirectoryInvalid": ("the VR runtime's settings folder is wrong", "start SteamVR once by itself"),
    "Init_NoConfigPath": ("the VR runtime names no settings folder", "start SteamVR once by itself"),
    "Init_NoLogPath": ("the VR runtime names no folder for logs", "start SteamVR once by itself"),
    "Init_HmdNotFound": ("no headset is connected", "connect it, switch it on, and start SteamVR"),
    "Init_HmdNotFoundPresenceFailed": ("no headset is connected", "connect it, switch it on, and start SteamVR"),
    "Init_HmdDriverIdIsNone": ("no headset is connected", "connect it, switch it on, and start SteamVR"),
    "Init_VRServiceStartupFailed": (
        "the VR service does not start",
        "start the headset's runtime (SteamVR, Monado, WiVRn) and connect the headset",
    ),
    "Init_NoServerForBackgroundApp": ("SteamVR does not run", "start SteamVR first"),
    "Init_InvalidApplicationType": ("the VR runtime refuses pose-only applications", "use SteamVR"),
    "Init_Retry": ("the VR runtime is not ready yet", "try again in a moment"),
    "Init_AnotherAppLaunching": ("another VR application is just starting", "try again in a moment"),
    "Init_AlreadyRunning": ("the VR runtime says that Tutti runs already", "close the other Tutti"),
    "Init_InitCanceledByUser": ("starting VR was cancelled in the headset", "try again and accept it there"),
    "Init_ShuttingDown": ("SteamVR is just closing", "wait until it has, then start it again"),
    "Init_RebootingBusy": ("the headset is restarting", "try again when it is back"),
    "Init_FirmwareUpdateBusy": ("the headset's firmware is being updated", "try again when that is done"),
    "Init_FirmwareRecoveryBusy": ("the headset's firmware is being repaired", "try again when that is done"),
    "Init_USBServiceBusy": ("the headset's USB service is busy", "try again in a moment"),
    "Init_TooManyObjects": ("too many VR applications run", "close some"),
    "Driver_NotLoaded": ("the headset's driver is not loaded", "install the headset's software, restart SteamVR"),
    "Driver_RuntimeOutOfDate": ("the VR runtime is older than the headset's driver", "update SteamVR"),
    "Driver_HmdInUse": ("another program uses the headset", "close it"),
    "Driver_NotCalibrated": ("the room is not set up", "run SteamVR's room setup"),
    "Driver_CalibrationInvalid": ("the room's setup is not valid any more", "run SteamVR's room setup again"),
    "Driver_HmdDisplayNotFound": ("the headset's display is not connected", "check its cable to the graphics card"),
    "Driver_HmdDisplayNotFoundLaptop": ("the headset's display is not connected", "use the port of the graphics card"),
    "Driver_HmdDisplayMirrored": ("the headset's display mirrors the desktop", "extend the desktop instead"),
    "Driver_PeerDriverNotInstalled": ("a driver that the headset needs is missing", "install the headset's software"),
    "Driver_WirelessHmdNotConnected": ("the wireless headset is not connected", "connect it to this computer first"),
    "Compositor_FirmwareRequiresUpdate": ("the headset's firmware is too old", "update it in SteamVR"),
    "Compositor_D3D11HardwareRequired": ("the graphics card is too old for VR", "use the page or --window"),
    "VendorSpecific_UnableToConnectToOculusRuntime": ("Oculus' software does not answer", "start it, then SteamVR"),
    "VendorSpecific_OculusRuntimeBadInstall": ("Oculus' software is damaged", "install it again"),
    "VendorSpecific_OculusLinkNotEnabled": ("Link is not switched on in the headset", "switch it on in its settings"),
    "VendorSpecific_WindowsNotInDevMode": ("Windows is not in developer mode", "switch that on in its settings"),
    "Steam_SteamInstallationNotFound": ("Steam is not installed", "install Steam and SteamVR"),
}
"""Refusals with a remedy of their own; the names are OpenVR's ``EVRInitError`` without its prefix."""

NO_REGISTRY = 110
"""``EVRInitError`` where the registry of runtimes is missing."""

_KINDS: dict[str, tuple[str, str]] = {
    "Init": ("the VR runtime could not start", "restart SteamVR, then the computer if that does not help"),
    "Driver": ("the headset's driver failed", "reconnect the headset and restart SteamVR"),
    "IPC": ("the VR runtime does not answer", "close SteamVR altogether and start it again"),
    "Compositor": ("the VR runtime cannot draw", "update the graphics driver and restart SteamVR"),
    "VendorSpecific": ("the headset cannot be opened", "reconnect it, restart SteamVR, and update its firmware"),
}
_OTHERWISE = ("the VR runtime could not start", "update and restart SteamVR")


def explain_init_error(name: str, code: int) -> str:
    """One line on what is wrong and what to do, for any ``EVRInitError``, known or of a later runtime."""
    what, advice = _REASONS.get(name) or _KINDS.get(name.partition("_")[0]) or _OTHERWISE
    return f"{what}: {advice} (OpenVR {name}, {code})"


def registry_path() -> Path:
    """The file that names the installed VR runtimes, as OpenVR's loader looks for it (``vrpathregistry_public.cpp``);
    it need not be there."""
    override = os.environ.get("VR_PATHREG_OVERRIDE")
    if override:
        return Path(override)
    if sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local", "openvr")
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support" / ".openvr"
    else:
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config", "openvr")
    return folder / "openvrpaths.vrpath"


@contextmanager
def named_errors() -> Iterator[None]:
    """Turn what pyopenvr raises while it starts into a ``HeadsetError`` of one line."""
    try:
        yield
    except openvr.error_code.InitError as error:
        name = type(error).__name__.removeprefix("InitError_")
        raise HeadsetError(explain_init_error(name, int(error.error_value))) from error
    except openvr.OpenVRError as error:  # an interface of another version: its text has no code to look up
        what, advice = _REASONS["Init_InterfaceNotFound"]
        raise HeadsetError(f"{what}: {advice} ({' '.join(str(error).split())})") from error
    except KeyError as error:  # pyopenvr looks codes up in a table; a later runtime has codes that it lacks
        raise HeadsetError(explain_init_error("unknown", int(error.args[0]))) from error


def start_runtime(*, picture: bool = False, start: bool = True) -> Any:
    """Join the VR runtime; the ``openvr.IVRSystem``. Call ``openvr.shutdown`` in the end.

    With a ``picture`` Tutti joins as the application whose scene the headset shows. Without, it joins in the
    background, which leaves the headset's picture to whoever draws it. A runtime that does not run is started where
    there is a headset, unless ``start`` is False. Raises ``HeadsetError`` with one line. Where there is no registry of
    runtimes OpenVR is not asked at all: it would print a line of its own.
    """
    if not registry_path().is_file():
        raise HeadsetError(explain_init_error("Init_PathRegistryNotFound", NO_REGISTRY))
    with named_errors():
        if picture:
            if not start:
                _find_running()
            return _join(openvr.VRApplication_Scene)
        try:
            return _join(openvr.VRApplication_Background)
        except openvr.error_code.InitError_Init_NoServerForBackgroundApp:
            if not start or not openvr.isHmdPresent():
                raise
        return _join(openvr.VRApplication_Overlay)


def _find_running() -> None:
    """Joining in the background starts nothing, so it tells whether the runtime runs; not every runtime knows it."""
    try:
        openvr.initInternal2(openvr.VRApplication_Background, None)
    except openvr.error_code.InitError_Init_InvalidApplicationType:
        return
    openvr.shutdown()


def _join(application: int) -> Any:
    openvr.initInternal2(application, None)
    try:
        return interface(openvr.IVRSystem)
    except openvr.OpenVRError:
        openvr.shutdown()
        raise
