"""docs/performance.md from the results of bench/run."""
import statistics

BARS = {"tiny": (5, 8), "dense_small": (5, 8), "sparse": (5, 3), "dense_wide": (5, 3), "tabular": (10, 15)}  # file to optimum, solve alone: times faster


def table(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head)] + ["| " + " | ".join(str(c) for c in r) + " |" for r in rows]) + "\n"


def fastest(runs, key="wall"):
    return min(t[key] for t in runs)


def median(runs, key="wall"):
    return statistics.median(t[key] for t in runs)


def small(v):
    """A gap; what is below the sum's own rounding is none."""
    return "0" if abs(v) < 5e-15 else f"{v:.0e}"


def ours(r):
    return r["title"].startswith("descent")


def reach(results, key, gap):
    """The fastest of the peers and of descent's settings that come within the gap in every run: (seconds, title) each, None where nobody does."""
    best = {}
    for r in results:
        if r["runs"] and max(t["gap"] for t in r["runs"]) <= gap:
            s = median(r["runs"], key)
            who = ours(r)
            if who not in best or s < best[who][0]:
                best[who] = s, r["title"]
    return best.get(True), best.get(False)


def judged_table(part):
    rows = []
    for r in part["results"]:
        if r["wrong"] and not r["runs"]:
            rows.append([r["title"], f"— ({r['wrong']})", "", "", "", "", ""])
            continue
        runs = r["runs"]
        middle = sorted(runs, key=lambda t: t["wall"])[len(runs) // 2]
        rows.append([r["title"] + (" *" if r["penalised"] else ""), f"{fastest(runs):.2f}", f"{median(runs):.2f}", f"{median(runs, 'cpu'):.2f}", f"{max(t['peak'] for t in runs):.0f}",
                     small(max(t["gap"] for t in runs)) if "gap" in middle else f"{middle['reached']:.6f}", middle["parts"]])
    return table(["contender", "fastest s", "median s", "CPU s", "peak MiB", "gap" if any("gap" in t for r in part["results"] for t in r["runs"]) else "log loss", "parts of the median run"], rows)


def ratio(mine, theirs):
    return f"{theirs[0] / mine[0]:.1f}×" if mine and theirs else "—"


def named(best):
    return f"{best[0]:.3g} s, {best[1]}" if best else "nobody"


def state(kept):
    return (f"\n<sub>{kept['when']}, commit {kept['commit']}; load of the machine before and after {kept['load'][0]:.1f} and {kept['load'][1]:.1f}; "
            f"{kept['repeat']} run{'s' if kept['repeat'] > 1 else ''} of each in turns.</sub>\n")


def write(results, share):
    parts = results.get("parts", {})
    m = results["machine"]
    out = []

    def of(kind):
        return [(k.partition(" ")[2], v) for k, v in parts.items() if k.split(" ")[0] == kind and "wrong" not in (v["value"] if isinstance(v["value"], dict) else {})]

    def section(title, text, kept=None):
        out.append(f"\n## {title}\n\n{text}" + (state(kept) if kept else ""))
    out.append(f"""# Performance

Written by `bench/run`; run it on your machine. Contenders take turns within one run; what each reached is computed by one function in float64 on the decimals of the
file (`bench/objective.py`); peers run at the best settings found with the gap in sight, which their users cannot see. Ratios compare medians.

{m['cpu']}, {m['cores']} cores{f", {m['memory'] / 2 ** 30:.0f} GiB" if m['memory'] else ''}, {m['threads']} threads each. {m['go']}; Python {m['python']}; {', '.join(f'{p} {v}' for p, v in m['versions'].items())}.
A load beyond {m['cores']} means that other work ran beside: then wall-clock times and their ratios are rough, and CPU seconds say more.
""")
    if share != 1:
        out.append(f"\n**These are copies of the sets with {share:g} of their rows: they show that everything works, not how fast it is.**\n")
    if results.get("missing"):
        out.append(f"\nMissing on this machine: {'; '.join(results['missing'])}.\n")

    passes = of("passes")
    if passes:
        rows = []
        for name, kept in passes:
            v = kept["value"]
            p, h = v["pass"], v["by_hand"]
            rows.append([name, f"{v['rows']:,} × {v['columns']:,}", f"{v['storage']['bytes_per_cell']:.2f}", f"{1000 * p['seconds']:.2f}", f"{1000 * p['median_seconds']:.2f}", f"{p['bytes_per_second'] / 1e9:.1f}",
                         f"{v['bandwidth']['bytes_per_second'] / 1e9:.1f}", f"{100 * p['share_of_bandwidth']:.0f} %", f"{v['storage']['cells'] / p['seconds'] / 1e9:.2f}",
                         f"{100 * h['compiled_slower_by']:+.1f} %" if h else "—", ", ".join(f"{n} {k}" for k, n in sorted(v["storage"]["columns"].items()))])
        section("One gradient pass, and the memory's limit", """Cost and full gradient over all rows (`descent bench`). Bandwidth: what the same threads reach reading an array far larger than caches. Bytes: the storage, read
once, and the labels. Bars: 80 % of the bandwidth on dense_small, 90 % on dense_wide; 0.9 G entries a second on sparse; compiled at most 10 % slower than the same kernels by hand.

""" + table(["set", "rows × columns", "bytes a cell", "fastest ms", "median ms", "GB/s", "bandwidth GB/s", "share", "G cells/s", "compiled against by hand", "storage"], rows), passes[-1][1])
    for _, kept in of("hand"):
        section("The compiled graph against loops by hand", "`go test ./engine -bench BenchmarkPass`: the program that is compiled from the equations, and the same kernels called by hand, in turns in one process. Bar: 10 %.\n\n" + table(
            ["loss", "rows × columns", "threads", "compiled, fastest ms", "by hand", "slower by", "of the medians"],
            [[r["loss"], f"{r['rows']:,} × {r['columns']}", r["threads"]] + [f"{r['metrics'][k]:.2f}" for k in ("ms-min/compiled", "ms-min/byhand")] +
             [f"{r['metrics'][k]:+.1f} %" for k in ("%slower-min", "%slower-median")] for r in kept["value"]]), kept)

    whole = of("optimum")
    if whole:
        rows, alone = [], []
        for name, kept in whole:
            r = kept["value"]["results"]
            mine, theirs = reach(r, "wall", 1e-6)
            rows.append([name, named(mine), named(theirs), ratio(mine, theirs), f"{BARS[name][0]}×"])
            row = [name]
            for gap in (1e-3, 1e-6, 1e-9):
                a, b = reach(r, "fit", gap)
                row += [named(a), named(b), ratio(a, b)]
            alone.append(row + [f"{BARS[name][1]}×"])
        section("From the file to the optimum", "Whole processes, to a gap of 1e-6: f = λ/2·‖w‖² + Σ log(1 + exp(-s(w·x + b))), λ = 1, the bias free.\n\n" + table(["set", "descent", "fastest peer that gets there", "faster", "bar"], rows))
        section("Solving alone", "The same runs without reading and imports: descent's `seconds.train` (all that comes after reading: storage, solve, proof, statistics), the peers' fit. Bars are for 1e-6 and 1e-9.\n\n" + table(
            ["set", "1e-3: descent", "peer", "faster", "1e-6: descent", "peer", "faster", "1e-9: descent", "peer", "faster", "bar"], alone))
        for name, kept in whole:
            v = kept["value"]
            section(f"{name}, every contender", f"{v['rows']:,} rows, {v['columns']:,} columns, {v['bytes'] / 1e6:.0f} MB. The gap is (f - f*)/f*, f* = {v['best']:.10g} the lowest that anyone reached" + (
                f"; * the bias is penalised, their only way, and f* = {v['best_penalised']:.10g} is that of their objective" if v["best_penalised"] else "") + ".\n\n" + judged_table(v), kept)
        rows = []
        for name, kept in whole:
            v = kept["value"]
            for r in v["results"]:
                if r["title"] == "descent --tol 1e-6" and r["runs"]:
                    peak = max(t["peak"] for t in r["runs"])
                    stored = v["stored"]["bytes"] / 2 ** 20
                    rows.append([name, f"{stored:.0f}", f"{peak:.0f}", f"{1.3 * stored + 150:.0f}", "yes" if peak <= 1.3 * stored + 150 else f"no, {peak - 1.3 * stored - 150:.0f} over"])
        section("Peak memory, file to model", "Bar: 1.3 times the stored matrix and 150 MiB.\n\n" + table(["set", "stored MiB", "peak MiB", "bar MiB", "kept"], rows))

    for name, kept in of("online"):
        section(f"{name}: against one online pass of Vowpal Wabbit", "Whole processes; VW reads its own format (made before, not timed). Judged by the log loss on the test file. Bar: faster, at a better log loss.\n\n" + judged_table(kept["value"]), kept)
    for name, kept in of("l1"):
        v = kept["value"]
        rows = []
        for gap in (1e-3, 1e-6, 1e-9):
            mine, theirs = reach(v["results"], "fit", gap)
            rows.append([f"{gap:g}", named(mine), named(theirs), ratio(mine, theirs)])
        section(f"L1 on {name}", f"λ1 = {v['strength']:g}, the bias free; the solve alone (skglm's compiling at the first call not counted, glmnet from memory). Bar: 3× at 1e-6.\n\n" +
                table(["gap", "descent", "fastest peer", "faster"], rows) + "\n" + judged_table(v) + (f"\nNot run: {v['without']}.\n" if "without" in v else ""), kept)
    reads = of("reading")
    if reads:
        rows = []
        for name, kept in reads:
            for path in dict.fromkeys(r["file"] for r in kept["value"]):
                of_file = [r for r in kept["value"] if r["file"] == path]
                speed = {r["reader"]: r["bytes"] / 1e6 / statistics.median(r["seconds"]) for r in of_file if "seconds" in r}
                peers = {k: v for k, v in speed.items() if k != "descent"}
                best = max(peers, key=peers.get) if peers else None
                rows.append([path, f"{of_file[0]['bytes'] / 1e6:.0f}", f"{speed['descent']:.0f}", ", ".join(f"{k} {v:.0f}" for k, v in sorted(peers.items(), key=lambda p: -p[1])),
                             f"{speed['descent'] / peers[best]:.1f}×" if best else "—"])
        section("Reading alone", "MB of the file a second, median; the peers' first call, with its imports, is not counted, descent's only one is. Bar: 2× the best.\n\n" + table(
            ["file", "MB", "descent", "peers", "against the best"], rows), reads[-1][1])
    for _, kept in of("standard"):
        section("Reading against the standard library", "`go test ./dataset -bench`: Standard is encoding/csv and strconv. Bar: 5×.\n\n" + table(["benchmark", "MB/s"], [[r["name"], f"{r['mb']:.0f}"] for r in kept["value"]]), kept)
    for _, kept in of("growth"):
        by = {}
        for t in kept["value"]:
            by.setdefault(t["rows"], []).append(t)
        first = min(by)
        rows = [[f"{n:,}", *[f"{median(t, k):.2f}" for k in ("wall", "cpu", "read", "fit")], f"{1e6 * median(t, 'wall') / n:.2f}", f"{median(t, 'wall') / n / (median(by[first], 'wall') / first):.2f}",
                 f"{median(t, 'cpu') / n / (median(by[first], 'cpu') / first):.2f}", f"{max(x['peak'] for x in t):.0f}"] for n, t in sorted(by.items())]
        section("Growth of cost with the rows", "dense_small, 28 columns, file to a gap of 1e-6. Bar: linear within 10 %.\n\n" + table(
            ["rows", "wall s", "CPU s", "read s", "train s", "µs a row", "against the first, wall", "CPU", "peak MiB"], rows), kept)
    same = of("bits")
    if same:
        rows = []
        for name, kept in same:
            hashes = {r["hash"] for r in kept["value"] if "hash" in r}
            rows.append([name, ", ".join(r["what"] for r in kept["value"] if "hash" in r), "one" if len(hashes) == 1 else f"{len(hashes)}: not the same", ", ".join(f"`{h[:16]}…`" for h in sorted(hashes)),
                         "; ".join(r["wrong"] for r in kept["value"] if "wrong" in r)])
        section("The same model on any number of threads", "SHA-256 of the model file.\n\n" + table(["set", "runs", "hashes", "", "failed"], rows))
    for _, kept in of("inference"):
        section("No penalty, with standard errors", "dense_small; the gap is that of the likelihood.\n\n" + judged_table(kept["value"]), kept)
    for _, kept in of("classes"):
        v = kept["value"]
        mine, theirs = reach(v["results"], "wall", 1e-6)
        text = "One pass of softmax cross-entropy, 10 classes, against the same kernels fused by hand (`go test ./engine -bench BenchmarkClasses`). Bar: 15 %.\n\n" + table(
            ["threads", "compiled, fastest ms", "by hand", "slower by", "of the medians"], [[r["threads"], *[f"{r['metrics'][k]:.1f}" for k in ("ms/compiled", "ms/byhand")],
             *[f"{r['metrics'][k]:+.1f} %" for k in ("%slower", "%slower-median")]] for r in v["pass"]])
        text += f"\nFrom the file to a gap of 1e-6: descent {named(mine)}; {named(theirs)}: {ratio(mine, theirs)} (bar 5×).\n\n" + judged_table(v)
        section("More than two classes", text, kept)
    wrong = {k: v["value"]["wrong"] for k, v in parts.items() if isinstance(v["value"], dict) and "wrong" in v["value"]}
    if wrong:
        section("Failed", "\n".join(f"- {k}: {w}" for k, w in wrong.items()) + "\n")
    return "".join(out)
