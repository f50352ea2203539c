#!/usr/bin/env python3
"""Draws iris_like.csv (fixed seed) and writes multinomial.json: what R's VGAM and nnet, and statsmodels say of multinomial logits.

    apt-get install r-base-core r-cran-nnet r-cran-vgam; pip install numpy pandas statsmodels; python3 multinomial.py

iris itself has no maximum likelihood (setosa is apart), so iris_like.csv holds rows drawn about the means of the three species, with twenty-five
times their covariances (Fisher 1936), and whole weights. ucla_admissions (testdata/) tells rank (1 to 4) from the other columns. VGAM is Newton's method
and so exact; nnet is a quasi-Newton method, stopped near the optimum; both are asked for the smallest tolerance. nnet's columns are divided by
their standard deviation and its answers multiplied back, since it drops small eigenvalues of the Hessian. statsmodels takes no weights.
The tests in infer/ read the JSON and the CSV files only.
"""
import json, pathlib, subprocess, warnings
import numpy as np, pandas as pd, statsmodels, statsmodels.api as sm

here = pathlib.Path(__file__).parent
iris = pd.read_csv(here / "../../testdata/iris/iris.csv")
names = list(iris.columns[:4])
rng = np.random.default_rng(20240611)
rows = []
for species, group in iris.groupby("species"):
    x = group[names].to_numpy()
    drawn = rng.multivariate_normal(x.mean(0), 25 * np.cov(x.T), 80)
    rows += [[*np.round(v, 2), species, int(w)] for v, w in zip(drawn, rng.integers(1, 4, len(drawn)))]
pd.DataFrame(rows, columns=[*names, "species", "count"]).to_csv(here / "iris_like.csv", index=False)

SETS = [
    ("ucla_admissions", "../../testdata/ucla_admissions/binary.csv", "rank", ["admit", "gre", "gpa"], None, None),
    ("iris_like", "iris_like.csv", "species", names, None, None),
    ("iris_like, weighted", "iris_like.csv", "species", names, "count", None),
    ("iris_like, weighted, virginica as the reference", "iris_like.csv", "species", names, "count", "virginica"),
]
out = []
for name, path, label, columns, weight, reference in SETS:
    r = subprocess.run(["Rscript", "multinomial.R", path, label, ",".join(columns), weight or "", reference or ""],
                       cwd=here, check=True, capture_output=True, text=True)
    case = dict(name=name, path=path, label=label, columns=columns, weight=weight, **json.loads(r.stdout))
    case["statsmodels"] = None
    if weight is None:
        d = pd.read_csv(here / path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            f = sm.MNLogit(d[label].astype("category"), sm.add_constant(d[columns])).fit(method="newton", tol=1e-15, maxiter=100, disp=0)
        case["statsmodels"] = dict(
            software=f"statsmodels {statsmodels.__version__}",
            estimate=f.params.T.to_numpy().tolist(), std_error=f.bse.T.to_numpy().tolist(),
            z=f.tvalues.T.to_numpy().tolist(), p=f.pvalues.T.to_numpy().tolist(),
            low=[f.conf_int()["lower"].unstack().loc[g, f.params.index].tolist() for g in f.conf_int().index.levels[0]],
            high=[f.conf_int()["upper"].unstack().loc[g, f.params.index].tolist() for g in f.conf_int().index.levels[0]],
            log_likelihood=f.llf, null_log_likelihood=f.llnull, lr=f.llr, lr_p=f.llr_pvalue, lr_df=int(f.df_model),
            df_residual=int(f.df_resid), aic=f.aic, bic=f.bic, mcfadden=f.prsquared, parameters=int(f.params.size))
    out.append(case)
(here / "multinomial.json").write_text(json.dumps(out, indent=1) + "\n")
