package scan

import "bytes"

// MaxDepth is how deep brackets may be in each other. No sample needs three, and the JSON library takes memory for
// each, up to 10,000.
const MaxDepth = 100

// TooDeep is at which byte of a text that becomes too much.
type TooDeep int64

func (TooDeep) Error() string { return "nested too deep" }

// CheckDepth returns TooDeep for a text that is not for the JSON library.
func CheckDepth(text []byte) error {
	if bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) <= MaxDepth {
		return nil
	}
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			if i = stringEnd(text, i) - 1; i < 0 {
				return nil // the library says where
			}
		case '[', '{':
			if depth++; depth > MaxDepth {
				return TooDeep(i)
			}
		case ']', '}':
			depth--
		}
	}
	return nil
}
