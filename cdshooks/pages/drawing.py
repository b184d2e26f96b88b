"""SVG elements as values, and where labels find room. Nothing here knows of patients."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

_LETTER = 6.3
"""How wide a letter of 11 px is at most on average; a label that is reckoned too wide costs room, one too narrow is unreadable."""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """One SVG element with its attributes; ``text`` is escaped where it is written."""

    tag: str
    attributes: tuple[tuple[str, str], ...]
    text: str = ""


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of so many units; one unit is one CSS pixel at its own size. ``says`` is the picture in words."""

    width: int
    height: int
    says: str
    shapes: tuple[Shape, ...]


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """A mark with words beside it; ``lane`` is the row in which the words collide with no others."""

    x: float
    text: str
    lane: int
    is_left: bool
    """The words stand left of the mark, for right of it they would leave the picture."""


def shape(tag: str, kind: str, text: str = "", **attributes: float | str) -> Shape:
    """An element of a CSS class; underscores of attribute names become hyphens."""
    written = (("class", kind), *((name.replace("_", "-"), _number(it)) for name, it in attributes.items()))
    return Shape(tag=tag, attributes=written, text=text)


def line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Shape:
    """A straight line."""
    return shape("line", kind, x1=x1, y1=y1, x2=x2, y2=y2)


def box(kind: str, x: float, y: float, width: float, height: float, radius: float = 0) -> Shape:
    """A rectangle, at least two units wide so that a day is seen."""
    return shape("rect", kind, x=x, y=y, width=max(width, 2), height=height, rx=radius)


def words(kind: str, x: float, y: float, text: str, anchor: str = "start") -> Shape:
    """Text that begins, is centred or ends at a place."""
    return shape("text", kind, text, x=x, y=y, text_anchor=anchor)


def width_of(text: str) -> float:
    """About how wide a text is."""
    return len(text) * _LETTER


def place_labels(marks: Iterable[tuple[float, str]], left: float, right: float) -> list[Label]:
    """Give each mark the first lane in which its words are free of the others'."""
    lanes: list[float] = []
    placed = []
    for x, text in sorted(marks):
        is_left = x + 8 + width_of(text) > right and x - 8 - width_of(text) >= left
        start = x - 8 - width_of(text) if is_left else x - 5
        end = x + 5 if is_left else x + 10 + width_of(text)
        lane = next((number for number, taken in enumerate(lanes) if taken <= start), len(lanes))
        lanes[lane : lane + 1] = [end]
        placed.append(Label(x=x, text=text, lane=lane, is_left=is_left))
    return placed


def _number(it: float | str) -> str:
    return it if isinstance(it, str) else f"{it:.1f}".removesuffix(".0")
