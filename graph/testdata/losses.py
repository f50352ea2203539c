#!/usr/bin/env python3
"""Writes losses.tsv: loss, z, y, L, dz to 20 digits, from 520-digit arithmetic.

Each loss is written as its author wrote it; dz is the exact derivative, also written by hand here.
probit uses mpmath 1.3 (mpmath.org), everything else the standard library.
Run: python3 losses.py > losses.tsv
"""
from decimal import Decimal as D, getcontext

import mpmath as mp

getcontext().prec = 520
mp.mp.dps = 60
getcontext().Emin = -10**9
getcontext().Emax = 10**9


def sig(z):
    return 1 / (1 + (-z).exp())


def logloss(z, y):
    a = sig(z)
    return -(y * a.ln() + (1 - y) * (1 - a).ln()), a - y


def smoothed(z, y):
    t = D("0.9") * y + D("0.05")
    return logloss(z, t)


def weighted(z, y):
    a = sig(z)
    L = -(3 * y * a.ln() + D("0.5") * (1 - y) * (1 - a).ln())
    return L, -3 * y * (1 - a) + D("0.5") * (1 - y) * a


def focal(k):
    def f(z, y):
        a = sig(z)
        p, q = (1 - a) ** k, a ** k
        L = -(y * p * a.ln() + (1 - y) * q * (1 - a).ln())
        dp, dq = -k * (1 - a) ** k * a, k * a ** k * (1 - a)
        return L, -(y * (dp * a.ln() + p * (1 - a)) + (1 - y) * (dq * (1 - a).ln() - q * a))
    return f


def squared(z, y):
    a = sig(z)
    return (a - y) ** 2 / 2, (a - y) * a * (1 - a)


def hinge(z, y):
    t = 1 - (2 * y - 1) * z
    return max(D(0), t), (1 - 2 * y) if t > 0 else D(0)


def liblinear(z, y):
    s = 2 * y - 1
    return (1 + (-s * z).exp()).ln(), -s * sig(-s * z)


def exponential(z, y):
    s = 2 * y - 1
    return (-s * z).exp(), -s * (-s * z).exp()


def probit(z, y):
    z, y = mp.mpf(str(z)), mp.mpf(str(y))

    def log_cdf(u):
        return mp.log1p(-mp.ncdf(-u)) if u > 0 else mp.log(mp.ncdf(u))

    def hazard(u):
        return mp.npdf(u) / mp.ncdf(u)
    L = -(y * log_cdf(z) + (1 - y) * log_cdf(-z))
    dz = -(y * hazard(z) - (1 - y) * hazard(-z))
    return D(mp.nstr(L, 40)), D(mp.nstr(dz, 40))


print("# loss\tz\ty\tL\tdz")
for name, f in [("log loss", logloss), ("smoothed", smoothed), ("weighted", weighted), ("focal", focal(D(2))),
                ("focal 1.5", focal(D("1.5"))), ("squared", squared), ("hinge", hinge), ("LIBLINEAR", liblinear),
                ("exp", exponential), ("probit", probit)]:
    for z in ["0", "0.3", "-0.3", "5", "-5", "20", "-20", "40", "-40", "1000", "-1000"]:
        for y in ["0", "1", "0.3"]:
            # the exact values of the float64 numbers the tests use
            L, dz = f(D(float(z)), D(float(y)))
            print(name, z, y, format(L, ".20e"), format(dz, ".20e"), sep="\t")
