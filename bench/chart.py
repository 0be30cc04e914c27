"""Draws what was measured against its targets: one line a question, on a logarithmic scale where the floor is in one place."""

import math
from html import escape
from statistics import median

WIDTH, ROW, LABEL, RIGHT, TOP = 860, 26, 330, 90, 46
# How far the scale goes, in factors of the floor: to the worse and to the better.
WORST, BEST = 1 / 8, 32


def better(target, figure):
    """The figure in factors of the floor, more being better."""
    if target[0] == "at most":
        return target[1] / figure
    return figure / target[0]


def goal(target):
    return better(target, target[-1])


def place(factor):
    span = math.log(BEST / WORST)
    share = math.log(min(max(factor, WORST), BEST) / WORST) / span
    return LABEL + share * (WIDTH - LABEL - RIGHT)


def bar(at, question, figures, target):
    value = median(figures)
    y, x, floor, end = TOP + at * ROW, place(better(target, value)), place(1), place(goal(target))
    left, right = sorted((place(better(target, one)) for one in (min(figures), max(figures))))
    met = "goal" if better(target, value) >= goal(target) else "floor" if better(target, value) >= 1 else "missed"
    return (
        f'<text x="{LABEL - 12}" y="{y + 4}" text-anchor="end">{escape(question)}</text>'
        f'<line class="{met}" x1="{floor:.1f}" y1="{y}" x2="{x:.1f}" y2="{y}"/>'
        f'<line class="range" x1="{left:.1f}" y1="{y}" x2="{right:.1f}" y2="{y}"/>'
        f'<circle class="{met}" cx="{x:.1f}" cy="{y}" r="5"/>'
        f'<path class="mark" d="M{end:.1f} {y - 8}v16"/>'
        f'<text x="{WIDTH - RIGHT + 14}" y="{y + 4}">{value:.3g}</text>'
    )


STYLE = (
    "svg{background:#fff;font:12px system-ui,sans-serif}text{fill:#24292f}"
    "line{stroke-width:6}line.range{stroke:#24292f;stroke-width:1.5}path.mark{stroke:#57606a;stroke-dasharray:2 2}path.floor{stroke:#57606a}"
    "line.goal,circle.goal{stroke:#1a7f37;fill:#1a7f37}line.floor,circle.floor{stroke:#0969da;fill:#0969da}"
    "line.missed,circle.missed{stroke:#cf222e;fill:#cf222e}"
)


def chart(found, targets, title):
    """An SVG of the questions that have a target."""
    asked = [(question, figures, targets[question]) for question, figures in found.items() if question in targets]
    height = TOP + len(asked) * ROW + 34
    bars = "".join(bar(at, *one) for at, one in enumerate(asked))
    floor, foot = place(1), TOP + (len(asked) - 1) * ROW + 16
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f'<style>{STYLE}</style><rect width="{WIDTH}" height="{height}" fill="#fff"/><text x="12" y="20" font-weight="600">{escape(title)}</text>'
        f'<path class="floor" d="M{floor:.1f} {TOP - 16}V{foot}"/>{bars}'
        f'<text x="{floor:.1f}" y="{height - 12}" text-anchor="middle">floor</text>'
        f'<text x="{WIDTH - RIGHT}" y="{height - 12}" text-anchor="end">better, each goal a dotted mark</text></svg>\n'
    )
