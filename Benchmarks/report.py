"""The report of benchmark.py as Markdown: tables that can be pasted into a README as they are."""


def number(value, unit):
    if value is None:
        return "-"
    first = unit.split("/")[0]
    digits = 0 if value >= 100 or first not in ("s", "ms", "us") else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}"


def ratio(row):
    found = row.get("ratio")
    if not found:
        return "-"
    return f"{found['median']:.2f} ({found['smallest']:.2f} to {found['largest']:.2f})"


def shares(row):
    """Ours, and the rival's behind it."""
    ours, theirs = row.get("share"), row.get("rival_share")
    both = [f"{100 * entry['share']:.0f} %" if entry else "-" for entry in (ours, theirs)]
    if not ours and not theirs:
        return "-"
    of = ours or theirs
    if ours and theirs and ours["of"] != theirs["of"]:
        both[1] += f" of {theirs['of']}"
    return (f"{both[0]}, rival {both[1]}" if theirs else both[0]) + f" ({of['of']})"


def side(row, which):
    name, value = (row["ours"], row["ours_value"]) if which == "ours" else (row["rival"], row["theirs_value"])
    if value is None:
        return f"{name}: not available"
    return f"{name}: {number(value, row['unit'])}"


def table(rows, rounds):
    lines = ["| | majortom | rival | ratio (median; smallest to largest) | share of peak |", "|---|---:|---:|---:|---:|"]
    notes = []
    for row in rows:
        lines.append(f"| {row['what']}, {row['unit']} | {side(row, 'ours')} | {side(row, 'rival')} | {ratio(row)} "
                     f"| {shares(row)} |")
        if "ratio" in row and row["pairs"] < rounds:
            notes.append(f"{row['what']}, {row['ours']}: time was up after {row['pairs']} of {rounds} alternations.")
        notes += row["problems"]
    return lines, list(dict.fromkeys(notes))


def section(entry, rounds):
    lines = [f"### {entry['title']}", ""]
    if entry.get("problem"):
        return lines + [f"Not measured: {entry['problem']}", ""]
    notes = list(entry["notes"])
    if entry["rows"]:
        rows, more = table(entry["rows"], rounds)
        lines += rows + [""]
        notes += more
    lines += [f"- {line}" for line in entry.get("lines", [])] + [""] * bool(entry.get("lines"))
    return lines + [part for note in notes for part in (note, "")]


def peaks(found):
    lines = ["| peak | one core | all cores |", "|---|---:|---:|"]
    for kernel in found["kernels"]:
        lines.append(f"| {kernel['precision']} products, {kernel['with']}, Gop/s | {kernel['one'] / 1e9:,.0f} "
                     f"| {kernel['all'] / 1e9:,.0f} |")
    for level, entry in found["reading"].items():
        if entry:
            lines.append(f"| reading {entry['block_bytes'] / 2**20:,.1f} MiB, {level}, GB/s | {entry['one'] / 1e9:,.0f} "
                         f"| {entry['all'] / 1e9:,.0f} |")
    return lines + [""]


def machine(facts, rounds):
    version = ", ".join(f"{name} {value or 'not installed'}" for name, value in facts["versions"].items())
    family = f" (family {facts['cpu_family']})" if facts["cpu_family"] else ""
    load = "/".join(f"{value:.2f}" for value in facts["load_at_start"])
    lines = [
        f"{facts['date']}; {facts['cpu']}{family}, {facts['cores']} cores, {', '.join(facts['flags']) or 'no flags of note'}; "
        + ", ".join(f"{level} {size}" for level, size in facts["caches"].items()) + f"; {facts['system']}.", "",
        f"{version}.", "",
        f"Each ratio is the median of {rounds} alternations of the two programs, and says how many times as fast the first is "
        "(so it need not be the quotient of the two medians beside it). Peaks are the best of several measurements in this run; "
        "a share above 100 % tells that other work disturbed them all.", "",
        f"Load before the start: {load}; at the end: {'/'.join(f'{value:.2f}' for value in facts['load_at_end'])}."]
    if facts["load_is_high"]:
        lines[-1] += " **The machine was busy with other work: figures and shares are too low, ratios uncertain.**"
    return lines + [""]


def markdown(result):
    lines = ["## Benchmark" + (" (quick)" if result["quick"] else ""), ""] + machine(result["machine"], result["rounds"])
    if result["peaks"]:
        lines += ["### What the machine can do", ""] + peaks(result["peaks"])
    lines += [part for note in result["notes"] for part in (note, "")]
    for entry in result["sections"].values():
        lines += section(entry, result["rounds"])
    lines += [f"Took {result['seconds'] / 60:.1f} minutes."]
    return "\n".join(lines) + "\n"
