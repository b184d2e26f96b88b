"""Markdown as text for a client that shows it as it comes: a row of a table becomes a line that names its columns."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

_markdown = MarkdownIt("commonmark").enable("table")


def plain_text(markdown: str) -> str:
    """The text without any markup; lists keep their signs."""
    return "\n\n".join(_block(it, "") for it in SyntaxTreeNode(_markdown.parse(markdown)).children)


def _block(node: SyntaxTreeNode, indent: str) -> str:
    match node.type:
        case "bullet_list":
            return "\n".join(_item(it, f"{indent}- ") for it in node.children)
        case "ordered_list":
            first = int(node.attrs.get("start", 1))
            return "\n".join(_item(it, f"{indent}{number}. ") for number, it in enumerate(node.children, first))
        case "table":
            return _table(node)
        case _:
            return indent + _inline(node)


def _item(node: SyntaxTreeNode, sign: str) -> str:
    first, *more = node.children
    indent = " " * len(sign)
    return "\n".join((sign + _block(first, ""), *(_block(it, indent) for it in more)))


def _table(node: SyntaxTreeNode) -> str:
    head, *body = node.children
    names = [_inline(it) for it in head.children[0].children]
    rows = [[_inline(cell) for cell in row.children] for part in body for row in part.children]
    return "\n".join(
        "- " + ", ".join(f"{name} {cell}" for name, cell in zip(names, row, strict=True) if cell) for row in rows
    )


def _inline(node: SyntaxTreeNode) -> str:
    if node.type in {"softbreak", "hardbreak"}:
        return " "
    return "".join(_inline(it) for it in node.children) if node.children else node.content
