# Robust and clustered errors of more than two classes by statsmodels, on ../multinomial/anes96.csv: class, term, hc0, clustered by educ.
#   python3 multinomial.py > multinomial.tsv
import os
import numpy as np
import pandas as pd
import statsmodels
import statsmodels.api as sm

here = os.path.dirname(os.path.abspath(__file__))
d = pd.read_csv(os.path.join(here, "../multinomial/anes96.csv"))
names = ["logpopul", "selfLR", "age", "income"]
X = sm.add_constant(d[names].astype(float))
print(f"# statsmodels {statsmodels.__version__}, numpy {np.__version__}")
fits = [sm.MNLogit(d["PID"], X).fit(method="newton", maxiter=100, tol=1e-14, disp=0, **o)
        for o in ({"cov_type": "HC0"}, {"cov_type": "cluster", "cov_kwds": {"groups": d["educ"]}})]
for k in range(6):
    for j, name in enumerate(["(intercept)"] + names):
        print(k + 1, name, *(repr(float(np.array(f.bse)[j, k])) for f in fits), sep="\t")
