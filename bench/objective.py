"""What every contender is judged by: one cost, in float64, on the decimals of the file.

f(w, b) = λ2/2 ‖w‖² + λ1 ‖w‖₁ + Σ log(1 + exp(-s (w·x + b))), s = ±1, without a penalty on b unless "penalised" says so. The gap is (f - f*)/f*.
Columns of tabular data: the numbers, standardised with mean and population deviation of the training rows, then a column for every level of
every column of levels, in the order of their bytes.
"""
import json, pathlib
import numpy as np
import scipy.sparse as sp


class Data:
    """The training rows of a set; what took long to parse is kept beside the files."""

    def __init__(self, folder, name):
        self.name, self.folder = name, pathlib.Path(folder)
        self.csv, self.svm = self.folder / f"{name}.train.csv", self.folder / f"{name}.train.svm"
        self.file = self.csv if self.csv.exists() else self.svm
        self.X = None

    def load(self):
        if self.X is not None:
            return self
        cache = self.folder / f"{self.name}.checker.npz"
        source = self.file.stat()
        stamp = f"{self.file.name} {source.st_size} {source.st_mtime_ns}"
        if cache.exists():
            with np.load(cache, allow_pickle=False) as c:
                if str(c["stamp"]) == stamp:
                    self.take({k: c[k] for k in c.files})
                    return self
        made = self.parse_csv() if self.file == self.csv else self.parse_svm()
        try:
            np.savez(cache, stamp=stamp, **made)
        except OSError as e:  # a folder that is only read
            print("the checker's data are not kept:", e)
        self.take(made)
        return self

    def take(self, made):
        self.y = made["y"]
        self.s = np.where(self.y > 0, 1.0, -1.0)
        self.mean, self.sd, self.columns = made.get("mean"), made.get("sd"), made.get("columns")
        if "X" in made:
            self.X = made["X"]
        else:
            self.X = sp.csr_matrix((made["data"], made["indices"], made["indptr"]), shape=tuple(made["shape"]))

    def parse_svm(self):
        from sklearn.datasets import load_svmlight_file
        X, y = load_svmlight_file(str(self.svm), dtype=np.float64, zero_based=False)
        y = (y > 0).astype(np.int8)
        if X.nnz > 0.5 * X.shape[0] * X.shape[1]:
            return {"y": y, "X": X.toarray()}
        return {"y": y, "data": X.data, "indices": X.indices, "indptr": X.indptr, "shape": np.array(X.shape)}

    def parse_csv(self):
        import pyarrow as pa, pyarrow.csv
        table = pyarrow.csv.read_csv(self.csv)
        y = table["label"].to_numpy()
        table = table.drop_columns("label")
        texts = [n for n in table.column_names if pa.types.is_string(table[n].type)]
        numbers = [n for n in table.column_names if n not in texts]
        N = np.stack([table[n].to_numpy().astype(float) for n in numbers], 1)
        if not texts:
            return {"y": y, "X": N, "columns": np.array(numbers)}
        mean, sd = N.mean(0), N.std(0)
        rows, names, indices, first = len(y), list(numbers), [], len(numbers)
        for n in texts:
            d = table[n].combine_chunks().dictionary_encode()
            levels = np.array([v.encode() for v in d.dictionary.to_pylist()])
            order = np.argsort(levels)
            place = np.empty(len(order), np.int64)
            place[order] = np.arange(len(order))
            indices.append(first + place[d.indices.to_numpy()])
            names += [f"{n}={levels[k].decode()}" for k in order]
            first += len(order)
        k = len(numbers)
        I = np.empty((rows, k + len(texts)), np.int32)
        V = np.ones_like(I, dtype=float)
        I[:, :k], V[:, :k] = np.arange(k), (N - mean) / sd
        I[:, k:] = np.stack(indices, 1)
        return {"y": y, "data": V.ravel(), "indices": I.ravel(), "indptr": np.arange(rows + 1) * I.shape[1], "shape": np.array([rows, first]),
                "mean": mean, "sd": sd, "columns": np.array(names)}

    def cost(self, w, b, l1=0.0, l2=1.0, penalised=False):
        w = np.zeros(self.X.shape[1]) + w
        z = self.s * (self.X @ w + b)
        loss = np.maximum(-z, 0) + np.log1p(np.exp(-np.abs(z)))
        return float(loss.sum() + l2 / 2 * (w @ w + (b * b if penalised else 0)) + l1 * np.abs(w).sum())

    def optimum(self, w, b, l2=1.0, penalised=True, steps=30):
        """The lowest cost from (w, b), by Newton steps with conjugate gradients, halved until the cost falls."""
        X, s = self.X, self.s
        w = np.array(w, float)
        diag = (X.multiply(X).T if sp.issparse(X) else (X ** 2).T)
        best = self.cost(w, b, 0, l2, penalised)
        for _ in range(steps):
            z = X @ w + b
            p = 1 / (1 + np.exp(s * z))
            c = p * (1 - p)
            gw, gb = l2 * w - X.T @ (s * p), (l2 * b if penalised else 0) - (s * p).sum()
            D, Db = np.asarray(diag @ c).ravel() + l2, c.sum() + (l2 if penalised else 0)

            def product(v, vb):
                q = c * (X @ v + vb)
                return X.T @ q + l2 * v, q.sum() + (l2 * vb if penalised else 0)
            d, db, r, rb = np.zeros_like(w), 0.0, -gw, -gb
            u, ub = r / D, rb / Db
            rho = first = r @ u + rb * ub
            t, tb = u, ub
            for _ in range(500):
                h, hb = product(t, tb)
                a = rho / (t @ h + tb * hb)
                d, db, r, rb = d + a * t, db + a * tb, r - a * h, rb - a * hb
                u, ub = r / D, rb / Db
                new = r @ u + rb * ub
                if new < 1e-10 * first:
                    break
                t, tb, rho = u + new / rho * t, ub + new / rho * tb, new
            step = 1.0
            while (f := self.cost(w + step * d, b + step * db, 0, l2, penalised)) >= best and step > 1e-6:
                step /= 2
            if f >= best:
                break
            fall, best, w, b = best - f, f, w + step * d, b + step * db
            if fall < 1e-13 * best:
                break
        return best


def of_descent(data, result):
    """w and b in the order and scale of data.X from the JSON of descent train."""
    estimate = {c["name"]: c["estimate"] for c in result["coefficients"]}
    b = estimate.pop("(intercept)")
    p = data.X.shape[1]
    w = np.zeros(p)
    if data.columns is None:
        for name, v in estimate.items():
            w[int(name[1:]) - 1] = v
        return w, b
    for j, name in enumerate(data.columns):
        w[j] = estimate[str(name)] if data.mean is None else estimate.get(str(name), 0.0)
    if data.mean is not None:
        k = len(data.mean)
        b += float(w[:k] @ data.mean)
        w[:k] *= data.sd
    return w, b
