package parquet

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"

	"github.com/andybalholm/brotli"
	"github.com/descent-ml/descent/dataset"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

// batchRows is how many cells are handed over at once.
const batchRows = 4096

// plainDictionary is the deprecated name of dictionary encoding, which older writers still use.
const plainDictionary format.Encoding = 2

// Cells reads a column of a row group page by page.
func (f *file) Cells(ctx context.Context, group, i int, text bool) iter.Seq2[dataset.Cells, error] {
	return func(yield func(dataset.Cells, error) bool) {
		c := &f.columns[i]
		if c.refused != "" {
			yield(dataset.Cells{}, errors.New(c.refused+": not read; leave it out"))
			return
		}
		g := &f.meta.RowGroups[group]
		p := &pages{f: f, c: c, meta: &g.Columns[c.leaf].MetaData, left: int(g.NumRows), text: text || c.value.number == nil}
		if p.left == 0 {
			return
		}
		if err := p.open(&g.Columns[c.leaf]); err != nil {
			yield(dataset.Cells{}, err)
			return
		}
		defer p.close()
		for p.left > 0 {
			if err := ctx.Err(); err != nil {
				yield(dataset.Cells{}, err)
				return
			}
			more, err := p.next()
			if err != nil {
				yield(dataset.Cells{}, err)
				return
			}
			if more && !p.give(yield) {
				return
			}
		}
	}
}

// pages reads the pages of a column chunk.
type pages struct {
	f    *file
	c    *column
	meta *format.ColumnMetaData
	at   int64 // in the file
	end  int64
	left int // rows of the group that are still to come
	text bool

	raw, plain []byte // of a page, compressed and not
	zstd       *zstd.Decoder

	dictionary  cells
	hasDict     bool
	dictNumbers []float64
	dictTexts   [][]byte

	// the page
	rows    int
	missing []bool // nil: none
	values  cells  // of the rows that are not missing
	index   []uint32
	indexed bool
}

// cells are stored values one after the other: of a fixed length, or from at[i] to at[i+1].
type cells struct {
	data   []byte
	stride int
	at     []uint32
	n      int
}

func (c *cells) get(i int) []byte {
	if c.stride > 0 {
		return c.data[i*c.stride : (i+1)*c.stride : (i+1)*c.stride]
	}
	return c.data[c.at[i]:c.at[i+1]:c.at[i+1]]
}

func (p *pages) open(chunk *format.ColumnChunk) error {
	m := p.meta
	switch {
	case chunk.CryptoMetadata.Value != nil || chunk.EncryptedColumnMetadata != nil:
		return errors.New("the column is encrypted")
	case chunk.FilePath != "":
		return errors.New("the column is in another file, which is not read")
	case m.Type != p.c.value.kind:
		return damaged(errors.New("a column chunk of another type than the schema says"))
	case m.NumValues != int64(p.left):
		return damaged(fmt.Errorf("a column chunk of %d values in %d rows", m.NumValues, p.left))
	}
	p.at = m.DataPageOffset
	if d := m.DictionaryPageOffset; d > 0 && d < p.at {
		p.at = d
	}
	p.end = p.at + m.TotalCompressedSize
	if p.at < 4 || m.TotalCompressedSize < 0 || p.end > p.f.size || p.end < p.at {
		return damaged(fmt.Errorf("a column chunk from %d to %d in %d bytes", p.at, p.end, p.f.size))
	}
	return nil
}

func (p *pages) close() {
	if p.zstd != nil {
		p.zstd.Close()
	}
}

// header reads a page's header, whose length is not known before.
func (p *pages) header() (*format.PageHeader, error) {
	for n := int64(512); ; n *= 8 {
		n = min(n, p.end-p.at)
		p.raw = grow(p.raw, int(n))
		if err := p.f.read(p.raw, p.at); err != nil {
			return nil, err
		}
		length, err := measure(p.raw)
		if err == errShort && p.at+n < p.end && n < headerBytes {
			continue
		}
		if err != nil {
			return nil, damaged(err)
		}
		h := &format.PageHeader{}
		if err := decode(p.raw[:length], h); err != nil {
			return nil, damaged(err)
		}
		p.at += int64(length)
		return h, nil
	}
}

func grow(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n, n+n/4)
	}
	return b[:n]
}

// next reads a page; false if it holds no rows.
func (p *pages) next() (rows bool, err error) {
	defer func() {
		if r := recover(); r != nil { // a decompressor that stumbled over damaged data
			rows, err = false, damaged(fmt.Errorf("a page cannot be decoded: %v", r))
		}
	}()
	if p.at >= p.end {
		return false, damaged(fmt.Errorf("%d rows are not there", p.left))
	}
	h, err := p.header()
	if err != nil {
		return false, err
	}
	size, plain := int64(h.CompressedPageSize), int64(h.UncompressedPageSize)
	if size < 0 || plain < 0 || size > p.end-p.at {
		return false, damaged(fmt.Errorf("a page of %d bytes, %d compressed, where %d are left", plain, size, p.end-p.at))
	}
	if plain > pageBytes+pageFactor*size {
		return false, fmt.Errorf("a page of %d bytes from %d, more than the limit", plain, size)
	}
	p.raw = grow(p.raw, int(size))
	if err := p.f.read(p.raw, p.at); err != nil {
		return false, err
	}
	p.at += size
	if h.CRC != 0 && uint32(h.CRC) != crc32.ChecksumIEEE(p.raw) {
		return false, damaged(errors.New("the checksum of a page does not match"))
	}
	var body []byte
	var encoding format.Encoding
	switch {
	case h.Type == format.DictionaryPage && h.DictionaryPageHeader.Valid:
		d := &h.DictionaryPageHeader.V
		if d.Encoding != format.Plain && d.Encoding != plainDictionary {
			return false, fmt.Errorf("a dictionary in the encoding %s is not read", d.Encoding)
		}
		if body, err = p.decompress(p.raw, int(plain), nil); err == nil {
			err = p.readDictionary(body, int(d.NumValues))
		}
		return false, damage(err)
	case h.Type == format.DataPage && h.DataPageHeader.Valid:
		d := &h.DataPageHeader.V
		if p.rows, encoding = int(d.NumValues), d.Encoding; p.rows < 0 || p.rows > p.left {
			return false, damaged(fmt.Errorf("a page of %d rows where %d are left", p.rows, p.left))
		}
		if body, err = p.decompress(p.raw, int(plain), p.plain); err != nil {
			return false, damage(err)
		}
		p.plain = body
		p.missing = nil
		if p.c.optional {
			if d.DefinitionLevelEncoding != format.RLE {
				return false, fmt.Errorf("missing values in the encoding %s are not read", d.DefinitionLevelEncoding)
			}
			if len(body) < 4 {
				return false, damaged(errCut)
			}
			n := binary.LittleEndian.Uint32(body)
			if body = body[4:]; int64(n) > int64(len(body)) {
				return false, damaged(errCut)
			}
			if err := p.levels(body[:n]); err != nil {
				return false, damage(err)
			}
			body = body[n:]
		}
	case h.Type == format.DataPageV2 && h.DataPageHeaderV2.Valid:
		d := &h.DataPageHeaderV2.V
		if p.rows, encoding = int(d.NumValues), d.Encoding; p.rows < 0 || p.rows > p.left {
			return false, damaged(fmt.Errorf("a page of %d rows where %d are left", p.rows, p.left))
		}
		levels := int(d.DefinitionLevelsByteLength)
		if d.RepetitionLevelsByteLength != 0 || levels < 0 || levels > len(p.raw) || levels > int(plain) {
			return false, damaged(errCut)
		}
		p.missing = nil
		if p.c.optional {
			if err := p.levels(p.raw[:levels]); err != nil {
				return false, damage(err)
			}
		}
		if body = p.raw[levels:]; !d.IsCompressed.Valid || d.IsCompressed.V {
			if body, err = p.decompress(body, int(plain)-levels, p.plain); err != nil {
				return false, damage(err)
			}
			p.plain = body
		}
	case h.Type == format.IndexPage:
		return false, nil
	default:
		return false, damaged(fmt.Errorf("a page of the type %s", h.Type))
	}
	present := p.rows
	for _, m := range p.missing {
		if m {
			present--
		}
	}
	return p.rows > 0, damage(p.decode(body, encoding, present))
}

var errCut = errors.New("a page is cut off")

func damage(err error) error {
	if err == nil {
		return nil
	}
	var no unsupported
	if errors.As(err, &no) {
		return err
	}
	return damaged(err)
}

// unsupported is what a sound file may hold and is not read.
type unsupported string

func (e unsupported) Error() string { return string(e) }

// decompress gives exactly n bytes; it uses the memory of to.
func (p *pages) decompress(b []byte, n int, to []byte) ([]byte, error) {
	if p.meta.Codec == format.Uncompressed {
		if len(b) != n {
			return nil, fmt.Errorf("a page of %d bytes, not %d", len(b), n)
		}
		return append(to[:0], b...), nil
	}
	if n == 0 {
		return to[:0], nil
	}
	to = grow(to, n)
	var r io.Reader
	switch p.meta.Codec {
	case format.Snappy:
		if d, err := snappy.DecodedLen(b); err != nil || d != n {
			return nil, errors.New("a page is not Snappy data of its length")
		}
		return snappy.Decode(to, b)
	case format.Lz4Raw:
		if d, err := lz4.UncompressBlock(b, to); err != nil || d != n {
			return nil, errors.New("a page is not LZ4 data of its length")
		}
		return to, nil
	case format.Gzip:
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		r = z
	case format.Zstd:
		if p.zstd == nil {
			z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20), zstd.WithDecoderLowmem(true))
			if err != nil {
				return nil, err
			}
			p.zstd = z
		}
		if err := p.zstd.Reset(bytes.NewReader(b)); err != nil {
			return nil, err
		}
		r = p.zstd
	case format.Brotli:
		r = brotli.NewReader(bytes.NewReader(b))
	default:
		return nil, unsupported(fmt.Sprintf("compression with %s is not read", p.meta.Codec))
	}
	if _, err := io.ReadFull(r, to); err != nil {
		return nil, fmt.Errorf("a page cannot be decompressed: %w", err)
	}
	return to, nil
}

// levels finds the rows that are missing: those of definition level 0.
func (p *pages) levels(b []byte) error {
	if cap(p.index) < p.rows {
		p.index = make([]uint32, p.rows)
	}
	level := p.index[:p.rows]
	if err := hybrid(level, b, 1); err != nil {
		return err
	}
	missing := make([]bool, p.rows)
	any := false
	for i, l := range level {
		if l == 0 {
			missing[i], any = true, true
		}
	}
	if any {
		p.missing = missing
	}
	return nil
}

// readDictionary reads the values that later pages name by their position. It lives as long as the pages: body is its own.
func (p *pages) readDictionary(body []byte, n int) error {
	if n < 0 || n > len(body) && p.c.value.stride != 0 || p.hasDict {
		return fmt.Errorf("a dictionary of %d values in %d bytes", n, len(body))
	}
	var err error
	if p.dictionary, err = p.plainCells(body, n); err != nil {
		return err
	}
	p.hasDict = true
	if p.text {
		p.dictTexts = make([][]byte, n)
		for i := range p.dictTexts {
			if p.dictTexts[i], err = p.textOf(nil, p.dictionary.get(i)); err != nil {
				return err
			}
		}
		return nil
	}
	p.dictNumbers = make([]float64, n)
	for i := range p.dictNumbers {
		p.dictNumbers[i] = p.c.value.number(p.dictionary.get(i))
	}
	return nil
}

// textOf is the text of a stored value, appended to "to" where it has to be made.
func (p *pages) textOf(to, raw []byte) ([]byte, error) {
	if len(raw) > cellBytes {
		return nil, unsupported(fmt.Sprintf("a text of %d bytes, longer than the limit of %d", len(raw), cellBytes))
	}
	if p.c.value.text == nil {
		return raw, nil
	}
	return p.c.value.text(to, raw), nil
}

// decode reads the values of a page.
func (p *pages) decode(b []byte, encoding format.Encoding, n int) (err error) {
	v := &p.c.value
	p.indexed = false
	switch encoding {
	case format.Plain:
		p.values, err = p.plainCells(b, n)
		return err
	case format.RLEDictionary, plainDictionary:
		p.indexed = true
		if n == 0 {
			return nil
		}
		if !p.hasDict {
			return errors.New("a page without its dictionary")
		}
		if len(b) == 0 || b[0] > 32 {
			return errCut
		}
		if cap(p.index) < n {
			p.index = make([]uint32, n)
		}
		p.index = p.index[:n]
		if err := hybrid(p.index, b[1:], uint(b[0])); err != nil {
			return err
		}
		for _, i := range p.index {
			if int(i) >= p.dictionary.n {
				return fmt.Errorf("value %d of a dictionary of %d", i, p.dictionary.n)
			}
		}
		return nil
	case format.RLE:
		if v.kind != format.Boolean || len(b) < 4 {
			break
		}
		bits := make([]uint32, n)
		if err := hybrid(bits, b[4:], 1); err != nil {
			return err
		}
		data := make([]byte, n)
		for i, bit := range bits {
			data[i] = byte(bit)
		}
		p.values = cells{data: data, stride: 1, n: n}
		return nil
	case format.ByteStreamSplit:
		if v.stride == 0 || v.kind == format.Boolean || v.kind == format.Int96 {
			break
		}
		if len(b) < n*v.stride {
			return errCut
		}
		data := make([]byte, n*v.stride)
		for k := range v.stride {
			for i, one := range b[k*n : (k+1)*n] {
				data[i*v.stride+k] = one
			}
		}
		p.values = cells{data: data, stride: v.stride, n: n}
		return nil
	case format.DeltaBinaryPacked:
		if v.kind != format.Int32 && v.kind != format.Int64 {
			break
		}
		numbers, _, err := deltas(b, n)
		if err != nil {
			return err
		}
		data := make([]byte, 0, n*v.stride)
		for _, k := range numbers {
			if data = binary.LittleEndian.AppendUint64(data, uint64(k)); v.stride == 4 {
				data = data[:len(data)-4]
			}
		}
		p.values = cells{data: data, stride: v.stride, n: n}
		return nil
	case format.DeltaLengthByteArray:
		if v.kind != format.ByteArray {
			break
		}
		lengths, rest, err := deltas(b, n)
		if err != nil {
			return err
		}
		p.values, err = byLength(rest, lengths)
		return err
	case format.DeltaByteArray:
		if v.kind != format.ByteArray && v.kind != format.FixedLenByteArray {
			break
		}
		p.values, err = p.prefixed(b, n)
		return err
	}
	return unsupported(fmt.Sprintf("the encoding %s of %s is not read", encoding, v.kind))
}

// plainCells reads n values as they are.
func (p *pages) plainCells(b []byte, n int) (cells, error) {
	v := &p.c.value
	switch {
	case v.kind == format.Boolean:
		if len(b) < (n+7)/8 {
			return cells{}, errCut
		}
		data := make([]byte, n)
		for i := range data {
			data[i] = b[i/8] >> (i & 7) & 1
		}
		return cells{data: data, stride: 1, n: n}, nil
	case v.stride > 0:
		if n > len(b)/v.stride {
			return cells{}, errCut
		}
		return cells{data: b, stride: v.stride, n: n}, nil
	}
	// Each value stands after its length; at holds where they begin, and the length of the next is skipped by moving the values together.
	if n > len(b)/4 {
		return cells{}, errCut
	}
	at := make([]uint32, n+1)
	from, to := 0, 0
	for i := range n {
		if len(b)-from < 4 {
			return cells{}, errCut
		}
		length := int64(binary.LittleEndian.Uint32(b[from:]))
		if from += 4; length > int64(len(b)-from) {
			return cells{}, errCut
		}
		to += copy(b[to:], b[from:from+int(length)])
		from += int(length)
		at[i+1] = uint32(to)
	}
	return cells{data: b, at: at, n: n}, nil
}

// byLength cuts b into values of these lengths.
func byLength(b []byte, lengths []int64) (cells, error) {
	at := make([]uint32, len(lengths)+1)
	for i, n := range lengths {
		if n < 0 || n > int64(len(b))-int64(at[i]) {
			return cells{}, errCut
		}
		at[i+1] = at[i] + uint32(n)
	}
	return cells{data: b, at: at, n: len(lengths)}, nil
}

// prefixed reads values that share their beginnings with the one before.
func (p *pages) prefixed(b []byte, n int) (cells, error) {
	prefix, rest, err := deltas(b, n)
	if err != nil {
		return cells{}, err
	}
	suffix, rest, err := deltas(rest, n)
	if err != nil {
		return cells{}, err
	}
	total, before := int64(0), int64(0)
	for i := range n {
		if prefix[i] < 0 || prefix[i] > before || suffix[i] < 0 || suffix[i] > int64(len(rest)) {
			return cells{}, errCut
		}
		before = prefix[i] + suffix[i]
		total += before
	}
	if most := int64(pageBytes + pageFactor*len(b)); total > most {
		return cells{}, unsupported(fmt.Sprintf("a page whose texts take %d bytes, more than the limit of %d", total, most))
	}
	c := cells{data: make([]byte, 0, total), at: make([]uint32, n+1), n: n}
	for i := range n {
		if int(suffix[i]) > len(rest) {
			return cells{}, errCut
		}
		if i > 0 {
			c.data = append(c.data, c.data[c.at[i-1]:int64(c.at[i-1])+prefix[i]]...)
		}
		c.data = append(c.data, rest[:suffix[i]]...)
		rest = rest[suffix[i]:]
		c.at[i+1] = uint32(len(c.data))
	}
	if s := p.c.value.stride; s > 0 {
		if len(c.data) != n*s {
			return cells{}, errCut
		}
		c.stride = s
	}
	return c, nil
}

// give hands the page over in batches; false if no more is wanted.
func (p *pages) give(yield func(dataset.Cells, error) bool) bool {
	var numbers []float64
	var texts [][]byte
	var made []byte // texts of a batch that have to be made
	size := min(batchRows, p.rows)
	if p.text {
		texts = make([][]byte, size)
	} else {
		numbers = make([]float64, size)
	}
	k := 0 // value
	for from := 0; from < p.rows; from += batchRows {
		n := min(batchRows, p.rows-from)
		var missing []bool
		if p.missing != nil {
			missing = p.missing[from : from+n]
		}
		made = made[:0]
		for i := range n {
			if missing != nil && missing[i] {
				continue
			}
			switch {
			case p.text && p.indexed:
				texts[i] = p.dictTexts[p.index[k]]
			case p.indexed:
				numbers[i] = p.dictNumbers[p.index[k]]
			case p.text:
				begin := len(made)
				t, err := p.textOf(made, p.values.get(k))
				if err != nil {
					yield(dataset.Cells{}, err)
					return false
				}
				if texts[i] = t; p.c.value.text != nil {
					made, texts[i] = t, t[begin:]
				}
			default:
				numbers[i] = p.c.value.number(p.values.get(k))
			}
			k++
		}
		batch := dataset.Cells{Missing: missing}
		if p.text {
			batch.Texts = texts[:n]
		} else {
			batch.Numbers = numbers[:n]
		}
		p.left -= n
		if !yield(batch, nil) {
			return false
		}
	}
	return true
}
