package sample

import "bytes"

// maxDepth is how deep brackets may be in each other. No sample needs three, and the JSON library takes memory for
// each, up to 10,000.
const maxDepth = 100

// tooDeep is at which byte of a text that becomes too much.
type tooDeep int64

func (tooDeep) Error() string { return "nested too deep" }

// checkDepth returns tooDeep for a text that is not for the JSON library.
func checkDepth(text []byte) error {
	if bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) <= maxDepth {
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
			if depth++; depth > maxDepth {
				return tooDeep(i)
			}
		case ']', '}':
			depth--
		}
	}
	return nil
}
