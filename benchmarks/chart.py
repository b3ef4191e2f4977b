"""What a call costs with each tool, as bars: an SVG that follows the reader's light or dark setting."""

from __future__ import annotations

from html import escape

TITLE = "Added to a call of the bare openai SDK, in percent of its processor time"
LEFT, RIGHT, ROW, TOP = 150, 620, 26, 44
STYLE = """<style>
.ground{fill:#fff}text{font:13px system-ui,sans-serif;fill:#24292f}.other{fill:#8c959f}.ours{fill:#1a7f37}
.title{font-weight:600}
@media (prefers-color-scheme:dark){.ground{fill:#0d1117}text{fill:#e6edf3}.other{fill:#6e7681}.ours{fill:#3fb950}}
</style>"""


def draw(figures: dict) -> str:
    """The medians of what is added to a synchronous call, in percent of the bare one: a ratio of one round each."""
    bars = sorted(
        ((each["sync"]["ratio"][1] - 1) * 100, name)
        for name, each in figures.items()
        if "sync" in each and not name.startswith("litellm")
    )
    most, height = max(bars)[0], TOP + ROW * len(bars) + 8
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 {height}" width="700" role="img">',
            "<title>What each tool adds to a call</title>",
            STYLE,
            '<rect class="ground" width="100%" height="100%" rx="6"/>',  # the page around may not follow the setting
            f'<text class="title" x="8" y="22">{TITLE}</text>',
            *(bar(n, percent, name, most) for n, (percent, name) in enumerate(bars)),
            "</svg>\n",
        ]
    )


def bar(place: int, percent: float, name: str, most: float) -> str:
    y, width = TOP + ROW * place, max(1, round((RIGHT - LEFT) * percent / most))
    kind = "ours" if name == "costspan" else "other"
    return (
        f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>'
        f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{width}" height="18" rx="2"/>'
        f'<text x="{LEFT + width + 6}" y="{y + 14}">{percent:.0f}%</text>'
    )
