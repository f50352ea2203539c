#!/usr/bin/env python3
"""Writes classes.json: what scikit-learn says about a few sets of (scores, class, weight) with more than two classes.

    pip install numpy scipy scikit-learn && python3 classes.py > classes.json

The tests in metric/ read the JSON only. Where a class has no rows, scikit-learn 1.9 gives no mean AUC; the mean is then over the others.
"""
import json, sys, warnings
import numpy as np, scipy.special, sklearn
from sklearn import metrics

warnings.simplefilter("ignore")
rng = np.random.default_rng(20240610)


def number(v):
    return None if np.isnan(v) else float(v)


def case(name, z, y, s=None):
    z, y = np.asarray(z, float), np.asarray(y, int)
    K = z.shape[1]
    a = scipy.special.softmax(z, axis=1)
    d = a.argmax(axis=1)
    one, labels = dict(sample_weight=s), list(range(K))
    each = dict(labels=labels, average=None, zero_division=np.nan, **one)
    auc = [metrics.roc_auc_score(y == k, a[:, k], **one) if 0 < (y == k).sum() < len(y) else np.nan for k in labels]
    macro = np.mean(auc) if not np.isnan(auc).any() else np.nanmean(auc)
    if K > 2 and not np.isnan(auc).any():
        assert abs(macro - metrics.roc_auc_score(y, a, multi_class="ovr", average="macro", **one)) < 1e-14
    brier = metrics.brier_score_loss(y, a, labels=labels, scale_by_half=False, **one)
    return {
        "name": name, "K": K, "z": z.ravel().tolist(), "label": y.tolist(), "s": None if s is None else s.tolist(),
        "log_loss": metrics.log_loss(y, a, labels=labels, **one), "brier": brier,
        "accuracy": metrics.accuracy_score(y, d, **one), "auc": macro,
        "macro_f1": metrics.f1_score(y, d, average="macro", **one),
        "counts": metrics.confusion_matrix(y, d, labels=labels, **one).astype(float).tolist(),
        "rows": [int((y == k).sum()) for k in labels],
        "precision": [number(v) for v in metrics.precision_score(y, d, **each)],
        "recall": [number(v) for v in metrics.recall_score(y, d, **each)],
        "f1": [number(v) for v in metrics.f1_score(y, d, **each)],
        "class_auc": [number(v) for v in auc],
    }


def draw(m, K, spread=1.5, slope=1.0, shift=0.0):
    z = rng.normal(0, spread, (m, K)) + shift
    z = np.round(z, 4)
    p = scipy.special.softmax(slope * z, axis=1)
    return z, np.array([rng.choice(K, p=q) for q in p])


cases = []
z, y = draw(150, 3); cases.append(case("three classes", z, y))
z, y = draw(200, 10, spread=2.5); cases.append(case("ten classes", z, y))
z, y = draw(120, 4); cases.append(case("weights", z, y, np.round(rng.exponential(1, 120), 3)))
z, y = draw(20, 3); r = rng.integers(0, 20, 100); cases.append(case("many ties", z[r], rng.permutation(y[r])))
z, y = draw(60, 3); r = rng.integers(0, 60, 90); cases.append(case("whole weights, ties", z[r], y[r], rng.integers(1, 4, 90).astype(float)))
z, y = draw(80, 4, shift=np.array([0, 0, -20, 0])); y[:3] = 2; cases.append(case("a class that is never decided", z, y))
z, y = draw(80, 4, shift=np.array([0, 0, 0, -20])); cases.append(case("a class that is nowhere", z, y))
z, y = draw(80, 4); y[y == 1] = 0; cases.append(case("a class without rows", z, y))
z, y = draw(100, 3, spread=6, slope=0.2); cases.append(case("overconfident", z, y))
z, y = draw(60, 2); cases.append(case("two classes", z, y))
json.dump({"made_with": f"scikit-learn {sklearn.__version__}, scipy {scipy.__version__}, numpy {np.__version__}", "cases": cases}, sys.stdout)
print()
