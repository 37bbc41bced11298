package sample

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// The JSON library cannot go on behind what is no JSON, such as a bare NaN. So an array is split first, and each
// element decoded alone.
//
// The split knows strings and brackets, and judges nothing: brackets are counted and not told apart, so that one of the
// wrong kind spoils its own element and no other. It reads each byte once and keeps nothing but where elements end.

// An array is where one stands in a text, and what it holds.
type array struct {
	// open and shut are where its brackets stand.
	open, shut int
	// n counts the elements, which are what stands between commas. ends says where the first of them end.
	n    int
	ends []int
}

// splitArray splits the array that begins at open, where a bracket stands. It notes the ends of most elements, and
// counts the others. It reports false when the array has no end.
func splitArray(text []byte, open, most int) (a array, ok bool) {
	a.open = open
	for at := open + 1; ; at = a.shut + 1 {
		a.shut = valueEnd(text, at)
		if a.shut < 0 {
			return a, false
		}
		last := text[a.shut] != ','
		if last && a.n == 0 && blank(text[at:a.shut]) {
			return a, text[a.shut] == ']' // it is empty
		}
		if a.n++; a.n <= most {
			a.ends = append(a.ends, a.shut)
		}
		if last {
			return a, text[a.shut] == ']'
		}
	}
}

// The members of a report whose elements are decoded one by one.
const (
	inSamples = iota
	inLocal
	arraysFound
)

// arrays are those members of an object.
type arrays [arraysFound]array

// arrayOf returns which of them has this key, -1 if none.
func arrayOf(key []byte) int {
	switch string(plain(key)) {
	case "samples":
		return inSamples
	case "local":
		return inLocal
	default:
		return -1
	}
}

// splitObject finds these arrays in a text that is one object. Each is the zero array where the member is absent or
// something else. It reports false when the text is no object, by its strings and brackets, or has one of them twice.
func splitObject(text []byte, most int) (found arrays, ok bool) {
	at := space(text, 0) + 1
	if shut := space(text, at); ends(text, shut) {
		return found, true
	}
	for {
		key, value := memberAt(text, space(text, at))
		if value < 0 {
			return found, false
		}
		from := value
		if i := arrayOf(key); i >= 0 && stands(text, value, '[') {
			again := found[i].shut > 0
			if found[i], ok = splitArray(text, value, most); !ok || again {
				return found, false
			}
			from = found[i].shut + 1
		}
		at = valueEnd(text, from)
		if !stands(text, at, ',') {
			return found, ends(text, at)
		}
		at++
	}
}

// stands reports whether the character stands at i.
func stands(text []byte, i int, c byte) bool { return 0 <= i && i < len(text) && text[i] == c }

// ends reports whether an object ends at i, and the text with it.
func ends(text []byte, i int) bool { return stands(text, i, '}') && blank(text[i+1:]) }

// memberAt reads the key of the member that begins at i and says where its value begins, or -1 if there is none.
func memberAt(text []byte, i int) (key []byte, value int) {
	end := stringEnd(text, i)
	if end < 0 {
		return nil, -1
	}
	colon := space(text, end)
	if !stands(text, colon, ':') {
		return nil, -1
	}
	return text[i:end], space(text, colon+1)
}

// valueEnd is where the comma or the bracket stands that ends what begins at i, or -1 if there is none.
func valueEnd(text []byte, i int) int {
	depth := 0
	for i < len(text) {
		switch text[i] {
		case '"':
			if i = stringEnd(text, i); i < 0 {
				return -1
			}
			continue
		case '[', '{':
			depth++
		case ']', '}':
			if depth == 0 {
				return i
			}
			depth--
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return -1
}

// stringEnd is behind the string that begins at i, or -1 if none does, or it has no end.
func stringEnd(text []byte, i int) int {
	if !stands(text, i, '"') {
		return -1
	}
	for i++; i < len(text); i++ {
		switch text[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return -1
}

// plain is what a string says, however that is written; nil where it is not sound.
func plain(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	text, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil {
		return nil
	}
	return text
}

// space is where the white space that begins at i ends.
func space(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\n' || text[i] == '\t' || text[i] == '\r') {
		i++
	}
	return i
}

func blank(text []byte) bool { return space(text, 0) == len(text) }

// inOrder returns them as they stand in the text, those that are not there first.
func (f *arrays) inOrder() arrays {
	if f[inSamples].open > f[inLocal].open {
		return arrays{f[inLocal], f[inSamples]}
	}
	return *f
}

// without returns the text with nothing between the arrays' brackets; the text itself if there is no array.
func (f *arrays) without(text []byte) []byte {
	var kept []byte
	at := 0
	for _, a := range f.inOrder() {
		if a.shut == 0 {
			continue
		}
		kept = append(kept, text[at:a.open+1]...)
		at = a.shut
	}
	if at == 0 {
		return text
	}
	return append(kept, text[at:]...)
}

// offset turns a place in what without returned into one in the text.
func (f *arrays) offset(of int64) int64 {
	for _, a := range f.inOrder() {
		if a.shut > 0 && of > int64(a.open) {
			of += int64(a.shut - a.open - 1)
		}
	}
	return of
}
