"""The data sets of bench/run, made from a seed: each pattern is that of a well-known set, none of them is copied.

  tiny         32,561 x 123      one-hot groups, as in a9a                                   LIBSVM
  dense_small  1,000,000 x 28    correlated, skewed, unequal scales, as in HIGGS             LIBSVM, CSV
  dense_wide   50,000 x 2000     a few common factors, rows of length 1, as in epsilon       LIBSVM
  sparse       200,000 x 47,000  word weights, about 75 a row, as in rcv1                    LIBSVM
  tabular      2,000,000 x 18    10 numbers and 8 columns of levels, 7 % positive            CSV
  k10          1,000,000 x 28    ten overlapping classes                                     CSV

NAME.train.FORMAT and NAME.test.FORMAT. The label is the column "label", 0 or 1 in CSV, -1 or +1 in LIBSVM. What counts are the decimals in the file.
"""
import pathlib
import numpy as np

SEED = 7_001
ROWS = {"tiny": (32_561, 16_281), "dense_small": (1_000_000, 200_000), "dense_wide": (50_000, 10_000), "sparse": (200_000, 50_000), "tabular": (2_000_000, 500_000), "k10": (1_000_000, 100_000)}
LEVELS = (2, 5, 12, 40, 150, 700, 3_000, 10_000)
FORMATS = {"tiny": ("svm",), "dense_small": ("csv", "svm"), "dense_wide": ("svm",), "sparse": ("svm",), "tabular": ("csv",), "k10": ("csv",)}


def generator(name):
    return np.random.default_rng([SEED, sorted(ROWS).index(name)])


def labels(r, z, rate=0.5):
    """0 and 1 with log-odds z, moved so that about this share is 1."""
    return (r.random(len(z)) < 1 / (1 + np.exp(-(z - np.quantile(z, 1 - rate))))).astype(np.int8)


def dense_small(r, rows):
    x = 0.6 * r.standard_normal((rows, 28)) + 0.45 * r.standard_normal((rows, 8)) @ (r.standard_normal((8, 28)) * 0.9 ** np.arange(8)[:, None])
    x[:, ::4] = np.exp(x[:, ::4] / 2)
    x[:, 2::7] = 1.7 * np.tanh(x[:, 2::7])
    for j in (9, 13, 17):
        x[:, j] = np.select([x[:, j] > 0.9, x[:, j] > 0], [2.5, 1.1], 0)
    x *= np.exp(r.uniform(-0.7, 1.4, 28))
    sd = x.std(0)
    z = x @ (0.22 * r.standard_normal(28) / sd) + x ** 2 @ (0.02 * r.standard_normal(28) / sd ** 2) + 0.5 * r.standard_normal(rows)
    return x, labels(r, z)


def dense_wide(r, rows):
    factors = r.standard_normal((60, 2000), dtype=np.float32) / np.sqrt(np.arange(1, 61, dtype=np.float32))[:, None]
    x = r.standard_normal((rows, 2000), dtype=np.float32) + np.float32(0.8) * (r.standard_normal((rows, 60), dtype=np.float32) @ factors)
    x = (x - x.mean(0)) / x.std(0)
    x /= np.sqrt((x ** 2).sum(1))[:, None]
    z = (x @ (r.standard_normal(2000) * (r.random(2000) < 0.3)).astype(np.float32)).astype(float)
    return x, labels(r, 2.6 * z / z.std() + 0.8 * r.standard_normal(rows))


def sparse(r, rows):
    words, topics = 47_000, 40
    common = np.cumsum(1 / (np.arange(words) + 12) ** 1.02)
    special = np.cumsum(1 / (np.arange(4_000) + 4) ** 0.9)
    place = r.permutation(words)
    of_topic = np.stack([r.permutation(words)[:4_000] for _ in range(topics)])
    length = np.clip(np.rint(np.exp(r.normal(4.24, 0.55, rows))), 8, 900).astype(np.int64)
    topic = r.integers(0, topics, rows)
    row = np.repeat(np.arange(rows), length)
    word = np.searchsorted(common, r.random(len(row)) * common[-1]).clip(0, words - 1)
    special_one = r.random(len(row)) < 0.45
    word[special_one] = of_topic[topic[row[special_one]], np.searchsorted(special, r.random(special_one.sum()) * special[-1]).clip(0, 3_999)]
    key, times = np.unique(row * words + place[word], return_counts=True)
    row, word = key // words, key % words
    value = (1 + np.log(times)) * np.log(rows / np.bincount(word, minlength=words)[word])
    value /= np.sqrt(np.bincount(row, value ** 2, rows))[row]
    z = np.bincount(row, value * (r.standard_normal(words) * np.where(r.random(words) < 0.2, 3, 0.4))[word], rows)
    z += 1.6 * r.standard_normal(topics)[topic] + 0.5 * r.standard_normal(rows)
    return (row, word, value), labels(r, 2 * z, 0.53)


def tiny(r, rows):
    sizes = (5, 8, 16, 5, 16, 7, 14, 6, 5, 2, 5, 5, 5, 24)
    z, row, column, first = np.zeros(rows), [], [], 0
    for k in sizes:
        share = 1 / (1 + np.arange(k)) ** 0.9
        level = np.searchsorted(np.cumsum(share / share.sum()), r.random(rows)).clip(0, k - 1)
        z += 0.8 * r.standard_normal(k)[level]
        there = np.flatnonzero(r.random(rows) > 0.01)
        row.append(there)
        column.append(first + level[there])
        first += k
    row, column = np.concatenate(row), np.concatenate(column)
    order = np.lexsort((column, row))
    return (row[order], column[order], np.ones(len(row))), labels(r, 1.4 * z, 0.3)


def tabular(r, rows):
    base = r.standard_normal(rows)
    normal = r.standard_normal
    numbers = [np.round(0.8 * base + 0.6 * normal(rows), 4), np.round(3 * normal(rows) + 10, 4), np.round(base / 2 + normal(rows), 4),
               np.round(np.exp(0.7 * normal(rows) + 1), 3), np.round(np.exp(0.4 * base + 0.6 * normal(rows) + 3), 2), np.round(np.exp(normal(rows) + 2), 2),
               r.poisson(3, rows), r.geometric(0.08, rows), r.integers(0, 24, rows), np.where(r.random(rows) < 0.7, 0, np.round(r.exponential(20, rows), 1))]
    z = sum(0.25 * normal() * (x - x.mean()) / x.std() for x in numbers)
    codes, texts = [], []
    for c, k in enumerate(LEVELS):
        share = 1 / (np.arange(k) + 2) ** (0.3 if k < 10 else 1.05)
        codes.append(np.searchsorted(np.cumsum(share / share.sum()), r.random(rows)).clip(0, k - 1))
        texts.append(np.array([f"{'abcdefgh'[c]}{v:07x}" for v in r.permutation(1 << 24)[:k]]))
        z = z + (normal(k) * (0.55 if k > 100 else 0.35))[codes[-1]]
    z += 0.6 * normal(rows)
    z -= np.median(z) + 3.25
    return (numbers, codes, texts), (r.random(rows) < 1 / (1 + np.exp(-z))).astype(np.int8)


def k10(r, rows):
    x = np.round(r.standard_normal((rows, 28)), 6)
    z = x @ (0.5 * r.standard_normal((28, 10))) + 0.5 * r.standard_normal(10)
    return x, (z + r.gumbel(size=z.shape)).argmax(1)


def write_csv(path, header, columns, formats, rows):
    with open(path, "w", buffering=1 << 20) as f:
        f.write(",".join(header) + "\n")
        line = ",".join(formats) + "\n"
        for i in range(0, rows, 50_000):
            f.write("".join([line % row for row in zip(*[c[i:i + 50_000].tolist() for c in columns])]))


def write_dense_svm(path, x, y):
    line = "%s" + "".join(f" {j + 1}:%.6g" for j in range(x.shape[1])) + "\n"
    step = max(1, 2_000_000 // x.shape[1])
    with open(path, "w", buffering=1 << 20) as f:
        for i in range(0, len(y), step):
            f.write("".join([line % (("-1", "+1")[k], *row) for k, row in zip(y[i:i + step].tolist(), x[i:i + step].tolist())]))


def write_sparse_svm(path, row, column, value, y, first):
    begin = np.searchsorted(row, np.arange(first, first + len(y) + 1))
    with open(path, "w", buffering=1 << 20) as f:
        for i in range(len(y)):
            a, b = begin[i], begin[i + 1]
            f.write(("-1", "+1")[y[i]] + "".join([" %d:%.6g" % p for p in zip((column[a:b] + 1).tolist(), value[a:b].tolist())]) + "\n")


def make(name, folder, share=1.0, rows=None):
    """Writes the files of a set; share makes fewer rows of it, rows are the training rows."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    train, test = (max(500, int(n * share)) for n in ROWS[name])
    if rows:
        train, test = rows, 1_000
    x, y = globals()[name](generator(name), train + test)
    for split, a, b in (("train", 0, train), ("test", train, train + test)):
        for form in FORMATS[name]:
            path = folder / f"{name}.{split}.{form}"
            part = path.with_suffix(".part")
            if name == "tabular":
                numbers, codes, texts = x
                write_csv(part, ["label"] + [f"n{i + 1}" for i in range(len(numbers))] + [f"c{i + 1}" for i in range(len(codes))],
                          [y[a:b]] + [n[a:b] for n in numbers] + [t[c[a:b]] for t, c in zip(texts, codes)], ["%d"] + ["%.7g"] * len(numbers) + ["%s"] * len(codes), b - a)
            elif form == "csv":
                number = "%.7g" if name == "k10" else "%.6g"
                write_csv(part, ["label"] + [f"f{j + 1}" for j in range(x.shape[1])], [y[a:b]] + [x[a:b, j] for j in range(x.shape[1])], ["%d"] + [number] * x.shape[1], b - a)
            elif isinstance(x, tuple):
                inside = (x[0] >= a) & (x[0] < b)
                write_sparse_svm(part, x[0][inside], x[1][inside], x[2][inside], y[a:b], a)
            else:
                write_dense_svm(part, x[a:b], y[a:b])
            part.rename(path)
