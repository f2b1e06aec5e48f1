"""Flat drawing for overlays: lines with width, discs, rings and bars as coloured triangles in one mesh."""

import numpy as np
from panda3d.core import Geom, GeomEnums, GeomNode, GeomTriangles, GeomVertexData, GeomVertexFormat

Colour = tuple[float, float, float, float]


class Sheet:
    """Collects shapes and makes one node of them. X to the right, Z up, in the units of the parent."""

    def __init__(self) -> None:
        self._corners: list[np.ndarray] = []
        self._colours: list[np.ndarray] = []
        self._triangles: list[np.ndarray] = []
        self._count = 0

    def _add(self, corners: np.ndarray, colours: np.ndarray, triangles: np.ndarray) -> None:
        self._corners.append(corners)
        self._colours.append(np.broadcast_to(colours, (len(corners), 4)))
        self._triangles.append(triangles + self._count)
        self._count += len(corners)

    def line(self, points: np.ndarray, width: float, colours: np.ndarray | Colour) -> None:
        """A line through ``points`` (n, 2); ``colours`` one or one for each point."""
        points = np.asarray(points, dtype=float)
        if len(points) < 2:
            return
        along = np.gradient(points, axis=0)
        along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
        aside = 0.5 * width * np.stack([-along[:, 1], along[:, 0]], axis=1)
        corners = np.stack([points + aside, points - aside], axis=1).reshape(-1, 2)
        each = np.repeat(np.broadcast_to(np.asarray(colours, dtype=float), (len(points), 4)), 2, axis=0)
        first = 2 * np.arange(len(points) - 1)[:, None]
        triangles = np.concatenate([first + [0, 1, 2], first + [1, 3, 2]])
        self._add(corners, each, triangles)

    def dashes(self, points: np.ndarray, width: float, colour: Colour, dash: float, gap: float) -> None:
        """A dashed line through ``points`` (n, 2); each dash is straight."""
        points = np.asarray(points, dtype=float)
        if len(points) < 2:
            return
        way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
        starts = np.arange(0.0, way[-1], dash + gap)
        ends = np.minimum(starts + dash, way[-1])
        begin, end = (np.stack([np.interp(at, way, points[:, i]) for i in (0, 1)], axis=1) for at in (starts, ends))
        along = end - begin
        along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
        aside = 0.5 * width * np.stack([-along[:, 1], along[:, 0]], axis=1)
        corners = np.stack([begin + aside, begin - aside, end - aside, end + aside], axis=1).reshape(-1, 2)
        first = 4 * np.arange(len(starts))[:, None]
        triangles = np.concatenate([first + [0, 1, 2], first + [0, 2, 3]])
        self._add(corners, np.asarray(colour, dtype=float), triangles)

    def disc(self, x: float, y: float, radius: float, colour: Colour, sides: int = 20) -> None:
        angles = np.linspace(0, 2 * np.pi, sides, endpoint=False)
        rim = np.array([x, y]) + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        index = np.arange(sides)
        triangles = np.stack([np.full(sides, sides), index, (index + 1) % sides], axis=1)
        self._add(np.concatenate([rim, [[x, y]]]), np.asarray(colour, dtype=float), triangles)

    def ring(self, x: float, y: float, radius: float, width: float, colour: Colour, part: float = 1.0) -> None:
        """A ring, or the first ``part`` (0–1) of it clockwise from the top."""
        angles = np.pi / 2 - 2 * np.pi * np.linspace(0, min(1.0, max(0.001, part)), max(4, int(36 * part)))
        self.line(np.array([x, y]) + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), width, colour)

    def bar(self, left: float, bottom: float, width: float, height: float, colour: Colour) -> None:
        corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * [width, height] + [left, bottom]
        self._add(corners, np.asarray(colour, dtype=float), np.array([[0, 1, 2], [0, 2, 3]]))

    def plate(self, left: float, bottom: float, width: float, height: float, radius: float, colour: Colour) -> None:
        """A bar with round corners."""
        radius = min(radius, width / 2, height / 2)
        corners = [
            (left + width - radius, bottom + height - radius),
            (left + radius, bottom + height - radius),
            (left + radius, bottom + radius),
            (left + width - radius, bottom + radius),
        ]
        quarter = np.linspace(0, np.pi / 2, 6)
        rim = np.concatenate(
            [
                np.array(corner) + radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)
                for corner, turn in zip(corners, (quarter + k * np.pi / 2 for k in range(4)), strict=True)
            ]
        )
        index = np.arange(len(rim))
        middle = [[left + width / 2, bottom + height / 2]]
        triangles = np.stack([np.full(len(rim), len(rim)), index, (index + 1) % len(rim)], axis=1)
        self._add(np.concatenate([rim, middle]), np.asarray(colour, dtype=float), triangles)

    def node(self, name: str) -> GeomNode:
        """The shapes, later ones over earlier ones."""
        node = GeomNode(name)
        if not self._count:
            return node
        corners = np.concatenate(self._corners)
        data = GeomVertexData(name, GeomVertexFormat.get_v3c4(), GeomEnums.UH_dynamic)
        data.unclean_set_num_rows(len(corners))
        # get_v3c4 packs the colour into four bytes, red first
        packed = np.zeros(len(corners), [("place", "<f4", 3), ("colour", "u1", 4)])
        packed["place"][:, 0], packed["place"][:, 2] = corners[:, 0], corners[:, 1]
        packed["colour"] = np.clip(255 * np.concatenate(self._colours), 0, 255).round()
        memoryview(data.modify_array(0)).cast("B")[:] = packed.tobytes()  # type: ignore[call-overload]
        shapes = GeomTriangles(GeomEnums.UH_dynamic)
        triangles = np.concatenate(self._triangles).astype(np.uint32)
        shapes.set_index_type(GeomEnums.NT_uint32)
        indices = shapes.modify_vertices()
        indices.unclean_set_num_rows(triangles.size)
        memoryview(indices).cast("B")[:] = triangles.tobytes()  # type: ignore[call-overload]
        geom = Geom(data)
        geom.add_primitive(shapes)
        node.add_geom(geom)
        return node
