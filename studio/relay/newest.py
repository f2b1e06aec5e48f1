"""Messages of which the newest of each kind counts: what everybody is shown, and those who come later as well."""

from .relay_clients import binary_frame


class NewestMessages:
    """Keeps the newest encoded message of each kind, numbered as they came. One thread uses it."""

    def __init__(self) -> None:
        self.version = 0
        self._kept: dict[int, tuple[int, bytes]] = {}

    def put(self, message: bytes) -> None:
        """A message takes the place of the one of its kind (its first byte)."""
        self.version += 1
        self._kept[message[0]] = (self.version, binary_frame(message))

    def since(self, version: int) -> list[bytes]:
        """Frames of what came after ``version``, in order."""
        return [frame for number, frame in sorted(self._kept.values()) if number > version]
