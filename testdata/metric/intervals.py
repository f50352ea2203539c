#!/usr/bin/env python3
"""Writes intervals.json: confidence intervals and paired tests of two models on the same rows, as R's pROC (DeLong), statsmodels (Wilson, glm), scipy
(exact binomial, normal) and numerical derivatives of scikit-learn's measures by the row weights (influence functions) give them.

    apt install r-cran-proc && pip install numpy scipy scikit-learn statsmodels && python3 intervals.py > intervals.json

A weighted case is given to them as repeated rows. The tests in metric/ read the JSON only.
"""
import json, subprocess, sys, tempfile
import numpy as np, scipy, scipy.stats as st, sklearn, statsmodels
import statsmodels.api as sm
from sklearn import metrics
from statsmodels.stats.proportion import proportion_confint

rng = np.random.default_rng(20250118)
CONF = 0.9
Q = st.norm.ppf((1 + CONF) / 2)

PROC = r"""
suppressMessages(library(pROC))
d <- read.csv(commandArgs(TRUE)[1])
a <- roc(d$y, d$z, levels=c(0,1), direction="<", quiet=TRUE)
b <- roc(d$y, d$old, levels=c(0,1), direction="<", quiet=TRUE)
i <- ci.auc(a, conf.level=%r, method="delong")
t <- roc.test(a, b, paired=TRUE, method="delong")
cat(sprintf("%%.17g ", c(i[1], i[3], var(a), t$statistic, t$p.value)))
""" % CONF


def proc(y, z, old):
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as f:
        f.write("y,z,old\n" + "".join(f"{int(a)},{b!r},{c!r}\n" for a, b, c in zip(y.tolist(), z.tolist(), old.tolist())))
        f.flush()
        out = subprocess.run(["Rscript", "-e", PROC, f.name], capture_output=True, text=True, check=True).stdout
    return [float(v) for v in out.split()]


def influence_variance(measure, m):
    """M/(M-1)·Σ f², f the derivative of measure(weights) by each weight at ones: central differences, exact to some 1e-9."""
    h, f = 1e-4, np.zeros(m)
    for i in range(m):
        s = np.ones(m); s[i] += h
        up = measure(s); s[i] -= 2 * h
        f[i] = (up - measure(s)) / (2 * h)
    return m / (m - 1) * float(np.sum(f * f))


def wilson(x, n):
    return list(map(float, proportion_confint(x, n, alpha=1 - CONF, method="wilson")))


def mean(v):
    e = Q * v.std(ddof=1) / np.sqrt(len(v))
    return [float(v.mean() - e), float(v.mean() + e)]


def paired(d):
    e = d.std(ddof=1) / np.sqrt(len(d)); z = d.mean() / e
    return {"estimate": float(d.mean()), "low": float(d.mean() - Q * e), "high": float(d.mean() + Q * e), "z": float(z), "p": float(2 * st.norm.sf(abs(z)))}


def mcnemar(x, y):
    b, c = int(np.sum(x & ~y)), int(np.sum(~x & y))
    return {"only_new": b, "only_old": c, "p": float(st.binomtest(min(b, c), b + c).pvalue)}


def loss(z, y):
    return np.logaddexp(0, np.where(y == 1, -z, z))


def two(name, z, old, y, s=None, threshold=0.5):
    given = dict(name=name, z=z.tolist(), old=old.tolist(), y=y.tolist(), s=None if s is None else s.tolist(), threshold=threshold, conf=CONF)
    if s is not None:
        k = s.astype(int); z, old, y = np.repeat(z, k), np.repeat(old, k), np.repeat(y, k)
    m, a, b = len(y), 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(-old))
    d, e = a > threshold, b > threshold
    tp, fp, fn, tn = [int(np.sum(v)) for v in (d & (y == 1), d & (y == 0), ~d & (y == 1), ~d & (y == 0))]
    fit = sm.GLM(y, sm.add_constant(z), family=sm.families.Binomial()).fit(tol=1e-15, maxiter=200, tol_criterion="params")
    low, high, var, t, p = proc(y, z, old)
    ap = metrics.average_precision_score(y, z)
    ap_var = influence_variance(lambda w: metrics.average_precision_score(y, z, sample_weight=w), m)
    logit, half = np.log(ap / (1 - ap)), Q * np.sqrt(ap_var) / (ap * (1 - ap))
    j = np.array(wilson(tp, tp + fp + fn))
    L, M = loss(z, y), loss(old, y)
    rate = 0.4
    C = np.where(y == 1, -np.log(rate), -np.log1p(-rate))
    skill = 1 - L.sum() / C.sum()
    skill_se = (L - (1 - skill) * C).std(ddof=1) / np.sqrt(m) / C.mean()
    return given | {
        "log_loss": mean(L), "brier": mean((a - y) ** 2), "accuracy": wilson(tp + tn, m), "sensitivity": wilson(tp, tp + fn),
        "specificity": wilson(tn, tn + fp), "precision": wilson(tp, tp + fp), "f1": (2 * j / (1 + j)).tolist(),
        "f1_variance": influence_variance(lambda w: metrics.f1_score(y, d, sample_weight=w), m),
        "auc": [low, high], "auc_variance": var, "average_precision": [float(1 / (1 + np.exp(half - logit))), float(1 / (1 + np.exp(-half - logit)))],
        "slope": [float(fit.params[1] - Q * fit.bse[1]), float(fit.params[1] + Q * fit.bse[1])],
        "intercept": [float(fit.params[0] - Q * fit.bse[0]), float(fit.params[0] + Q * fit.bse[0])],
        "against": {"log_loss": paired(L - M), "brier": paired((a - y) ** 2 - (b - y) ** 2), "auc": {"z": t, "p": p}, "decisions": mcnemar(d == y, e == y)},
        "constant": {"rate": rate, "log_loss": paired(L - C), "skill": float(skill), "skill_low": float(skill - Q * skill_se), "skill_high": float(skill + Q * skill_se)},
    }


def classes(name, z, old, y, s=None):
    K = z.shape[1]
    given = dict(name=name, z=z.ravel().tolist(), old=old.ravel().tolist(), y=y.tolist(), s=None if s is None else s.tolist(), classes=K, conf=CONF)
    if s is not None:
        k = s.astype(int); z, old, y = np.repeat(z, k, axis=0), np.repeat(old, k, axis=0), np.repeat(y, k)
    m = len(y)
    def soft(z):
        e = np.exp(z - z.max(axis=1, keepdims=True)); return e / e.sum(axis=1, keepdims=True)
    a, b, one = soft(z), soft(old), np.eye(K)[y]
    d, e = a.argmax(axis=1), b.argmax(axis=1)
    L, M = -np.log(a[np.arange(m), y]), -np.log(b[np.arange(m), y])
    Bn, Bo = ((a - one) ** 2).sum(axis=1), ((b - one) ** 2).sum(axis=1)
    auc = lambda w, a: np.mean([metrics.roc_auc_score(y == k, a[:, k], sample_weight=w) for k in range(K)])
    f1 = lambda w: metrics.f1_score(y, d, average="macro", sample_weight=w)
    around = lambda f, v: [float(f - Q * np.sqrt(v)), float(f + Q * np.sqrt(v))]
    ones = np.ones(m)
    diff = lambda w: auc(w, a) - auc(w, b)
    dv = influence_variance(diff, m)
    per = []
    for k in range(K):
        tp = int(np.sum((d == k) & (y == k))); said, true = int(np.sum(d == k)), int(np.sum(y == k))
        j = np.array(wilson(tp, said + true - tp))
        low, high, *_ = proc((y == k).astype(float), a[:, k], b[:, k])
        per.append({"precision": wilson(tp, said), "recall": wilson(tp, true), "f1": (2 * j / (1 + j)).tolist(), "auc": [low, high]})
    return given | {
        "log_loss": mean(L), "brier": mean(Bn), "accuracy": wilson(int(np.sum(d == y)), m),
        "auc": around(auc(ones, a), influence_variance(lambda w: auc(w, a), m)), "macro_f1": around(f1(ones), influence_variance(f1, m)), "per_class": per,
        "against": {"log_loss": paired(L - M), "brier": paired(Bn - Bo), "auc": {"estimate": float(diff(ones)), "z": float(diff(ones) / np.sqrt(dv))}, "decisions": mcnemar(d == y, e == y)},
    }


def draw(m, digits=None, noise=0.7, shift=0.0, slope=1.0):
    z = rng.normal(shift, 1.5, m); old = z + rng.normal(0, noise, m)
    if digits is not None:
        z, old = np.round(z, digits), np.round(old, digits)
    return z, old, (rng.random(m) < 1 / (1 + np.exp(-slope * z))).astype(float)


def draw_classes(m, K):
    z = rng.normal(0, 1.2, (m, K)); a = np.exp(z); a /= a.sum(axis=1, keepdims=True)
    return z, z + rng.normal(0, 0.8, (m, K)), np.array([rng.choice(K, p=p) for p in a])


cases = [two("plain", *draw(150)), two("ties", *draw(200, digits=0)), two("threshold", *draw(180, shift=-1), threshold=0.3)]
z, old, y = draw(90, digits=1)
cases.append(two("weights", z, old, y, rng.integers(0, 4, 90).astype(float)))
cases.append(two("far from zero", *draw(120, shift=3, slope=0.3)))
more = [classes("three", *draw_classes(150, 3))]
z, old, y = draw_classes(80, 4)
more.append(classes("four, weights", z, old, y, rng.integers(0, 4, 80).astype(float)))
r = subprocess.run(["Rscript", "-e", 'cat(R.version.string, "pROC", as.character(packageVersion("pROC")))'], capture_output=True, text=True, check=True).stdout
json.dump({"made_with": f"{r}, scikit-learn {sklearn.__version__}, statsmodels {statsmodels.__version__}, scipy {scipy.__version__}, numpy {np.__version__}",
           "cases": cases, "classes": more}, sys.stdout)
print()
