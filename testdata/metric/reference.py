#!/usr/bin/env python3
"""Writes reference.json: what scikit-learn and statsmodels say about a few sets of (log-odds, label, weight).

    pip install numpy scikit-learn statsmodels && python3 reference.py > reference.json

The tests in metric/ read the JSON only.
"""
import json, sys
import numpy as np, sklearn, statsmodels
import statsmodels.api as sm
from sklearn import metrics

rng = np.random.default_rng(20240607)


def case(name, z, y, s=None, threshold=0.5):
    z, y = np.asarray(z, float), np.asarray(y, float)
    a = 1 / (1 + np.exp(-z))
    d = (a > threshold).astype(int)
    one = dict(sample_weight=s)
    tn, fp, fn, tp = metrics.confusion_matrix(y, d, labels=[0, 1], **one).ravel()
    fit = sm.GLM(y, sm.add_constant(z), family=sm.families.Binomial(),
                 freq_weights=np.ones_like(z) if s is None else s).fit(tol=1e-15, maxiter=200, tol_criterion="params")
    return {
        "name": name, "z": z.tolist(), "y": y.tolist(), "s": None if s is None else s.tolist(), "threshold": threshold,
        "log_loss": metrics.log_loss(y, a, **one), "brier": metrics.brier_score_loss(y, a, **one),
        "accuracy": metrics.accuracy_score(y, d, **one), "f1": metrics.f1_score(y, d, **one),
        "auc": metrics.roc_auc_score(y, z, **one), "average_precision": metrics.average_precision_score(y, z, **one),
        "tp": float(tp), "fp": float(fp), "tn": float(tn), "fn": float(fn),
        "slope": fit.params[1], "intercept": fit.params[0],
    }


def draw(m, spread=1.5, shift=0.0, slope=1.0, digits=None):
    z = rng.normal(shift, spread, m)
    if digits is not None:
        z = np.round(z, digits)
    return z, (rng.random(m) < 1 / (1 + np.exp(-slope * z))).astype(float)


cases = []
z, y = draw(200); cases.append(case("plain", z, y))
z, y = draw(150, digits=0); cases.append(case("many ties", z, y))
z, y = draw(150, digits=1); cases.append(case("weights and ties", z, y, np.round(rng.exponential(1, 150), 3)))
z, y = draw(120, digits=1); cases.append(case("whole weights, some 0", z, y, rng.integers(0, 4, 120).astype(float)))
z, y = draw(300, spread=0.5, shift=-4, slope=1.0); y[:5] = 1; cases.append(case("rare positives", z, y, threshold=0.02))
z, y = draw(200, spread=6, slope=0.2); cases.append(case("overconfident", z, y))
z, y = draw(100, spread=0.3, shift=20, slope=0.01); cases.append(case("far from zero", z, y))
z, y = draw(100, slope=-1); cases.append(case("worse than chance", z, y, threshold=0.7))
json.dump({"made_with": f"scikit-learn {sklearn.__version__}, statsmodels {statsmodels.__version__}, numpy {np.__version__}",
           "cases": cases}, sys.stdout, indent=None)
print()
