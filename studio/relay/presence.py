"""Who is connected and who holds the baton. No sockets here: the relay feeds it and sends what it says."""

import unicodedata
from dataclasses import dataclass, replace

from .protocol import NOBODY, PODIUM
from .protocol import Presence as PresenceMessage
from .protocol_values import MAX_NAME_CHARACTERS, ViewerInfo

COLOURS = (
    0xE8B04A,
    0x6FB1D6,
    0xD9736A,
    0x8BBF7A,
    0xB58BD1,
    0x5FC1B0,
    0xE59461,
    0x9AA5E8,
    0xD885B4,
    0xC2B95C,
    0x77C9E0,
    0xB3A08C,
)
"""Told apart on a dark hall, also by most colour-blind viewers when neighbours in the list."""


class BatonRefused(Exception):
    """Somebody asked for what is not theirs; the message is for them to read."""


def clean_name(name: str, fallback: str) -> str:
    """A name fit for everybody's screen: composed, on one line, without invisible or direction-changing characters."""
    composed = unicodedata.normalize("NFC", name)
    kept = "".join(
        " " if char.isspace() else char for char in composed if unicodedata.category(char)[0] != "C" or char.isspace()
    )
    return _fit(" ".join(kept.split())) or fallback


def _fit(text: str, suffix: str = "") -> str:
    return text[: MAX_NAME_CHARACTERS - len(suffix)].rstrip() + suffix


@dataclass(frozen=True, slots=True)
class Viewer:
    """One who is connected."""

    viewer: int
    name: str
    colour: int
    host: bool


class Presence:
    """The list of viewers and the baton. ``version`` grows with every change.

    One thread uses it. The baton is with ``NOBODY``, on the ``PODIUM`` (the studio's own devices) or with a viewer;
    requests wait in a queue, first come first. A viewer who leaves releases it. Who has it on loan (the phone that
    someone conducts with) gives it back to the lender.
    """

    def __init__(self) -> None:
        self.version = 1
        self.holder = NOBODY
        self._viewers: dict[int, Viewer] = {}
        self._requests: list[int] = []
        self._lenders: dict[int, int] = {}
        self._broke_off: set[int] = set()
        self._joined = 0

    def __len__(self) -> int:
        return len(self._viewers)

    def __contains__(self, viewer: int) -> bool:
        return viewer in self._viewers

    def __getitem__(self, viewer: int) -> Viewer:
        return self._viewers[viewer]

    def message(self) -> PresenceMessage:
        """The state as viewers get it."""
        viewers = tuple(
            ViewerInfo(viewer=viewer.viewer, name=viewer.name, colour=viewer.colour, host=viewer.host)
            for viewer in self._viewers.values()
        )
        return PresenceMessage(baton_holder=self.holder, requests=tuple(self._requests), viewers=viewers)

    def join(self, name: str, *, host: bool) -> Viewer:
        """Someone came; they get an id that no one has and a name that no one else has."""
        self._joined += 1
        number = self._free_number()
        colour = COLOURS[(self._joined - 1) % len(COLOURS)]
        viewer = Viewer(number, self._unique(clean_name(name, f"Guest {number}")), colour, host)
        self._broke_off.discard(number)
        self._viewers[number] = viewer
        self.version += 1
        return viewer

    def rename(self, number: int, name: str) -> None:
        viewer = self._viewers.pop(number)
        wanted = self._unique(clean_name(name, viewer.name))
        self._viewers[number] = replace(viewer, name=wanted)
        self._viewers = dict(sorted(self._viewers.items()))
        self.version += 1

    def leave(self, number: int) -> None:
        del self._viewers[number]
        self._requests = [waiting for waiting in self._requests if waiting != number]
        if self.holder == number:
            self._broke_off.add(number)
            self._pass_on()
        self._lenders.pop(number, None)
        self.version += 1

    def broke_off(self, number: int) -> bool:
        """Whether a viewer who left had the baton until then; asked once."""
        if number not in self._broke_off:
            return False
        self._broke_off.remove(number)
        return True

    def may_control(self, number: int) -> bool:
        """The baton's holder and hosts may start, stop and balance."""
        return self.holder == number or self._viewers[number].host

    def request(self, number: int) -> None:
        """Ask for the baton: granted where nobody holds it, else put in the queue."""
        if self.holder == NOBODY:
            self._give(number)
        elif self.holder != number and number not in self._requests:
            self._requests.append(number)
            self.version += 1

    def release(self, number: int) -> None:
        """Give it back (the first of the queue gets it), or withdraw a request."""
        if self.holder == number:
            self._pass_on()
            self.version += 1
        elif number in self._requests:
            self._requests.remove(number)
            self.version += 1

    def grant(self, giver: int, receiver: int) -> None:
        """Hand it to someone. Raises ``BatonRefused`` where the giver may not."""
        if not self.may_control(giver):
            raise BatonRefused(f"The baton is {self._whereabouts()}; only they or a host can pass it on.")
        if receiver not in self._viewers:
            raise BatonRefused("That viewer has left.")
        self._give(receiver)

    def lend(self, number: int) -> None:
        """Hand it to someone's phone until that gives it back or leaves; from there it returns to who has it now."""
        if self.holder != number:
            lender = self.holder
            self._give(number)
            # From one phone to the next, the loan stays that of the person behind the first.
            self._lenders[number] = self._lenders.get(lender, lender)

    def take(self, number: int) -> None:
        """A host takes it back. Raises ``BatonRefused`` for anyone else."""
        if not self._viewers[number].host:
            raise BatonRefused(f"The baton is {self._whereabouts()}; only a host can take it back.")
        self._give(number)

    def hold_on_podium(self, held: bool) -> None:
        """The studio's own devices take the baton from whoever has it, or release it."""
        if held and self.holder != PODIUM:
            self._give(PODIUM)
        elif not held:
            self._lenders = {number: lender for number, lender in self._lenders.items() if lender != PODIUM}
            if self.holder == PODIUM:
                self._pass_on()
                self.version += 1

    def _give(self, number: int) -> None:
        self._lenders.pop(number, None)
        self.holder = number
        self._requests = [waiting for waiting in self._requests if waiting != number]
        self.version += 1

    def _pass_on(self) -> None:
        lender = self._lenders.pop(self.holder, NOBODY)
        if lender == PODIUM or lender in self._viewers:
            self._give(lender)
        else:
            self.holder = self._requests.pop(0) if self._requests else NOBODY

    def _whereabouts(self) -> str:
        if self.holder in self._viewers:
            return f"with {self._viewers[self.holder].name}"
        return "on the podium" if self.holder == PODIUM else "free"

    def _free_number(self) -> int:
        number = self._joined
        while (number - 1) % (PODIUM - 1) + 1 in self._viewers:
            number += 1
        return (number - 1) % (PODIUM - 1) + 1

    def _unique(self, name: str) -> str:
        taken = {viewer.name.casefold() for viewer in self._viewers.values()}
        unique, count = name, 1
        while unique.casefold() in taken:
            count += 1
            unique = _fit(name, f" {count}")
        return unique
