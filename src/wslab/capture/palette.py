"""The colours of the wire, light and dark, for style sheets and for the static drawing.

They are shades of Okabe and Ito's, dark or light enough to be read as text. None stands alone: parts of a frame differ
by underline and frame as well, groups and directions by word and arrow.
"""

from __future__ import annotations

from wslab import picture

LIGHT: dict[str, str] = {
    "ink": "#1b1f24",
    "quiet": "#57606a",
    "paper": "#ffffff",
    "rule": "#d0d7de",
    "client": picture.BLUE,
    "server": "#00734f",
    "good": "#00634a",
    "bad": "#a33c00",
    "head": "#8a2f6b",
    "length": "#00598c",
    "key": "#a34700",
    "load": "#005c45",
    "head-tint": "#f7e6f0",
    "length-tint": "#dceefa",
    "key-tint": "#fde7d7",
    "load-tint": "#ddf3ea",
    "http-box": "#f1eef9",
    "to-server-box": "#e8f2fb",
    "to-client-box": "#eaf6ec",
    "ping-box": "#fff6db",
    "close-box": "#fce9e7",
    "tcp-box": "#eef0f2",
    "error-box": "#fff4ec",
}

DARK: dict[str, str] = {
    "ink": "#e6edf3",
    "quiet": "#9aa4af",
    "paper": "#111418",
    "rule": "#3d444d",
    "client": picture.SKY,
    "server": "#3ccfa3",
    "good": "#5fd3ae",
    "bad": "#ff9e63",
    "head": "#eaabd0",
    "length": "#86c9f2",
    "key": "#ffa866",
    "load": "#66d6b3",
    "head-tint": "#3d2135",
    "length-tint": "#11324a",
    "key-tint": "#46270e",
    "load-tint": "#0e3a2d",
    "http-box": "#262237",
    "to-server-box": "#14283a",
    "to-client-box": "#15301f",
    "ping-box": "#352d10",
    "close-box": "#3b1f1f",
    "tcp-box": "#22272e",
    "error-box": "#33200f",
}


def variables(colours: dict[str, str]) -> str:
    """The colours as CSS custom properties."""
    return "".join(f"--w-{name}:{value};" for name, value in colours.items())


def stylesheet() -> str:
    """The colours for everything of class `wslab-wire`, by JupyterLab's theme or the system's."""
    return (
        f".wslab-wire{{{variables(LIGHT)}}}\n"
        f'[data-jp-theme-light="false"] .wslab-wire{{{variables(DARK)}}}\n'
        "@media (prefers-color-scheme:dark)"
        f"{{body:not([data-jp-theme-light]) .wslab-wire{{{variables(DARK)}}}}}\n"
    )
