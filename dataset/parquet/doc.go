// Package parquet reads Parquet files for package dataset:
//
//	t, err := dataset.Open(ctx, "train.parquet", dataset.Options{Formats: []dataset.Format{parquet.Format}})
//
// A file becomes the table that the CSV of its content becomes. Integers, floating-point numbers and decimals are numbers: an integer beyond 2^53
// and a decimal round to the nearest float64, as their texts would; a float32 keeps its own value, which is not always that of its shortest
// decimal. NaN is the text NaN, which means missing by default; an infinite value is an error at its row. Booleans are the texts true and false, strings
// (dictionaries, too) stay as they are and are typed as texts in a CSV are, dates and times are texts such as
//
//	2024-02-29    23:59:00.5    2024-02-29 23:59:00.5    2024-02-29 23:59:00+00:00
//
// the last of a time that is said to be UTC. Null is missing. A nested or repeated column, bytes that are no text and intervals are an error that names the column, if it
// is in use. Lines do not exist: what is said of line N is said of row N, counted from 1. Places are therefore one less than in the CSV with its header.
//
// Files are untrusted. Footer and page headers are looked over before they are decoded (github.com/parquet-go/parquet-go has their types), and
// pages are decoded here, with the number of values that the row group has as the limit of every step, because run lengths and compression let a few
// bytes claim gigabytes. A table may take 256 MiB and 1024 times the file's size, a page 64 MiB and 64 times its own.
package parquet
