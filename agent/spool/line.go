package spool

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"piway/shared/sample"
)

// A file holds a line for each reading: eight hexadecimal digits of CRC-32C, a space, and the report's JSON.
// Lines of one run and seq that follow each other are one report. To look inside: cut -c10- FILE | jq .

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const (
	sumLen  = 8
	prefix  = sumLen + 1
	maxLine = 1 << 20 // of a line that is read; ours are some hundred bytes
)

// encodeLine returns the line of a report.
func encodeLine(r sample.Report) ([]byte, error) {
	text, err := r.JSON()
	if err != nil {
		return nil, err
	}
	sum := crc32.Checksum(text, castagnoli)
	line := make([]byte, 0, prefix+len(text)+1)
	line = fmt.Appendf(line, "%08x ", sum)
	line = append(line, text...)
	return append(line, '\n'), nil
}

var errDamaged = errors.New("its checksum does not fit")

// decodeLine reads a line without its end.
func decodeLine(line []byte) (sample.Report, error) {
	var sum [sumLen / 2]byte
	if len(line) < prefix || line[sumLen] != ' ' {
		return sample.Report{}, errDamaged
	}
	if _, err := hex.Decode(sum[:], line[:sumLen]); err != nil {
		return sample.Report{}, errDamaged
	}
	text := line[prefix:]
	if got := crc32.Checksum(text, castagnoli); got != uint32(sum[0])<<24|uint32(sum[1])<<16|uint32(sum[2])<<8|uint32(
		sum[3]) {
		return sample.Report{}, errDamaged
	}
	m, err := sample.Decode(text)
	if err != nil {
		return sample.Report{}, err
	}
	return m.Report, nil
}

// readLines returns the reports in a file, and how many lines are damaged. A last line without an end was being written
// when the power went: it is no damage, but not a line either. The error is one of reading.
func readLines(from io.Reader) (reports []sample.Report, damaged int, err error) {
	in := bufio.NewReaderSize(from, 64<<10)
	for {
		line, whole, err := nextLine(in)
		if err != nil {
			return reports, damaged, err
		}
		if !whole {
			return reports, damaged, nil
		}
		r, err := decodeLine(line)
		if err != nil {
			damaged++
			continue
		}
		if n := len(reports); n > 0 && sameReport(&reports[n-1], &r) {
			join(&reports[n-1], &r)
			continue
		}
		reports = append(reports, r)
	}
}

// nextLine returns a line without its end; one that is too long is cut off, which spoils its checksum. whole is false
// at the end of the file.
func nextLine(in *bufio.Reader) (line []byte, whole bool, err error) {
	var long []byte
	for {
		part, err := in.ReadSlice('\n')
		switch {
		case err == nil:
			part = bytes.TrimSuffix(part, []byte("\n"))
			if long == nil {
				return part, true, nil
			}
			return append(long, part...), true, nil
		case errors.Is(err, bufio.ErrBufferFull):
			if len(long) < maxLine {
				long = append(long, part...)
			}
		case errors.Is(err, io.EOF):
			return nil, false, nil
		default:
			return nil, false, err
		}
	}
}
