"""Turns rounds of runs into the tables that are printed and kept.

A ratio is taken within a round, where both figures met the same machine, and then the median of the rounds is shown.
"""

from statistics import median

BASE = "nginx 204"
# name -> (bar, goal) as ratios to nginx 204, from the project's own targets.
TARGETS = {"Tollgate, single events": (0.30, 0.50)}
# Of the rate with the first ten types of filters, what every type at once must reach.
FILTERS_TARGET = 0.75
SUSTAINED_TARGETS = {"first 10 s": (None, 6.0), "after that": (1.5, 3.0)}


def mebibytes(count):
    return f"{count / 2**20:,.0f} MiB"


def verdict(ratio, bar, goal):
    said = [f"{label} {wanted:g} {'met' if ratio >= wanted else 'missed'}" for label, wanted in (("bar", bar), ("goal", goal)) if wanted]
    return ", ".join(said)


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def rounds_table(rounds, weights):
    """`rounds` is a list of {name: Run}, `weights` the events one request of a name carries (1 unless told)."""
    rows = []
    for name in rounds[0]:
        runs = [one[name] for one in rounds]
        weight = weights.get(name, 1)
        ratio = median(one[name].rate * weight / one[BASE].rate for one in rounds)
        failed = sum(run.non2xx for run in runs), sum(run.broken for run in runs)
        rows.append([
            name,
            f"{median(run.rate for run in runs) * weight:,.0f}/s",
            f"{ratio:.2f}",
            f"{median(run.p50 for run in runs):.2f} ms",
            f"{median(run.p99 for run in runs):.2f} ms",
            mebibytes(max(run.rss for run in runs)),
            "{:,} / {:,}".format(*failed),
            verdict(ratio, *TARGETS.get(name, (None, None))),
        ])
    head = ["name", "median rate (events)", "ratio to nginx 204", "p50 (request)", "p99 (request)", "most RSS", "non-2xx / broken", "targets"]
    return table(head, rows)


def filters_table(found):
    """`found` is {name: [(rate with the first filters, rate with every filter)]}, in requests a second."""
    rows = []
    for name, pairs in found.items():
        ratios = [every / first for first, every in pairs]
        target = "met" if median(ratios) >= FILTERS_TARGET else "missed"
        first, every = (median(rates) for rates in zip(*pairs))
        rows.append([name, f"{first:,.0f}/s", f"{every:,.0f}/s", f"{median(ratios):.2f}", " ".join(f"{one:.2f}" for one in ratios), f"{FILTERS_TARGET} {target}"])
    return table(["name", "first ten types (requests)", "every type (requests)", "median ratio", "ratio of each round", "target"], rows)


def each_round(rounds, weights):
    """The rates behind the medians, a line a round."""
    names = list(rounds[0])
    rows = [[at, *(f"{one[name].rate * weights.get(name, 1):,.0f}" for name in names)] for at, one in enumerate(rounds, 1)]
    return table(["round", *names], rows)


def sustained_table(runs, weight, base):
    """`runs` is {label: Run} of one long NDJSON load, `base` the median rate of nginx 204 in the same report."""
    rows = []
    for label, run in runs.items():
        ratio = run.rate * weight / base
        rows.append([f"{label} ({run.seconds:.0f} s)", f"{run.rate * weight:,.0f}/s", f"{ratio:.2f}", f"{run.p50:.2f} ms", f"{run.p99:.2f} ms",
                     mebibytes(run.rss), f"{run.non2xx:,} / {run.broken:,}", verdict(ratio, *SUSTAINED_TARGETS.get(label, (None, None)))])
    return table(["part", "rate (events)", "ratio to nginx 204", "p50 (request)", "p99 (request)", "most RSS", "non-2xx / broken", "targets"], rows)


def series_table(samples, every=10):
    """The watch's samples, one line for each `every` seconds and the last one."""
    rows, due = [], 0.0
    for at, sample in enumerate(samples):
        if sample["at"] >= due or at == len(samples) - 1:
            rows.append([f"{sample['at']:.0f} s", mebibytes(sample["rss"]),
                         *(f"{sample[name]:,}" if name in sample else "–" for name in ("unsealed_rows", "seq"))])
            due = sample["at"] + every - 0.5
    return table(["time", "RSS", "unsealed rows", "ledger seq"], rows)
