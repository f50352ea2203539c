"""scikit-learn's CalibratedClassifierCV(ensemble=False) on pima.csv, folds by row number mod 5, no penalty: python reference.py ../pima/pima.csv > expected.json

Probabilities of every 16th row, and slope and intercept of the sigmoid (its sign turned).
"""
import csv
import json
import sys

import numpy as np
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit

rows = list(csv.reader(open(sys.argv[1])))
data = np.array(rows[1:], dtype=float)
x, y = data[:, :-1], data[:, -1]
assert rows[0][-1] == "diabetes"
x = (x - x.mean(0)) / x.std(0)
folds = PredefinedSplit(np.arange(len(y)) % 5)
out = {"sklearn": sklearn.__version__}
for method in ["sigmoid", "isotonic"]:
    base = LogisticRegression(C=np.inf, tol=1e-13, max_iter=10000, solver="newton-cholesky")
    model = CalibratedClassifierCV(base, method=method, cv=folds, ensemble=False).fit(x, y)
    out[method] = model.predict_proba(x)[::16, 1].tolist()
    if method == "sigmoid":
        c = model.calibrated_classifiers_[0].calibrators[0]
        out["slope"], out["intercept"] = -float(c.a_), -float(c.b_)
print(json.dumps(out))
