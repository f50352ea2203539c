"""Recalibration by scikit-learn and statsmodels: python reference.py > reference.json

platt: slope and intercept of sklearn.calibration._sigmoid_calibration (whose sign is the other, and whose optimiser stops early), and of statsmodels' binomial GLM of Platt's
targets with frequency weights, to many digits. isotonic: IsotonicRegression(out_of_bounds="clip") at the z given, before values are kept within Platt's targets.
"""
import json

import numpy as np
import sklearn
import statsmodels
import statsmodels.api as sm
from sklearn.calibration import _sigmoid_calibration
from sklearn.isotonic import IsotonicRegression

rng = np.random.default_rng(11)
out = {"sklearn": sklearn.__version__, "statsmodels": statsmodels.__version__, "cases": []}
for name, m, digits, weighted, flat in [
    ("plain", 60, 4, False, 1.0), ("ties", 200, 0, False, 0.6), ("weights", 150, 1, True, 1.7), ("separated", 30, 4, False, 40.0), ("many", 800, 2, True, 0.4),
]:
    z = np.round(rng.normal(0, 2, m), digits)
    y = (rng.uniform(size=m) < 1 / (1 + np.exp(-flat * (z + 0.3)))).astype(float)
    s = rng.integers(0, 4, m).astype(float) if weighted else np.ones(m)
    n1, n0 = s[y == 1].sum(), s[y == 0].sum()
    a, b = _sigmoid_calibration(z, y, s)
    t = np.where(y == 1, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))
    fit = sm.GLM(t, sm.add_constant(z), family=sm.families.Binomial(), freq_weights=s).fit(tol=1e-15, maxiter=200)
    iso = IsotonicRegression(out_of_bounds="clip").fit(z, y, sample_weight=s)
    at = np.concatenate([np.linspace(-9, 9, 73), z[:20]])
    out["cases"].append({
        "name": name, "z": z.tolist(), "y": y.tolist(), "s": s.tolist() if weighted else None,
        "sklearn_slope": -float(a), "sklearn_intercept": -float(b), "slope": float(fit.params[1]), "intercept": float(fit.params[0]),
        "low": 1 / (n0 + 2), "high": (n1 + 1) / (n1 + 2), "at": at.tolist(), "isotonic": iso.predict(at).tolist(),
    })
print(json.dumps(out))
