package dataset

import "io"

// Type is what a column holds.
type Type uint8

const (
	Numeric Type = iota // Column.Numbers
	Levels              // Column.Codes into Column.Levels
	Boolean             // Column.Codes: 0 is the false side of the pair, 1 the true side; Column.Levels holds both, in lower case
)

func (t Type) String() string {
	switch t {
	case Numeric:
		return "numeric"
	case Levels:
		return "levels"
	case Boolean:
		return "boolean"
	}
	return "unknown"
}

// Formats that Options.Format may name. Compression is always found from the content.
const (
	CSV       = "csv"       // commas
	TSV       = "tsv"       // tabs
	Semicolon = "semicolon" // ;
	Pipe      = "pipe"      // |
	LIBSVM    = "libsvm"    // label index:value …
	JSONL     = "jsonl"     // one JSON object a line
)

// Options says how data is read. The zero value finds everything from the content.
type Options struct {
	Format   string   // one of the formats above, or the name of one in Formats; "" finds it from the content
	Formats  []Format // what can be read besides, such as parquet.Format
	NoHeader bool     // the first line is data; columns are x1, x2, …
	NA       []string // texts that mean missing, in any case; nil is DefaultNA; the empty cell always does

	Types  map[string]Type        // forced types by column name; a name that is not there is an error
	Target string                 // the label's column: read as Levels with its texts as they stand, must exist. LIBSVM: what the label is called
	Use    func(name string) bool // nil: all columns. A column not used is not typed, gives no errors and is not in Table.Columns; the target always is. A Scanner of typed columns leaves them Absent

	// Memory bounds the bytes that cells take: further ones go to a scratch file in the system's directory for temporary files, which Table.Close
	// gives back. The table is the same, but that a column of irregular numbers and other texts may have to be given a type. What stays in memory
	// besides: the target, the levels, some 50 bytes for every block of a column, LIBSVM's entries. 0 is no bound.
	Memory   int64
	Entries  int64                   // of LIBSVM, which stay in memory: more are an error; 0 is no bound
	Threads  int                     // that read at once; 0: as many as there are processors. The table is the same with any number
	Stdin    io.Reader               // what "-" reads; nil is os.Stdin
	Progress func(read, total int64) // called now and then with bytes of the (compressed) input; total is 0 when unknown
}
