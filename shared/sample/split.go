package sample

import "piway/shared/sample/scan"

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

// fewElements is how many there mostly are at most: a few samples, or those that stay on the LAN.
const fewElements = 8

// splitArray splits the array that begins at open, where a bracket stands. It notes the ends of most elements, and
// counts the others. It reports false when the array has no end.
func splitArray(text []byte, open, most int) (a array, ok bool) {
	a.open = open
	for at := open + 1; ; at = a.shut + 1 {
		a.shut = scan.ValueEnd(text, at)
		if a.shut < 0 {
			return a, false
		}
		last := text[a.shut] != ','
		if last && a.n == 0 && scan.Blank(text[at:a.shut]) {
			return a, text[a.shut] == ']' // it is empty
		}
		if a.ends == nil {
			a.ends = make([]int, 0, min(most, fewElements))
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
	switch string(scan.Plain(key)) {
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
	at := scan.Space(text, 0) + 1
	if shut := scan.Space(text, at); ends(text, shut) {
		return found, true
	}
	for {
		key, value := scan.MemberAt(text, scan.Space(text, at))
		if value < 0 {
			return found, false
		}
		from := value
		if i := arrayOf(key); i >= 0 && scan.Stands(text, value, '[') {
			again := found[i].shut > 0
			if found[i], ok = splitArray(text, value, most); !ok || again {
				return found, false
			}
			from = found[i].shut + 1
		}
		at = scan.ValueEnd(text, from)
		if !scan.Stands(text, at, ',') {
			return found, ends(text, at)
		}
		at++
	}
}

// ends reports whether an object ends at i, and the text with it.
func ends(text []byte, i int) bool { return scan.Stands(text, i, '}') && scan.Blank(text[i+1:]) }

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
	if f[inSamples].shut+f[inLocal].shut > 0 {
		kept = make([]byte, 0, len(text)-(f[inSamples].shut-f[inSamples].open)-(f[inLocal].shut-f[inLocal].open)+arraysFound)
	}
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
