"""Writes expected.json: the loss of cross-validation along a path of penalties, by scikit-learn on columns standardised over all rows.

Row i is in fold i mod 5. scikit-learn minimises C·Σ loss + (1-ρ)/2·‖W‖² + ρ·‖W‖₁, so λ1 = ρ/C and λ = (1-ρ)/C, the same numbers in every fold. The path
is made here from its definition: from max|Σ x̃_j (a - y)| down to 1e-4 of it with λ1, from 100 times that down to 1e-7 of it with λ alone, 100 values evenly spaced in
their logarithms. The standard error is glmnet's: √(Σ w (L - mean)²/Σ w/(K-1)), w the rows of a fold. Run in this folder.
"""
import csv, json
import numpy, scipy, sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit

def table(path, target):
    with open(path) as f:
        rows = list(csv.reader(f))
    t = rows[0].index(target)
    X = numpy.array([[float(v) for j, v in enumerate(r) if j != t] for r in rows[1:]])
    return (X - X.mean(0)) / X.std(0), numpy.array([r[t] for r in rows[1:]])

def run(id, path, target, l1, l2, indices):
    X, y = table(path, target)
    labels = sorted(set(y))
    Y = numpy.array([[float(v == l) for l in labels] for v in y])
    top = abs(X.T @ (Y - Y.mean(0))).max()
    path_ = top * 1e-4 ** (numpy.arange(100) / 99) if l1 else 100 * top * 1e-7 ** (numpy.arange(100) / 99)
    out = []
    for i in indices:
        lam = path_[i]
        C, rho = 1 / ((l1 + l2) * lam), l1 / (l1 + l2)
        losses, sizes = [], []
        for train, test in PredefinedSplit(numpy.arange(len(y)) % 5).split():
            if l1:
                fit = LogisticRegression(C=C, l1_ratio=rho, solver="saga", tol=1e-12, max_iter=1000000, random_state=1)
            else:
                fit = LogisticRegression(C=C, solver="newton-cg", tol=1e-13, max_iter=10000)
            fit.fit(X[train], y[train])
            z = X[test] @ fit.coef_.T + fit.intercept_
            if len(labels) == 2:
                z = numpy.hstack([numpy.zeros((len(test), 1)), z])
            losses.append((scipy.special.logsumexp(z, axis=1) - z[numpy.arange(len(test)), [labels.index(v) for v in y[test]]]).mean())
            sizes.append(len(test))
        mean = numpy.average(losses, weights=sizes)
        se = numpy.sqrt(numpy.average((losses - mean) ** 2, weights=sizes) / (len(losses) - 1))
        out.append(dict(index=int(i), **{"lambda": lam}, losses=losses, mean=mean, se=se))
        print(id, i, mean, se)
    return dict(id=id, file=path, target=target, l1=l1, l2=l2, points=out)

# Not at the beginning of the path: saga stops by its weights alone, and where these are 0 its intercept is not the optimum's.
few = [20, 35, 50, 65, 80, 99]
runs = [
    run("pima, l2", "../pima/pima.csv", "diabetes", 0, 1, range(100)),
    run("pima, l1", "../pima/pima.csv", "diabetes", 1, 0, few),
    run("pima, elastic net", "../pima/pima.csv", "diabetes", 1, 1, few),
    run("iris, l2", "../iris/iris.csv", "species", 0, 1, range(0, 100, 7)),
    run("iris, l1", "../iris/iris.csv", "species", 1, 0, [20, 35, 50, 65]),
]
with open("expected.json", "w") as f:
    json.dump(dict(by="scikit-learn %s, numpy %s, scipy %s" % (sklearn.__version__, numpy.__version__, scipy.__version__), runs=runs), f, indent=1)
