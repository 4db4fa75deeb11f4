"""What the figures were measured on: CPU, caches, load, versions, and what the CPU can do at most."""
import datetime
import json
import os
import platform
import re
import statistics
import subprocess

from measure import Unavailable

FLAGS = ["fma", "avx2", "avx512f", "avx512bw", "avx512_bf16", "avx512_vnni", "avx_vnni", "avx512_fp16",
         "amx_tile", "amx_bf16", "amx_int8"]
PACKAGES = ["torch", "numpy", "onnxruntime", "flair"]


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def caches():
    found, folder = {}, "/sys/devices/system/cpu/cpu0/cache"
    for entry in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        kind = read(f"{folder}/{entry}/type")
        if entry.startswith("index") and kind != "Instruction":
            found["L" + read(f"{folder}/{entry}/level")] = read(f"{folder}/{entry}/size")
    return found


def revision(here):
    name = output("git", "-C", here, "rev-parse", "--short", "HEAD") or "unknown"
    changed = output("git", "-C", here, "status", "--porcelain", "--untracked-files=no")
    return name + (" with changes" if changed else "")


def versions(place):
    asked = f"""
import importlib.metadata, json
found = {{}}
for name in {PACKAGES!r}:
    try: found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError: found[name] = None
print(json.dumps(found))"""
    try:
        packages = json.loads(output(place.python, "-c", asked))
    except ValueError:
        packages = dict.fromkeys(PACKAGES)
    swift = re.search(r"Swift version (\S+)", output("swift", "--version"))
    return {
        "majortom": revision(place.here),
        "swift": swift[1] if swift else None,
        "onednn": output("dpkg-query", "-W", "-f", "${Version}", "libdnnl-dev") or None,
        "python": output(place.python, "-c", "import platform; print(platform.python_version())") or None,
    } | packages


def facts(place):
    information = read("/proc/cpuinfo")
    model = re.search(r"^model name\s*:\s*(.*)$", information, re.M)
    flags = re.search(r"^flags\s*:\s*(.*)$", information, re.M)
    family = re.search(r"^cpu family\s*:\s*(\d+)$", information, re.M)
    number = re.search(r"^model\s*:\s*(\d+)$", information, re.M)
    present = set(flags[1].split()) if flags else set()
    load, cores = os.getloadavg(), len(os.sched_getaffinity(0))
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": model[1] if model else platform.processor() or "unknown",
        # Virtual machines often hide the name, and family and model still tell which one it is.
        "cpu_family": f"{family[1]}/{number[1]}" if family and number else None,
        "flags": [flag for flag in FLAGS if flag in present],
        "cores": cores,
        "threads_used": place.threads,
        "caches": caches(),
        "load_at_start": [round(value, 2) for value in load],
        "load_is_high": load[0] > 0.25 * cores,
        "system": output("uname", "-sr"),
        "versions": versions(place),
    }


def measured_peaks(place):
    raw = json.loads(place.run(place.compiled("peaks.c", "-pthread")))
    return {"threads": raw["threads"], "kernels": raw["products"], "reading": raw["reading"], "cache_bytes": raw["caches"]}


def better_peaks(one, other):
    """The higher of two measurements of every peak: a disturbed one is too low, never too high."""
    if not one or not other:
        return one or other
    pairs = list(zip(one["kernels"], other["kernels"]))
    pairs += [(entry, other["reading"][name]) for name, entry in one["reading"].items()]
    for entry, again in pairs:
        for cores in ("one", "all"):
            if entry and again:
                entry[cores] = max(entry[cores], again[cores])
    return one


def multiplying(precision, threads, operations):
    """Work of so many multiplications and additions, for the rows of the report."""
    return {"precision": precision, "cores": "one" if threads == 1 else "all", "operations": operations}


def reading(size):
    """Work of reading so many bytes, by one core, each time the same."""
    return {"cores": "one", "bytes": size}


def share(peaks, work, seconds):
    """The share of the machine's peak that this work in this time is; None where there is no peak."""
    if not peaks or not work or not seconds:
        return None
    if "operations" in work:
        of, amount = work["precision"], work["operations"]
        entries = [kernel for kernel in peaks["kernels"] if kernel["precision"] == of]
    else:
        # From the smallest level that holds all of it.
        amount, sizes = work["bytes"], peaks["cache_bytes"]
        of = next((name for name in ("L2", "L3") if amount <= sizes[name]), "memory")
        entries = [entry for entry in [peaks["reading"].get(of)] if entry]
    if not entries:
        return None
    peak = max(entry[work["cores"]] for entry in entries)
    cores = "one core" if work["cores"] == "one" else "all cores"
    return {"of": f"{of}, {cores}", "peak": peak, "share": amount / statistics.median(seconds) / peak}


def add_shares(result):
    """Sets every row beside the peaks, once all of them are known."""
    for section in result["sections"].values():
        for row in section.get("rows", []):
            row["share"] = share(result["peaks"], row["ours_work"], row["ours_seconds"])
            row["rival_share"] = share(result["peaks"], row["theirs_work"], row["theirs_seconds"])


def peaks_or_none(place, notes):
    try:
        return measured_peaks(place)
    except (Unavailable, ValueError, KeyError) as problem:
        notes.append(f"No peaks: {problem}")
        return None
