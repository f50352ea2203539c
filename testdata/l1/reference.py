"""Writes expected.json: lasso and elastic net by scikit-learn's saga, on standardised columns.

scikit-learn minimises C·Σ loss + (1-ρ)/2·‖W‖² + ρ·‖W‖₁, so λ1 = ρ/C and λ = (1-ρ)/C. The intercepts are not penalised; of more than two
classes they are given with mean 0. Run in this folder; versions are written beside the numbers.
"""
import csv, json
import numpy, scipy, sklearn
from sklearn.linear_model import LogisticRegression

def table(path, target):
    with open(path) as f:
        rows = list(csv.reader(f))
    t = rows[0].index(target)
    X = numpy.array([[float(v) for j, v in enumerate(r) if j != t] for r in rows[1:]])
    return (X - X.mean(0)) / X.std(0), numpy.array([r[t] for r in rows[1:]])

def model(id, path, target, l1, l2):
    X, y = table(path, target)
    m, C, rho = len(y), 1 / (l1 + l2), l1 / (l1 + l2)
    fit = LogisticRegression(C=C, l1_ratio=rho, solver="saga", tol=1e-13, max_iter=2000000, random_state=1).fit(X, y)
    W, b = fit.coef_, fit.intercept_
    labels = list(fit.classes_)
    z = X @ W.T + b
    if len(labels) == 2:
        z = numpy.hstack([numpy.zeros((m, 1)), z])
    else:
        b = b - b.mean()
    loss = (scipy.special.logsumexp(z, axis=1) - z[numpy.arange(m), [labels.index(v) for v in y]]).mean()
    J = loss + (l1 * abs(W).sum() + l2 / 2 * (W * W).sum()) / m
    by = "scikit-learn %s saga, numpy %s, scipy %s" % (sklearn.__version__, numpy.__version__, scipy.__version__)
    def check(id, value, **tol):
        return dict(id=id, value=value, source="computed", **{"from": by}, **tol)
    return dict(id=id, objective="mean cross-entropy + (l1·‖W‖₁ + l2/2·‖W‖²)/m on standardised columns", l1=l1, l2=l2, iterations=int(max(fit.n_iter_)), checks=[
        check("J_optimum", J, abs_tol=1e-12),
        check("bias", b.tolist() if len(b) > 1 else b[0], abs_tol=1e-8),
        check("w", W.ravel().tolist(), abs_tol=1e-8),
        check("nonzeros", int((W != 0).sum()), abs_tol=0),
    ])

models = [
    model("pima_lasso10", "../pima/pima.csv", "diabetes", 10.0, 0.0),
    model("pima_elastic", "../pima/pima.csv", "diabetes", 20.0, 5.0),
    model("wdbc_lasso5", "../breast_cancer/wdbc.csv", "malignant", 5.0, 0.0),
    model("wdbc_elastic", "../breast_cancer/wdbc.csv", "malignant", 2.0, 3.0),
    model("iris_elastic", "../iris/iris.csv", "species", 1.0, 0.5),
    model("iris_elastic_strong", "../iris/iris.csv", "species", 8.0, 2.0),
    model("iris_lasso1", "../iris/iris.csv", "species", 1.0, 0.0),
]
with open("expected.json", "w") as f:
    json.dump(dict(name="l1", models=models), f, indent=1, ensure_ascii=False)
    f.write("\n")
