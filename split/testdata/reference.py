"""Folds of scikit-learn's GroupKFold (groups of different sizes) and TimeSeriesSplit: python reference.py > reference.json"""
import json
import random

import numpy as np
import sklearn
from sklearn.model_selection import GroupKFold, TimeSeriesSplit

rng = random.Random(5)
out = {"sklearn": sklearn.__version__, "groups": [], "time": []}
for count, k in [(4, 2), (9, 3), (17, 5), (30, 7)]:
    sizes = rng.sample(range(1, 4 * count), count)  # no two alike
    group = [g for g, n in enumerate(sizes) for _ in range(n)]
    rng.shuffle(group)
    x = np.zeros((len(group), 1))
    fold = [0] * len(group)
    for j, (_, test) in enumerate(GroupKFold(k).split(x, groups=group)):
        for i in test:
            fold[i] = j
    out["groups"].append({"group": group, "folds": k, "fold": fold})
for m, k in [(7, 2), (20, 3), (101, 5), (64, 10)]:
    time = [v / 4 for v in rng.sample(range(1000), m)]
    order = np.argsort(time)
    fold = [-1] * m
    train = []
    for j, (before, test) in enumerate(TimeSeriesSplit(k).split(order)):
        train.append(len(before))
        for i in order[test]:
            fold[i] = j
    out["time"].append({"time": time, "folds": k, "fold": fold, "train": train})
print(json.dumps(out))
