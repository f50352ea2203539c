#!/usr/bin/env python3
"""Makes dataset/parquet/testdata: one table in every way that pyarrow writes Parquet, and the same content as CSV.

    pip install pyarrow
    bench/parquet_files.py
"""
import datetime, decimal, pathlib, random
import pyarrow as pa, pyarrow.csv, pyarrow.parquet as pq

out = pathlib.Path(__file__).resolve().parent.parent / "dataset" / "parquet" / "testdata"
out.mkdir(parents=True, exist_ok=True)
r = random.Random(1)
rows = 600


def some(make, share=0.1):
    """Values, a tenth of them null."""
    return [None if r.random() < share else make() for _ in range(rows)]


plain = pa.table({
    "y": pa.array([r.randrange(2) for _ in range(rows)], pa.int64()),
    "double": pa.array(some(lambda: round(r.gauss(0, 3), 4)), pa.float64()),
    "whole": pa.array([r.randrange(-5, 300) for _ in range(rows)], pa.int32()),
    "small": pa.array(some(lambda: r.randrange(-100, 100)), pa.int8()),
    "unsigned": pa.array(some(lambda: r.randrange(1 << 32)), pa.uint32()),
    "large": pa.array(some(lambda: r.randrange(-1 << 62, 1 << 62)), pa.int64()),
    "flag": pa.array(some(lambda: r.random() < 0.3), pa.bool_()),
    "city": pa.array(some(lambda: r.choice(["Kraków", "Oslo", "Ålesund", "Rio, BR", 'say "hi"'])), pa.string()),
    "code": pa.array([f"item-{r.randrange(40):03d}" for _ in range(rows)], pa.string()),
    "money": pa.array(some(lambda: decimal.Decimal(r.randrange(-99999, 99999)).scaleb(-2)), pa.decimal128(9, 2)),
})
pa.csv.write_csv(plain, out / "plain.csv")

ways = {
    "plain": {},
    "v2": {"data_page_version": "2.0"},
    "old": {"version": "1.0", "compression": "gzip"},
    "zstd": {"compression": "zstd", "row_group_size": 250},
    "brotli": {"compression": "brotli"},
    "lz4": {"compression": "lz4"},
    "none": {"compression": "none", "data_page_version": "2.0", "use_dictionary": False},
    "delta": {"use_dictionary": False, "column_encoding": {
        "y": "DELTA_BINARY_PACKED", "whole": "DELTA_BINARY_PACKED", "large": "DELTA_BINARY_PACKED", "unsigned": "DELTA_BINARY_PACKED",
        "double": "BYTE_STREAM_SPLIT", "city": "DELTA_LENGTH_BYTE_ARRAY", "code": "DELTA_BYTE_ARRAY", "flag": "RLE"}},
    "pages": {"data_page_size": 512, "write_batch_size": 64, "write_page_checksum": True, "row_group_size": 400},
    "decimals": {"store_decimal_as_integer": True},
}
for name, how in ways.items():
    pq.write_table(plain, out / f"{name}.parquet", **how)
pq.write_table(plain.set_column(7, "city", plain["city"].dictionary_encode()), out / "dictionary.parquet")

day = datetime.datetime(2020, 2, 28, 23, 59, 58)
stamps = [None if r.random() < 0.1 else day + datetime.timedelta(seconds=37 * i) for i in range(40)]
times = pa.table({
    "y": pa.array([i % 2 for i in range(40)]),
    "day": pa.array([None if s is None else s.date() for s in stamps], pa.date32()),
    "second": pa.array(stamps, pa.timestamp("s")),
    "milli": pa.array(stamps, pa.timestamp("ms")),
    "micro": pa.array(stamps, pa.timestamp("us")),
    "nano": pa.array(stamps, pa.timestamp("ns")),
    "zone": pa.array(stamps, pa.timestamp("ms", tz="UTC")),
    "clock": pa.array([None if s is None else s.time() for s in stamps], pa.time32("ms")),
    "half": pa.array([i / 4 - 3 for i in range(40)], pa.float16()),
    "single": pa.array([i / 10 for i in range(40)], pa.float32()),
    "empty": pa.nulls(40),
})
pq.write_table(times, out / "times.parquet")
pq.write_table(times.select(["y", "micro"]), out / "int96.parquet", use_deprecated_int96_timestamps=True)
pq.write_table(pa.table({
    "y": pa.array([0, 1]), "x": pa.array([1.5, float("inf")]), "n": pa.array([float("nan"), 2.0]),
    "list": pa.array([[1, 2], [3]]), "struct": pa.array([{"a": 1}, {"a": 2}]), "bytes": pa.array([b"ab", b"cd"], pa.binary(2)),
}), out / "refused.parquet")
pq.write_table(pa.table({"y": pa.array([], pa.int64()), "x": pa.array([], pa.float64())}), out / "rows0.parquet")
