"""One contender from the file to its weights, as one process of the peers' Python: peer.py '{"peer": …, "file": …, "out": …, …}'.

Prints the seconds of its parts as JSON and writes w and b to "out": import, read (to the arrays that the fit takes), fit. The objective is that of
objective.py; "C" of scikit-learn and snapml is 1/λ, "alpha" of glum, skglm and glmnet λ over the rows.
"""
import json, sys, time

begin = time.perf_counter()
o = json.loads(sys.argv[1])
import numpy as np

marks = {}


def mark(name, since):
    marks[name] = marks.get(name, 0) + time.perf_counter() - since
    return time.perf_counter()


dtype = np.dtype(o.get("dtype", "float64"))


# Readers: a file to (X, y), or for tabular data to (names, columns, y). The column of LIBSVM's index 0, which the files do not use, is cut off.

def polars_csv(path):
    import polars as pl
    frame = pl.read_csv(path)
    y = frame["label"].to_numpy()
    return frame.drop("label").cast(pl.Float32 if dtype == np.float32 else pl.Float64).to_numpy(order="c"), y


def pandas_csv(path):
    import pandas as pd
    frame = pd.read_csv(path, engine="pyarrow")
    y = frame.pop("label").to_numpy()
    return frame.to_numpy(dtype), y


def pyarrow_csv(path):
    import pyarrow.csv
    table = pyarrow.csv.read_csv(path)
    y = table["label"].to_numpy()
    table = table.drop_columns("label")
    return np.column_stack([table[n].to_numpy().astype(dtype) for n in table.column_names]), y


def xgboost_svm(path, dense=False):
    import xgboost as xgb
    m = xgb.DMatrix(path + "?format=libsvm")
    X = m.get_data()[:, 1:]
    return (X.toarray() if dense else X.tocsr()).astype(dtype, copy=False), (m.get_label() > 0).astype(int)


def sklearn_svm(path):
    from sklearn.datasets import load_svmlight_file
    X, y = load_svmlight_file(path, dtype=dtype, zero_based=False)
    return X, (y > 0).astype(int)


def pyarrow_table(path):
    import pyarrow as pa, pyarrow.csv
    texts = pyarrow.csv.ConvertOptions(auto_dict_encode=True, auto_dict_max_cardinality=1 << 20)
    table = pyarrow.csv.read_csv(path, convert_options=texts).unify_dictionaries()
    y = table["label"].to_numpy()
    table = table.drop_columns("label")
    numbers = [n for n in table.column_names if not pa.types.is_dictionary(table[n].type)]
    N = np.column_stack([table[n].to_numpy().astype(float) for n in numbers])
    N = ((N - N.mean(0)) / N.std(0)).astype(dtype)
    columns = []
    for n in table.column_names:
        if n in numbers:
            continue
        d = table[n].combine_chunks()
        if hasattr(d, "chunks"):
            d = d.chunk(0)
        levels = np.array([v.encode() for v in d.dictionary.to_pylist()])
        order = np.argsort(levels)
        place = np.empty(len(order), np.int32)
        place[order] = np.arange(len(order))
        columns.append((place[d.indices.to_numpy()], len(order)))
    return N, columns, y


def one_hot(N, columns):
    import scipy.sparse as sp
    rows, k = N.shape
    I = np.empty((rows, k + len(columns)), np.int32)
    V = np.ones(I.shape, dtype)
    I[:, :k], V[:, :k] = np.arange(k), N
    first = k
    for j, (codes, n) in enumerate(columns):
        I[:, k + j] = first + codes
        first += n
    return sp.csr_matrix((V.ravel(), I.ravel(), np.arange(rows + 1) * I.shape[1]), shape=(rows, first))


READERS = {"polars": polars_csv, "pandas": pandas_csv, "pyarrow": pyarrow_csv, "xgboost": xgboost_svm, "svmlight": sklearn_svm}


# Peers: (X, y) to (w, b).

def sklearn(X, y):
    from sklearn.linear_model import LogisticRegression
    m = LogisticRegression(C=1 / o["l2"], solver=o["solver"], tol=o["tol"], max_iter=o.get("iterations", 10_000))
    since = time.perf_counter()
    m.fit(X, y)
    mark("fit", since)
    marks["iterations"] = int(np.max(m.n_iter_))
    if len(m.classes_) > 2:
        return m.coef_.astype(float), m.intercept_.astype(float)
    return m.coef_[0].astype(float), float(m.intercept_[0])


def snapml(X, y):
    import snapml
    m = snapml.LogisticRegression(fit_intercept=True, regularizer=o["l2"], dual=True, n_jobs=o["threads"], tol=o["tol"], max_iter=o.get("iterations", 1000))
    since = time.perf_counter()
    m.fit(X, np.where(y > 0, 1, -1).astype(np.float32))
    mark("fit", since)
    return np.ravel(m.coef_).astype(float), float(np.ravel(m.intercept_)[0])


def glum(X, y):
    import glum
    m = glum.GeneralizedLinearRegressor(family="binomial", l1_ratio=0, alpha=o["l2"] / len(y), solver=o["solver"], gradient_tol=o.get("tol"),
                                        max_iter=o.get("iterations", 1000), fit_intercept=True, copy_X=False)
    since = time.perf_counter()
    m.fit(X, y.astype(dtype))
    mark("fit", since)
    marks["iterations"] = int(m.n_iter_)
    return m.coef_.astype(float), float(m.intercept_)


def skglm(X, y):
    from skglm import SparseLogisticRegression
    columns = (lambda X: X.tocsc()) if hasattr(X, "tocsc") else np.asfortranarray
    since = time.perf_counter()
    small = np.arange(64)
    SparseLogisticRegression(alpha=0.1, fit_intercept=True, max_iter=2).fit(columns(X[small]), np.where(small % 2, 1, -1))  # compiles
    since = mark("compile", since)
    m = SparseLogisticRegression(alpha=o["l1"] / len(y), fit_intercept=True, tol=o["tol"], max_iter=o.get("iterations", 200), max_epochs=1000)
    m.fit(columns(X), np.where(y > 0, 1, -1))
    mark("fit", since)
    return np.ravel(m.coef_), float(np.ravel(m.intercept_)[0])


def celer(X, y):
    from celer import LogisticRegression
    m = LogisticRegression(C=1 / o["l1"], tol=o["tol"], fit_intercept=False, max_iter=o.get("iterations", 200))
    since = time.perf_counter()
    m.fit(X.tocsc() if hasattr(X, "tocsc") else np.asfortranarray(X), np.where(y > 0, 1, -1))
    mark("fit", since)
    return np.ravel(m.coef_), 0.0


def statsmodels(X, y):
    import statsmodels.api as sm
    m = sm.Logit(y, sm.add_constant(X))
    since = time.perf_counter()
    r = m.fit(method="newton", tol=o["tol"], disp=0)
    r.bse
    mark("fit", since)
    return r.params[1:], float(r.params[0])


def reading():
    """Each reader alone: the first call, with its imports, is not counted."""
    path, kind = o["file"], o["reader"]
    if kind == "polars":
        import polars as pl
        read = lambda: pl.read_csv(path)
    elif kind == "pandas":
        import pandas as pd
        read = lambda: pd.read_csv(path, engine="pyarrow")
    elif kind == "pyarrow":
        import pyarrow.csv
        read = lambda: pyarrow.csv.read_csv(path)
    elif kind == "duckdb":
        import duckdb
        read = lambda: duckdb.sql(f"select * from read_csv('{path}')").to_arrow_table()
    elif kind == "xgboost":
        import xgboost as xgb
        read = lambda: xgb.DMatrix(path + "?format=libsvm").get_data()
    else:
        read = lambda: sklearn_svm(path)
    read()
    seconds = []
    for _ in range(o["repeat"]):
        since = time.perf_counter()
        table = read()
        seconds.append(time.perf_counter() - since)
        del table
    print(json.dumps({"seconds": seconds}))


def online():
    """Vowpal Wabbit's one pass over a text of its own format, and its log loss on another."""
    from vowpalwabbit import Workspace
    since = mark("import", begin)
    vw = Workspace(f"-d {o['file']} --loss_function logistic -b {o['bits']} -f {o['out']} --quiet", enable_logging=False)
    vw.finish()
    mark("fit", since)
    print(json.dumps(marks))


def main():
    peer = o["peer"]
    if peer == "read":
        return reading()
    if peer == "vw":
        return online()
    since = begin
    # What a user imports before he reads.
    for module in {"sklearn": ["sklearn.linear_model"], "snapml": ["snapml"], "glum": ["glum"], "skglm": ["skglm"], "celer": ["celer"], "statsmodels": ["statsmodels.api"]}[peer]:
        __import__(module)
    for module in {"polars": ["polars"], "pandas": ["pandas"], "pyarrow": ["pyarrow.csv"], "table": ["pyarrow.csv"], "xgboost": ["xgboost"], "svmlight": []}[o["reader"]]:
        __import__(module)
    since = mark("import", since)
    if o["reader"] == "table":
        N, columns, y = pyarrow_table(o["file"])
        if peer == "glum":
            import tabmat
            X = tabmat.SplitMatrix([tabmat.DenseMatrix(N)] + [tabmat.CategoricalMatrix(codes, list(range(n)), dtype=dtype) for codes, n in columns])
        else:
            X = one_hot(N, columns)
    else:
        X, y = READERS[o["reader"]](o["file"], **({"dense": True} if o.get("dense") else {}))
    mark("read", since)
    w, b = globals()[peer](X, y)
    np.savez(o["out"], w=w, b=b)
    print(json.dumps(marks))


main()
