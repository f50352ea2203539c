// Package dataset reads files of examples into typed columns and remembers where every row came from.
//
// It reads CSV, TSV, semicolons and pipes with a header, JSON Lines and LIBSVM, plain or compressed with gzip or zstd;
// all of that is found from the content. A path, a glob of many files with equal headers, or standard input is one [Table]:
//
//	t, err := dataset.Open(ctx, "train-*.csv.gz", dataset.Options{Target: "passed"})
//	if err != nil {
//		return err // train-2.csv.gz:17:3: column "age": "abc" is not a number
//	}
//	for _, c := range t.Columns {
//		fmt.Println(c.Name, c.Type, c.Missing)
//	}
//
// A [Scanner] reads the same formats one record at a time in bounded memory.
//
// # Rules
//
// A column is numeric when at least half of its cells that are not missing are numbers; its other cells are errors at
// their place. Numbers are plain decimals ([ParseNumber]): no inf, nan, hexadecimal, underscores or thousands separators.
// Texts that mean missing ([DefaultNA]) are kept as missing and counted ([Column.NA]); nothing is dropped or filled in here.
// One pair of true/false, t/f, yes/no, y/n in any case is a boolean column; everything else is a column of levels.
// Lines are physical lines and the first is 1: quoted line breaks, blank lines, CR LF and CR are counted as an editor counts them.
//
// The package does not know models: which label is positive, what happens to a missing value and how levels become
// inputs is decided by its users.
package dataset
