#!/usr/bin/env python3
"""Writes slices.json: statsmodels' score test of an intercept for each group beside a common one, with log-odds as offset; and the test of every group's mean.

    pip install numpy scipy statsmodels && python3 slices.py > slices.json
"""
import json, sys
import numpy as np, scipy.stats as st, statsmodels, statsmodels.api as sm

rng = np.random.default_rng(20250301)


def case(name, m, groups, shift, weighted=False):
    z = rng.normal(-0.5, 1.3, m); g = rng.integers(0, groups, m)
    y = (rng.random(m) < 1 / (1 + np.exp(-(z + shift[g])))).astype(float)
    s = rng.integers(0, 4, m).astype(float) if weighted else np.ones(m)
    k = s.astype(int)  # statsmodels' score test has no weights: rows are repeated
    fit = sm.GLM(np.repeat(y, k), np.ones(k.sum()), family=sm.families.Binomial(), offset=np.repeat(z, k)).fit(tol=1e-14)
    chisq, p = fit.score_test(exog_extra=np.repeat(np.eye(groups)[g][:, 1:], k, axis=0))[:2]
    a = 1 / (1 + np.exp(-z))
    each = np.array([np.sum((s * (y - a))[g == k]) / np.sqrt(np.sum((s * a * (1 - a))[g == k])) for k in range(groups)])
    return {"name": name, "z": z.tolist(), "y": y.tolist(), "s": s.tolist() if weighted else None, "group": g.tolist(), "groups": groups,
            "heterogeneity": float(np.squeeze(chisq)), "heterogeneity_p": float(np.squeeze(p)), "each": each.tolist(), "in_the_large": float(np.sum(each**2)),
            "in_the_large_p": float(st.chi2.sf(np.sum(each**2), groups))}


cases = [case("right", 200, 4, np.zeros(4)), case("one shift", 200, 3, np.full(3, 0.6)), case("shifts", 250, 3, np.array([0.0, 0.8, -0.6])),
         case("weights", 120, 3, np.array([0.3, 0.0, -0.3]), weighted=True)]
json.dump({"made_with": f"statsmodels {statsmodels.__version__}, numpy {np.__version__}", "cases": cases}, sys.stdout)
print()
