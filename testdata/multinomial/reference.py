#!/usr/bin/env python3
"""Writes expected.json: what R's nnet and VGAM, statsmodels and (anes96) Stata say of multinomial logits. The test reads expected.json only.

    apt-get install r-base-core r-cran-nnet r-cran-vgam; pip install numpy pandas statsmodels; python3 reference.py

VGAM and statsmodels are Newton's method and so exact to rounding; nnet is a quasi-Newton method that stops near the optimum, though it is
asked for the smallest tolerance: "agrees" holds its largest distance from VGAM, in standard errors. statsmodels' MNLogit takes no weights: a row is repeated.
"""
import json, pathlib, subprocess
import numpy as np, pandas as pd, statsmodels, statsmodels.api as sm

here = pathlib.Path(__file__).parent
GERMAN = "../german_credit/german.csv"
SETS = [  # name, file, target, weight, levels, terms
    ("anes96", "anes96.csv", "PID", None, [], ["logpopul", "selfLR", "age", "educ", "income"]),
    ("german_credit, job", GERMAN, "job", "credits", ["housing", "phone", "property"], ["duration", "amount", "age", "housing", "phone", "property"]),
    ("german_credit, checking", GERMAN, "checking", "dependents", ["job", "savings", "purpose"], ["duration", "amount", "rate", "job", "savings", "age"]),
]


def by_r(path, target, weight, levels, terms):
    text = subprocess.run(["Rscript", "reference.R", path, target, weight or "-", ",".join(levels) or "-", *terms], cwd=here, check=True, capture_output=True, text=True).stdout
    out, version = {}, {}
    for kind, program, *rest in (line.split("\t") for line in text.splitlines()):
        if kind == "version":
            version[program] = rest[0]
            continue
        o = out.setdefault(program, {"software": f"R {version['R']}, {program} {version.get(program)}", "coefficients": []})
        if kind == "loglik":
            o["log_likelihood"] = float(rest[0])
        else:
            o["coefficients"].append({"class": rest[0], "term": rest[1], "estimate": float(rest[2]), "std_error": float(rest[3])})
    return out


def by_statsmodels(path, target, weight, levels, terms):
    d = pd.read_csv(here / path)
    if weight:
        d = d.loc[np.repeat(d.index.values, d[weight])].reset_index(drop=True)
    x = pd.DataFrame({"(Intercept)": np.ones(len(d))})
    for t in terms:
        if t in levels:
            for level in sorted(d[t].unique())[1:]:
                x[t + level] = (d[t] == level).astype(float)
        else:
            x[t] = d[t].astype(float)
    scale = x.std().where(x.columns != "(Intercept)", 1.0)  # Newton from zeros on columns of one scale
    y = pd.Categorical(d[target])
    model = sm.MNLogit(y.codes, (x / scale).to_numpy())
    start = model.fit(method="newton", tol=1e-8, disp=0)
    f = model.fit(method="newton", start_params=np.asarray(start.params).ravel(order="F"), tol=1e-12, maxiter=20, disp=0)
    estimate, error = np.asarray(f.params) / scale.to_numpy()[:, None], np.asarray(f.bse) / scale.to_numpy()[:, None]
    rows = [{"class": str(k), "term": t, "estimate": float(estimate[j, i]), "std_error": float(error[j, i])}
            for i, k in enumerate(y.categories[1:]) for j, t in enumerate(x.columns)]
    return {"software": f"statsmodels {statsmodels.__version__}", "log_likelihood": float(f.llf), "null_log_likelihood": float(f.llnull),
            "coefficients": rows}


def by_stata():
    """Stata's mlogit of anes96, as it stands in statsmodels' own tests."""
    from statsmodels.discrete.tests.results.results_discrete import Anes
    a, terms = Anes.mnlogit_basezero, ["logpopul", "selfLR", "age", "educ", "income", "(Intercept)"]
    estimate, error = np.asarray(a.params), np.asarray(a.bse)
    return {"software": "Stata, from statsmodels' tests", "log_likelihood": float(a.llf), "null_log_likelihood": float(a.llnull), "coefficients": [
        {"class": str(k + 1), "term": t, "estimate": float(estimate[j, k]), "std_error": float(error[j, k])}
        for k in range(6) for j, t in enumerate(terms)]}


out = []
for name, path, target, weight, levels, terms in SETS:
    case = {"name": name, "file": path, "target": target, "weight": weight, "levels": levels, "terms": terms,
            "programs": by_r(path, target, weight, levels, terms)}
    case["programs"]["statsmodels"] = by_statsmodels(path, target, weight, levels, terms)
    if name == "anes96":
        case["programs"]["Stata"] = by_stata()
    p, far = case["programs"], 0.0
    for v, n in zip(p["VGAM"]["coefficients"], p["nnet"]["coefficients"]):
        assert (v["class"], v["term"]) == (n["class"], n["term"])
        far = max(far, abs(v["estimate"] - n["estimate"]) / v["std_error"])
    case["agrees"] = {"nnet": far}
    out.append(case)
(here / "expected.json").write_text(json.dumps(out, indent=1) + "\n")
